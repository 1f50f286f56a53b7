"""The management API: its endpoints as rows of tables, and the handler that serves them."""
