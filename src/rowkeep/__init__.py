"""Rowkeep: a self-hosted data-table API for chatbots, assistants and AI agents."""

__version__ = "0.9.4"
