"""Copies: the scripts that build tables nobody sees yet, and give them to the workspace when all are
complete."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import Busy, NameTaken, SetupError
from rowkeep.model.table_copies import CopiedTable, CopyState
from rowkeep.model.tables import Table, name_key
from rowkeep.model.views import View
from rowkeep.sql.system_tables import WorkspaceTables, workspace_tables
from rowkeep.sql.table_copies import StagedTable, copy_table, create_state, drop_state
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import as_stored, stored_table, stored_view
from rowkeep.storage.scripts.workspace import WorkspaceScripts

AT_ONCE = 100
"""The rows of one INSERT."""


OVERTAKEN = "Another process copies into this workspace, or the copy was discarded."


class Contents(msgspec.Struct, frozen=True):
    """What a workspace has besides the rows of its tables: the rows of its system tables, without the
    definitions of tables and their references."""

    views: Sequence[View] = ()
    apps: Sequence[Mapping[str, Any]] = ()
    former_apps: Sequence[Mapping[str, Any]] = ()
    grants: Sequence[Mapping[str, Any]] = ()
    members: Sequence[Mapping[str, Any]] = ()
    owners: Sequence[Mapping[str, Any]] = ()
    shares: Sequence[Mapping[str, Any]] = ()
    webhooks: Sequence[Mapping[str, Any]] = ()
    webhook_tables: Sequence[Mapping[str, Any]] = ()
    charts: Sequence[Mapping[str, Any]] = ()


CONTENTS = (
    *("apps", "former_apps", "grants", "members", "owners", "shares"),
    *("webhooks", "webhook_tables", "charts"),
)


def read_contents(scripts: WorkspaceScripts) -> Steps[tuple[list[Table], Contents]]:
    """The tables of a workspace, and its other contents."""
    system = workspace_tables(scripts.namespace)
    tables = yield from scripts.tables.page("", None)
    found: dict[str, list[dict[str, Any]]] = {}
    steps = WorkspaceSteps(scripts.dialect, scripts.namespace)
    for name in CONTENTS:
        table: sa.Table = getattr(system, name)
        rows = yield from steps._do(sa.select(*table.c))
        found[name] = [_named(table, row) for row in rows]
    rows = yield from steps._do(sa.select(system.views.c.definition).order_by(system.views.c.name_key))
    return tables, Contents(views=[stored_view(row[0]) for row in rows], **found)


def app_names(scripts: WorkspaceScripts) -> Steps[dict[str, str]]:
    """The names of all apps by client id, including deleted ones."""
    system = workspace_tables(scripts.namespace)
    steps = WorkspaceSteps(scripts.dialect, scripts.namespace)
    found: dict[str, str] = {}
    for table in (system.former_apps, system.apps):
        rows = yield from steps._do(sa.select(table.c.client_id, table.c.name))
        found.update((row[0], row[1]) for row in rows)
    return found


class CopyScripts(WorkspaceSteps):
    """The scripts of one workspace that tables are copied to. Those that continue a copy, or end it, raise
    Busy if it has another ``owner`` by now."""

    def __init__(self, scripts: WorkspaceScripts, owner: str = "") -> None:
        super().__init__(scripts.dialect, scripts.namespace)
        self._scripts = scripts
        self._owner = owner
        self._state = copy_table(scripts.namespace)

    def staged(self, table: Table, tables: Mapping[str, Table]) -> StagedTable:
        return StagedTable(table, tables, self.dialect, self.namespace)

    # the state of the copy

    def state(self) -> Steps[CopyState]:
        """The unfinished copy. Raises StaleCatalog if there is none."""
        rows = yield from self._do(sa.select(*self._state.c).order_by(self._state.c.table_id))
        tables: dict[str, CopiedTable] = {}
        head: Row = ("", "", "", "1")
        for row in rows:
            if row[0] == "":
                head = row
            else:
                tables[row[1]] = CopiedTable(row[1], row[2], stored_table(row[3]), *row[4:])
        return CopyState(head[1], head[2], int(head[3]), tables)

    def take_over(self) -> Steps[CopyState]:
        """Continue a copy in the place of the process that has begun it, which cannot continue any more.
        Raises StaleCatalog if there is none."""
        yield from self._scripts.state.raise_version()
        state = self._state
        yield from self._do(sa.update(state).values(plan=self._owner).where(state.c.table_id == ""))
        # read after it, so that it has everything that the other process has done
        return (yield from self.state())

    def _check_owner(self) -> Steps[None]:
        """Nobody takes the copy over until the end of the transaction."""
        head = sa.select(self._state.c.plan).where(self._state.c.table_id == "").with_for_update()
        if [row[0] for row in (yield from self._do(head))] != [self._owner]:
            raise Busy(OVERTAKEN)

    def begin(self, source: str, key: int) -> Steps[None]:
        """Record a new copy. Raises UniqueConflict if another process has just begun one."""
        yield from self._scripts.state.raise_version()
        yield create_state(self.namespace, self.dialect)
        yield from self._insert_rows(
            self._state, [self._row("", CopiedTable(source, self._owner, _NO_TABLE), str(key))]
        )

    def add(self, copied: CopiedTable, tables: Mapping[str, Table]) -> Steps[None]:
        """Create a table, and record it."""
        yield from self._check_owner()
        stored = as_stored(copied.table)
        yield from self._insert_rows(self._state, [self._row(copied.table.id, copied, stored)])
        yield self.staged(copied.table, tables).create

    def remove(self, table: Table) -> Steps[None]:
        """Drop a table that was not finished."""
        yield from self._check_owner()
        yield from self._do(sa.delete(self._state).where(self._state.c.table_id == table.id))
        yield self.staged(_without_references(table), {}).drop()

    def advance(self, before: CopiedTable, after: CopiedTable) -> Steps[None]:
        """Record how far a table has come. Raises Busy if another process copies it."""
        yield from self._check_owner()
        state = self._state
        same = sa.and_(
            state.c.table_id == before.table.id,
            state.c.copied == before.copied,
            state.c.indexed == before.indexed,
        )
        changed = yield from self._do(
            sa.update(state)
            .values(copied=after.copied, digest=after.digest, indexed=after.indexed)
            .where(same)
            .returning(state.c.table_id)
        )
        if not changed:
            raise Busy(OVERTAKEN)

    def build_index(self, before: CopiedTable, tables: Mapping[str, Table]) -> Steps[CopiedTable]:
        """Create the next index. Raises UniqueConflict."""
        after = msgspec.structs.replace(before, indexed=before.indexed + 1)
        yield from self.advance(before, after)
        yield self.staged(before.table, tables).indexes[before.indexed]
        return after

    def discard(self, state: CopyState) -> Steps[None]:
        """Drop all tables that are not finished, and forget the copy."""
        yield from self._scripts.state.raise_version()
        yield from self._check_owner()
        # SQLite must find no reference to a table that it drops
        for copied in state.tables.values():
            yield from self.remove(copied.table)
        yield drop_state(self.namespace, self.dialect)

    # the end of a copy

    def publish(self, tables: Sequence[Table], contents: Contents, key: int) -> Steps[None]:
        """Give the tables their names and definitions, with everything else: from now on they are visible.

        Raises NameTaken for a name that was used meanwhile, and SetupError if the data keys were replaced
        meanwhile.
        """
        yield from self._scripts.state.raise_version()
        yield from self._check_owner()
        if set((yield from self._scripts.state.data_keys())) != {key}:
            raise SetupError(
                "The data keys of the workspace were replaced during the copy. Discard it with --discard, "
                "and start again."
            )
        by_id = {table.id: table for table in tables}
        for table in tables:
            yield from self._scripts.tables.check_name_is_free(table.name)
            staged = self.staged(table, by_id)
            for each in staged.references:  # noqa: UP028 - a list cannot receive rows
                yield each
        for table in tables:
            yield self.staged(table, by_id).rename()
        yield from self._store_definitions(tables, contents)
        for table in tables:
            if table.history is not None:
                yield from self._scripts.history.begin(table)
        yield drop_state(self.namespace, self.dialect)

    def _store_definitions(self, tables: Sequence[Table], contents: Contents) -> Steps[None]:
        system = self._system
        yield from self._insert_rows(system.tables, [_definition(table) for table in tables])
        references = [
            {
                "table_id": table.id,
                "column_id": column.id,
                "to_table_id": column.reference.table,
                "to_column_id": column.reference.column,
            }
            for table in tables
            for column in table.columns
            if column.reference is not None
        ]
        yield from self._insert_rows(system.references, references)
        yield from self._insert_rows(system.views, [_definition(view) for view in contents.views])
        uses = [
            {"view_id": view.id, "table_id": table_id}
            for view in contents.views
            for table_id in sorted(set(view.table_ids))
        ]
        yield from self._insert_rows(system.view_tables, uses)
        for name in CONTENTS:
            rows = getattr(contents, name)
            if name in ("members", "former_apps"):
                # an empty workspace can have these already
                rows = yield from self._unknown(getattr(system, name), rows)
            yield from self._insert_rows(getattr(system, name), rows)

    def _unknown(self, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> Steps[list[Mapping[str, Any]]]:
        """The rows whose key the table does not have."""
        (key,) = table.primary_key.columns
        known = {row[0] for row in (yield from self._do(sa.select(key)))}
        return [row for row in rows if row[key.name] not in known]

    def check_is_empty(self) -> Steps[None]:
        """Raises NameTaken for a workspace that has a table, a view or an app."""
        system: WorkspaceTables = self._system
        for kind, table in (("tables", system.tables), ("views", system.views), ("apps", system.apps)):
            if (yield from self._do(sa.select(table.c[0]).limit(1))):
                raise NameTaken(
                    f"The workspace already has {kind}. A workspace is copied into a new or empty one: "
                    "choose another name with --workspace."
                )

    def orphan(
        self, table: Table, tables: Mapping[str, Table], column: str, shown: Sequence[str]
    ) -> Steps[Sequence[Row]]:
        """A row whose reference in this column has no target, if there is one."""
        return (yield self.staged(table, tables).orphan(column, shown))

    def repeated_key(self, table: Table, tables: Mapping[str, Table], at: int) -> Steps[Sequence[Row]]:
        """A key that several rows have, although the index number ``at`` is unique."""
        return (yield self.staged(table, tables).repeated(table.indexes[at]))

    def _insert_rows(self, table: sa.Table, rows: Iterable[Mapping[str, Any]]) -> Steps[None]:
        values = list(rows)
        for first in range(0, len(values), AT_ONCE):
            yield from self._do(sa.insert(table).values(values[first : first + AT_ONCE]))

    def _row(self, table_id: str, copied: CopiedTable, definition: str) -> dict[str, Any]:
        return {
            "table_id": table_id,
            "source": copied.source,
            "plan": copied.plan,
            "definition": definition,
            "ids": copied.ids,
            "copied": copied.copied,
            "digest": copied.digest,
            "indexed": copied.indexed,
        }


def _named(table: sa.Table, row: Row) -> dict[str, Any]:
    """A row by its columns; SQLite has booleans as numbers."""
    return {
        column.name: bool(cell) if isinstance(column.type, sa.Boolean) else cell
        for column, cell in zip(table.c, row, strict=True)
    }


_NO_TABLE = Table(id="", name="", columns=())


def _definition(thing: Table | View) -> dict[str, str]:
    return {"id": thing.id, "name_key": name_key(thing.name), "definition": as_stored(thing)}


def _without_references(table: Table) -> Table:
    columns = tuple(msgspec.structs.replace(column, reference=None) for column in table.columns)
    return msgspec.structs.replace(table, columns=columns)
