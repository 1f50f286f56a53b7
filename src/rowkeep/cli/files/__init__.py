"""Files: rows and definitions from files and into files."""
