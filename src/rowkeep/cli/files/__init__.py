"""Files: import and export of rows and definitions."""
