"""What Rowkeep reaches beside the bare engine and a bare ASGI app: `python -m benchmarks`."""
