"""Benchmarks: Rowkeep compared with the bare engine and a bare ASGI app. Run `python -m benchmarks`."""
