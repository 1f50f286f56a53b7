"""Relations: the table or view of a request, its columns by name, and the stored form of their cells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import Cell
from rowkeep.plan.rows.sort import BY_ROW_KEY, Order

Store: TypeAlias = Callable[[Column, Cell], object]
"""Returns the stored form of a cell."""

Find: TypeAlias = Callable[[Column, Cell], tuple[object, ...]]
"""Returns all possible stored values of a cell."""


class Names(Protocol):
    """Finds columns by name."""

    def find(self, name: str, where: str, /) -> Column:
        """Raises UnknownColumn, with ``where`` as its pointer."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table or a view with its id. ``order`` is the order of its rows."""

    id: str
    names: Names
    store: Store
    find: Find
    order: Order = BY_ROW_KEY
