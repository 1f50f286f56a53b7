"""Run: one import of an uploaded file, from its beginning or from its journal, in a thread with an event loop
of its own: what it writes to disk and computes does not delay requests."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Protocol, TypeVar

import msgspec
from msgspec import structs

from rowkeep.codec.rows import InsertLimits
from rowkeep.files.batches import BatchLimits
from rowkeep.files.bulk import BulkReply
from rowkeep.files.dry_run import DryRun
from rowkeep.files.isolated import IsolatedSource, Running, isolated
from rowkeep.files.journal import Import, ImportProgress, Ledger, Standing, recorded
from rowkeep.files.reading_frames import FileToRead
from rowkeep.files.records import Record, Source
from rowkeep.files.rejects import RowLog
from rowkeep.files.requests import BulkOptions, Mode, OnConflict, idempotency_key
from rowkeep.files.responses import NotServed, Unreachable, UsableTable
from rowkeep.files.row_api import NDJSON, RowApi
from rowkeep.files.row_import import RowImport, RowLogs
from rowkeep.files.sender import Sender, check_age
from rowkeep.files.table_columns import columns_of
from rowkeep.files.whole_import import keys_before, match_columns, run_import
from rowkeep.files.whole_stream import import_at_once
from rowkeep.model.file_requests import ImportBody
from rowkeep.services.file_imports.new_table import NewTableRows
from rowkeep.services.file_imports.places import Place
from rowkeep.services.file_imports.states import ImportState, UploadedFile

T = TypeVar("T")

STATE_SECONDS = 0.4
"""How often the state is written while the import runs."""

CHECKED_RECORDS = 500
MAX_TRIES = 20
MAX_WAIT_SECONDS = 5.0


class ImportStopped(Exception):
    """Somebody cancelled the import, or the server stops."""


class RowsOfActor(Protocol):
    """Inserts rows into tables of one workspace, with the rights of one user or admin token. Methods raise
    RequestRefused, NotServed, NoResponse."""

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply: ...

    async def insert_stream(
        self,
        table: str,
        chunks: AsyncIterator[bytes] | bytes,
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply: ...

    async def usable_tables(self) -> list[UsableTable]: ...


class ImportLimits(msgspec.Struct, frozen=True):
    """Limits of the server: bytes of a body, seconds for which it knows an idempotency key, and limits of
    rows."""

    body_bytes: int
    key_seconds: int
    rows: InsertLimits


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One import. ``is_stopped`` says whether the server stops."""

    place: Place
    file: UploadedFile
    request: ImportBody
    to_read: FileToRead
    limits: ImportLimits
    is_stopped: Callable[[], bool]
    running: Running

    @property
    def must_stop(self) -> bool:
        return self.is_stopped() or self.place.is_cancelled

    @property
    def bulk(self) -> BulkOptions:
        request = self.request
        return BulkOptions(
            mode=Mode(request.mode),
            on_conflict=OnConflict(request.on_conflict),
            key=tuple(request.key),
            is_dry_run=request.dry_run,
        )

    def check(self) -> None:
        """Raises ImportStopped."""
        if self.must_stop:
            raise ImportStopped


class ImportApi(RowApi, Protocol):
    """What an import needs of rows and tables."""

    async def usable_tables(self) -> list[UsableTable]: ...


