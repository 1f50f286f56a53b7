"""Catalog: what is known of workspaces, compiled once and cached for one version."""
