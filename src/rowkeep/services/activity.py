"""Activity: what an operator sees first: requests and errors, slow queries, growth of tables, and what needs
attention.

Each server process stores every few minutes what it has counted since the last time; one of all processes
stores the sizes of all tables every hour. So the figures are those of all machines, and survive restarts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import RowkeepError
from rowkeep.metrics import REGISTRY
from rowkeep.model.activity import Activity, ActivityPoint, Counts, Growth, Notice, SlowQuery, TableOnDay
from rowkeep.model.audit import AuditFilter, Outcome
from rowkeep.model.ids import Clock
from rowkeep.services.background import BackgroundTasks
from rowkeep.services.health import Health
from rowkeep.services.key_rotation import all_workspaces
from rowkeep.services.shared_tasks import GONE, SharedTask
from rowkeep.services.slow_queries import SLOWEST_QUERIES
from rowkeep.storage.scripts.activity import ActivityScripts

STEP_SECONDS = 300
"""How long a process counts until it stores its numbers."""

KEPT_DAYS, SIZES_KEPT_DAYS = 8, 400

MAX_HOURS = 24 * 7
MAX_POINTS = 288
"""With more, points are joined."""

SIZES_TASK, SIZES_SECONDS = "table sizes", 3600
TABLES_AT_ONCE = 200

LARGEST = 10
GROWTH_DAYS = 30

SLOWEST_SHOWN = 10

BACKUP_DAYS = 7
"""After so long without a backup, there is a notice."""

MANY_REFUSED = 100
"""So many requests with invalid tokens in the shown time are worth a notice."""


class ActivityRecorder:
    """Stores what this process counts."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._process = token_hex(8)
        database = catalog.store.catalog
        self._scripts = ActivityScripts(database.dialect, database.namespace)
        self._sizes_turns = SharedTask(SIZES_TASK, SIZES_SECONDS, catalog, clock)
        self._stored = _counted_here()

    async def store_counts(self) -> None:
        """Store what was counted since the last time, if there is anything."""
        counted = _counted_here()
        difference = {
            kind: {name: number - self._stored[kind].get(name, 0) for name, number in numbers.items()}
            for kind, numbers in counted.items()
        }
        new = {
            kind: {name: each for name, each in found.items() if each} for kind, found in difference.items()
        }
        slowest = SLOWEST_QUERIES.take()
        self._stored = counted
        if not any(new.values()) and not slowest:
            return
        now = int(self._clock().timestamp())
        counts = Counts(new["requests"], new["refusals"], new["rows"], slowest)
        oldest = now - KEPT_DAYS * 86_400
        await self._catalog.store.catalog.write(
            partial(self._scripts.add, now, self._process, counts, oldest)
        )

    async def store_sizes(self) -> None:
        """Store the sizes of all tables, if no process has done it in the last hour."""
        if not await self._sizes_turns.take_turn():
            return
        moment, database = self._clock(), self._catalog.store.catalog
        day, oldest = _day(moment), _day(moment - timedelta(days=SIZES_KEPT_DAYS))
        for workspace in await all_workspaces(self._catalog):
            if workspace.is_made:
                try:
                    sizes = await self._sizes(workspace.name)
                except GONE:
                    continue
                await database.write(partial(self._scripts.set_sizes, day, workspace.id, sizes, oldest))

    async def _sizes(self, name: str) -> list[TableOnDay]:
        opened = await self._catalog.named(name)
        found: list[TableOnDay] = []
        after = ""
        while True:
            read = partial(opened.scripts.tables.page_with_sizes, after, TABLES_AT_ONCE)
            tables, _, sizes = await opened.database.read(read)
            found += [
                TableOnDay(table.id, table.name, size.rows, size.bytes)
                for table, size in zip(tables, sizes, strict=True)
            ]
            if len(tables) < TABLES_AT_ONCE:
                return found
            after = tables[-1].name.lower()


