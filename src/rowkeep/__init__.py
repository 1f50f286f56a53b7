"""Rowkeep: self-hosted data tables for assistants, bots, process apps and agents."""

from importlib.metadata import version

__version__ = version("rowkeep")
