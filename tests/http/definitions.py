"""Definitions of tables, as all suites write them."""

from __future__ import annotations

from support.definitions import TYPED, TYPED_COLUMNS, column, index, table

__all__ = ["TYPED", "TYPED_COLUMNS", "column", "index", "table"]