class ThreadApi:
    """The rows of an actor, for the event loop of another thread; requests that are not served are sent
    again. Methods raise RequestRefused, NotServed, NoResponse, ImportStopped."""

    def __init__(self, rows: RowsOfActor, loop: asyncio.AbstractEventLoop, job: Job) -> None:
        self._rows = rows
        self._loop = loop
        self._job = job

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply:
        return await self._there(self._rows.bulk(table, content, key))

    async def insert_stream(
        self,
        table: str,
        chunks: AsyncIterator[bytes] | bytes,
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply:
        if not isinstance(chunks, bytes):
            chunks = _passed(chunks, asyncio.get_running_loop())
        return await self._there(self._rows.insert_stream(table, chunks, media_type, parameters, key))

    async def usable_tables(self) -> list[UsableTable]:
        return await self._there(self._rows.usable_tables())

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Raises Unreachable after the last try."""
        tries = 0
        while True:
            self._job.check()
            try:
                return await call()
            except NotServed as failure:
                tries += 1
                if tries >= MAX_TRIES:
                    raise Unreachable(f"The store is not available: {failure}.") from None
                asked = 0.5 * tries if failure.retry_after is None else failure.retry_after
                await asyncio.sleep(min(asked, MAX_WAIT_SECONDS))

    async def _there(self, call: Awaitable[T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_awaited(call), self._loop))


async def _awaited(call: Awaitable[T]) -> T:
    return await call


async def _passed(chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop) -> AsyncIterator[bytes]:
    """The chunks of an iterator of another event loop."""
    while True:
        coming = asyncio.run_coroutine_threadsafe(_next(chunks), loop)
        chunk = await asyncio.wrap_future(coming)
        if chunk is None:
            return
        yield chunk


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


class Shown:
    """The progress of an import, stored from time to time."""

    def __init__(self, job: Job, state: ImportState) -> None:
        self.state = structs.replace(state, step="reading")
        self._job = job
        self._written_at = 0.0

    def use(self, ledger: Ledger, source: Source) -> None:
        self._ledger = ledger
        self._source = source
        self._total = source.size
        self.move(0, 0)

    def move(self, done: int, _rows: int) -> None:
        """Raises ImportStopped."""
        self._job.check()
        self.state = structs.replace(
            with_counts(self.state, self._ledger.progress.standing),
            done=done or self._source.done,
            total=self._total,
        )
        now = time.monotonic()
        if now - self._written_at >= STATE_SECONDS:
            self._written_at = now
            self._job.place.write_state(self.state)

    def restart(self, what: str, total: int) -> None:
        self._total = total
        self.state = structs.replace(self.state, step=what.lower())

    def checked(self, records: Iterator[Record]) -> Iterator[Record]:
        """The records, unchanged. Raises ImportStopped."""
        for number, record in enumerate(records):
            if number % CHECKED_RECORDS == 0:
                self._job.check()
            yield record


def with_counts(state: ImportState, standing: Standing) -> ImportState:
    return structs.replace(
        state,
        n_inserted=standing.inserted,
        n_updated=standing.updated,
        n_ignored=standing.ignored,
        n_rejected=standing.rejected,
    )


def run_job(job: Job, state: ImportState, rows: RowsOfActor, loop: asyncio.AbstractEventLoop) -> ImportState:
    """Import the file; returns the state at the end. Raises ImportStopped, FileRefused, RequestRefused,
    Uncertain, SetupError, RowkeepError, OSError."""
    new_table = job.request.new_table
    checked = None if new_table is None else NewTableRows(new_table, job.limits.rows)
    return asyncio.run(_run(job, state, checked or ThreadApi(rows, loop, job)))


async def _run(job: Job, state: ImportState, api: ImportApi) -> ImportState:
    job.check()
    with isolated(job.to_read, str(job.place.path), job.running) as source:
        return await _import(job, state, api, source)


async def _import(job: Job, state: ImportState, api: ImportApi, source: IsolatedSource) -> ImportState:
    place, request, bulk = job.place, job.request, job.bulk
    columns = columns_of(await api.patiently(api.usable_tables), request.table)
    match = match_columns(columns, job.to_read.reading, source, job.file.name)
    logs = RowLogs(RowLog(place.rejects), RowLog(place.waiting), RowLog(place.existing))
    ledger = _ledger(job, source)
    standing = ledger.progress.standing
    logs.rejects.begin(standing.rejects_bytes)
    logs.waiting.begin(standing.waiting_bytes)
    logs.existing.begin(standing.existing_bytes)
    flight = ledger.progress.in_flight
    if flight is not None and not bulk.is_repeatable:
        check_age(flight, job.limits.key_seconds, time.time())
    shown = Shown(job, state)
    shown.use(ledger, source)
    if bulk.is_atomic:

        def every() -> Iterator[Record]:
            return shown.checked(source.records(source.start, match.targets))

        return await _run_at_once(api, job, shown, every, logs.rejects, ledger)
    records = shown.checked(source.records(standing.next, match.targets))
    bounds = BatchLimits.of(None, None, job.limits.body_bytes, bulk.extra_bytes)
    keys = keys_before(columns, bulk, source, match, standing)
    kind = DryRun if bulk.is_dry_run else RowImport
    importer = kind(Sender(api, request.table, ledger, bulk), ledger, logs, bounds, columns, keys, shown)
    await run_import(importer, records)
    return with_counts(shown.state, ledger.progress.standing)


async def _run_at_once(
    api: ImportApi,
    job: Job,
    shown: Shown,
    every: Callable[[], Iterator[Record]],
    rejects: RowLog,
    ledger: Ledger,
) -> ImportState:
    """Import all rows or none. If it is not known whether they were stored, they are sent again under the
    same key."""
    key = None if job.request.dry_run else idempotency_key(ledger.progress.run, "all", b"")

    async def send(chunks: AsyncIterator[bytes], parameters: Mapping[str, str]) -> BulkReply:
        return await api.insert_stream(job.request.table, chunks, NDJSON, parameters, key)

    reply, found = await api.patiently(
        lambda: import_at_once(every, send, job.bulk, lambda rows: shown.move(0, rows))
    )
    rejects.add(found, 0)
    return structs.replace(
        shown.state,
        n_inserted=reply.inserted,
        n_updated=reply.updated,
        n_ignored=reply.ignored,
        n_rejected=len(found),
        message="" if not found else "No row was imported, because rows were rejected.",
    )


def _ledger(job: Job, source: Source) -> Ledger:
    """The journal of this import. A dry run has none: it begins again. An atomic import has none either: its
    rows are stored in one step, under one key."""
    place, bulk = job.place, job.bulk
    what = Import(
        size=job.file.size,
        modified_ns=0,
        head_sha256="",
        format=job.to_read.format,
        table=job.request.table,
        server=job.file.workspace,
        app=job.file.owner,
    )
    path = None if bulk.is_dry_run or bulk.is_atomic else place.journal
    known = None if path is None else recorded(path)
    # another one for each import, but the same if it is continued
    run = f"{job.file.id} {place.begun_at()}"
    return Ledger(path, known or ImportProgress(what=what, run=run, standing=Standing(next=source.start)))
