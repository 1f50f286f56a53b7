"""Copies: whole tables from other databases, and workspaces from other stores."""
