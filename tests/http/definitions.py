"""Definitions of tables, as all suites write them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from support.bot import Bot
from support.definitions import TYPED, TYPED_COLUMNS, column, index, table

__all__ = ["TYPED", "TYPED_COLUMNS", "AllAtOnce", "Made", "column", "index", "table"]

AllAtOnce = Callable[[Sequence[dict[str, Any]]], Bot]
"""Gives an app that may do everything with such tables, which one request makes."""

Made = Callable[..., Bot]
"""Gives an app that may do everything with tables of these definitions, which are empty."""
