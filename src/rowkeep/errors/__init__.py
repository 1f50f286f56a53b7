"""Errors: their parts (``base``) and all error classes (``catalogue``)."""
