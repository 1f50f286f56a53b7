"""Real parts to test against: PostgreSQL, Rowkeep in its own process, workspaces and apps."""
