"""A workbench: one table in the database of a workspace. Wishes as JSON become plans, as services do it."""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec

from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.codec.rows import TableCodec, encode
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.crypto.ciphers import DataKeys
from rowkeep.model.access import Workspace
from rowkeep.model.data_requests import Conflict, ConflictAction, DeleteBody, QueryBody, RowRange, UpdateBody
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Table
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.relation import Relation
from rowkeep.plan.rows.select import SelectPlan, plan_select, plan_stream
from rowkeep.plan.rows.upserts import UpsertLimits, UpsertPlan, find_key, plan_upsert
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan, plan_delete, plan_update
from rowkeep.settings import Settings
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Database, Row, Selected, Store, UpdatedRows, WorkspaceDatabase
from rowkeep.storage.opening import make_store
from rowkeep.storage.scripts.workspace import WorkspaceScripts

NUMBERS = itertools.count(1)
WRITER = "st-6b2c1b5e-6c2f-4a5e-9d5d-0f3f6a2b7c11"
SIGNER = CursorSigner(b"a key of the tests")
DATA_KEYS = DataKeys({1: bytes(32), 2: b"2" * 32})
"""The first is in use; the second is there for tests that replace it."""
COUNTS_ONLY = UpsertLimits(0, 0, shows_ignored=False, max_cell_bytes=1_000_000)
UPDATE = body_decoder(UpdateBody)

THINGS: dict[str, Any] = {
    "name": "things",
    "schemaDef": [
        {"name": "Text", "type": "string"},
        {"name": "Number", "type": "number"},
        {"name": "Whole", "type": "integer"},
        {"name": "Flag", "type": "boolean"},
        {"name": "Day", "type": "date"},
    ],
}
"""A table with a column of each type that all engines have."""


@asynccontextmanager
async def opened(url: str, ids: IdSource | None = None, **settings: Any) -> AsyncIterator[Store]:
    """The open store of this address; closed at the end of the block."""
    store = make_store(Settings(database_url=url, **settings), ids or IdSource())
    try:
        await store.open()
        yield store
    finally:
        await store.close()


async def until(holds: Callable[[], bool]) -> None:
    """Files are closed in threads, which take their time."""
    while not holds():  # noqa: ASYNC110 - the system, of which this asks, has no event for it
        await asyncio.sleep(0.005)


def new_workspace() -> Workspace:
    """A workspace that no other test has, as the catalog would give it."""
    number = next(NUMBERS)
    return Workspace(number, f"Test_{number}", "2020-03-28T07:02:09.652Z")


async def initialised(store: Store, workspace: Workspace) -> WorkspaceDatabase:
    """The database of a workspace, its version and data key set if it is new."""
    database = await store.workspace(workspace)
    await database.write(partial(scripts_of(database).state.initialise, b"a wrapped key"))
    return database


def scripts_of(database: Database) -> WorkspaceScripts:
    return WorkspaceScripts(database.dialect, database.namespace)


async def rows_of(database: Database, text: str, *parameters: Any) -> Sequence[Row]:
    """The rows of one statement of the test's own, a transaction in itself. ``@name`` is a table's name."""

    def script() -> Generator[Statement, Sequence[Row], Sequence[Row]]:
        return (yield statement(database, text, *parameters))

    return await database.write(script)


def statement(database: Database, text: str, *parameters: Any) -> Statement:
    """SQL of the test's own, in which ``@name`` is a table's name in this database."""
    namespace = f'"{database.namespace}".' if database.namespace else ""
    return Statement(re.sub(r"@(\w+)", rf'{namespace}"\1"', text), parameters)


