"""Stream readers: the rows of one table from blocks of NDJSON or CSV.

As for bulks, canonical rows are read in C, and only a block with something else is read again, row by row.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.codec.json_bodies import complaint
from rowkeep.codec.json_scan import is_deeper, marked_halves
from rowkeep.codec.partial_rows import FailedRows
from rowkeep.codec.rows import Cells, InsertLimits, TableCodec, no_object
from rowkeep.codec.streams.blocks import Block, line_too_long
from rowkeep.codec.streams.csv_blocks import Column as Texts
from rowkeep.codec.streams.csv_blocks import CsvBlock, read_block, read_header
from rowkeep.codec.streams.csv_columns import read_column
from rowkeep.codec.streams.line_errors import BadLine, at_line, error_of, line_problem
from rowkeep.errors.catalogue import (
    DuplicateColumn,
    InvalidBody,
    InvalidValue,
    LineTooLong,
    MalformedCsv,
    MalformedJson,
    MissingValue,
    Problem,
    RowkeepError,
    SystemColumn,
    pointer,
    preview,
)
from rowkeep.model.changes import Changes
from rowkeep.model.data_requests import InsertOptions
from rowkeep.model.tables import Column

_raw_decoder = msgspec.json.Decoder(msgspec.Raw)


class ReadBlock(msgspec.Struct, frozen=True):
    """The rows of a block that can be read, with the line of each, and the lines that cannot. Cells that have
    a change in ``changes`` (by the place of the row) are what it adds."""

    rows: list[Cells]
    lines: Sequence[int]
    bad: Sequence[BadLine] = ()
    changes: Changes = MappingProxyType({})
    size: int = 0
    """The bytes of the block."""


MAX_KNOWN, MAX_KNOWN_BYTES = 1000, 200
"""Of how many lines of a stream the errors are remembered, and how long these are at most."""

Text: TypeAlias = bytes | tuple[str | None, ...]
"""A line of NDJSON, or the fields of a record of CSV."""

_Known: TypeAlias = tuple[str, str, str | None, dict[str, object]]
"""An error without its line: its message, code and pointer, and further members."""


class SentRow(NamedTuple):
    """A row as JSON, with its line, and the text of the line."""

    line: int
    row: msgspec.Raw
    text: Text


class KnownErrors:
    """What is wrong with lines of a stream, for lines with the same text: to find it out takes ten times as
    long. Only of some short ones, so that they need little memory."""

    def __init__(self) -> None:
        self._problems: dict[Text, list[_Known]] = {}

    def again(self, text: Text, line: int) -> BadLine | None:
        """The errors of a line, if one with this text had errors before."""
        known = self._problems.get(text)
        if known is None:
            return None
        return BadLine(
            line,
            [
                Problem(f"Line {line}: {msg}", code, at, more | {"line": line})
                for msg, code, at, more in known
            ],
        )

    def add(self, text: Text, bad: BadLine) -> BadLine:
        """Remember the errors of a line."""
        if len(self._problems) < MAX_KNOWN and _size(text) <= MAX_KNOWN_BYTES:
            start = f"Line {bad.line}: "
            self._problems[text] = [
                (each.msg.removeprefix(start), each.code, each.pointer, dict(each.more))
                for each in bad.problems
            ]
        return bad


def _size(text: Text) -> int:
    return len(text) if isinstance(text, bytes) else sum(len(each or "") + 1 for each in text)


class StreamReader(ABC):
    """Reads the blocks of one stream, in their order."""

    quote: bytes | None = None
    """What quotes a text that can contain line ends."""

    def __init__(self, codec: TableCodec, options: InsertOptions, limits: InsertLimits) -> None:
        self._codec = codec
        self._options = options
        self._limits = limits
        self._errors = KnownErrors()

    @abstractmethod
    def read(self, block: Block) -> ReadBlock:
        """Raises the error of a stream that cannot be read any further."""

    @abstractmethod
    def check_end(self) -> None:
        """The stream has ended. Raises an error if it lacks something."""

    def _read_each(self, sent: Sequence[SentRow], bad: list[BadLine], size: int) -> ReadBlock:
        """Rows as JSON, read one by one."""
        failed = FailedRows(len(sent) * 1000)
        rows, changes = self._codec.read_each([each.row for each in sent], self._options, failed)
        lines = [each.line for each in sent]
        for each in failed.rows:
            problems = [at_line(problem, lines.__getitem__) for problem in each.problems]
            line, _, text = sent[each.row]
            bad.append(self._errors.add(text, BadLine(line, problems)))
        wrong = {each.row for each in failed.rows}
        good = [line for at, line in enumerate(lines) if at not in wrong] if wrong else lines
        return ReadBlock(rows, good, sorted(bad, key=lambda each: each.line), changes, size)


def _no_row(line: int, row: bytes) -> BadLine:
    return BadLine(line, [line_problem(InvalidBody, line, no_object(row))])


class NdjsonReader(StreamReader):
    """One JSON object on each line; empty lines are skipped."""

    def read(self, block: Block) -> ReadBlock:
        text = block.text
        count = text.count(b"\n") + (not text.endswith(b"\n"))
        if text.count(b"}\n{") + text.count(b"}\r\n{") == count - 1:
            body = b'{"data":[%b]}' % text.rstrip().replace(b"\n", b",\n")
            rows = self._codec.canonical_rows(body, self._options, self._limits)
            if rows is not None and len(rows) == count:
                return ReadBlock(rows, range(block.line, block.line + count), size=len(text))
        return self._read_lines(block)

    def _read_lines(self, block: Block) -> ReadBlock:
        good: list[SentRow] = []
        bad: list[BadLine] = []
        most = self._limits.max_row_bytes
        for line, sent in enumerate(block.text.split(b"\n"), block.line):
            if (again := self._errors.again(sent, line)) is not None:
                bad.append(again)
                continue
            text = marked_halves(sent)
            if not text.strip():
                continue
            try:
                if len(sent) > most:
                    raise line_too_long(line, most)
                text.decode()
                if is_deeper(text, self._limits.max_depth + 1):
                    raise RecursionError
                row = bytes(_raw_decoder.decode(text))
                if row.startswith((b"{", b"[")):
                    good.append(SentRow(line, msgspec.Raw(row), sent))
                else:
                    # the codec says the same, at three times the cost
                    bad.append(self._errors.add(sent, _no_row(line, row)))
            except LineTooLong as error:
                bad.append(BadLine(line, error.problems))
            except (ValueError, RecursionError) as error:
                msg = complaint(error, text, "The row")
                wrong = BadLine(line, [line_problem(MalformedJson, line, msg)])
                bad.append(self._errors.add(sent, wrong))
        return self._read_each(good, bad, len(block.text))

    def check_end(self) -> None:
        """A stream of no rows is complete."""


class CsvReader(StreamReader):
    """A header with the names of columns, then a record for each row (RFC 4180)."""

    quote = b'"'
    _columns: Sequence[Column] | None = None

    def read(self, block: Block) -> ReadBlock:
        size = len(block.text)
        if self._columns is None:
            names, block = read_header(block)
            self._columns = self._known(names)
        found = read_block(block, len(self._columns))
        bad = [
            BadLine(each.line, [line_problem(MalformedCsv, each.line, f"{each.reason}.")])
            for each in found.unfit
        ]
        if not bad and b"\0" not in block.text and size <= self._limits.max_row_bytes:
            cells = [self._read_column(*each) for each in zip(self._columns, found.columns, strict=True)]
            if None not in cells:
                return ReadBlock(self._rows(cells, len(found.lines)), found.lines, size=size)
        return self._read_records(found, bad, size)

    def _read_column(self, column: Column, texts: Texts) -> list[object] | None:
        return read_column(column, texts, self._limits.max_depth)

    def check_end(self) -> None:
        if self._columns is None:
            read_header(Block(b"", 1))

    def _known(self, names: Sequence[str | None]) -> Sequence[Column]:
        """The columns of a header. Raises all of its errors."""
        problems: list[Problem] = []
        columns: dict[str, Column] = {}
        hints = iter(range(3))
        for at, name in enumerate(names, 1):
            if not name:
                problems.append(line_problem(MalformedCsv, 1, f"Field {at} of the header has no name."))
                continue
            where = pointer(name) if len(name) <= 200 else ""
            try:
                column = self._codec.names.find(name, where, lambda: next(hints, None) is not None)
            except RowkeepError as error:
                problems.append(line_problem(type(error), 1, error.msg, where))
                continue
            if column.is_system:
                msg = f"{column.name} is a system column and cannot be written. Leave it out."
                problems.append(line_problem(SystemColumn, 1, msg, where))
            elif column.name in columns:
                msg = f"Two fields of the header match column {column.name}. Send one of them."
                problems.append(line_problem(DuplicateColumn, 1, msg, where))
            columns[column.name] = column
        if not self._options.is_upsert and not problems:
            problems = [
                line_problem(
                    MissingValue,
                    1,
                    f"Column {each.name} is required, but not in the header.",
                    pointer(each.name),
                )
                for each in self._codec.table.columns
                if each.is_required and each.default is None and each.name not in columns
            ]
        if problems:
            raise error_of(problems)
        return list(columns.values())

    def _rows(self, cells: Sequence[list[object] | None], count: int) -> list[Cells]:
        assert self._columns is not None  # noqa: S101 - the header was read
        given = {column.name: each for column, each in zip(self._columns, cells, strict=True)}
        is_upsert = self._options.is_upsert
        every = [
            given.get(column.name) or [UNSET if is_upsert else column.default] * count
            for column in self._codec.table.columns
        ]
        return list(zip(*every, strict=True)) if count else []

    def _read_records(self, found: CsvBlock, bad: list[BadLine], size: int) -> ReadBlock:
        """The records of a block with errors, one by one."""
        assert self._columns is not None  # noqa: S101 - the header was read
        documents = {column.name for column in self._columns if column.type_facts.is_document}
        good: list[SentRow] = []
        for line, *cells in zip(found.lines, *found.columns, strict=True):
            text = tuple(cells)
            if (again := self._errors.again(text, line)) is not None:
                bad.append(again)
                continue
            row = dict(zip((column.name for column in self._columns), cells, strict=True))
            try:
                sent = msgspec.json.encode(self._sent(row, documents))
                good.append(SentRow(line, msgspec.Raw(sent), text))
            except _BadCell as error:
                msg = f"Column {error.column} {error.rule}"
                bad.append(BadLine(line, [line_problem(InvalidValue, line, msg, pointer(error.column))]))
        return self._read_each(good, bad, size)

    def _sent(self, row: dict[str, str | None], documents: set[str]) -> Mapping[str, object]:
        """A record as an object; the cells of ``documents`` are JSON texts. Raises _BadCell."""
        sent: dict[str, object] = dict(row)
        for name in documents:
            cell = row[name]
            if cell is None:
                continue
            try:
                if is_deeper(cell.encode(), self._limits.max_depth):
                    raise _BadCell(name, "is nested too deeply (the setting max_json_depth).")
                sent[name] = msgspec.Raw(bytes(_raw_decoder.decode(cell)))
            except ValueError:
                raise _BadCell(name, f"must be JSON; got {preview(cell)}.") from None
        return sent


class _BadCell(Exception):
    """A cell that is not JSON."""

    def __init__(self, column: str, rule: str) -> None:
        super().__init__(column, rule)
        self.column = column
        self.rule = rule
