"""Sort: the complete order of rows, beyond the sort of a query, so that pages are consistent."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, repeat
from typing import TypeAlias

import msgspec

from rowkeep.model.tables import ROW_KEY

Sort: TypeAlias = tuple[tuple[str, bool], ...]
"""Columns to sort by, each with whether it is descending."""

MAX_SORT = 64


class Order(msgspec.Struct, frozen=True):
    """The order of the rows of a table or a view.

    ``first`` is the sort of a query without a sort, and ``last`` the columns that break ties, ascending.
    ``key`` are columns whose values are unique, so that no further columns are needed. If it is None, rows
    can be equal, and there are no cursors.
    """

    first: Sort = ()
    last: tuple[str, ...] = (ROW_KEY,)
    key: frozenset[str] | None = frozenset((ROW_KEY,))
    same: dict[str, str] = msgspec.field(default_factory=lambda: {"sys_Id": ROW_KEY})
    """Columns that have the order of another one, because they are derived from it."""
    usual: Sort = ()
    """The whole sort of a query that has none."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "usual", self._completed({}))

    def complete(self, requested: Mapping[str, bool]) -> Sort:
        """The columns of a query's sort, each with whether it is descending, and the columns that break
        ties."""
        return self._completed(requested) if requested else self.usual

    def _completed(self, requested: Mapping[str, bool]) -> Sort:
        sort: dict[str, bool] = {}
        undecided = None if self.key is None else set(self.key)
        for wanted, descending in chain(requested.items() or self.first, zip(self.last, repeat(False))):
            if undecided is not None and not undecided:
                break
            name = self.same.get(wanted, wanted)
            sort.setdefault(name, descending)
            if undecided is not None:
                undecided.discard(name)
        return tuple(sort.items())

    def has_cursors(self, sort: Sort) -> bool:
        """Whether the values of this sort identify a row. (The condition for a cursor is nested as deep as
        the sort is long.)"""
        return self.key is not None and len(sort) <= MAX_SORT + len(self.key)


BY_ROW_KEY = Order()
