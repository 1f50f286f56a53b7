"""Cases: values and requests with what becomes of each, for unit tests and for tests over HTTP."""
