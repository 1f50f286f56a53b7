"""Undo: what becomes of a row whose recorded changes are undone. Pure."""
