"""SQLite: a directory with one file for the catalog and one for each workspace."""
