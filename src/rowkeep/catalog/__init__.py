"""Catalog: definitions and grants of workspaces, compiled once and cached at one version."""
