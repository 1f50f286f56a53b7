"""Activity: the counts of several processes together, the slowest queries, growth by day, and notices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest

import rowkeep.http.app  # noqa: F401 - declares the routes whose requests are counted
from rowkeep.catalog.catalog import Catalog
from rowkeep.http.routes import ROUTES
from rowkeep.metrics import ROWS_READ, count_error
from rowkeep.model.activity import Activity, SlowQuery
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.ids import IdSource
from rowkeep.services.activity import KEPT_DAYS, MANY_REFUSED, ActivityReader, ActivityRecorder
from rowkeep.services.audit import AuditLog, Outcome, command_actor
from rowkeep.services.background import BackgroundTasks
from rowkeep.services.health import Health
from rowkeep.services.initialise import initialise, open_initialised
from rowkeep.services.slow_queries import SLOWEST, SLOWEST_QUERIES
from rowkeep.services.tables import Tables
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store

pytestmark = pytest.mark.anyio


class Watched:
    """A new store with a clock that the test sets."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self.catalog = catalog
        self.settings = settings
        self.now = datetime(2026, 11, 27, 12, tzinfo=UTC)
        self.tasks = BackgroundTasks()

    @classmethod
    async def opened(cls, url: str, directory: Path) -> Watched:
        settings = Settings(database_url=url, master_key_file=str(directory / "key"))
        store = make_store(settings, IdSource())
        await store.open()
        await initialise(store, settings)
        return cls(await open_initialised(store, settings), settings)

    def recorder(self) -> ActivityRecorder:
        """That of another process."""
        return ActivityRecorder(self.catalog, lambda: self.now)

    async def read(self, hours: int = 24) -> Activity:
        reader = ActivityReader(self.catalog, lambda: self.now, Health(self.catalog), self.tasks)
        return await reader.read(hours)


async def test_counts_of_all_processes(new_store: Callable[[], str], tmp_path: Path) -> None:
    watched = await Watched.opened(new_store(), tmp_path)
    SLOWEST_QUERIES.take()
    first, second = watched.recorder(), watched.recorder()
    await first.store_counts()
    assert (await watched.read()).points == []
    for status in (200, 404, 500):
        ROUTES.count(0, status, 0.1)
    ROWS_READ.add(7)
    for _ in range(MANY_REFUSED):
        count_error("unauthenticated")
    await first.store_counts()
    await second.store_counts()
    activity = await watched.read()
    assert len(activity.points) == 1
    counts = activity.points[0].counts
    # two recorders of this process see the same numbers
    assert counts.requests == {"2": 2, "4": 2, "5": 2}
    assert counts.rows == {"read": 14}
    assert counts.refusals == {"token": 2 * MANY_REFUSED}
    assert [each.about for each in activity.notices] == ["requests", "tokens", "backups"]
    watched.now += timedelta(days=KEPT_DAYS, seconds=1)
    ROWS_READ.add(1)
    await first.store_counts()
    assert [each.counts.rows for each in (await watched.read(24 * 7)).points] == [{"read": 1}]
    await watched.catalog.store.close()


async def test_slowest_queries(new_store: Callable[[], str], tmp_path: Path) -> None:
    watched = await Watched.opened(new_store(), tmp_path)
    SLOWEST_QUERIES.take()
    recorder = watched.recorder()
    for at in range(SLOWEST + 2):
        SLOWEST_QUERIES.add(SlowQuery(1.0, at + 1, "query", f"SELECT {at}", "people", None))
    SLOWEST_QUERIES.add(SlowQuery(2.0, 0.5, "query", f"SELECT {SLOWEST}", "people", None))
    await recorder.store_counts()
    slowest = (await watched.read()).slowest
    assert [each.seconds for each in slowest] == list(range(SLOWEST + 2, 2, -1))
    assert SLOWEST_QUERIES.take() == []
    await watched.catalog.store.close()


async def test_growth_and_backups(new_store: Callable[[], str], tmp_path: Path) -> None:
    watched = await Watched.opened(new_store(), tmp_path)
    body = msgspec.json.decode(
        b'{"name": "people", "schemaDef": [{"name": "A", "type": "string"}]}', type=TableBody
    )
    await Tables(watched.catalog).create("main", body)
    await watched.recorder().store_sizes()
    # within the hour no other process does it again
    await watched.recorder().store_sizes()
    watched.now += timedelta(days=1)
    await watched.recorder().store_sizes()
    (growth,) = (await watched.read()).tables
    assert (growth.workspace, [each.name for each in growth.days]) == ("main", ["people", "people"])
    assert [each.day for each in growth.days] == ["2026-11-27", "2026-11-28"]
    log = AuditLog(watched.catalog, watched.settings, lambda: watched.now, command_actor())
    entry = log.entry(command_actor(), "backup.create", Outcome.SUCCESS)
    await watched.catalog.store.catalog.write(partial(watched.catalog.audit.add, [entry]))
    await log.close()
    assert (await watched.read()).notices == []
    await watched.catalog.store.close()
