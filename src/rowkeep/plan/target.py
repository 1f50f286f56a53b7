"""Targets: what a wish is about: the columns that its names may mean, and how their cells are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rowkeep.model.cells import Cell
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Column

Store: TypeAlias = Callable[[Column, Cell], object]
"""Gives a cell of a column as it is stored."""

Find: TypeAlias = Callable[[Column, Cell], tuple[object, ...]]
"""Gives all that a cell of a column may be stored as."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table, by its id."""

    id: str
    names: ColumnNames
    store: Store
    find: Find
