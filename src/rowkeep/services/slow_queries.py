"""Slow queries: log entries for requests for rows that took long in the database.

An entry has the statement without its values and, for a query, the plan of the database. The plan is made
afterwards, one at a time, and is only part of the entry if it is made in time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from time import perf_counter, time
from types import TracebackType
from typing import Any, TypeAlias

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.limited_log import LimitedLog
from rowkeep.metrics import SLOW_QUERIES
from rowkeep.model.activity import SlowQuery
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.request_context import CURRENT
from rowkeep.sql.explain import explaining, page_statement, shortened, shown_plan, stream_statement
from rowkeep.sql.pages import Pages
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row, StaleCatalog, Steps, WorkspaceDatabase

SLOWEST = 5
"""How many of the slowest queries are remembered."""

EXPLAIN_SECONDS = 2.0
"""How long a plan may take to be made."""

Texts: TypeAlias = Callable[[], str]


class SlowestQueries:
    """The slowest queries since they were last taken, one for each statement."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], SlowQuery] = {}

    def add(self, query: SlowQuery) -> None:
        key = (query.operation, query.statement)
        former = self._found.get(key)
        if former is not None and former.seconds >= query.seconds:
            return
        self._found[key] = query
        if len(self._found) > SLOWEST:
            del self._found[min(self._found, key=lambda each: self._found[each].seconds)]

    def take(self) -> list[SlowQuery]:
        """Those found, the slowest first; then there are none."""
        found = sorted(self._found.values(), key=lambda query: -query.seconds)
        self._found = {}
        return found


SLOWEST_QUERIES = SlowestQueries()
"""Those of this process."""


class SlowQueries:
    """Watches the work of the database for requests; ``seconds`` is 0 if nothing is watched."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._log = LimitedLog()
        self._explaining: asyncio.Task[None] | None = None

    def read(self, database: WorkspaceDatabase, sql: Pages, plan: SelectPlan) -> Watch | NoWatch:
        """Watch the query of a page, as a context manager."""
        return Watch(self, partial(self._read, page_statement, database, sql, plan)) if self.seconds else OFF

    def stream(self, database: WorkspaceDatabase, sql: Pages, plan: SelectPlan) -> Watch | NoWatch:
        """Watch a streamed query until its first rows."""
        return (
            Watch(self, partial(self._read, stream_statement, database, sql, plan)) if self.seconds else OFF
        )

    def write(self, operation: str, texts: Texts) -> Watch | NoWatch:
        """Watch a write, or a batch. ``texts`` makes the text of its statements."""
        return Watch(self, partial(self._write, operation, texts)) if self.seconds else OFF

    def _write(self, operation: str, texts: Texts, seconds: float) -> None:
        self._report(operation, seconds, shortened(texts()))

    def _read(
        self,
        statement_of: Callable[[Pages, SelectPlan], Statement],
        database: WorkspaceDatabase,
        sql: Pages,
        plan: SelectPlan,
        seconds: float,
    ) -> None:
        statement = statement_of(sql, plan)
        text = shortened(statement.text)
        key = _key("query", text)
        _count("query", seconds, text)
        if not self._log.takes("slow query", key):
            return
        if self._explaining is not None and not self._explaining.done():
            self._entry("query", seconds, text, plan=None)
            return
        explain = explaining(sql, statement)
        self._explaining = asyncio.get_running_loop().create_task(
            self._explain(database, explain, partial(self._entry, "query", seconds, text))
        )

    async def _explain(
        self, database: WorkspaceDatabase, statement: Statement, entry: Callable[..., None]
    ) -> None:
        plan = None
        try:
            async with asyncio.timeout(EXPLAIN_SECONDS):
                plan = shown_plan(await database.read(partial(_rows_of, statement)))
        except (TimeoutError, RowkeepError, StaleCatalog):
            # the database is busy, or the table was changed meanwhile
            plan = None
        entry(plan=plan)

    def _report(self, operation: str, seconds: float, text: str) -> None:
        _count(operation, seconds, text)
        if self._log.takes("slow query", _key(operation, text)):
            self._entry(operation, seconds, text)

    def _entry(self, operation: str, seconds: float, text: str, **more: str | None) -> None:
        current = CURRENT.get()
        self._log.write(
            "slow query",
            operation=operation,
            seconds=round(seconds, 6),
            table=None if current is None else current.table,
            app=None if current is None else current.app,
            statement=text,
            **more,
        )


class Watch:
    """A context manager that reports its block if it takes too long, also if it fails."""

    __slots__ = ("_report", "_slow", "_started")

    def __init__(self, slow: SlowQueries, report: Callable[[float], None]) -> None:
        self._slow = slow
        self._report = report
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = perf_counter()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        seconds = perf_counter() - self._started
        if seconds > self._slow.seconds > 0:
            self._report(seconds)


class NoWatch:
    """The same for a block that is not watched."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


def _count(operation: str, seconds: float, text: str) -> None:
    SLOW_QUERIES.add()
    current = CURRENT.get()
    table, app = (None, None) if current is None else (current.table, current.app)
    SLOWEST_QUERIES.add(SlowQuery(time(), round(seconds, 3), operation, text, table, app))


def _rows_of(statement: Statement) -> Steps[Sequence[Row]]:
    return (yield statement)


def _key(operation: str, text: str) -> Hashable:
    current: Any = CURRENT.get()
    return operation, text, None if current is None else current.app


NOT_WATCHED = SlowQueries(0.0)
OFF = NoWatch()
