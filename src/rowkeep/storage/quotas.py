"""Quotas: how many rows a table and how many bytes a workspace may have.

The rows of a table are counted in the transaction of an insert if the quota is small, or if an estimate says
that there may be no room: a count of some moments ago, and what this process has inserted since. The counts
for estimates take at most a fiftieth of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Coroutine
from functools import partial
from typing import Any, TypeAlias, TypeVar

import msgspec

from rowkeep.errors.catalogue import QuotaExceeded
from rowkeep.model.ids import Stamp
from rowkeep.model.tables import Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.settings import Settings
from rowkeep.sql.as_of import AsOfSql
from rowkeep.sql.pages import Pages
from rowkeep.sql.quotas import count_rows, lock_table, workspace_bytes
from rowkeep.sql.rows import TableSql
from rowkeep.sql.views import ViewSql
from rowkeep.storage.contract import (
    EITHER,
    BatchKind,
    EncodeRows,
    InsertedRows,
    InsertRows,
    Load,
    Loaded,
    PartlyInserted,
    PartlyUpserted,
    RecordedWrite,
    RowScript,
    RowSteps,
    RowStream,
    Script,
    Selected,
    SelectRows,
    Sift,
    Sifted,
    Steps,
    UpdatedRows,
    UpdateRows,
    UpsertedRows,
    UpsertRows,
    WorkspaceDatabase,
    WriteKey,
)
from rowkeep.storage.inspection import Inspection

T = TypeVar("T")
Work: TypeAlias = Coroutine[Any, Any, T]

COUNTED_ROWS = 10_000
"""Up to this quota, the rows of a table are counted in the transaction of each insert, so that no number of
processes can exceed it. With a higher one, other processes can insert rows until the next count."""

COST = 50
"""A count is used for so many times as long as it took."""

FAR_SECONDS = 10.0
"""For how long a count is used at most."""

QUICK_SECONDS = 0.02
"""The size of a workspace is measured before each write, unless that takes longer: PostgreSQL measures each
table."""

MAX_TABLES = 10_000
"""The maximum number of tables whose count is known."""


class Estimate(msgspec.Struct):
    """How many rows a table has, as far as this process knows: ``rows`` were counted, which took
    ``seconds``; ``started`` are the rows that it has begun to insert since it started, ``finished`` those it
    has inserted, ``base`` those it had inserted when it began to count. ``running`` are the inserts that are
    not counted in their transactions."""

    rows: int = 0
    counted_at: float = float("-inf")
    seconds: float = 0.0
    started: int = 0
    finished: int = 0
    base: int = 0
    running: set[asyncio.Future[None]] = msgspec.field(default_factory=set)

    @property
    def now(self) -> int:
        return self.rows + self.started - self.base

    def is_fresh(self, *, is_near: bool) -> bool:
        """Whether the count is recent enough."""
        age = time.monotonic() - self.counted_at
        return age < min(FAR_SECONDS, COST * self.seconds if is_near else FAR_SECONDS)


class RowQuota:
    """The quota of rows of each table of one workspace."""

    def __init__(self, database: WorkspaceDatabase, most: int) -> None:
        self._database = database
        self._most = most
        self._estimates: dict[str, Estimate] = {}

    async def has_room(self, sql: TableSql, count: int) -> bool:
        """Whether a table certainly has room for so many rows; else they must be counted."""
        if not self._most or not count:
            return True
        if self._most <= COUNTED_ROWS:
            return False
        known = self._of(sql.table)
        if not known.is_fresh(is_near=2 * (known.now + count) > self._most):
            await self._count(sql, known)
        if known.now + count <= self._most:
            return True
        if known.running:
            # a count does not see them before they have ended
            await asyncio.wait(list(known.running))
        return False

    def is_known_to_have_room(self, sql: TableSql, count: int) -> bool:
        """The same, but false if the rows must be counted to know it."""
        if not self._most:
            return True
        known = self._estimates.get(sql.table.id)
        if known is None or self._most <= COUNTED_ROWS or not known.is_fresh(is_near=True):
            return False
        return known.now + count <= self._most

    async def _count(self, sql: TableSql, known: Estimate) -> None:
        began, base = time.monotonic(), known.finished

        def count() -> Steps[int]:
            rows = yield count_rows(sql, self._most + 1)
            return int(rows[0][0])

        known.rows = await self._database.read(count)
        known.base = base
        known.counted_at = time.monotonic()
        known.seconds = known.counted_at - began

    def _of(self, table: Table) -> Estimate:
        known = self._estimates.get(table.id)
        if known is None:
            if len(self._estimates) >= MAX_TABLES:
                del self._estimates[next(iter(self._estimates))]
            known = self._estimates[table.id] = Estimate()
        return known

    async def inserting(self, sql: TableSql, count: int, write: Awaitable[T]) -> T:
        """Await a write of so many rows, for which there is room."""
        known = self._of(sql.table)
        ended = asyncio.get_running_loop().create_future()
        known.running.add(ended)
        known.started += count
        try:
            written = await write
        except BaseException:
            known.started -= count
            raise
        finally:
            known.running.discard(ended)
            ended.set_result(None)
        known.finished += count
        return written

    def note(self, sql: TableSql, count: int) -> None:
        """Rows are inserted in a transaction that counts them."""
        known = self._of(sql.table)
        known.started += count
        known.finished += count

    def lock(self, sql: TableSql) -> Steps[None]:
        """Let other transactions that count the rows wait for the end of this one."""
        dialect = self._database.dialect
        if self._most and dialect.has_concurrent_writers:
            yield lock_table(dialect, self._database.namespace, sql.table.id)

    def check(self, sql: TableSql, coming: int = 0) -> Steps[None]:
        """Count the rows, to which ``coming`` ones will be added. Raises QuotaExceeded."""
        if not self._most:
            return
        rows = yield count_rows(sql, self._most + 1)
        known = self._estimates.get(sql.table.id)
        unseen = 0 if known is None else known.started - known.finished
        if rows[0][0] + unseen + coming > self._most:
            raise QuotaExceeded(
                f"Table {sql.table.name} would have more than {self._most} rows, the maximum of the setting "
                "max_rows_per_table. Nothing was written; delete rows, or ask the operator of the server to "
                "raise the setting.",
                quota="max_rows_per_table",
                value=self._most,
            )

    def check_alone(self, sql: TableSql, coming: int) -> Steps[None]:
        """Count the rows when no other transaction that counts them is running, until this one ends. Raises
        QuotaExceeded."""
        yield from self.lock(sql)
        yield from self.check(sql, coming)


class ByteQuota:
    """The quota of bytes of one workspace. Its size is measured before a write."""

    def __init__(self, database: WorkspaceDatabase, most: int) -> None:
        self._database = database
        self._most = most
        self._size = 0
        self._fresh_until = float("-inf")

    async def exceeded(self) -> QuotaExceeded | None:
        """The error for a workspace that has no room left."""
        if not self._most:
            return None
        began = time.monotonic()
        if began >= self._fresh_until:
            self._size = await self._database.read(self._measure)
            now = time.monotonic()
            if now - began > QUICK_SECONDS:
                self._fresh_until = now + min(FAR_SECONDS, COST * (now - began))
        if self._size < self._most:
            return None
        return QuotaExceeded(
            f"The workspace has {self._size} bytes, and the setting max_workspace_bytes allows {self._most}. "
            "Nothing was written; delete rows or tables, or ask the operator of the server to raise the "
            "setting.",
            quota="max_workspace_bytes",
            value=self._most,
        )

    async def check(self) -> None:
        """Raises QuotaExceeded."""
        error = await self.exceeded()
        if error is not None:
            raise error

    def _measure(self) -> Steps[int]:
        rows = yield workspace_bytes(self._database.dialect, self._database.namespace)
        return int(rows[0][0])


def has_quotas(settings: Settings) -> bool:
    return settings.max_rows_per_table > 0 or settings.max_workspace_bytes > 0


class QuotaDatabase(WorkspaceDatabase):
    """The database of a workspace with quotas. All writes of rows but deletes can raise QuotaExceeded."""

    def __init__(self, database: WorkspaceDatabase, settings: Settings) -> None:
        self._database = database
        self.dialect = database.dialect
        self.namespace = database.namespace
        self._rows = RowQuota(database, settings.max_rows_per_table)
        self._bytes = ByteQuota(database, settings.max_workspace_bytes)

    # what needs no quota; each of these gives the coroutine itself, so that none waits in another

    def read(self, script: Script[T]) -> Work[T]:
        return self._database.read(script)

    def write(self, script: Script[T]) -> Work[T]:
        return self._database.write(script)

    def prepare(self, table: Table) -> TableSql:
        return self._database.prepare(table)

    def prepare_as_of(self, table: Table) -> AsOfSql:
        return self._database.prepare_as_of(table)

    def prepare_view(self, view: BoundView) -> ViewSql:
        return self._database.prepare_view(view)

    def select(self, sql: Pages, plan: SelectPlan, version: int) -> Work[Selected]:
        return self._database.select(sql, plan, version)

    def stream(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> Work[RowStream]:
        return self._database.stream(sql, plan, version, encode)

    @property
    def inspection(self) -> Inspection:
        return self._database.inspection

    def delete(self, sql: TableSql, plan: DeletePlan, version: int, key: WriteKey | None = None) -> Work[int]:
        return self._database.delete(sql, plan, version, key)

    # writes

    async def update(
        self, sql: TableSql, plan: UpdatePlan, version: int, key: WriteKey | None = None
    ) -> UpdatedRows:
        await self._bytes.check()
        return await self._database.update(sql, plan, version, key)

    async def insert(
        self, sql: TableSql, plan: InsertPlan, version: int, key: WriteKey | None = None
    ) -> Stamp:
        await self._bytes.check()
        count = len(plan.rows)
        if await self._rows.has_room(sql, count):
            return await self._rows.inserting(sql, count, self._database.insert(sql, plan, version, key))

        def insert() -> RowSteps[Stamp]:
            yield from self._rows.lock(sql)
            stamp: Stamp = yield InsertRows(sql, plan)
            yield from self._rows.check(sql)
            return stamp

        stamp = await self._database.batch(insert, version, BatchKind(dry_run=plan.is_dry_run), key)
        self._rows.note(sql, count)
        return stamp

    async def load(self, sql: TableSql, load: Load, version: int, key: WriteKey | None = None) -> Loaded:
        await self._bytes.check()
        if await self._rows.has_room(sql, load.count):
            return await self._rows.inserting(sql, load.count, self._database.load(sql, load, version, key))
        if not load.is_upsert:
            # most that are too large are refused here, before all of their rows are written
            await self._database.read(lambda: self._rows.check(sql, load.count))
        counted = msgspec.structs.replace(
            load, first=lambda: self._rows.lock(sql), last=lambda: self._rows.check(sql)
        )
        loaded = await self._database.load(sql, counted, version, key)
        if not load.is_dry_run:
            self._rows.note(sql, loaded.inserted)
        return loaded

    async def insert_partly(
        self, sql: TableSql, plan: InsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyInserted:
        await self._bytes.check()
        count = len(plan.rows)
        if await self._rows.has_room(sql, count):
            write = self._database.insert_partly(sql, plan, sift, version, key)
            return await self._rows.inserting(sql, count, write)
        counted = self._counted(sql, sift)
        inserted = await self._database.insert_partly(sql, plan, counted, version, key)
        self._rows.note(sql, inserted.stamp.count)
        return inserted

    async def upsert(
        self, sql: TableSql, plan: UpsertPlan, version: int, key: WriteKey | None = None
    ) -> UpsertedRows:
        await self._bytes.check()
        count = len(plan.rows)
        if await self._rows.has_room(sql, count):
            return await self._rows.inserting(sql, count, self._database.upsert(sql, plan, version, key))

        def upsert() -> RowSteps[UpsertedRows]:
            yield from self._rows.lock(sql)
            written: UpsertedRows = yield UpsertRows(sql, plan)
            if written.inserted:
                yield from self._rows.check(sql)
            return written

        written = await self._database.batch(upsert, version, BatchKind(dry_run=plan.is_dry_run), key)
        self._rows.note(sql, written.inserted)
        return written

    async def upsert_partly(
        self, sql: TableSql, plan: UpsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyUpserted:
        """Near the quota, it needs room for all of its rows, also for those that are stored."""
        await self._bytes.check()
        count = len(plan.rows)
        if await self._rows.has_room(sql, count):
            write = self._database.upsert_partly(sql, plan, sift, version, key)
            return await self._rows.inserting(sql, count, write)
        counted = self._counted(sql, sift)
        written = await self._database.upsert_partly(sql, plan, counted, version, key)
        self._rows.note(sql, written.written.inserted)
        return written

    def _counted(self, sql: TableSql, sift: Sift) -> Sift:
        def counted(written_on: str) -> Steps[Sifted]:
            sifted = yield from sift(written_on)
            coming = len(sifted.accepted)
            if not coming:
                return sifted
            yield from self._rows.check(sql, coming)
            if not self.dialect.has_concurrent_writers:
                return sifted
            # others can write before these rows are written
            return msgspec.structs.replace(sifted, check=partial(self._rows.check_alone, sql, coming))

        return counted

    async def batch(
        self, script: RowScript[T], version: int, kind: BatchKind = EITHER, key: WriteKey | None = None
    ) -> T:
        if kind.only_reads and key is None:
            return await self._database.batch(script, version, kind, key)
        error, is_stored = await self._bytes.exceeded(), key is not None

        def checked() -> RowSteps[T]:
            return self._each_checked(script(), error, is_stored)

        return await self._database.batch(checked, version, kind, key)

    def _each_checked(self, steps: RowSteps[T], error: QuotaExceeded | None, is_stored: bool) -> RowSteps[T]:
        """The same steps, with a check after each that inserts rows. ``error`` is that of a workspace without
        room; ``is_stored`` says that what is read will be stored in the response under a key."""
        result: object = None
        while True:
            try:
                wanted = steps.send(result)
            except StopIteration as stop:
                returned: T = stop.value
                return returned
            if error is not None and isinstance(wanted, InsertRows | UpsertRows | UpdateRows):
                raise error
            if error is not None and isinstance(wanted, RecordedWrite) and not wanted.only_removes:
                raise error
            if error is not None and is_stored and isinstance(wanted, SelectRows):
                raise error
            result = yield wanted
            if isinstance(wanted, InsertedRows):
                yield from self._check_count(wanted.sql, wanted.count)
            if isinstance(wanted, InsertRows | UpsertRows):
                yield from self._checked(wanted, result)

    def _checked(self, done: InsertRows | UpsertRows, result: object) -> RowSteps[None]:
        count = result.inserted if isinstance(result, UpsertedRows) else len(done.plan.rows)
        yield from self._check_count(done.sql, count)

    def _check_count(self, sql: TableSql, count: int) -> RowSteps[None]:
        """So many rows were inserted."""
        if count == 0:
            return
        if not self._rows.is_known_to_have_room(sql, count):
            yield from self._rows.lock(sql)
            yield from self._rows.check(sql)
        self._rows.note(sql, count)
