"""Webhooks: their definitions, and the delivery of changes to their receivers."""
