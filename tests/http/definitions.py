"""Definitions of tables, as all suites write them."""

from __future__ import annotations

from collections.abc import Callable

from support.bot import Bot
from support.definitions import TYPED, TYPED_COLUMNS, column, index, table

__all__ = ["TYPED", "TYPED_COLUMNS", "Made", "column", "index", "table"]

Made = Callable[..., Bot]
"""Gives an app that may do everything with tables of these definitions, which are empty."""
