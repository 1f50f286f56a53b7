"""Plans of views: a definition, checked against the tables that it names, becomes a relation to read."""
