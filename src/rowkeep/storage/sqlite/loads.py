"""Loads: all rows of a stream, written in one transaction.

Into a table that has few rows in comparison, they are written without its indexes, which are made again
afterwards: a sort of all keys is much cheaper than a search of a leaf for each, which is in memory only as
long as the index fits there. Readers do not see it, because they read what was committed before.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from operator import length_hint

import apsw
import msgspec

from rowkeep.model.ids import IdSource, Stamp
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.sql.loads import (
    IndexBuild,
    equal_keys,
    id_at,
    index_builds,
    is_referred_to,
    rows_up_to,
    unmatched_references,
)
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.sql.statements import Statement
from rowkeep.storage.attempts import REFUSALS
from rowkeep.storage.contract import (
    Load,
    Loaded,
    PartRefused,
    ReferenceConflict,
    RowsRefused,
    Script,
    UniqueConflict,
)
from rowkeep.storage.sqlite.connections import Connection, rows_of, run_script, translated
from rowkeep.storage.sqlite.upserts import write_part
from rowkeep.storage.sqlite.writes import check_version, named_conflict, rekey, write_rows

MIN_REBUILT = 20_000
"""Fewer rows are written with their indexes."""

MAX_STORED_TIMES = 4
"""Indexes are made again if the table has at most this many times as many rows as the load."""

MAX_REFUSED = 100


def load_rows(sql: SqliteTableSql, load: Load, version: int, ids: IdSource, connection: Connection) -> Loaded:
    """Raises StaleCatalog, PartRefused, RowsRefused."""
    with translated():
        check_version(connection, version)
        return _Loading(sql, load, ids, connection).run()


class _Loading:
    """One load in its transaction."""

    def __init__(self, sql: SqliteTableSql, load: Load, ids: IdSource, connection: Connection) -> None:
        self._sql = sql
        self._load = load
        self._ids = ids
        self._moment = ids.stamp(0).moment
        self._connection = connection
        self._first_ids: list[str] = []
        """The first id of each part, in order."""

    def run(self) -> Loaded:
        self._run(self._load.first)
        loaded = self._write()
        self._run(self._load.last)
        return loaded

    def _run(self, script: Script[None] | None) -> None:
        if script is not None:
            run_script(self._connection, script)

    def _write(self) -> Loaded:
        inserted = others = 0
        builds: list[IndexBuild] | None = None
        with self._references_wait():
            for number, part in enumerate(self._load.parts()):
                self._connection.refuse_if_stopped()
                rekey(self._sql, part, self._connection)
                stamp = msgspec.structs.replace(self._ids.stamp(len(part.rows)), moment=self._moment)
                self._first_ids.append(next(stamp.ids(), ""))
                if isinstance(part, UpsertPlan):
                    written = self._upsert(number, part, stamp)
                    inserted, others = inserted + written.inserted, others + written.others
                    continue
                if builds is None:
                    builds = self._rebuilt()
                    for build in builds:
                        self._connection.execute(build.drop.text)
                self._insert(number, part, stamp)
                inserted += len(part.rows)
            for build in builds or ():
                self._build(build)
        return Loaded(inserted, others)

    def _upsert(self, number: int, plan: UpsertPlan, stamp: Stamp) -> Loaded:
        try:
            written = write_part(self._sql, plan, stamp, self._connection)
        except REFUSALS as refusal:
            raise PartRefused(number, refusal) from refusal
        return Loaded(written.inserted, written.others)

    def _insert(self, number: int, plan: InsertPlan, stamp: Stamp) -> None:
        rows = iter(plan.rows)
        try:
            with translated():
                write_rows(self._connection, self._sql, plan.rows, rows, stamp, plan.writer)
        except UniqueConflict as conflict:
            reached = len(plan.rows) - length_hint(rows)
            raise PartRefused(number, named_conflict(conflict, self._sql, reached - 1)) from conflict
        except ReferenceConflict as conflict:
            raise PartRefused(number, conflict) from conflict

    def _rebuilt(self) -> list[IndexBuild]:
        """The indexes that are dropped and made again."""
        physical, count = self._sql.physical, self._load.count
        if count < MIN_REBUILT:
            return []
        most = count * MAX_STORED_TIMES + 1
        if self._one(rows_up_to(physical, most)) == most:
            return []
        builds = index_builds(physical)
        if self._one(is_referred_to(physical)):
            # references are searched for in a unique index
            builds = [build for build in builds if not build.is_unique]
        return builds

    def _one(self, wanted: Statement) -> int | None:
        found = rows_of(self._connection, wanted)
        return found[0][0] if found else None

    def _build(self, build: IndexBuild) -> None:
        """Raises RowsRefused."""
        self._connection.refuse_if_stopped()
        try:
            with translated():
                self._connection.execute(build.create.text)
        except UniqueConflict as conflict:
            if build.index is None:
                raise
            find = equal_keys(self._sql.physical, build.index, MAX_REFUSED)
            bound = find.bind({"first": min(filter(None, self._first_ids))})
            places = [self._place(str(each[0])) for each in rows_of(self._connection, bound)]
            raise RowsRefused(build.index, places) from conflict

    def _place(self, row_id: str) -> tuple[int, int]:
        """The part of a row, and its place there."""
        part = bisect_right(self._first_ids, row_id) - 1
        # the ids of a part differ in their last 6 hexadecimal digits
        return part, int(row_id[-6:], 16) - int(self._first_ids[part][-6:], 16)

    @contextmanager
    def _references_wait(self) -> Iterator[None]:
        """References of the table to itself are checked after the last row."""
        if not self._sql.refers_to_itself:
            yield
            return
        self._connection.execute("PRAGMA defer_foreign_keys = ON")
        try:
            yield
            if self._connection.status(apsw.SQLITE_DBSTATUS_DEFERRED_FKS)[0]:
                raise self._unmatched()
        finally:
            self._connection.execute("PRAGMA defer_foreign_keys = OFF")

    def _unmatched(self) -> Exception:
        """The first row that refers to a row that is missing."""
        physical = self._sql.physical
        for _table, number, *_ in rows_of(self._connection, unmatched_references(physical)):
            for found in rows_of(self._connection, id_at(physical).bind({"number": number})):
                return PartRefused(self._place(str(found[0]))[0], ReferenceConflict())
        return ReferenceConflict()
