"""Names: finding a column by an exact or similar name (contract, section 1; readings, 35 and 36)."""

from __future__ import annotations

import difflib
import heapq
from collections import defaultdict
from collections.abc import Callable, Iterable

from rowkeep.errors.catalogue import UnknownColumn, preview
from rowkeep.model.tables import Column, Columns, simplified


def always() -> bool:
    """An error about an unknown name suggests similar ones."""
    return True


def never() -> bool:
    """It suggests none."""
    return False


MAX_COMPARED = 64
"""The number of characters of an unknown name that are compared with the known names."""

MAX_CANDIDATES = 16
"""Comparing names letter by letter is slow, so only those that share most letter pairs are compared."""


class ColumnNames:
    """The columns of one table or view by exact or similar name; errors call it ``kind``."""

    def __init__(self, table: Columns, kind: str = "Table") -> None:
        self._description = f"{kind} {table.name}"
        self._exact = {column.name: column for column in table.all_columns}
        self._near: dict[str, list[Column]] = defaultdict(list)
        for column in table.columns:
            self._near[simplified(column.name)].append(column)
        for column in table.all_columns[len(table.columns) :]:
            # a table's own columns take precedence over system columns
            if simplified(column.name) not in self._near:
                self._near[simplified(column.name)].append(column)

    def find(self, name: str, where: str, takes_hint: Callable[[], bool] = always) -> Column:
        """The column with this name: the exact match, otherwise the only similar one.

        Raises UnknownColumn with ``where`` as its pointer; it suggests similar names if ``takes_hint``.
        """
        column = self._exact.get(name)
        if column is not None:
            return column
        near = self._near.get(simplified(name), ())
        if len(near) == 1:
            return near[0]
        raise UnknownColumn(self._complaint(name, near, takes_hint), pointer=where)

    def _complaint(self, name: str, near: list[Column] | tuple[()], takes_hint: Callable[[], bool]) -> str:
        if near:
            candidates = " or ".join(column.name for column in near)
            return f"Column {preview(name)} of {self._description} is ambiguous: it could be {candidates}."
        near_keys = near_names(simplified(name), self._near) if takes_hint() else []
        names = " or ".join(column.name for key in near_keys for column in self._near[key])
        hint = f" Did you mean {names}?" if names else ""
        return f"{self._description} has no column {preview(name)}.{hint}"


def near_names(name: str, known: Iterable[str]) -> list[str]:
    """At most three known names that are most similar to an unknown one."""
    name = name[:MAX_COMPARED]
    pairs = _pairs(name)
    candidates = heapq.nlargest(
        MAX_CANDIDATES, known, key=lambda each: len(pairs & _pairs(each)) - abs(len(each) - len(name))
    )
    return difflib.get_close_matches(name, candidates, n=3, cutoff=0.6)


def _pairs(key: str) -> set[str]:
    """Its pairs of adjacent letters."""
    return {key[at : at + 2] for at in range(max(1, len(key) - 1))}
