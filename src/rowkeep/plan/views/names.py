"""View names: the columns that a definition of a view uses. Names in definitions must match exactly."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rowkeep.errors.catalogue import UnknownColumn, preview
from rowkeep.model.names import near_names
from rowkeep.model.tables import Column, Table, name_key, simplified
from rowkeep.model.views import Aggregate, Ref, column_key


class Unknowable(UnknownColumn):
    """A column of a table that does not exist, which has been reported already."""


class SourceNames:
    """The columns of a view's tables by name, ``people.City``. None stands for a table that does not
    exist."""

    def __init__(self, sources: Sequence[tuple[str, Table | None]]) -> None:
        self._sources = sources
        self._columns = [
            {} if table is None else {column.name: column for column in table.all_columns}
            for _, table in sources
        ]

    def find(self, name: str, where: str) -> Column:
        """The column, with this name. Raises UnknownColumn."""
        _, column = self.ref(name, where)
        return msgspec.structs.replace(column, name=name)

    def ref(self, name: str, where: str, until: int | None = None) -> tuple[Ref, Column]:
        """The column with this name in one of the first ``until`` tables. Raises UnknownColumn."""
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
    """A view's own columns by name; None for an invalid one."""

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
    """A suggestion of similar names."""
    near = [each for each in known if name_key(each) == name_key(name)]
    near = near or [each for each in known if simplified(each) == simplified(name)]
    near = near or near_names(name, known)
    return f" Did you mean {' or '.join(near)}?" if near else ""


def output_column(name: str, column: Column, aggregate: Aggregate | None, *, may_be_empty: bool) -> Column:
    """A column of a view, in the form of a table's column."""
    is_count = aggregate is not None and aggregate.is_count
    is_required = is_count or (aggregate is None and column.is_required and not may_be_empty)
    type_ = column.type if aggregate is None else aggregate.type_of(column)
    if aggregate is not None:
        return Column(id=name, name=name, type=type_, is_required=is_required)
    # its keys stay the same
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
