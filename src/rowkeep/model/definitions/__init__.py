"""Definitions: the JSON documents that define tables, views and whole workspaces, read and written."""
