"""Server: processes, connections and their limits, based on uvicorn."""
