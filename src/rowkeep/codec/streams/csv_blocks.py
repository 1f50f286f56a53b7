"""CSV blocks: some whole records of RFC 4180, read a column at a time by pyarrow's reader.

That reader distinguishes an empty field from ``""`` and is written in C++, but it accepts quotes in the wrong
places, and ends a record at a lone carriage return. Both would move cells to other rows without an error, so
the quotes and line ends of a block are counted; if the numbers do not fit what was read, the block is
searched for the first malformed record. See docs/decisions/2026-11-27-csv-reader.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from rowkeep.codec.streams.blocks import BYTE_ORDER_MARK, Block
from rowkeep.errors.catalogue import MalformedCsv, Problem

Column = Sequence[str | None]

MAX_HEADER_FIELDS = 10_000
"""Counted before the header is read: pyarrow's reader takes kilobytes of memory for each column."""


class CsvFormat(msgspec.Struct, frozen=True):
    """How fields are separated and quoted, one ASCII character for each."""

    delimiter: str = ","
    quote: str = '"'


RFC4180 = CsvFormat()


class UnfitRecord(NamedTuple):
    """A record that cannot be read as a row: its line, its text, and why."""

    line: int
    text: bytes
    reason: str


class CsvBlock(NamedTuple):
    """The records of a block that can be read, as columns of text: None is an unquoted empty field. ``lines``
    has the line of each, and ``unfit`` the other records."""

    columns: Sequence[Column]
    lines: Sequence[int]
    unfit: Sequence[UnfitRecord] = ()


def malformed(line: int, reason: str) -> MalformedCsv:
    """The error for a record after which the next one cannot be found for certain."""
    msg = f"Line {line}: {reason}."
    return MalformedCsv(msg, problems=[Problem(msg, MalformedCsv.code, more={"line": line})])


def read_header(block: Block, form: CsvFormat = RFC4180) -> tuple[list[str | None], Block]:
    """The fields of the first record of a stream, and the rest of its first block. Raises MalformedCsv."""
    first = _records(form).match(block.text)
    if first is None or (not first.end() and block.text):
        raise malformed(block.line, _complaint(block.text, 0, form))
    text = first[0]
    if not text.strip():
        raise malformed(block.line, "The header is missing. The first line must have the names of columns")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise malformed(block.line, "The header is not valid UTF-8") from None
    width = _width(text, form)
    if width > MAX_HEADER_FIELDS:
        raise malformed(block.line, f"The header has {width} fields; at most {MAX_HEADER_FIELDS} are allowed")
    columns = read_block(Block(text, block.line), width, form).columns
    rest = Block(block.text[first.end() :], block.line + text.count(b"\n"))
    return [column[0] for column in columns], rest


def read_block(block: Block, width: int, form: CsvFormat = RFC4180) -> CsvBlock:
    """The records of a block, which have ``width`` fields. Raises MalformedCsv for a quote or a carriage
    return in the wrong place."""
    try:
        block.text.decode()
    except UnicodeDecodeError:
        return _without_invalid(block, width, form)
    return _read(block, width, form)


def _read(block: Block, width: int, form: CsvFormat) -> CsvBlock:
    text = block.text
    refused: list[Any] = []
    columns = _parsed(text, width, form, refused)
    count = len(columns[0])
    _check_quotes(block, columns, refused, form)
    if not refused and count == text.count(b"\n") + (not text.endswith(b"\n")):
        return CsvBlock(columns, range(block.line, block.line + count))
    # with line ends in cells, empty lines or refused records, lines are counted one by one
    lines = [line for line, record in _numbered(block, form) if width == 1 or record.strip(b"\r\n")]
    unfit = {each.number - 1: each for each in refused}
    return CsvBlock(
        columns,
        [line for at, line in enumerate(lines) if at not in unfit],
        [UnfitRecord(lines[at], each.text.encode(), _width_rule(each, width)) for at, each in unfit.items()],
    )


def _width_rule(row: Any, width: int) -> str:
    return f"The record has {row.actual_columns} fields, but the header has {width}"


def _parsed(text: bytes, width: int, form: CsvFormat, refused: list[Any]) -> list[Column]:
    """The columns of text; records with another number of fields are added to ``refused``."""
    # it is large, and not all need it
    from pyarrow import ArrowInvalid, csv, py_buffer, string, system_memory_pool

    def refuse(row: Any) -> str:
        refused.append(row)
        return "skip"

    if text.startswith(BYTE_ORDER_MARK):
        text = BYTE_ORDER_MARK + text  # that of the stream is removed already, but the reader removes one
    names = _names(width)
    if not text.strip(b"\r\n") and (width > 1 or not text):
        return [()] * width
    try:
        table = csv.read_csv(
            py_buffer(text),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(text) + 1),
            csv.ParseOptions(
                delimiter=form.delimiter,
                quote_char=form.quote,
                newlines_in_values=True,
                ignore_empty_lines=width > 1,
                invalid_row_handler=refuse,
            ),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
                null_values=[""],
            ),
            memory_pool=system_memory_pool(),  # pyarrow's own does not return what is freed
        )
    except ArrowInvalid:
        return [()] * width  # the count of quotes finds the cause
    return [column.to_pylist() for column in table.columns]


