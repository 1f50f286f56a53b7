"""Errors: what an error is made of (``base``), and every error that there is (``catalogue``)."""
