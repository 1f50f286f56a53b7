"""Bulk slices: the rows of a large insert, decoded in parts.

Decoding blocks the interpreter for the duration of a call, so a body is cut between two rows, every 2 MiB or
200,000 cells. A cut is first guessed; it is right if the part before it decodes as whole rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

import msgspec

from rowkeep.codec.insert_envelope import loose_envelope, usual_envelope
from rowkeep.codec.json_bodies import MAX_VALUES
from rowkeep.codec.json_scan import COMMA, OPENING, STEP, last_comma, marked_halves, tokens
from rowkeep.errors.catalogue import BodyTooLarge, InvalidBody, MalformedJson, pointer
from rowkeep.model.data_requests import InsertOptions

MAX_SLICE_BYTES = 2 * 1024 * 1024
MAX_SLICE_CELLS = 200_000
MAX_ROW_TOKENS = 3 * MAX_VALUES
"""A key, a value and a comma per value."""

LEAST_BYTES = 1024
GUESSES = 8

_NEXT_ROW = re.compile(rb"[ \t\n\r]{0,1000}+,[ \t\n\r]{0,1000}+(?=\{)")


class SliceBounds(NamedTuple):
    """The limits of a slice: bytes of the slice, cells of a row, and bytes of a row."""

    size: int
    columns: int
    row_bytes: int


class RowSlice(NamedTuple):
    """Some rows of an array, as one JSON array and as single rows; ``first`` is the number of the first."""

    text: bytes
    rows: list[msgspec.Raw]
    first: int


_BLANK = re.compile(rb"[ \t\n\r]*+")
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class SlicedBody(NamedTuple):
    """The slices of the array in ``data``, and the members next to it."""

    slices: Iterator[RowSlice]
    options: InsertOptions


def sliced_body(body: bytes, columns: int, max_row_bytes: int) -> SlicedBody | None:
    """The slices of a body; None if it has a single row. ``columns`` is the number of cells of a row.

    Raises what :func:`loose_envelope` raises, at the latest when the array turns out not to be valid JSON,
    and BodyTooLarge for a row that has more than ``max_row_bytes``.
    """
    envelope = usual_envelope(body) or loose_envelope(body)
    start, end, options = envelope
    if body[start] != OPENING[0]:
        return None
    return SlicedBody(_slices(body, start + 1, end - 1, columns, max_row_bytes), options)


def row_too_large(max_row_bytes: int, row: int | None = None) -> BodyTooLarge:
    """The error for a row that is larger than ``max_row_bytes``; ``row`` is its number in an array."""
    which, where = ("The row", "/data") if row is None else (f"Row {row}", pointer("data", row))
    return BodyTooLarge(
        f"{which} is larger than {max_row_bytes} bytes (setting max_row_bytes).", pointer=where
    )


def count_rows(body: bytes, max_row_bytes: int) -> int:
    """The number of rows of an insert, counted without decoding them."""
    sliced = sliced_body(body, 1, max_row_bytes)
    return 1 if sliced is None else sum(len(part.rows) for part in sliced.slices)


def _slices(body: bytes, at: int, end: int, columns: int, max_row_bytes: int) -> Iterator[RowSlice]:
    first = 0
    while True:
        size = _size(body, at, columns)
        if at + size >= end:
            text, rows = _decoded(b"[%b]" % body[at:end])
            after = end
        else:
            text, rows, after = (
                _guessed(body, at, at + size)
                or _counted(body, at, at + size, end)
                or _exact(body, at, end, SliceBounds(size, columns, max_row_bytes), first)
            )
        if rows is None:
            if usual_envelope(body) is not None:
                loose_envelope(body)
            raise MalformedJson('The rows in "data" are not valid JSON.', pointer="/data")
        yield RowSlice(text, rows, first)
        if after == end:
            return
        first += len(rows)
        at = after


def _size(body: bytes, at: int, columns: int) -> int:
    """The number of bytes to decode at once, within the limit of cells."""
    size = MAX_SLICE_BYTES
    while size > LEAST_BYTES and body.count(b"{", at, at + size) * columns > MAX_SLICE_CELLS:
        size //= 2
    return size


def _decoded(text: bytes) -> tuple[bytes, list[msgspec.Raw] | None]:
    """An array and its rows, None if it is not valid JSON. Halves of surrogate pairs are marked."""
    for each in (text, marked_halves(text)):
        with suppress(ValueError, RecursionError):
            return each, _rows_decoder.decode(each)
    return text, None


def _guessed(body: bytes, at: int, limit: int) -> tuple[bytes, list[msgspec.Raw], int] | None:
    """The rows before a cut near ``limit``, and the start of the next row."""
    for _ in range(GUESSES):
        limit = body.rfind(b"}", at, limit)
        if limit < 0:
            return None
        if following := _NEXT_ROW.match(body, limit + 1):
            text, rows = _decoded(b"[%b]" % body[at : limit + 1])
            if rows is not None:
                return text, rows, following.end()
    return None


def _counted(body: bytes, at: int, limit: int, end: int) -> tuple[bytes, list[msgspec.Raw], int] | None:
    """The same by counting brackets, for rows whose cells have arrays of objects."""
    following = last_comma(body, at, limit)
    if following is None or _BLANK.fullmatch(body, following, end):
        return None
    text, rows = _decoded(b"[%b]" % body[at : following - 1])
    return None if rows is None else (text, rows, following)


def _exact(
    body: bytes, at: int, end: int, most: SliceBounds, first: int
) -> tuple[bytes, list[msgspec.Raw] | None, int]:
    """The same token by token: for rows that are larger than a slice, and to find what is not valid."""
    depth = rows = values = 0
    start = at
    for token in tokens(body, at, end):
        depth += STEP[token.first]
        values += 1
        if token.end - start > most.row_bytes + (token.first == COMMA):
            raise row_too_large(most.row_bytes, first + rows)
        if values > MAX_ROW_TOKENS:
            raise InvalidBody(
                f"A row has too many values: at most {MAX_VALUES} are allowed.",
                pointer=pointer("data", first + rows),
            )
        if token.first == COMMA and depth == 0:
            rows, values, start = rows + 1, 0, token.end
            if token.start - at >= most.size or rows * most.columns >= MAX_SLICE_CELLS:
                if _BLANK.fullmatch(body, token.end, end):
                    # a comma without a row after it
                    return b"", None, end
                return *_decoded(b"[%b]" % body[at : token.start]), token.end
    return *_decoded(b"[%b]" % body[at:end]), end
