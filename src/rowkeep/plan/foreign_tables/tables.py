"""Tables: the definitions of copied tables with their keys, indexes and references, and what does not map."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.definitions.columns import ColumnBody
from rowkeep.model.definitions.tables import IndexBody, IndexColumnBody, TableBody
from rowkeep.model.foreign_tables import ForeignIndex, ForeignReference, ForeignTable
from rowkeep.model.tables import (
    MAX_COLUMNS,
    MAX_DESCRIPTION,
    MAX_INDEX_COLUMNS,
    MAX_INDEXES,
    name_key,
)
from rowkeep.plan.foreign_tables.columns import TYPES, column_body
from rowkeep.plan.foreign_tables.names import GivenNames, legal_name


class Note(msgspec.Struct, frozen=True):
    """What does not map, or only with another name: in which table, in which of its columns, and what is done
    about it."""

    table: str
    column: str | None
    text: str

    @property
    def line(self) -> str:
        where = self.table if self.column is None else f"{self.table}.{self.column}"
        return f"{where}: {self.text}."


class PlannedTable(msgspec.Struct, frozen=True):
    """A foreign table and its definition, whose columns are in the same order. ``key`` has the places of the
    columns of its primary key."""

    source: ForeignTable
    body: TableBody
    key: tuple[int, ...]


class CopyPlan(msgspec.Struct, frozen=True):
    """What a copy will do."""

    tables: tuple[PlannedTable, ...]
    notes: tuple[Note, ...]


def chosen_tables(tables: Sequence[ForeignTable], names: Collection[str]) -> list[ForeignTable]:
    """The tables with these names; all of them if there are no names. Raises SetupError."""
    known = {table.name for table in tables}
    missing = [name for name in names if name not in known]
    if missing:
        raise SetupError(
            f"The source has no table {preview(missing[0])}. It has: {', '.join(sorted(known)) or 'none'}."
        )
    return [table for table in tables if not names or table.name in names]


def plan_copy(
    tables: Sequence[ForeignTable],
    given: GivenNames,
    taken: Collection[str],
    left_out: Collection[tuple[str, str]] = (),
) -> CopyPlan:
    """``taken`` has the keys of the names that the workspace has already; the references of the columns
    ``left_out`` are not copied. Raises SetupError."""
    return _Planner(tables, given, taken, left_out).plan()


class _Planner:
    def __init__(
        self,
        tables: Sequence[ForeignTable],
        given: GivenNames,
        taken: Collection[str],
        left_out: Collection[tuple[str, str]],
    ) -> None:
        self._tables = {table.name: table for table in tables}
        self._given = given
        self._left_out = set(left_out)
        self._notes: list[Note] = []
        self._names = self._name_tables(set(taken))
        self._columns = {table.name: self._name_columns(table) for table in tables}
        self._indexes = {table.name: self._plan_indexes(table) for table in tables}

    def plan(self) -> CopyPlan:
        planned = tuple(self._plan_table(table) for table in self._tables.values())
        return CopyPlan(planned, tuple(self._notes))

    def _note(self, table: ForeignTable, text: str, column: str | None = None) -> None:
        self._notes.append(Note(table.name, column, text))

    def _name_tables(self, taken: set[str]) -> dict[str, str]:
        names: dict[str, str] = {}
        own: set[str] = set()
        for table in self._tables.values():
            wanted = self._given.tables.get(table.name)
            name = wanted or legal_name(table.name, "table", own)
            if name_key(name) in taken or (wanted and name_key(wanted) in own):
                raise SetupError(
                    f"The workspace already has a table or view {preview(name)}. Give the copied table "
                    f"another name: --map {table.name}=NEW_NAME."
                )
            own.add(name_key(name))
            names[table.name] = name
            if name != table.name:
                self._note(table, f"is copied as {name}")
        return names

    def _name_columns(self, table: ForeignTable) -> dict[str, str]:
        if not 1 <= len(table.columns) <= MAX_COLUMNS:
            raise SetupError(
                f"Table {preview(table.name)} has {len(table.columns)} columns; a table can have 1 to "
                f"{MAX_COLUMNS}. Name the other tables with --tables."
            )
        given = {column: new for (name, column), new in self._given.columns.items() if name == table.name}
        own = {name_key(new) for new in given.values()}
        if len(own) < len(given):
            raise SetupError(f"--map gives two columns of table {preview(table.name)} one name.")
        names: dict[str, str] = {}
        for column in table.columns:
            names[column.name] = given.get(column.name) or legal_name(column.name, "column", own)
            if names[column.name] != column.name:
                self._note(table, f"is copied as {names[column.name]}", column.name)
        return names

    def _plan_table(self, table: ForeignTable) -> PlannedTable:
        references = self._plan_references(table)
        bodies: list[ColumnBody] = []
        for column in table.columns:
            column_def, notes = column_body(
                column,
                self._columns[table.name][column.name],
                is_key=column.name in table.key,
                reference=references.get(column.name),
            )
            bodies.append(column_def)
            for note in notes:
                self._note(table, note, column.name)
        for check in table.checks:
            self._note(table, f"check {check} is left out")
        if len(table.comment) > MAX_DESCRIPTION:
            self._note(table, f"its comment is cut to {MAX_DESCRIPTION} characters")
        places = {column.name: at for at, column in enumerate(table.columns)}
        body = TableBody(
            name=self._names[table.name],
            schema_def=bodies,
            description=table.comment.replace("\x00", "")[:MAX_DESCRIPTION],
            indexes=list(self._indexes[table.name]),
        )
        return PlannedTable(table, body, tuple(places[name] for name in table.key))

    def _plan_indexes(self, table: ForeignTable) -> list[IndexBody]:
        """The primary key first, as a unique index. Indexes over the same columns are copied once."""
        found: list[IndexBody] = []
        taken: set[str] = set()
        seen: set[tuple[tuple[str, ...], frozenset[str], bool]] = set()
        key = [ForeignIndex(f"{table.name}_key", table.key, True)] if table.key else []
        for index in (*key, *sorted(table.indexes, key=lambda each: not each.is_unique)):
            form = (index.columns, index.descending, index.is_unique)
            obstacle = index.obstacle or self._obstacle(table, index)
            shown = index.name or f"over {', '.join(index.columns)}"
            if obstacle:
                self._note(table, f"index {shown} is left out: {obstacle}")
            elif form in seen or (index.columns, index.descending, True) in seen:
                continue
            elif len(found) == MAX_INDEXES:
                self._note(table, f"index {shown} is left out: a table can have {MAX_INDEXES}")
            else:
                seen.add(form)
                found.append(self._index_body(table, index, taken))
        return found

    def _index_body(self, table: ForeignTable, index: ForeignIndex, taken: set[str]) -> IndexBody:
        names = self._columns[table.name]
        parts = [
            IndexColumnBody(names[column], "desc" if column in index.descending else "asc")
            for column in index.columns
        ]
        name = legal_name(index.name or "_".join(("unique", *index.columns)), "index", taken)
        return IndexBody(name, parts, index.is_unique)

    def _obstacle(self, table: ForeignTable, index: ForeignIndex) -> str | None:
        types = {column.name: TYPES[column.family] for column in table.columns}
        if not 1 <= len(index.columns) <= MAX_INDEX_COLUMNS:
            return f"an index can have 1 to {MAX_INDEX_COLUMNS} columns"
        if len(set(index.columns)) < len(index.columns):
            return "it has a column twice"
        for column in index.columns:
            if not COLUMN_TYPES[types[column]].is_comparable:
                return f"a column of type {types[column]} cannot be indexed"
        return None

    def _plan_references(self, table: ForeignTable) -> dict[str, dict[str, str]]:
        """The references by foreign column."""
        found: dict[str, dict[str, str]] = {}
        for reference in table.references:
            shown = f"reference {', '.join(reference.columns)} to {reference.table}"
            obstacle = self._reference_obstacle(table, reference)
            if obstacle is None and reference.columns[0] in found:
                obstacle = "a column can have one reference"
            if obstacle:
                self._note(table, f"{shown} is left out: {obstacle}")
                continue
            if reference.actions:
                self._note(table, f"{shown}: {reference.actions} is left out; Rowkeep refuses such changes")
            to_column = self._columns[reference.table][reference.to_columns[0]]
            found[reference.columns[0]] = {"table": self._names[reference.table], "column": to_column}
        return found

    def _reference_obstacle(self, table: ForeignTable, reference: ForeignReference) -> str | None:
        if (table.name, reference.columns[0]) in self._left_out:
            return "--skip-reference"
        if len(reference.columns) != 1 or len(reference.to_columns) != 1:
            return "it has several columns"
        there = self._tables.get(reference.table)
        if there is None or reference.schema is not None:
            return "that table is not copied"
        to_column = reference.to_columns[0]
        types: list[str] = []
        for each, name in ((table, reference.columns[0]), (there, to_column)):
            types += [TYPES[column.family] for column in each.columns if column.name == name]
        if len(types) < 2 or types[0] != types[1]:
            return "the columns have different types here"
        name = self._columns[there.name][to_column]
        if not _is_unique(self._indexes[there.name], name):
            return f"{there.name}.{to_column} is not unique by itself"
        return None


def _is_unique(indexes: Sequence[IndexBody], column: str) -> bool:
    return any(index.is_unique and [part.name for part in index.columns] == [column] for index in indexes)


def names_of(tables: Sequence[ForeignTable]) -> Mapping[str, set[str]]:
    """The names of the columns of each table."""
    return {table.name: {column.name for column in table.columns} for table in tables}