@lru_cache(64)
def _names(width: int) -> list[str]:
    return [str(at) for at in range(width)]


def _check_quotes(block: Block, columns: Sequence[Column], refused: Sequence[Any], form: CsvFormat) -> None:
    """Raises MalformedCsv."""
    text = block.text
    is_sure = not refused and text.count(b"\r") == text.count(b"\r\n")
    is_sure = is_sure and bool(columns[0] or not text.strip(b"\r\n"))
    if not (is_sure and _quotes_fit(text, columns, form)):
        for _ in _numbered(block, form):
            pass


def _quotes_fit(text: bytes, columns: Sequence[Column], form: CsvFormat) -> bool:
    """Whether the quotes of a text are those of its fields: two around each quoted one, and two for each
    quote in its text."""
    quote, delimiter = form.quote.encode(), form.delimiter.encode()
    quotes = text.count(quote)
    if not quotes:
        return True
    opening = text.startswith(quote) + text.count(delimiter + quote) + text.count(b"\n" + quote)
    closing = text.endswith(quote) + sum(text.count(quote + end) for end in (delimiter, b"\n", b"\r\n"))
    if quotes == 2 * opening == 2 * closing:
        return True
    cells = "\0".join(cell for column in columns for cell in column if cell)
    # a quote in a text can look as if it ended the field
    like_closing = sum(cells.count(form.quote + end) for end in (form.delimiter, "\n", "\r\n"))
    inside = 2 * cells.count(form.quote)
    return quotes == 2 * opening + inside == 2 * (closing - like_closing) + inside


def _numbered(block: Block, form: CsvFormat) -> Iterator[tuple[int, bytes]]:
    """The records of a block with their lines. Raises MalformedCsv."""
    at, line = 0, block.line
    match, end = _records(form).match, len(block.text)
    while at < end:
        found = match(block.text, at)
        if found is None or found.end() == at:
            raise malformed(line, _complaint(block.text, at, form))
        record = found[0]
        yield line, record
        line += record.count(b"\n")
        at = found.end()


def _without_invalid(block: Block, width: int, form: CsvFormat) -> CsvBlock:
    """The records of a block of which some are not UTF-8."""
    good: list[bytes] = []
    lines: list[int] = []
    unfit: list[UnfitRecord] = []
    for line, record in _numbered(block, form):
        try:
            record.decode()
        except UnicodeDecodeError:
            unfit.append(UnfitRecord(line, record, "The record is not valid UTF-8"))
            continue
        if width == 1 or record.strip(b"\r\n"):
            good.append(record)
            lines.append(line)
    found = _read(Block(b"".join(good), 1), width, form)
    places = {line: at for at, line in enumerate(_starts(good))}
    unfit += [each._replace(line=lines[places[each.line]]) for each in found.unfit]
    kept = [lines[places[line]] for line in found.lines]
    return CsvBlock(found.columns, kept, sorted(unfit))


def _starts(records: Sequence[bytes]) -> Iterator[int]:
    """The first line of each record."""
    line = 1
    for record in records:
        yield line
        line += record.count(b"\n")


# well-formed records, one by one


def _width(record: bytes, form: CsvFormat) -> int:
    """The number of fields of a record."""
    quoted = re.compile(rb"Q(?:[^Q]++|QQ)*+Q".replace(b"Q", re.escape(form.quote.encode())))
    return quoted.sub(b"", record).count(form.delimiter.encode()) + 1


@lru_cache(16)
def _records(form: CsvFormat) -> re.Pattern[bytes]:
    """A record with its line end."""
    delimiter, quote = (re.escape(each.encode()) for each in (form.delimiter, form.quote))
    field = rb"(?:Q(?:[^Q]++|QQ)*+Q|[^QD\r\n]*+)".replace(b"Q", quote).replace(b"D", delimiter)
    return re.compile(rb"%b(?:%b%b)*+(?:\r?\n|\Z)" % (field, delimiter, field))


def _complaint(text: bytes, at: int, form: CsvFormat) -> str:
    """Why no record starts here."""
    delimiter, quote = (re.escape(each.encode()) for each in (form.delimiter, form.quote))
    field = rb"(?:Q(?:[^Q]++|QQ)*+Q(?!Q)|(?!Q)[^QD\r\n]*+)".replace(b"Q", quote).replace(b"D", delimiter)
    whole, start = re.compile(field + delimiter), at
    # one by one: before 3.11.5, Python can miss matches of a possessive quantifier around others (gh-106052)
    while found := whole.match(text, start):
        start = found.end()
    rest = text[start : start + 1]
    if rest == form.quote.encode():
        closed = re.compile(rb"Q(?:[^Q]++|QQ)*+Q".replace(b"Q", quote)).match(text, start)
        if closed is None:
            return "A quoted field has no closing quote"
        return "A field has text after its closing quote. Write a quote in a field as two quotes"
    found = re.compile(rb"[^QD\r\n]*+".replace(b"Q", quote).replace(b"D", delimiter)).match(text, start)
    wrong = text[found.end() : found.end() + 1] if found else b""
    if wrong == form.quote.encode():
        return 'A field without quotes has a quote in it. Write it as "like ""this"""'
    return "A field without quotes has a carriage return in it. Put the field in quotes"
