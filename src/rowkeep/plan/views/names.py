"""View names: the columns that a definition of a view speaks of. Names in definitions are exact."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rowkeep.errors.catalogue import UnknownColumn, preview
from rowkeep.model.names import near_names
from rowkeep.model.tables import Column, Table, name_key, simplified
from rowkeep.model.views import Aggregate, Ref, column_key


class Unknowable(UnknownColumn):
    """A column of a table that is not there, which has been said already."""


class SourceNames:
    """The columns of a view's tables by name, ``people.City``. A table of None is one that is not there."""

    def __init__(self, sources: Sequence[tuple[str, Table | None]]) -> None:
        self._sources = sources
        self._columns = [
            {} if table is None else {column.name: column for column in table.all_columns}
            for _, table in sources
        ]

    def find(self, name: str, where: str) -> Column:
        """The column, under this name. Raises UnknownColumn."""
        _, column = self.ref(name, where)
        return msgspec.structs.replace(column, name=name)

    def ref(self, name: str, where: str, until: int | None = None) -> tuple[Ref, Column]:
        """The column of one of the first ``until`` tables that a name means. Raises UnknownColumn."""
        known = self._sources[:until]
        source_name, dot, column_name = name.partition(".")
        if not dot:
            example = f"{known[0][0]}.{name}" if name else f"{known[0][0]}._id"
            raise UnknownColumn(
                f"Column {preview(name)} has no table name; write it as {preview(example)}.", pointer=where
            )
        places = [at for at, (each, _) in enumerate(known) if each == source_name]
        if not places:
            names = ", ".join(each for each, _ in known)
            raise UnknownColumn(
                f"Unknown table {preview(source_name)} in {preview(name)}. Tables that can be used here: "
                f"{names}.",
                pointer=where,
            )
        at = places[0]
        table = known[at][1]
        if table is None:
            raise Unknowable("The table is not there.", pointer=where)
        column = self._columns[at].get(column_name)
        if column is None:
            hint = _hint(column_name, list(self._columns[at]))
            raise UnknownColumn(
                f"Table {table.name} has no column {preview(column_name)}.{hint}", pointer=where
            )
        return Ref(at, column_key(column)), column


class OutputNames:
    """A view's own columns by name; None for one of which nothing more is known."""

    def __init__(self, columns: dict[str, Column | None]) -> None:
        self._columns = columns

    def find(self, name: str, where: str) -> Column:
        """Raises UnknownColumn."""
        if name not in self._columns:
            raise UnknownColumn(
                f"The view has no column {preview(name)}.{_hint(name, list(self._columns))}", pointer=where
            )
        column = self._columns[name]
        if column is None:
            raise Unknowable("The column is not known.", pointer=where)
        return column


def _hint(name: str, known: list[str]) -> str:
    """What may have been meant."""
    near = [each for each in known if name_key(each) == name_key(name)]
    near = near or [each for each in known if simplified(each) == simplified(name)]
    near = near or near_names(name, known)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def output_column(name: str, column: Column, aggregate: Aggregate | None, *, may_be_empty: bool) -> Column:
    """A view's own column, as tables have theirs."""
    is_count = aggregate is not None and aggregate.is_count
    is_required = is_count or (aggregate is None and column.is_required and not may_be_empty)
    type_ = column.type if aggregate is None else aggregate.type_of(column)
    if aggregate is not None:
        return Column(id=name, name=name, type=type_, is_required=is_required)
    # what it is sealed under comes along
    return msgspec.structs.replace(
        column,
        id=name,
        name=name,
        is_required=is_required,
        is_system=False,
        reference=None,
        max_length=None,
        max_bytes=None,
        default=None,
    )
