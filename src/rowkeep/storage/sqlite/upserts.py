"""Upserts: rows that are inserted, or that update or ignore the stored row with the same key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice, repeat
from operator import add, itemgetter, length_hint
from typing import Any

import apsw

from rowkeep.model.ids import IdSource
from rowkeep.plan.rows.upserts import Outcome, UpsertPlan
from rowkeep.sql.physical_table import cell_name
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.sql.statements import Template
from rowkeep.sql.upserts import MAX_MISSING, flag_name
from rowkeep.storage.contract import NotStored, Row, UniqueConflict, UpsertedRows
from rowkeep.storage.response_sizes import sizes
from rowkeep.storage.sqlite.connections import translated
from rowkeep.storage.sqlite.reads import decoded
from rowkeep.storage.sqlite.writes import check_version, named_conflict, references_wait, rekey

FETCHED_AT_ONCE = 16
"""How many records are fetched before they are measured: a record can have megabytes."""


def upsert(
    sql: SqliteTableSql, plan: UpsertPlan, version: int, ids: IdSource, connection: apsw.Connection
) -> UpsertedRows:
    with translated():
        check_version(connection, version)
    rekey(sql, plan, connection)
    stamp = ids.stamp(len(plan.rows))
    written = _Upsert(sql, plan, list(stamp.ids()), stamp.written_on, connection)
    with references_wait(sql.table, connection):
        written.write()
    written.find_ignored()
    return written.result()


class _Upsert:
    """One upsert: its statements, and what they have returned."""

    def __init__(
        self, sql: SqliteTableSql, plan: UpsertPlan, ids: list[str], on: str, connection: apsw.Connection
    ) -> None:
        self._sql = sql
        self._plan = plan
        self._ids = ids
        self._system = (on, on, plan.writer, plan.writer)
        self._connection = connection
        self._statements = sql.upsert(plan.shape)
        self._inserted: set[str] = set()
        self._stored: dict[int, str] = {}
        """The ``_id`` of the stored row, by the place of a row that was not inserted."""
        self._records = _Records(plan.max_bytes)

    def write(self) -> None:
        """Raises UniqueConflict, ReferenceConflict, NotStored."""
        plan = self._plan
        reached = iter(plan.rows)
        rows = self._parameters(self._statements.write, reached)
        if plan.incomplete:
            rows = compress(rows, [at not in plan.incomplete for at in range(len(plan.rows))])
        try:
            found = self._run_many(self._statements.write, rows)
        except UniqueConflict as conflict:
            # the rows that the iterator still contains were not reached
            row = len(plan.rows) - length_hint(reached) - 1
            raise named_conflict(conflict, self._sql, row) from conflict
        self._inserted = set(found).intersection(self._ids)
        if plan.shape.action == "update":
            places = [at for at in range(len(plan.rows)) if at not in plan.incomplete]
            self._stored.update(zip(places, found, strict=True))
            self._run_each(self._statements.change, sorted(plan.incomplete))

    def find_ignored(self) -> None:
        """Raises NotStored."""
        plan = self._plan
        if plan.shape.action == "ignore":
            ignored = [at for at, each in enumerate(self._ids) if each not in self._inserted]
            shown = ignored if plan.shows_ignored and plan.shape.returns else plan.incomplete
            self._run_each(self._statements.find, [at for at in ignored if at in shown])

    def result(self) -> UpsertedRows:
        records, new = self._records, len(self._inserted)
        if not self._plan.shape.returns or records.is_full:
            return UpsertedRows(new, len(self._ids) - new, None, None)
        outcomes: list[Outcome] = [
            "inserted" if each in self._inserted else self._plan.outcome for each in self._ids
        ]
        rows = decoded(records.rows, self._statements.decoders)
        by_id = dict(zip(map(itemgetter(-1), records.rows), rows, strict=True))
        stored = {} if self._hides_stored else self._stored
        ids = (stored.get(at, each) for at, each in enumerate(self._ids))
        return UpsertedRows(new, len(self._ids) - new, outcomes, list(map(by_id.get, ids)), records.size)

    @property
    def _hides_stored(self) -> bool:
        return self._plan.shape.action == "ignore" and not self._plan.shows_ignored

    def _parameters(self, statement: Template, rows: Iterable[Row]) -> Iterator[Row]:
        """The parameters of a statement for each of the plan's rows, without a step of Python for each."""
        plan = self._plan
        system = map(add, repeat(self._system), zip(self._ids))
        cells = map(add, map(tuple, rows), system)
        if plan.flags:
            cells = map(add, cells, plan.flags)
        return map(_picked(self._order(statement)), cells)

    def _order(self, statement: Template) -> list[int]:
        """The places of a statement's parameters in the cells of a row with its flags."""
        width = len(self._sql.columns)
        names = [cell_name(at) for at in range(width)]
        names += [flag_name(at) for at in range(len(self._plan.shape.optional))]
        places = {name: at for at, name in enumerate(names)}
        return [places[name] for name in statement.order]

    def _run_many(self, statement: Template, rows: Iterable[Row]) -> list[str]:
        """The ids that a statement returns for all of these rows."""
        with translated():
            return self._fetched(self._connection.executemany(statement.text, rows))

    def _run_each(self, statement: Template, places: Sequence[int]) -> None:
        """Run a statement that must find the stored row of each place. Raises NotStored."""
        missing: list[int] = []
        pick = _picked(self._order(statement))
        for at in places:
            flags = self._plan.flags[at] if self._plan.flags else ()
            cells = (*self._plan.rows[at], *self._system, self._ids[at], *flags)
            try:
                with translated():
                    found = self._fetched(self._connection.execute(statement.text, pick(cells)))
            except UniqueConflict as conflict:
                raise named_conflict(conflict, self._sql, at) from conflict
            if found:
                self._stored[at] = found[0]
            elif len(missing) < MAX_MISSING:
                missing.append(at)
        if missing:
            raise NotStored(missing)

    def _fetched(self, cursor: apsw.Cursor) -> list[str]:
        if not self._plan.shape.returns:
            return [str(row[0]) for row in cursor.fetchall()]
        found: list[str] = []
        while part := list(islice(cursor, FETCHED_AT_ONCE)):
            found += map(itemgetter(-1), part)
            self._records.add(part)
        return found


class _Records:
    """The records of a response, as long as they fit."""

    def __init__(self, max_bytes: int) -> None:
        self.rows: list[Row] = []
        self.size = 0
        self._max_bytes = max_bytes

    @property
    def is_full(self) -> bool:
        return self.size > self._max_bytes

    def add(self, rows: Sequence[Row]) -> None:
        self.size += sum(sizes(rows))
        if self.is_full:
            self.rows = []
        else:
            self.rows += rows


def _picked(order: Sequence[int]) -> Any:
    """A function that gives the cells at these places as a tuple."""
    if len(order) == 1:
        at = order[0]
        return lambda cells: (cells[at],)
    return itemgetter(*order)
