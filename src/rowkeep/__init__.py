"""Rowkeep: self-hosted data tables for assistants, bots, process apps and agents."""

__version__ = "0.2.0"
