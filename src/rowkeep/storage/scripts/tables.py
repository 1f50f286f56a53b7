"""Table definitions: scripts over a workspace's version, its data keys, and the definitions of its tables."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Sequence
from typing import TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NameTaken, NoSuchTable, StillReferenced, preview
from rowkeep.model.definitions.references import referred_names
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.physical_table import TableSchema
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.storage.contract import Row
from rowkeep.storage.migrations import alone
from rowkeep.storage.scripts.view_dependencies import ViewNeeds

T = TypeVar("T")
Steps: TypeAlias = Generator[Statement, Sequence[Row], T]

TableWithReferred: TypeAlias = tuple[Table, dict[str, Table]]
"""A table, and those that it refers to, by id."""

_table_decoder = msgspec.json.Decoder(Table)


def stored_table(definition: str) -> Table:
    """A table as it was kept. The indexes of the first version had no ids: their places were theirs."""
    table = _table_decoder.decode(definition)
    if len({index.id for index in table.indexes}) == len(table.indexes):
        return table
    indexes = tuple(msgspec.structs.replace(index, id=at) for at, index in enumerate(table.indexes))
    return msgspec.structs.replace(table, indexes=indexes)


class TableDefinitions:
    """The scripts of one workspace. Those that change something raise its version first, which puts them
    one behind the other."""

    def __init__(self, dialect: Dialect, schema: str | None) -> None:
        self.dialect = dialect
        self.schema = schema
        self._system = workspace_tables(schema)
        self.needs = ViewNeeds(dialect, schema)

    def do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        """Run one statement; gives its rows."""
        return (yield statement(clause, self.dialect))

    # the version and the data keys

    def initialise(self, wrapped: bytes) -> Steps[None]:
        """Give a new workspace its first version and its wrapped data key; leave an old one as it is."""
        workspace = self._system.workspace
        # two first requests at once would both find it new
        yield from alone(self.dialect, self.schema)
        if not (yield from self.do(sa.select(workspace.c.version))):
            yield from self.do(sa.insert(workspace).values(version=1))
            yield from self.do(sa.insert(self._system.data_keys).values(number=1, wrapped=wrapped))

    def version(self) -> Steps[int]:
        rows = yield from self.do(sa.select(self._system.workspace.c.version))
        return int(rows[0][0]) if rows else 0

    def data_keys(self) -> Steps[dict[int, bytes]]:
        """The wrapped data keys by number; two while the older one is replaced."""
        keys = self._system.data_keys
        rows = yield from self.do(sa.select(keys.c.number, keys.c.wrapped))
        return {row[0]: bytes(row[1]) for row in rows}

    def version_and_newest_key(self) -> Steps[tuple[int, int]]:
        version = yield from self.version()
        return version, (yield from self.newest_key())

    def newest_key(self) -> Steps[int]:
        rows = yield from self.do(sa.select(sa.func.max(self._system.data_keys.c.number)))
        return int(rows[0][0] or 0)

    def raise_version(self) -> Steps[int]:
        version = self._system.workspace.c.version
        update = sa.update(self._system.workspace).values(version=version + 1).returning(version)
        rows = yield from self.do(update)
        return int(rows[0][0])

    # tables

    def table(self, name: str) -> Steps[tuple[int, Table | None]]:
        """The version, and the table of that name, whatever its case."""
        version = yield from self.version()
        tables = self._system.tables
        rows = yield from self.do(sa.select(tables.c.definition).where(tables.c.name_key == name_key(name)))
        return version, stored_table(rows[0][0]) if rows else None

    def tables(self, after: str, limit: int | None) -> Steps[list[Table]]:
        """Tables in the order of their names, behind the name ``after``; all of them without a limit."""
        tables = self._system.tables
        rows = yield from self.do(
            sa.select(tables.c.definition)
            .where(tables.c.name_key > after)
            .order_by(tables.c.name_key)
            .limit(limit)
        )
        return [stored_table(row[0]) for row in rows]

    def tables_by(self, column: str, values: Collection[str]) -> Steps[dict[str, Table]]:
        """The tables that have one of these values in a column of ours (``id`` or ``name_key``), by that."""
        tables = self._system.tables
        if not values:
            return {}
        rows = yield from self.do(
            sa.select(tables.c[column], tables.c.definition).where(
                tables.c[column].in_([sa.literal(each) for each in sorted(values)])
            )
        )
        return {row[0]: stored_table(row[1]) for row in rows}

    def referred_by(self, tables: Iterable[Table]) -> Steps[dict[str, Table]]:
        """The tables that some tables refer to, by id."""
        references = (column.reference for table in tables for column in table.columns)
        return (yield from self.tables_by("id", {each.table for each in references if each is not None}))

    def create_table(self, body: TableBody, table_id: str) -> Steps[TableWithReferred]:
        """Raises NameTaken, and all errors in the definition."""
        yield from self.raise_version()
        named = yield from self.tables_by("name_key", referred_names(body.schema_def))
        table = read_table(body, table_id, named, (yield from self.newest_key()))
        yield from self.check_name_is_free(table.name)
        referred = {each.id: each for each in named.values()}
        yield from self.run(TableSchema(table, self.dialect, self.schema, referred).create())
        definition = msgspec.json.encode(table).decode()
        yield from self.do(
            sa.insert(self._system.tables).values(
                id=table.id, name_key=name_key(table.name), definition=definition
            )
        )
        yield from self.keep_references(table)
        return table, referred

    def keep_table(self, table: Table) -> Steps[None]:
        """Put a definition in the place of the one that is kept; the table itself stays as it is."""
        tables = self._system.tables
        definition = msgspec.json.encode(table).decode()
        update = sa.update(tables).values(name_key=name_key(table.name), definition=definition)
        yield from self.do(update.where(tables.c.id == table.id))

    def check_name_is_free(self, name: str, but: str = "") -> Steps[None]:
        """Tables and views share their names; ``but`` is the id of the one that may have it. Raises
        NameTaken."""
        for kind, kept in (("table", self._system.tables), ("view", self._system.views)):
            same_name = sa.and_(kept.c.name_key == name_key(name), kept.c.id != but)
            if (yield from self.do(sa.select(kept.c.id).where(same_name))):
                raise NameTaken(f"{kind.capitalize()} {name} already exists.", pointer="/name")

    def run(self, statements: Iterable[Statement]) -> Steps[None]:
        for each in statements:  # noqa: UP028 - a list cannot be sent rows
            yield each

    def keep_references(self, table: Table) -> Steps[None]:
        """Keep what the columns of a table refer to, in place of what was kept of it."""
        references = self._system.references
        yield from self.do(sa.delete(references).where(references.c.table_id == table.id))
        for column in table.columns:
            if column.reference is not None:
                to = {"to_table_id": column.reference.table, "to_column_id": column.reference.column}
                yield from self.do(sa.insert(references).values(table_id=table.id, column_id=column.id, **to))

    def replace_table(self, table: Table) -> Steps[None]:
        """Keep another definition of a table that is there."""
        tables = self._system.tables
        definition = msgspec.json.encode(table).decode()
        values = {"name_key": name_key(table.name), "definition": definition}
        yield from self.do(sa.update(tables).values(values).where(tables.c.id == table.id))
        yield from self.keep_references(table)

    def referring(self, table_id: str) -> Steps[list[tuple[Table, Column]]]:
        """The columns that refer to a table, those of its own last, each with its table."""
        references = self._system.references
        rows = yield from self.do(
            sa.select(references.c.table_id, references.c.column_id).where(
                references.c.to_table_id == table_id
            )
        )
        tables = yield from self.tables_by("id", {row[0] for row in rows})
        found = [
            (tables[row[0]], column)
            for row in rows
            for column in tables[row[0]].columns
            if column.id == row[1]
        ]
        return sorted(found, key=lambda each: (each[0].id == table_id, each[0].name, each[1].name))

    def drop_table(self, name: str) -> Steps[None]:
        """Drop a table with its rows and its grants. Raises NoSuchTable, StillReferenced."""
        yield from self.raise_version()
        table = yield from self._existing_table(name)
        others = [each for each in (yield from self.referring(table.id)) if each[0].id != table.id]
        if others:
            told = " and ".join(f"{other.name}.{column.name}" for other, column in others)
            raise StillReferenced(f"Table {table.name} is referenced by {told}. Remove that reference first.")
        yield from self.needs.check_drop(table)
        yield TableSchema(table, self.dialect, self.schema).drop()
        for kept, column in (
            (self._system.tables, "id"),
            (self._system.grants, "table_id"),
            (self._system.references, "table_id"),
        ):
            yield from self.do(sa.delete(kept).where(kept.c[column] == table.id))

    def table_with_referred(self, name: str) -> Steps[TableWithReferred]:
        """The table of that name, whatever its case. Raises NoSuchTable."""
        table = yield from self._existing_table(name)
        return table, (yield from self.referred_by([table]))

    def tables_with_referred(self, after: str, limit: int) -> Steps[tuple[list[Table], dict[str, Table]]]:
        """Tables in the order of their names, behind the name ``after``, and those that they refer to."""
        tables = yield from self.tables(after, limit)
        return tables, (yield from self.referred_by(tables))

    def _existing_table(self, name: str) -> Steps[Table]:
        table = (yield from self.table(name))[1]
        if table is None:
            raise NoSuchTable(f"No such table: {preview(name)}.")
        return table
