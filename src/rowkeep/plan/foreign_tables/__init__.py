"""Foreign tables: the definitions for tables that are copied from another database, and what does not map."""
