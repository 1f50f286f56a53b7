"""Definitions: short functions for the definitions of tables."""

from __future__ import annotations

from typing import Any


def column(name: str, kind: str = "string", **rest: Any) -> dict[str, Any]:
    """One element of ``schemaDef``; ``rest`` are its other members, with their names in the API."""
    return {"name": name, "type": kind, **rest}


def index(name: str, *columns: str, unique: bool = False) -> dict[str, Any]:
    """An index on these columns; a ``-`` before a name means descending."""
    parts = [{"name": c.removeprefix("-"), "order": "desc" if c.startswith("-") else "asc"} for c in columns]
    return {"name": name, "isUnique": unique, "columns": parts}


def table(
    name: str, *columns: dict[str, Any], indexes: tuple[dict[str, Any], ...] = (), **others: Any
) -> dict[str, Any]:
    """A complete definition of a table."""
    return {"name": name, "schemaDef": list(columns), "indexes": list(indexes), **others}


TYPED = table(
    "typed",
    column("Label"),
    column("Text"),
    column("Num", "number"),
    column("Whole", "integer"),
    column("Flag", "boolean"),
    column("Moment", "date"),
)
"""One column of each type, and ``Label`` to identify rows."""

TYPED_COLUMNS = ("Label", "Text", "Num", "Whole", "Flag", "Moment")
