"""CLI: the commands of ``rowkeep``, for the server, the demo, the management API, and rows."""
