"""Definitions of tables, in few words."""

from __future__ import annotations

from typing import Any


def column(name: str, kind: str = "string", **rest: Any) -> dict[str, Any]:
    """One row of ``schemaDef``; ``rest`` are its other members as the contract names them."""
    return {"name": name, "type": kind, **rest}


def index(name: str, *columns: str, unique: bool = False) -> dict[str, Any]:
    """An index over columns; a name with ``-`` before it is sorted descending."""
    parts = [{"name": c.removeprefix("-"), "order": "desc" if c.startswith("-") else "asc"} for c in columns]
    return {"name": name, "isUnique": unique, "columns": parts}


def table(name: str, *columns: dict[str, Any], indexes: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """A whole definition."""
    return {"name": name, "schemaDef": list(columns), "indexes": list(indexes)}


TYPED = table(
    "typed",
    column("Label"),
    column("Text"),
    column("Num", "number"),
    column("Whole", "integer"),
    column("Flag", "boolean"),
    column("Moment", "date"),
)
"""One column of each type, and ``Label`` to tell rows apart by."""

TYPED_COLUMNS = ("Label", "Text", "Num", "Whole", "Flag", "Moment")
