"""Dry run: an import of which nothing is stored.

The server checks each request by itself, so it reports rows that refer to rows of other requests. Those wait,
and are checked at the end: without these references by the server, and the references by the values of the
whole file, which are stored in a temporary file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import structs

from rowkeep.cli.files.outcomes import DATA, Outcome, insert
from rowkeep.cli.files.records import Row
from rowkeep.cli.files.rejects import Reject, rejected_row
from rowkeep.cli.files.row_import import RowImport
from rowkeep.cli.files.sender import Extent
from rowkeep.cli.files.table_columns import SelfReference, TableColumns
from rowkeep.cli.files.waiting import Groups, WaitingRow, values_of
from rowkeep.client.bulk import BulkReply
from rowkeep.client.responses import RequestProblem
from rowkeep.errors.catalogue import MissingValue, ReferenceViolation


class KnownValues:
    """The values that rows can refer to, of the rows of the file that would be imported."""

    def __init__(self, columns: TableColumns) -> None:
        self._columns = columns
        self._there = tuple(dict.fromkeys(each.there for each in columns.references))
        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE known (value TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, rows: Iterable[Row]) -> None:
        """Add the values of rows."""
        if not self._there:
            return
        found = ((value,) for row in rows for value in self.of(row))
        self._database.execute("BEGIN")
        self._database.executemany("INSERT OR IGNORE INTO known VALUES (?)", found)
        self._database.execute("COMMIT")

    def of(self, row: Row) -> list[str]:
        """The values of one row."""
        return values_of(self._there, self._columns.cells(row.json, self._there))

    def has_all(self, values: Iterable[str]) -> bool:
        find = "SELECT 1 FROM known WHERE value = ?"
        return all(self._database.execute(find, (value,)).fetchone() for value in values)


class DryRun(RowImport):
    """Counts what an import would do, and collects the rows that it would reject."""

    _known: KnownValues

    def _prepare(self) -> None:
        self._known = KnownValues(self._columns)

    def _judge(
        self, rows: Sequence[Row], outcome: Outcome, *, can_wait: bool
    ) -> tuple[list[Reject], list[Reject]]:
        self._known.add(row for place, row in enumerate(rows) if place not in outcome.problems)
        return super()._judge(rows, outcome, can_wait=can_wait)

    async def _resend(self, taken: list[list[WaitingRow]], _groups: Groups, /) -> None:
        """Count the rows whose references are in the file, if nothing else is wrong with them."""
        good: list[Row] = []
        rejects: list[Reject] = []
        for group in taken:
            if self._are_there(group):
                self._known.add(group)
                good += [self._without_missing(row) for row in group]
            else:
                rejects += [Reject(row.line, msgspec.Raw(row.json), row.errors) for row in group]
        resent = self.standing.resent + sum(map(len, taken))
        outcome: Outcome | None = Outcome(BulkReply(), {})
        if good:
            outcome = await insert(self._sender, good, Extent(self.standing.next, resent))
        if outcome is None:
            # the file has too many of them for one request
            outcome = Outcome(BulkReply(inserted=len(good)), {})
        without = 0
        for place, problems in outcome.problems.items():
            prefix = f"{DATA}/{place}"
            found = [each for each in problems if not self._is_in_file(good[place], each, prefix)]
            without += not found
            if found:
                rejects.append(rejected_row(good[place], found, prefix))
        reply = structs.replace(outcome.reply, inserted=outcome.reply.inserted + without)
        self._record(structs.replace(self.standing, resent=resent), reply, rejects, [])
        self._size.adapt(len(good), reply.size)

    def _are_there(self, group: Sequence[WaitingRow]) -> bool:
        """Whether the rows that a group refers to would be imported, or are in it."""
        own = {value for row in group for value in self._known.of(row)}
        missing = [value for row in group for value in self._missing(row)]
        return None not in missing and self._known.has_all(
            value for value in missing if value is not None and value not in own
        )

    def _missing(self, row: WaitingRow) -> Iterable[str | None]:
        """The values that the server did not find; None for a default value, which only the server knows."""
        names = self._missing_columns(row)
        return [self._referred(row, each) for each in self._columns.references if each.column in names]

    def _missing_columns(self, row: WaitingRow) -> set[str | None]:
        return {self._columns.name_of(str(error.pointer).removeprefix("/")) for error in row.errors}

    def _referred(self, row: Row, reference: SelfReference) -> str | None:
        cells = self._columns.cells(row.json, (reference.column,))
        return next(iter(values_of((reference.there,), cells)), None)

    def _without_missing(self, row: WaitingRow) -> Row:
        """The row without the references that the server did not find."""
        return structs.replace(row, json=self._columns.without(row.json, self._missing_columns(row)))

    def _is_in_file(self, row: Row, problem: RequestProblem, prefix: str) -> bool:
        """Whether an error is only that a reference is missing, because it was taken out, or because it leads
        to another row of the file."""
        name = self._columns.name_of(problem.pointer.removeprefix(prefix).removeprefix("/"))
        reference = next((each for each in self._columns.references if each.column == name), None)
        if reference is None or problem.code not in (MissingValue.code, ReferenceViolation.code):
            return False
        value = self._referred(row, reference)
        return self._known.has_all([] if value is None else [value])