class Workbench:
    """A table, and what a request would do with it. ``version`` is what its plans were made with."""

    def __init__(self, database: WorkspaceDatabase, table: Table, version: int) -> None:
        self.database = database
        self.table = table
        self.version = version
        self.scripts = scripts_of(database)
        self.sql = database.prepare(table)
        names = ColumnNames(table)
        self.forms = StoredCells(
            table, {c.name: DATA_KEYS.cipher(table.id, c.id, c.keys or (1,)) for c in table.columns}
        )
        self.codec = TableCodec(table, names, self.forms)
        self._target = Relation(table.id, names, self.forms.store_cell, self.forms.find_cell)
        self._settings = Settings()

    @classmethod
    async def with_table(cls, database: WorkspaceDatabase, definition: Mapping[str, Any]) -> Workbench:
        """A new table of this definition, in an initialised database."""
        body = msgspec.convert(definition, TableBody)
        scripts = scripts_of(database)
        script = partial(scripts.tables.create, body, secrets.token_hex(8))
        table, _ = await database.write(script)
        return cls(database, table, await database.read(scripts.state.version))

    def at(self, database: WorkspaceDatabase) -> Workbench:
        """The same table, as another opener of the same store sees it."""
        return Workbench(database, self.table, self.version)

    def statement(self, text: str, *parameters: Any) -> Statement:
        return statement(self.database, text, *parameters)

    def operation(self) -> Operation | None:
        """A new operation, if the table has a history."""
        return None if self.table.history is None else Operation(secrets.token_hex(12), WRITER)

    # plans

    def insert_plan(self, *rows: Mapping[str, Any]) -> InsertPlan:
        stored = self.forms.store(self.codec.decode_rows(encode({"data": rows}))[0])
        return InsertPlan(stored, WRITER, operation=self.operation())

    def upsert_plan(
        self,
        *rows: Mapping[str, Any],
        limits: UpsertLimits = COUNTS_ONLY,
        action: ConflictAction = "update",
    ) -> UpsertPlan:
        """By the first index of the table."""
        conflict = Conflict([each.name for each in self.table.indexes[0].columns], action)
        body = {"data": rows, "onConflict": {"columns": conflict.columns, "action": action}}
        decoded = self.codec.decode_rows(encode(body))
        index = find_key(self.table, ColumnNames(self.table), conflict)
        return plan_upsert(
            self.table,
            self.forms,
            index,
            action,
            decoded.rows,
            WRITER,
            limits,
            decoded.changes,
            operation=self.operation(),
        )

    def select_plan(
        self, body: Mapping[str, Any] | None = None, limit: int = 1000, offset: int | None = None
    ) -> SelectPlan:
        wish = msgspec.convert(body or {}, QueryBody)
        return plan_select(self._target, wish, RowRange(limit, offset), self._settings, SIGNER)

    def stream_plan(self, body: Mapping[str, Any], rows: RowRange) -> SelectPlan:
        wish = msgspec.convert(body, QueryBody)
        return plan_stream(self._target, wish, rows, self._settings, SIGNER)

    def update_plan(
        self,
        query: Mapping[str, Any],
        data: Mapping[str, Any],
        max_records: int = 10_000,
        *,
        dry_run: bool = False,
    ) -> UpdatePlan:
        wish = decode_body(encode({"query": query, "data": data, "dryRun": dry_run}), UPDATE)
        settings = msgspec.structs.replace(self._settings, max_returned_records=max_records)
        operation = self.operation()
        return plan_update(
            self._target, self.codec, wish, WRITER, settings, minimal=False, operation=operation
        )

    def delete_plan(self, query: Mapping[str, Any], *, dry_run: bool = False) -> DeletePlan:
        wish = msgspec.convert({"query": query, "dryRun": dry_run}, DeleteBody)
        return plan_delete(self._target, wish, self._settings, operation=self.operation())

    # calls

    async def insert(self, *rows: Mapping[str, Any]) -> Stamp:
        return await self.database.insert(self.sql, self.insert_plan(*rows), self.version)

    async def select(
        self, body: Mapping[str, Any] | None = None, limit: int = 1000, offset: int | None = None
    ) -> Selected:
        return await self.database.select(self.sql, self.select_plan(body, limit, offset), self.version)

    async def update(
        self, query: Mapping[str, Any], data: Mapping[str, Any], max_records: int = 10_000
    ) -> UpdatedRows:
        plan = self.update_plan(query, data, max_records)
        return await self.database.update(self.sql, plan, self.version)

    async def delete(self, query: Mapping[str, Any]) -> int:
        return await self.database.delete(self.sql, self.delete_plan(query), self.version)

    # what is there

    async def column(self, name: str, body: Mapping[str, Any] | None = None) -> list[Any]:
        """The values of one column, of the first 1,000 rows (by ``_id``) or of those that a query finds."""
        selected = await self.select({**(body or {}), "fields": [name]})
        return [row[0] for row in selected.rows]

    async def count(self) -> int:
        total = (await self.select(limit=1)).total
        assert total is not None
        return total


async def tables_of(store: Store, count: int) -> list[Workbench]:
    """So many tables of one new workspace."""
    database = await initialised(store, new_workspace())
    made = [await Workbench.with_table(database, {**THINGS, "name": f"things_{at}"}) for at in range(count)]
    return [Workbench(database, each.table, made[-1].version) for each in made]


async def by_cursor(things: Workbench, body: dict[str, Any], limit: int) -> list[Selected]:
    """All pages, one after the other, each from where the last one ended."""
    pages = [await things.select(body, limit)]
    fingerprint = things.select_plan(body, limit).fingerprint
    while pages[-1].next_key is not None:
        cursor = SIGNER.sign(fingerprint, pages[-1].next_key)
        pages.append(await things.select(body | {"cursor": cursor}, limit))
    return pages


ALL: dict[str, Any] = {"all": True}
"""The filter of an update or delete that means every row."""


def where(field: str, operand: str, *value: Any) -> dict[str, Any]:
    """A filter of one comparison; no value for ``is null`` and ``is not null``."""
    return {"expressions": [{"field": field, "operand": operand} | ({"value": value[0]} if value else {})]}
