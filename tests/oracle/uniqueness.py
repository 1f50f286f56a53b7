"""Unique indexes: which rows may not stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oracle.filters import Record, compared


def key_of(row: Record, index: dict[str, Any]) -> tuple[Any, ...] | None:
    """What must be unique of a row; None if any of its cells is empty, for then it conflicts with none."""
    cells = tuple(row[column["name"]] for column in index["columns"])
    return None if None in cells else cells


def is_violated(rows: list[Record], indexes: list[dict[str, Any]], own: Mapping[str, str]) -> bool:
    """Whether two of the rows have the same key in one of the unique indexes; ``own``: name → type."""
    told = [compared(row, own) for row in rows]
    for index in indexes:
        keys = [key for row in told if (key := key_of(row, index)) is not None]
        if index.get("isUnique") and len(set(keys)) < len(keys):
            return True
    return False
