"""Columns by name, exact or near (contract, section 1; readings, 35 and 36)."""

from __future__ import annotations

from collections.abc import Mapping

SYSTEM_COLUMNS: dict[str, str] = {
    "Updated_On": "date",
    "Created_On": "date",
    "Updated_By": "string",
    "Created_By": "string",
    "sys_Id": "string",
    "_id": "string",
}
"""The six that every record ends with, in that order, and the type that they filter and sort as."""


def near_form(name: str) -> str:
    """What is left of a name when case, ``_``, ``-`` and spaces are ignored."""
    return "".join(character for character in name.lower() if character not in "_- ")


def find_column(name: str, own: Mapping[str, str]) -> str:
    """The column that ``name`` means in a table with the columns ``own`` (name → type).

    Raises LookupError if none or several are near.
    """
    if name in own or name in SYSTEM_COLUMNS:
        return name
    for candidates in (own, SYSTEM_COLUMNS):
        near = [column for column in candidates if near_form(column) == near_form(name)]
        if len(near) == 1:
            return near[0]
        if near:
            raise LookupError(f"{name} may mean any of {near}")
    raise LookupError(f"no column is near {name}")


def type_of(column: str, own: Mapping[str, str]) -> str:
    """The type of a column that there is."""
    return own.get(column) or SYSTEM_COLUMNS[column]
