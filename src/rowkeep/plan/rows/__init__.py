"""Plans of requests for rows: select, insert, update and delete."""
