"""Server: processes, connections and their bounds, on uvicorn."""
