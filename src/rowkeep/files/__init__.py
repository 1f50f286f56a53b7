"""Files: reads and writes files of rows, and imports them in requests that can be sent again."""
