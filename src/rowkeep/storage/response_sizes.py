"""Sizes: an estimate of how many bytes rows take in a response, counted without a Python step for each row.

It is the size of a row as MessagePack: texts with their length in UTF-8, everything else with a few bytes. No
other count is as fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, takewhile, tee
from typing import Any, TypeAlias

import msgspec

from rowkeep.errors.catalogue import QueryTimeout, ResponseTooLarge

Row: TypeAlias = Sequence[Any]

_encode = msgspec.msgpack.Encoder().encode


class Fitting(msgspec.Struct, frozen=True):
    """The first rows that fit together, how many bytes they take, and whether there was a row that did not
    fit."""

    rows: list[Row]
    size: int
    is_cut: bool


def sizes(rows: Iterable[Row]) -> Iterator[int]:
    """About how many bytes each row takes, one by one."""
    return map(len, map(_encode, map(tuple, rows)))


def mean_size(rows: Sequence[Row]) -> int:
    """About how many bytes a row takes, from a sample of at most 50 or so; at least 1."""
    sample = rows[:: 1 + len(rows) // 50]
    return max(1, sum(sizes(sample)) // max(1, len(sample)))


def fitting(rows: Iterable[Row], max_bytes: int) -> Fitting:
    """The first of ``rows`` that together take at most ``max_bytes``. From a database cursor, only these and
    the one that did not fit are fetched."""
    fitting_rows, measured = tee(rows)
    totals = list(takewhile(max_bytes.__ge__, accumulate(sizes(measured))))
    found = list(islice(fitting_rows, len(totals)))
    return Fitting(found, totals[-1] if totals else 0, next(fitting_rows, None) is not None)


def fitting_page(rows: Iterable[Row], max_bytes: int) -> Fitting:
    """The same for a page, which has at least one row. Raises ResponseTooLarge if the first row alone takes
    more."""
    found = fitting(rows, max_bytes)
    if found.is_cut and not found.rows:
        raise record_too_large(max_bytes)
    return found


def record_too_large(max_bytes: int) -> ResponseTooLarge:
    """The error for a single record that takes more than ``max_response_bytes``."""
    return ResponseTooLarge(
        f"A record is larger than {max_bytes} bytes (the setting max_response_bytes). "
        'Request fewer columns with "fields".',
        pointer="/fields",
    )


def query_timeout(seconds: float) -> QueryTimeout:
    """The error for a statement that ran longer than ``max_query_seconds``."""
    return QueryTimeout(
        f"The query took longer than {seconds:g} s (the setting max_query_seconds). Nothing was written. "
        "Use a narrower filter, or one that an index supports."
    )
