"""PostgreSQL: one database with a schema for the catalog and one for each workspace."""
