"""Rows from streams of bytes: NDJSON and CSV of any size, read in blocks of whole rows."""
