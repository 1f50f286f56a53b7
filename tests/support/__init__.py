"""Support: real PostgreSQL and Rowkeep processes, workspaces and apps for tests."""
