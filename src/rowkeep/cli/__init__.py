"""The command line: the server, the demo, and the management API from a shell."""
