"""Rows of tables with required columns and with defaults."""

from __future__ import annotations

from typing import Any

from support.definitions import column

FULL: dict[str, Any] = {"Text": "", "Num": 0, "Whole": 0, "Flag": False, "Moment": 0}

DEFAULTS: dict[str, tuple[str, Any, Any]] = {
    "Text": ("string", "none", "none"),
    "Num": ("number", 263, 263),
    "Fraction": ("number", "-0.5", -0.5),
    "Zero": ("number", 0, 0),
    "Whole": ("integer", 2**63 - 1, 2**63 - 1),
    "Flag": ("boolean", False, False),
    "Yes": ("boolean", "TRUE", True),
    "Moment": ("date", "2020-03-28T09:02:09.6529+02:00", "2020-03-28T07:02:09.652Z"),
    "Day": ("date", "2020-03-28", "2020-03-28T00:00:00.000Z"),
}
"""Column: its type, its default as defined, its default as stored."""

STORED = {name: stored for name, (_, _, stored) in DEFAULTS.items()} | {"Free": None, "Must": "must"}

FULL_COLUMNS = [
    column(name, kind, isRequired=True)
    for name, kind in zip(FULL, ("string", "number", "integer", "boolean", "date"), strict=True)
]
