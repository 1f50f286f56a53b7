"""Dry run: an import of which nothing is stored.

The server checks each request by itself, so it reports rows that refer to rows of other requests. Those wait,
and are checked at the end: without these references by the server, and the references by the values of the
whole file, which are stored in a temporary file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import structs

from rowkeep.errors.catalogue import MissingValue, ReferenceViolation
from rowkeep.files.bulk import BulkReply
from rowkeep.files.outcomes import DATA, Outcome, Verdict, insert
from rowkeep.files.records import Row
from rowkeep.files.rejects import Reject, RowError
from rowkeep.files.requests import OnConflict
from rowkeep.files.responses import RequestProblem
from rowkeep.files.row_import import RowImport
from rowkeep.files.sender import Extent
from rowkeep.files.table_columns import SelfReference, TableColumns
from rowkeep.files.waiting import NOWHERE, Groups, WaitingRow, values_of


class KnownValues:
    """The values that rows can refer to, of the rows of the file that would be imported."""

    def __init__(self, columns: TableColumns) -> None:
        self._columns = columns
        self._there = tuple(dict.fromkeys(each.there for each in columns.references))
        import sqlite3  # a megabyte, which a server takes for few imports

        self._database = sqlite3.connect("", isolation_level=None)  # a temporary file
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("CREATE TABLE known (value TEXT PRIMARY KEY) WITHOUT ROWID")

    def add(self, values: Iterable[str]) -> None:
        """Add values."""
        if not self._there:
            return
        found = ((value,) for value in values)
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

    can_stream = False
    _known: KnownValues

    def _prepare(self) -> None:
        self._known = KnownValues(self._columns)

    def _judge(self, rows: Sequence[Row], outcome: Outcome, *, can_wait: bool) -> Verdict:
        self._known.add(self._values([row for at, row in enumerate(rows) if at not in outcome.problems]))
        return super()._judge(rows, outcome, can_wait=can_wait)

    async def _resend(self, taken: list[list[WaitingRow]], _groups: Groups, /) -> None:
        """Count the rows whose references are in the file, if nothing else is wrong with them."""
        candidates, rejects = self._candidates(taken)
        together = {value for group in candidates for value in self._values(group)}
        sent = [self._alone(row, together) for group in candidates for row in group]
        resent = self.standing.resent + sum(map(len, taken))
        outcome: Outcome | None = Outcome(BulkReply(), {})
        if sent:
            outcome = await insert(self._sender, sent, Extent(self.standing.next, resent))
        if outcome is None:
            # they are too many for one request
            outcome = Outcome(BulkReply(inserted=len(sent)), {})
        # the server does not know of references in the file, and some of them were taken out
        more = place = 0
        for group in candidates:
            own = self._values(group)
            places = range(place, place + len(group))
            found = [self._others(outcome, at, row, own) for at, row in zip(places, group, strict=True)]
            is_good = not any(found) and self._are_there(group, own)
            for at, row, problems in zip(places, group, found, strict=True):
                if not is_good:
                    known = [RowError(each.msg, each.code, each.pointer) for each in problems] or row.errors
                    rejects.append(Reject(row.line, msgspec.Raw(row.json), known))
                is_accepted = at not in outcome.problems
                more += (is_good and not is_accepted) - (is_accepted and not is_good)
            if is_good:
                self._known.add(own)
            place += len(group)
        reply = structs.replace(outcome.reply, inserted=max(0, outcome.reply.inserted + more))
        self._record(structs.replace(self.standing, resent=resent), reply, Verdict(rejects=rejects))
        self._size.adapt(len(sent), reply.size)

    async def _upsert(self, taken: list[Reject]) -> tuple[BulkReply, list[Reject]] | None:
        """Count the rows whose references are in the table or in the file, if nothing else is wrong."""
        rows = [WaitingRow(each.line, NOWHERE, bytes(each.row), each.errors) for each in taken]
        good = [row for row in rows if self._may_be_ignored or self._are_there([row], self._values([row]))]
        lines = {row.line for row in good}
        upserted = await super()._upsert(
            [Reject(row.line, msgspec.Raw(self._alone(row, self._values([row])).json), []) for row in good]
        )
        if upserted is None:
            return None
        reply, rejects = upserted
        whole = {each.line: each.row for each in taken}
        rejects = [structs.replace(each, row=whole[each.line]) for each in rejects]
        return reply, rejects + [each for each in taken if each.line not in lines]

    @property
    def _may_be_ignored(self) -> bool:
        return self._sender.options.on_conflict is OnConflict.IGNORE

    def _candidates(self, taken: list[list[WaitingRow]]) -> tuple[list[list[WaitingRow]], list[Reject]]:
        """The groups whose references are in the file, and the rows of the others."""
        candidates: list[list[WaitingRow]] = []
        rejects: list[Reject] = []
        before: set[str] = set()
        for group in taken:
            before |= self._values(group)
            if self._are_there(group, before):
                candidates.append(group)
            else:
                before -= self._values(group)
                rejects += [Reject(row.line, msgspec.Raw(row.json), row.errors) for row in group]
        return candidates, rejects

    def _others(
        self, outcome: Outcome, place: int, row: WaitingRow, own: Collection[str]
    ) -> list[RequestProblem]:
        """The errors of a row that are not about references to other rows of the file."""
        prefix = f"{DATA}/{place}"
        return [
            problem
            for problem in outcome.problems.get(place, ())
            if not self._is_in_file(row, problem, prefix, own)
        ]

    def _values(self, group: Sequence[Row]) -> set[str]:
        return {value for row in group for value in self._known.of(row)}

    def _are_there(self, group: Sequence[WaitingRow], own: Collection[str]) -> bool:
        """Whether the rows that a group refers to would be imported, or are among ``own``."""
        missing = [value for row in group for value in self._missing(row)]
        return None not in missing and self._known.has_all(
            value for value in missing if value is not None and value not in own
        )

    def _missing(self, row: WaitingRow) -> Iterable[str | None]:
        """The values that the server did not find; None for a default value, which only the server knows."""
        names = self._missing_columns(row)
        return [self._referred(row, each) for each in self._columns.references if each.column in names]

    def _missing_columns(self, row: WaitingRow) -> set[str | None]:
        return {
            self._columns.name_of(str(error.pointer).removeprefix("/"))
            for error in row.errors
            if error.code == ReferenceViolation.code
        }

    def _referred(self, row: Row, reference: SelfReference) -> str | None:
        cells = self._columns.cells(row.json, (reference.column,))
        return next(iter(values_of((reference.there,), cells)), None)

    def _alone(self, row: WaitingRow, together: Collection[str]) -> Row:
        """The row without its references to other rows of the file; those with the values ``together`` are
        sent with it."""
        taken_out = self._missing_columns(row)
        for reference in self._columns.references:
            value = self._referred(row, reference)
            if value is not None and (value in together or self._known.has_all([value])):
                taken_out.add(reference.column)
        return structs.replace(row, json=self._columns.without(row.json, taken_out))

    def _is_in_file(
        self, row: WaitingRow, problem: RequestProblem, prefix: str, own: Collection[str]
    ) -> bool:
        """Whether an error is only that a reference is missing, because it was taken out, or because it leads
        to another row of the file."""
        name = self._columns.name_of(problem.pointer.removeprefix(prefix).removeprefix("/"))
        reference = next((each for each in self._columns.references if each.column == name), None)
        if reference is None or problem.code not in (MissingValue.code, ReferenceViolation.code):
            return False
        value = self._referred(row, reference)
        return value is None or value in own or self._known.has_all([value])
