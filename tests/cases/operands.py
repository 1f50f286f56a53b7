"""Operands: cells in order, values that no column holds, and other ways to write a value."""

from __future__ import annotations

from typing import Any

MOMENTS = ["2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.001Z", "2021-06-15T12:00:00.000Z"]

CELLS: dict[str, list[Any]] = {
    "Text": ["a", "b", "c"],
    "Num": [-1.5, 0, 263],
    "Whole": [-1, 0, 2**63 - 1],
    "Moment": MOMENTS,
}
"""Three cells of each type that has an order, least first."""

ORDERED = tuple(CELLS)

EVERY = (*ORDERED, "Flag")

STRING_OPERANDS = [p + o for o in ("contains", "starts with", "ends with") for p in ("", "i")]

MISFITS: list[tuple[str, Any]] = [
    ("Text", 5),
    ("Text", True),
    ("Text", {}),
    ("Text", []),
    ("Text", "a\x00b"),
    ("Num", "x"),
    ("Num", True),
    ("Num", []),
    ("Num", 2**53),
    ("Num", str(2**53)),
    ("Whole", 1.5),
    ("Whole", "1.5"),
    ("Whole", 2**63),
    ("Whole", False),
    ("Flag", 1),
    ("Flag", "yes"),
    ("Moment", "yesterday"),
    ("Moment", "2021-02-30"),
    ("Moment", "0"),
    ("Created_On", "x"),
    ("_id", 5),
    ("sys_Id", True),
]

SPELLINGS: list[tuple[str, Any, list[str]]] = [
    ("Num", "263", ["2"]),
    ("Num", 263.0, ["2"]),
    ("Num", "2.63e2", ["2"]),
    ("Num", "-1.5", ["0"]),
    ("Num", -0.0, ["1"]),
    ("Whole", "-1", ["0"]),
    ("Whole", -1.0, ["0"]),
    ("Whole", str(2**63 - 1), ["2"]),
    ("Flag", "TRUE", ["0", "2"]),
    ("Flag", "false", ["1"]),
    ("Moment", "2020-01-01", ["0"]),
    ("Moment", "2020-01-01T01:00:00+01:00", ["0"]),
    ("Moment", 1577836800001, ["1"]),
    ("Moment", "2020-01-01T00:00:00.0019Z", ["1"]),
]
