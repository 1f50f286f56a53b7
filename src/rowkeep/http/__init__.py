"""HTTP: reads requests and writes responses; the rules are in the services."""
