"""Plans of views: a definition is checked against its tables and becomes a relation for queries."""
