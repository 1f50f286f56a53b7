"""Management API: its endpoints, defined as rows of tables, and the handler that serves them."""
