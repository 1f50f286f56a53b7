"""The order of rows: by the sort asked for, ties by ``_id``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oracle.columns import find_column, type_of
from oracle.filters import Record
from oracle.values import comparable


def sort_key(cell: Any) -> tuple[bool, Any]:
    """Empty cells are least of all; strings go by code point, false before true."""
    return (cell is not None, 0 if cell is None else cell)


def in_order(rows: list[Record], sort: list[dict[str, str]], own: Mapping[str, str]) -> list[Record]:
    """``rows`` in the order that ``sort`` asks for."""
    ordered = sorted(rows, key=lambda row: str(row["_id"]))
    for each in reversed(sort):
        column = find_column(each["field"], own)
        descending = each.get("order") == "desc"
        cells = {row["_id"]: comparable(type_of(column, own), row[column]) for row in rows}
        ordered.sort(key=lambda row, cells=cells: sort_key(cells[row["_id"]]), reverse=descending)  # type: ignore[misc]
    return ordered
