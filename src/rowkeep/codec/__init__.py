"""Codec: JSON bodies and rows, decoded and encoded by their types."""
