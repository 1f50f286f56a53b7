"""Upserts: rows that are inserted, or that update or ignore the stored row with the same key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, islice, repeat
from operator import add, itemgetter, length_hint, not_
from typing import Any

import apsw

from rowkeep.model.ids import IdSource, Stamp
from rowkeep.plan.rows.upserts import Outcome, UpsertPlan
from rowkeep.sql.physical_table import cell_name
from rowkeep.sql.rows import SqliteTableSql
from rowkeep.sql.statements import Template
from rowkeep.sql.upserts import ID_RANGE, MAX_MISSING, flag_name
from rowkeep.storage.contract import ChangeRefused, NotStored, Row, UniqueConflict, UpsertedRows
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
    return write_all(sql, plan, ids.stamp(len(plan.rows)), connection)


def write_all(
    sql: SqliteTableSql, plan: UpsertPlan, stamp: Stamp, connection: apsw.Connection
) -> UpsertedRows:
    """Raises UniqueConflict, ReferenceConflict, NotStored, ChangeRefused."""
    with references_wait(sql, connection):
        return write_part(sql, plan, stamp, connection)


def write_part(
    sql: SqliteTableSql, plan: UpsertPlan, stamp: Stamp, connection: apsw.Connection
) -> UpsertedRows:
    """The same, as a part of a transaction with more rows."""
    written = _Upsert(sql, plan, list(stamp.ids()), stamp.written_on, connection)
    written.write()
    return written.result()


class _Upsert:
    """One upsert in its transaction."""

    def __init__(
        self, sql: SqliteTableSql, plan: UpsertPlan, ids: list[str], on: str, connection: apsw.Connection
    ) -> None:
        self._sql = sql
        self._plan = plan
        self._ids = ids
        self._system = (on, on, plan.writer, plan.writer)
        self._connection = connection
        self._statements = sql.upsert(plan.shape)
        self._is_incomplete = [at in plan.incomplete for at in range(len(ids))] if plan.incomplete else []

    def write(self) -> None:
        """Raises UniqueConflict, ReferenceConflict, NotStored."""
        self._run(self._statements.write, map(not_, self._is_incomplete))
        if not self._is_incomplete:
            return
        is_changed = False
        if self._plan.shape.action == "update":
            before = self._connection.total_changes()
            self._run(self._statements.change, self._is_incomplete)
            # a trigger of the history adds one change to each
            each = 1 if self._sql.table.history is None else 2
            is_changed = self._connection.total_changes() - before == each * len(self._plan.incomplete)
        if not is_changed:
            missing = (at for at in sorted(self._plan.incomplete) if not self._found(at))
            places = list(islice(missing, MAX_MISSING))
            if places:
                raise NotStored(places)

    def _run(self, statement: Template, is_chosen: Iterable[bool]) -> None:
        """Run a statement for the rows, or for those that are chosen if some are incomplete."""
        reached = iter(self._plan.rows)
        rows = self._parameters(statement, reached)
        try:
            with translated():
                chosen = compress(rows, is_chosen) if self._is_incomplete else rows
                self._connection.executemany(statement.text, chosen)
        except UniqueConflict as conflict:
            # the rows that the iterator still contains were not reached
            row = len(self._ids) - length_hint(reached) - 1
            raise named_conflict(conflict, self._sql, row) from conflict
        except ChangeRefused as refused:
            row = len(self._ids) - length_hint(reached) - 1
            raise ChangeRefused(refused.at, refused.row_key, row) from None

    def _parameters(self, statement: Template, rows: Iterable[Row]) -> Iterator[Row]:
        """The parameters of a statement for rows of the plan, without a step of Python for each."""
        system = map(add, repeat(self._system), zip(self._ids, strict=False))
        cells = map(add, map(tuple, rows), system)
        if self._plan.flags:
            cells = map(add, cells, self._plan.flags)
        return map(_picked(self._order(statement)), cells)

    def _order(self, statement: Template) -> list[int]:
        """The places of a statement's parameters in the cells of a row with its flags."""
        names = [cell_name(at) for at in range(len(self._sql.columns))]
        names += [flag_name(at) for at in range(len(self._plan.shape.optional))]
        places = {name: at for at, name in enumerate(names)}
        return [places[name] for name in statement.order]

    def _found(self, at: int) -> Sequence[Row]:
        """The stored row with the key of a row of the plan."""
        find = self._statements.find
        cells = (*self._plan.rows[at], *self._system, self._ids[at])
        with translated():
            found: Sequence[Row] = self._connection.execute(
                find.text, _picked(self._order(find))(cells)
            ).fetchall()
        return found

    def _made(self) -> Iterable[Row]:
        """The rows that were inserted."""
        if not self._ids:
            return ()
        made = self._statements.made.bind(dict(zip(ID_RANGE, (self._ids[0], self._ids[-1]), strict=True)))
        return self._connection.execute(made.text, made.parameters)

    def result(self) -> UpsertedRows:
        """What was done, with the records if they fit."""
        plan, records = self._plan, _Records(self._plan.max_bytes)
        if not plan.shape.returns:
            with translated():
                count = len(list(self._made()))
            return UpsertedRows(count, len(self._ids) - count, None, None)
        with translated():
            inserted = {str(each): at for at, each in enumerate(records.taken(self._made()))}
        others = [at for at, each in enumerate(self._ids) if each not in inserted]
        shown = others if plan.shape.action == "update" or plan.shows_ignored else []
        places = {at: spot for spot, at in enumerate(shown, len(inserted))}
        for at in shown:
            records.take(self._found(at))
        if records.is_full:
            return UpsertedRows(len(inserted), len(others), None, None)
        outcomes: list[Outcome] = ["inserted" if each in inserted else plan.outcome for each in self._ids]
        rows = decoded(records.rows, self._statements.decoders)
        spots = (inserted.get(each, places.get(at)) for at, each in enumerate(self._ids))
        in_order = [None if spot is None else rows[spot] for spot in spots]
        return UpsertedRows(len(inserted), len(others), outcomes, in_order, records.size)


class _Records:
    """The records of a response, as long as they fit."""

    def __init__(self, max_bytes: int) -> None:
        self.rows: list[Row] = []
        self.size = 0
        self._max_bytes = max_bytes

    @property
    def is_full(self) -> bool:
        return self.size > self._max_bytes

    def taken(self, rows: Iterable[Row]) -> list[Any]:
        """Take all rows, and give their ids."""
        ids: list[Any] = []
        found = iter(rows)
        while part := list(islice(found, FETCHED_AT_ONCE)):
            ids += map(itemgetter(-1), part)
            self.take(part)
        return ids

    def take(self, rows: Sequence[Row]) -> None:
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