class ActivityReader:
    """Reads what all processes have stored."""

    def __init__(self, catalog: Catalog, clock: Clock, health: Health, tasks: BackgroundTasks) -> None:
        self._catalog = catalog
        self._clock = clock
        self._health = health
        self._tasks = tasks
        database = catalog.store.catalog
        self._scripts = ActivityScripts(database.dialect, database.namespace)

    async def read(self, hours: int) -> Activity:
        """The activity of the last hours."""
        moment = self._clock()
        until = int(moment.timestamp())
        since = until - hours * 3600
        step = max(STEP_SECONDS, -(-hours * 3600 // MAX_POINTS))
        found = await self._catalog.store.catalog.read(partial(self._scripts.since, since))
        slowest = sorted((each for _, counts in found for each in counts.slowest), key=_by_seconds)
        points = [
            ActivityPoint(
                since + at * step, _sum(counts for time, counts in found if (time - since) // step == at)
            )
            for at in sorted({(time - since) // step for time, _ in found})
        ]
        notices = await self._notices(moment, _sum(each.counts for each in points))
        growth = await self._growth(moment)
        return Activity(since, until, step, points, slowest[:SLOWEST_SHOWN], growth, notices)

    async def _growth(self, moment: datetime) -> list[Growth]:
        """The largest tables that exist, with their sizes on each of the last days."""
        names = {each.id: each.name for each in await all_workspaces(self._catalog)}
        database = self._catalog.store.catalog
        since = _day(moment - timedelta(days=GROWTH_DAYS))
        largest = await database.read(partial(self._scripts.largest, LARGEST))
        return [
            Growth(
                names[workspace], await database.read(partial(self._scripts.growth, workspace, table, since))
            )
            for workspace, table in largest
            if workspace in names
        ]

    async def _notices(self, moment: datetime, counts: Counts) -> list[Notice]:
        """What needs attention, the most urgent first."""
        notices = await self._faults()
        errors = counts.requests.get("5", 0)
        if errors:
            message = f"{errors:,} requests got an error of the server (5xx). The server log says why."
            notices.append(Notice("requests", "warning", message))
        refused = counts.refusals.get("token", 0) + counts.refusals.get("sign_in", 0)
        if refused >= MANY_REFUSED:
            message = f"{refused:,} requests had an invalid token or password. The audit log says from where."
            notices.append(Notice("tokens", "warning", message))
        last = await self._last_backup()
        if last is None or moment - datetime.fromisoformat(last) > timedelta(days=BACKUP_DAYS):
            when = (
                "No backup was made with rowkeep backup" if last is None else f"The last backup is of {last}"
            )
            notices.append(Notice("backups", "warning", f"{when}. Make backups regularly: rowkeep backup."))
        return notices

    async def _faults(self) -> list[Notice]:
        """The faults that /readyz reports, and the failing tasks of this process."""
        try:
            fault = await self._health.fault()
        except RowkeepError as error:
            fault = error
        problems = () if fault is None else fault.problems or (fault,)
        failing = [name for name, state in self._tasks.health().items() if state != "ok"]
        return [
            *(Notice("health", "error", each.msg) for each in problems),
            *(
                Notice("tasks", "error", f'The background task "{name}" fails. The server log says why.')
                for name in failing
            ),
        ]

    async def _last_backup(self) -> str | None:
        """The time of the last successful backup in the audit log."""
        wanted = AuditFilter(action="backup.create")
        entries = await self._catalog.store.catalog.read(partial(self._catalog.audit.entries, wanted, "", 20))
        return next((each.time for each in entries if each.result is Outcome.SUCCESS), None)


def _counted_here() -> dict[str, dict[str, int]]:
    """The numbers of this process that are stored."""
    requests: Counter[str] = Counter()
    for (_, _, status), number in REGISTRY.counted_here("rowkeep_http_requests").items():
        requests[status[0]] += int(number)
    return {
        "requests": dict(requests),
        "refusals": _by_label("rowkeep_refusals"),
        "rows": _by_label("rowkeep_rows"),
    }


def _by_label(name: str) -> dict[str, int]:
    return {labels[0]: int(number) for labels, number in REGISTRY.counted_here(name).items()}


def _sum(parts: Iterable[Counts]) -> Counts:
    """The numbers of several processes and times together; without slow queries."""
    requests: Counter[str] = Counter()
    refusals: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    for part in parts:
        for total, numbers in ((requests, part.requests), (refusals, part.refusals), (rows, part.rows)):
            _add(total, numbers)
    return Counts(dict(requests), dict(refusals), dict(rows))


def _add(total: Counter[str], numbers: Mapping[str, int]) -> None:
    total.update(numbers)


def _by_seconds(query: SlowQuery) -> float:
    return -query.seconds


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
