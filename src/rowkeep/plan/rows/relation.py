"""Targets: what a wish is about: the columns that its names may mean, and how their cells are stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import Cell
from rowkeep.plan.rows.sort import BY_ROW_KEY, Order

Store: TypeAlias = Callable[[Column, Cell], object]
"""Gives a cell of a column as it is stored."""

Find: TypeAlias = Callable[[Column, Cell], tuple[object, ...]]
"""Gives all that a cell of a column may be stored as."""


class Names(Protocol):
    """What finds columns by their names."""

    def find(self, name: str, where: str, /) -> Column:
        """Raises UnknownColumn, with ``where`` as its pointer."""


@dataclass(frozen=True, slots=True)
class Target:
    """A table or a view, by its id. ``order`` is that of its rows."""

    id: str
    names: Names
    store: Store
    find: Find
    order: Order = BY_ROW_KEY
