"""Names: finding the column that somebody means (contract, section 1; readings, 35 and 36)."""

from __future__ import annotations

import difflib
from collections import defaultdict

from rowkeep.errors import UnknownColumn, quoted
from rowkeep.model.tables import Column, Columns, simplified


class ColumnNames:
    """The columns of one table or view by name, exactly or nearly; ``kind`` is what errors call it."""

    def __init__(self, table: Columns, kind: str = "Table") -> None:
        self._told = f"{kind} {table.name}"
        self._exact = {column.name: column for column in table.all_columns}
        self._near: dict[str, list[Column]] = defaultdict(list)
        for column in table.columns:
            self._near[simplified(column.name)].append(column)
        for column in table.all_columns[len(table.columns) :]:
            # a table's own columns win over system columns
            if simplified(column.name) not in self._near:
                self._near[simplified(column.name)].append(column)

    def find(self, name: str, where: str) -> Column:
        """The column that ``name`` means: an exact match, else the only near one.

        Raises UnknownColumn, listing near names, with ``where`` as its pointer.
        """
        column = self._exact.get(name)
        if column is not None:
            return column
        near = self._near.get(simplified(name), ())
        if len(near) == 1:
            return near[0]
        raise UnknownColumn(self._complaint(name, near), pointer=where)

    def _complaint(self, name: str, near: list[Column] | tuple[()]) -> str:
        if near:
            candidates = " and ".join(column.name for column in near)
            return f"{self._told} has no column {quoted(name)}, and it may mean {candidates}."
        alike = difflib.get_close_matches(simplified(name)[:64], list(self._near), n=3, cutoff=0.6)
        names = " or ".join(column.name for key in alike for column in self._near[key])
        hint = f" Did you mean {names}?" if names else ""
        return f"{self._told} has no column {quoted(name)}.{hint}"
