"""Import jobs: cancelled, stopped with the server, and continued by another process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from rowkeep.files.bulk import BulkReply
from rowkeep.files.responses import (
    ListedColumn,
    NoResponse,
    ReceivedProblem,
    RequestProblem,
    RequestRefused,
    UsableTable,
)
from rowkeep.model.audit import AuditActor, AuditEntry, Outcome
from rowkeep.model.file_requests import ImportBody
from rowkeep.services.file_imports.jobs import ImportJobs
from rowkeep.services.file_imports.places import Place, Places
from rowkeep.services.file_imports.states import ImportState, ImportStatus, UploadedFile
from rowkeep.settings import Settings

ROWS = 3000
SETTINGS = Settings()


class Table:
    """A table in memory, which stores what is sent under a key once."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.keys: set[str | None] = set()
        self.waits: asyncio.Event | None = None
        self.sent = asyncio.Event()
        self.loses_response = False

    async def usable_tables(self) -> list[UsableTable]:
        columns = [ListedColumn("a", "integer", False)]
        return [UsableTable("t", "table", columns, ["read", "write"])]

    async def bulk(self, *_: Any) -> BulkReply:
        raise AssertionError("everything is streamed")

    async def insert_stream(
        self,
        _table: str,
        chunks: AsyncIterator[bytes] | bytes,
        _media_type: str,
        _parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply:
        sent = chunks if isinstance(chunks, bytes) else b"".join([each async for each in chunks])
        rows = [json.loads(line) for line in sent.splitlines()]
        is_known = key in self.keys
        if not is_known:
            self.rows += rows
            self.keys.add(key)
        self.sent.set()
        if self.waits is not None:
            await self.waits.wait()
        if self.loses_response:
            raise NoResponse("the response was lost")
        return BulkReply(inserted=len(rows), is_replayed=is_known)


class Audit:
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []

    def entry(self, actor: AuditActor, action: str, result: Outcome, **values: Any) -> AuditEntry:
        return AuditEntry("au-1", "", actor, action, result, **values)

    async def record(self, entry: AuditEntry) -> None:
        self.entries.append(entry)


def jobs_of(root: Path, table: Any) -> tuple[ImportJobs, Audit]:
    audit = Audit()
    clock = lambda: datetime.now(UTC)  # noqa: E731
    return ImportJobs(Places(root / "uploads"), SETTINGS, clock, lambda _: table, audit), audit  # type: ignore[arg-type] # a fake


def uploaded(root: Path, mode: str = "partial") -> Place:
    place = Places(root / "uploads").make("fi-0123456789abcdef01234567")
    place.data.write_text("".join(f'{{"a": {at}}}\n' for at in range(ROWS)), "utf-8")
    place.write_file(
        UploadedFile(
            id=place.path.name, workspace="main", owner="us-1", name="a.ndjson",
            size=place.data.stat().st_size, format="ndjson", uploaded_on="",
        )
    )  # fmt: skip
    state = ImportState(table="t", mode=mode, is_dry_run=False, status=ImportStatus.QUEUED, started_on="")
    place.begin(structs.replace(ImportBody(table="t"), mode=mode), state)
    return place


def state_of(place: Place) -> ImportState:
    state = place.state()
    assert state is not None
    return state


async def ended(place: Place) -> ImportState:
    async with asyncio.timeout(60):
        while state_of(place).status.is_open:  # noqa: ASYNC110 - it is in a file
            await asyncio.sleep(0.02)
    return state_of(place)


def test_an_import_is_cancelled(tmp_path: Path) -> None:
    async def run() -> None:
        table, place = Table(), uploaded(tmp_path)
        jobs, audit = jobs_of(tmp_path, table)
        table.waits = asyncio.Event()
        jobs.start(place)
        await table.sent.wait()
        place.cancel()
        table.waits.set()
        state = await ended(place)
        await jobs.close()
        assert (state.status, state.n_inserted) == (ImportStatus.CANCELLED, len(table.rows))
        assert place.has_data
        assert [(each.action, each.cause) for each in audit.entries] == [("rows.import.end", "cancelled")]
        assert audit.entries[0].details["inserted"] == len(table.rows) > 0

    asyncio.run(run())


def test_another_process_continues_and_stores_each_row_once(tmp_path: Path) -> None:
    async def run() -> None:
        table, place = Table(), uploaded(tmp_path)
        first, _ = jobs_of(tmp_path, table)
        # the rows are stored, but the server stops before it knows
        table.waits, table.loses_response = asyncio.Event(), True
        first.start(place)
        await table.sent.wait()
        second, audit = jobs_of(tmp_path, table)
        await second.resume()  # the first one has it still
        closing = asyncio.create_task(first.close())
        await asyncio.sleep(0)
        table.waits.set()
        await closing
        assert state_of(place).status is ImportStatus.RUNNING
        table.waits, table.loses_response = None, False
        await second.resume()
        state = await ended(place)
        await second.close()
        assert (state.status, state.n_inserted, state.resumed) == (ImportStatus.FINISHED, ROWS, 1)
        assert [each["a"] for each in table.rows] == list(range(ROWS))
        assert not place.has_data
        assert audit.entries[0].details["inserted"] == ROWS

    asyncio.run(run())


def test_a_whole_stream_is_sent_again_under_its_key(tmp_path: Path) -> None:
    async def run() -> None:
        table, place = Table(), uploaded(tmp_path, "atomic")
        first, _ = jobs_of(tmp_path, table)
        table.loses_response = True
        first.start(place)
        await table.sent.wait()
        await first.close()
        assert state_of(place).status is ImportStatus.RUNNING
        table.loses_response = False
        second, _ = jobs_of(tmp_path, table)
        await second.resume()
        state = await ended(place)
        await second.close()
        assert (state.status, state.n_inserted, len(table.keys)) == (ImportStatus.FINISHED, ROWS, 1)
        assert len(table.rows) == ROWS

    asyncio.run(run())


def test_a_right_that_was_taken_away_ends_it(tmp_path: Path) -> None:
    class Refusing(Table):
        async def insert_stream(self, *_: Any, **__: Any) -> BulkReply:
            problem = RequestProblem("You can read table t, but not change its rows.", "forbidden")
            raise RequestRefused(403, ReceivedProblem(problem.code, problem.msg, [problem]))

    async def run() -> None:
        place = uploaded(tmp_path)
        jobs, _ = jobs_of(tmp_path, Refusing())
        jobs.start(place)
        state = await ended(place)
        await jobs.close()
        assert (state.status, state.message) == (
            ImportStatus.FAILED, "You can read table t, but not change its rows."
        )  # fmt: skip

    asyncio.run(run())


def test_a_directory_that_others_can_write_is_not_used(tmp_path: Path) -> None:
    place = uploaded(tmp_path)
    places = Places(tmp_path / "uploads")
    assert [each.path for each in places.all()] == [place.path]
    places.root.chmod(0o777)
    assert places.all() == []
    assert places.find(place.path.name) is None
    with pytest.raises(PermissionError):
        places.make("fi-0123456789abcdef01234568")
