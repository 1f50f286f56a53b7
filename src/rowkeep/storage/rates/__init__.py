"""Where rate limits count requests: in memory, in the catalog, or in Redis."""
