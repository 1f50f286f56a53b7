"""Tables: scripts over the tables of one workspace and their definitions."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeAlias

import sqlalchemy as sa

from rowkeep.errors.catalogue import NameTaken, StillReferenced
from rowkeep.model.definitions.references import referred_names
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.tables import Column, Table, TableSize, name_key
from rowkeep.model.users import EVERYBODY, HIDDEN_TABLE, Asker
from rowkeep.sql.physical_table import drop_table
from rowkeep.sql.shared_tables import create_table
from rowkeep.sql.sizes import size_query, table_size
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.rights import ROWS_OF_RIGHTS, RightsOfUsers
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, as_stored, stored_table
from rowkeep.storage.scripts.view_dependencies import ViewNeeds

TableWithReferred: TypeAlias = tuple[Table, dict[str, Table]]
"""A table, and the tables that it refers to, by id."""


ROWS_OF_A_TABLE = (
    ("tables", "id"),
    ("grants", "table_id"),
    ("references", "table_id"),
    ("row_quotas", "table_id"),
    ("webhook_tables", "table_id"),
    ("charts", "thing_id"),
    *ROWS_OF_RIGHTS,
)
"""What the system tables have of a table that is dropped."""


class Tables(WorkspaceSteps):
    """The scripts of one workspace. Scripts that change something raise the version first, which makes all
    changes run one after the other."""

    def __init__(
        self,
        state: WorkspaceState,
        stored: StoredDefinitions,
        view_needs: ViewNeeds,
        rights: RightsOfUsers,
        history: HistoryScripts,
    ) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored
        self._view_needs = view_needs
        self._rights = rights
        self._history = history

    def find(self, name: str) -> Steps[tuple[int, Table | None]]:
        """The version, and the table with this name, in any case."""
        version = yield from self._state.version()
        return version, (yield from self._stored.find_table(name))

    def page(self, after: str, limit: int | None, asker: Asker = EVERYBODY) -> Steps[list[Table]]:
        """Tables in the order of their names, after the name ``after``; all of them without a limit."""
        tables = self._system.tables
        rows = yield from self._do(
            sa.select(tables.c.definition)
            .where(tables.c.name_key > after, (yield from self._rights.listed(tables, asker)))
            .order_by(tables.c.name_key)
            .limit(limit)
        )
        return [stored_table(row[0]) for row in rows]

    def all(self) -> Steps[list[Table]]:
        """All tables in the order of their names."""
        return [stored_table(row[0]) for row in (yield from self._do_known(_find_all))]

    def by_ids(self, ids: Collection[str]) -> Steps[dict[str, Table]]:
        return (yield from self._stored.tables_by("id", ids))

    def by_name_keys(self, keys: Collection[str]) -> Steps[dict[str, Table]]:
        return (yield from self._stored.tables_by("name_key", keys))

    def referred_by(self, tables: Iterable[Table]) -> Steps[dict[str, Table]]:
        """The tables that some tables refer to, by id."""
        references = (column.reference for table in tables for column in table.columns)
        return (
            yield from self._stored.tables_by("id", {each.table for each in references if each is not None})
        )

    def create(self, body: TableBody, table_id: str, owner: str | None = None) -> Steps[TableWithReferred]:
        """Create a table; ``owner`` is the id of a user. Raises NameTaken, and all errors in the
        definition."""
        yield from self._state.raise_version()
        named = yield from self._stored.tables_by("name_key", referred_names(body.schema_def))
        table = read_table(body, table_id, named, (yield from self._state.newest_key()))
        yield from self.check_name_is_free(table.name)
        referred = {each.id: each for each in named.values()}
        yield create_table(table, self.dialect, self.namespace, referred)
        if table.history is not None:
            yield from self._history.begin(table)
        yield from self._insert(
            "tables", id=table.id, name_key=name_key(table.name), definition=as_stored(table)
        )
        yield from self._add_references(table)
        if owner is not None:
            yield from self._rights.own(table.id, owner)
        return table, referred

    def store(self, table: Table) -> Steps[None]:
        """Replace the stored definition; the table itself and its references are unchanged."""
        values = {"new_name_key": name_key(table.name), "new_definition": as_stored(table)}
        yield from self._do_known(_replace_definition, id=table.id, **values)

    def check_name_is_free(self, name: str, but: str = "") -> Steps[None]:
        """Tables and views share one set of names; ``but`` is the id of the one that may have the name.
        Raises NameTaken."""
        taken = yield from self._do_known(_find_names, name_key=name_key(name), but=but)
        if taken:
            raise NameTaken(f"{taken[0][0]} {name} already exists.", pointer="/name")

    def _add_references(self, table: Table) -> Steps[None]:
        """Store the references of a table."""
        for column in table.columns:
            if column.reference is not None:
                to = {"to_table_id": column.reference.table, "to_column_id": column.reference.column}
                yield from self._insert("references", table_id=table.id, column_id=column.id, **to)

    def replace(self, table: Table) -> Steps[None]:
        """Replace the stored definition of a table, and its stored references."""
        yield from self.store(table)
        yield from self._delete(table.id, ("references", "table_id"))
        yield from self._add_references(table)

    def referring(self, table_id: str) -> Steps[list[tuple[Table, Column]]]:
        """The columns that refer to a table, its own columns last, each with its table."""
        rows = yield from self._do_known(_find_referring, to_table_id=table_id)
        tables = yield from self._stored.tables_by("id", {row[0] for row in rows})
        found = [
            (tables[row[0]], column)
            for row in rows
            for column in tables[row[0]].columns
            if column.id == row[1]
        ]
        return sorted(found, key=lambda each: (each[0].id == table_id, each[0].name, each[1].name))

    def drop(self, name: str, viewer: str | None = None) -> Steps[None]:
        """Drop a table with its rows and its grants. Raises NoSuchTable, and StillReferenced, which names
        what is visible to the ``viewer``."""
        yield from self._state.raise_version()
        table = yield from self._stored.existing_table(name)
        others = [each for each in (yield from self.referring(table.id)) if each[0].id != table.id]
        if others:
            hidden = yield from self._rights.invisible(viewer, [other for other, _ in others])
            named = [f"{other.name}.{column.name}" for other, column in others if other.id not in hidden]
            columns = " and ".join(named) or HIDDEN_TABLE
            raise StillReferenced(
                f"Table {table.name} is referenced by {columns}. Remove that reference first."
            )
        yield from self._view_needs.check_drop(table, viewer)
        if table.history is not None:
            yield from self._history.end(table)
        yield drop_table(table, self.namespace)
        yield from self._delete(table.id, *ROWS_OF_A_TABLE)

    def get(self, name: str) -> Steps[TableWithReferred]:
        """The table with this name, in any case. Raises NoSuchTable."""
        table = yield from self._stored.existing_table(name)
        return table, (yield from self.referred_by([table]))

    def page_with_referred(
        self, after: str, limit: int, asker: Asker = EVERYBODY
    ) -> Steps[tuple[list[Table], dict[str, Table]]]:
        """Tables in the order of their names, after the name ``after``, and those that they refer to."""
        tables = yield from self.page(after, limit, asker)
        return tables, (yield from self.referred_by(tables))

    def page_with_sizes(
        self, after: str, limit: int, asker: Asker = EVERYBODY
    ) -> Steps[tuple[list[Table], dict[str, Table], list[TableSize]]]:
        """The same with the size of each table."""
        tables, referred = yield from self.page_with_referred(after, limit, asker)
        sizes = []
        for table in tables:
            rows = yield size_query(table, self.dialect, self.namespace)
            sizes.append(table_size(rows[0]))
        return tables, referred, sizes


def _find_all(system: WorkspaceTables) -> sa.Executable:
    tables = system.tables
    return sa.select(tables.c.definition).order_by(tables.c.name_key)


def _find_names(system: WorkspaceTables) -> sa.Executable:
    """The kinds of things that have a name."""
    kinds = (("Table", system.tables), ("View", system.views))
    found: list[sa.Select[Any]] = [
        sa.select(sa.literal_column(f"'{kind}'").label("kind")).where(
            table.c.name_key == sa.bindparam("name_key"), table.c.id != sa.bindparam("but")
        )
        for kind, table in kinds
    ]
    return sa.union_all(*found)


def _replace_definition(system: WorkspaceTables) -> sa.Executable:
    tables = system.tables
    new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("name_key", "definition")}
    return sa.update(tables).values(new).where(tables.c.id == sa.bindparam("id"))


def _find_referring(system: WorkspaceTables) -> sa.Executable:
    references = system.references
    found = sa.select(references.c.table_id, references.c.column_id)
    return found.where(references.c.to_table_id == sa.bindparam("to_table_id"))
