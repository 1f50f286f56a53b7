"""New table: checks the rows of a file against the definition of a table that does not exist yet. Nothing is
stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from typing import TypeVar

import msgspec

from rowkeep.codec.rows import InsertLimits, TableCodec
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.base import Problem
from rowkeep.errors.catalogue import InvalidValue, RowkeepError, UniqueViolation, pointer
from rowkeep.files.bulk import BulkReply
from rowkeep.files.file_keys import FileKeys
from rowkeep.files.outcomes import DATA
from rowkeep.files.records import Row
from rowkeep.files.responses import (
    ListedColumn,
    ReceivedProblem,
    RequestProblem,
    RequestRefused,
    UsableTable,
)
from rowkeep.files.table_columns import TableColumns
from rowkeep.files.waiting import NOWHERE
from rowkeep.model.definitions.columns import is_set
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.file_requests import ImportBody
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Index, Table

T = TypeVar("T")

NO_ID, NO_KEY = "", 0


class _Rows(msgspec.Struct):
    data: list[msgspec.Raw]


_rows_decoder = msgspec.json.Decoder(_Rows)


def check_new_table(body: ImportBody) -> None:
    """Raises InvalidValue for what the check of a new table cannot have, and all errors of its definition."""
    if body.new_table is None:
        return
    if not body.dry_run:
        raise InvalidValue(
            '"newTable" needs "dryRun": true. To import, create the table first.', pointer="/newTable"
        )
    if body.mode != "partial" or body.on_conflict != "error":
        member = "mode" if body.mode != "partial" else "onConflict"
        raise InvalidValue(
            f'"{member}" cannot be used with "newTable", because the table has no rows yet. Leave it out.',
            pointer=pointer(member),
        )
    if body.table != body.new_table.name:
        raise InvalidValue('"table" must be the name of "newTable".', pointer="/table")
    try:
        table_of(body.new_table)
    except RowkeepError as error:
        raise error.placed("/newTable", "The new table") from None


def table_of(body: TableBody) -> Table:
    """The table of a definition. Raises InvalidValue if it refers to others, and all errors of the
    definition."""
    for at, column in enumerate(body.schema_def):
        if is_set(column.reference):
            raise InvalidValue(
                "The check of a new table cannot follow references. Leave them out.",
                pointer=pointer("schemaDef", at, "reference"),
            )
    return read_table(body, NO_ID, {}, NO_KEY)


class NewTableRows:
    """Checks rows as inserts into the table would, in the place of its rows."""

    def __init__(self, body: TableBody, limits: InsertLimits) -> None:
        table = table_of(body)
        self._codec = TableCodec(table, ColumnNames(table), StoredCells(table, {}))
        self._limits = limits
        self._listed = UsableTable(
            name=table.name,
            kind="table",
            columns=[ListedColumn(each.name, each.type, each.is_required) for each in table.columns],
            rights=["write"],
        )
        own = {column.name for column in table.columns}
        columns = TableColumns(self._listed)
        self._keys = [
            (index, FileKeys(columns, [part.name for part in index.columns]))
            for index in table.indexes
            # the values of system columns differ in any case
            if index.is_unique and own.issuperset(part.name for part in index.columns)
        ]
        self._numbers = count()

    async def usable_tables(self) -> list[UsableTable]:
        return [self._listed]

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        return await call()

    async def bulk(self, _table: str, content: bytes, _key: str | None) -> BulkReply:
        """Raises RequestRefused."""
        try:
            failed = self._codec.decode_rows(content, self._limits).failed
        except RowkeepError as error:
            problems = [_received(each) for each in error.problems]
            raise RequestRefused(error.status, ReceivedProblem(error.code, error.msg, problems)) from None
        rows = _rows_decoder.decode(content).data
        found = [_received(each) for row in failed for each in row.problems]
        bad = {row.row for row in failed}
        good = [at for at in range(len(rows)) if at not in bad]
        repeated = self._repeated([(at, bytes(rows[at])) for at in good])
        n_failed = len(bad) + len({each.pointer for each in repeated})
        return BulkReply(inserted=len(rows) - n_failed, failed=n_failed, errors=[*found, *repeated])

    def _repeated(self, rows: Sequence[tuple[int, bytes]]) -> list[RequestProblem]:
        """The errors of rows with a key that an earlier row has, one for each."""
        found: list[RequestProblem] = []
        with ExitStack() as stack:
            for _, keys in self._keys:
                stack.enter_context(keys.in_one_step())
            for at, json in rows:
                index = self._taken(Row(next(self._numbers), NOWHERE, json))
                if index is not None:
                    found.append(RequestProblem(_message(index), UniqueViolation.code, f"{DATA}/{at}"))
        return found

    def _taken(self, row: Row) -> Index | None:
        """The first index with a key of the row that an earlier row has. The keys of such a row are free for
        later ones."""
        for place, (index, keys) in enumerate(self._keys):
            if not keys.take(row):
                for _, taken in self._keys[:place]:
                    taken.give_back(row)
                return index
        return None

    async def insert_stream(
        self,
        _table: str,
        _chunks: AsyncIterator[bytes] | bytes,
        _media_type: str,
        _parameters: Mapping[str, str],
        _key: str | None = None,
    ) -> BulkReply:
        """Dry runs of mode partial send none."""
        raise NotImplementedError


def _message(index: Index) -> str:
    names = " and ".join(part.name for part in index.columns)
    return f"An earlier row of the file has the same {names}, and the index {index.name} is unique."


def _received(problem: Problem) -> RequestProblem:
    return RequestProblem(problem.msg, problem.code, problem.pointer or "")
