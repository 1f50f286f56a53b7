"""Cursors: a table with ties and empty cells, sorts to walk through it by, and texts that are no cursor."""

from __future__ import annotations

from support.definitions import column, table

DEFINITION = table("things", column("Name"), column("Group"), column("Number", "number"))

SORTS: dict[str, list[dict[str, str]] | None] = {
    "none": None,
    "ties": [{"field": "Name", "order": "desc"}],
    "Group up": [{"field": "Group"}],
    "Group down": [{"field": "Group", "order": "desc"}],
    "Group up, Number down": [{"field": "Group", "order": "asc"}, {"field": "Number", "order": "desc"}],
    "Group down, Number up": [{"field": "Group", "order": "desc"}, {"field": "Number", "order": "asc"}],
    "Name, Group, Number down": [
        {"field": "Name", "order": "asc"},
        {"field": "Group", "order": "desc"},
        {"field": "Number", "order": "desc"},
    ],
    "_id down": [{"field": "_id", "order": "desc"}],
    "sys_Id": [{"field": "sys_Id"}],
    "Created_On": [{"field": "Created_On", "order": "desc"}],
    "Group, _id down": [{"field": "Group"}, {"field": "_id", "order": "desc"}],
}

GARBAGE = [
    "",
    "x",
    "null",
    "e30",
    "AAAA",
    "A" * 10_000,
    "ü😀",
    "../..",
    "' OR 1=1 --",
    "\x00",
    "eyJhIjoxfQ.x.y",
]
