"""Changes: what an update can do with a cell other than set it (contract, section 7.4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import TypeAlias


class Change(Enum):
    """A change of a stored cell. Its value is its key in a request: ``{"$inc": 1}``."""

    INCREMENT = "$inc"
    """Adds a number; null counts as 0."""
    APPEND = "$append"
    """Adds a text to the end; null counts as an empty text."""


Changes: TypeAlias = Mapping[int, Mapping[str, Change]]
"""The changes in rows of a request, by the place of the row and the name of the column."""

CHANGE_MARK = "$"
"""The first character of the key of a change."""
