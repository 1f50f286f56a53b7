"""Lost responses: finds out whether a request without a response was executed.

The check queries the table for the rows that this app inserted since the last known row before the request.
The request was executed if exactly one run of rows (:mod:`rowkeep.cli.files.row_runs`) has its length, its
first row and its last row. It was not executed if there are no new rows, and the server cannot be processing
it any longer. In all other cases the result is unknown.
"""

from __future__ import annotations

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import UNSET

from rowkeep.cli.files.journal import InFlight
from rowkeep.cli.files.row_runs import Run, Runs, WrittenRow, search_from
from rowkeep.client.data import DATE_LAG_SECONDS, DataClient
from rowkeep.errors.catalogue import SetupError
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.values.scalars import Misfit

PAUSE_SECONDS = 0.5
SCAN_ROWS = 1000

_written_decoder = msgspec.json.Decoder(list[WrittenRow])


class Uncertain(SetupError):
    """It is unknown whether a request was executed; the message says what to check, and how to resume."""


class Sent(msgspec.Struct, frozen=True):
    """A request without a response, with the JSON of its first and last row."""

    flight: InFlight
    first: bytes
    last: bytes
    marks: list[str]


async def newest(api: DataClient, table: str) -> str | None:
    """The newest row of this table that the app wrote; later rows of the app are newer."""
    body = {
        "query": _by(api.writer),
        "fields": ["_id", "Created_On"],
        "sort": [{"field": "_id", "order": "desc"}],
        "count": "none",
    }
    page = await api.query(table, body, 1)
    rows = _written_decoder.decode(page.query_result)
    return rows[0].id if rows else None


async def went_in(api: DataClient, table: str, sent: Sent) -> bool:
    """Whether the request was executed; waits until that is known. Raises Uncertain, RequestRefused."""
    began = time.monotonic()
    while True:
        # read the clock before the query, which then finds all rows that were inserted before that time
        is_settled = _is_settled(api, sent.flight, time.monotonic() - began)
        verdict = await _look(api, table, sent)
        if verdict is True:
            return True
        if is_settled:
            if verdict is None:
                raise Uncertain(_question(api, table, sent.flight))
            return False
        await asyncio.sleep(PAUSE_SECONDS)


def _is_settled(api: DataClient, flight: InFlight, waited: float) -> bool:
    """Whether the request is complete if it was ever started. Uses the server's clock if both times are
    known."""
    now, settle = api.server_time, api.settle_seconds
    if now is not None and flight.sent_on is not None and now >= flight.sent_on:
        return now - flight.sent_on > settle + DATE_LAG_SECONDS
    return waited > settle


async def _look(api: DataClient, table: str, sent: Sent) -> bool | None:
    """True if the rows are in the table, False if there are no new rows, None if that is unknown."""
    mark = sent.flight.mark
    runs = await _runs(api, table, search_from(mark), [*sent.marks, *([mark] if mark else [])])
    ends = {run.last for run in runs}
    unknown = [run for run in runs if run.last not in sent.marks and run.last != mark]
    alike = [run for run in unknown if run.rows == sent.flight.rows and await _is_it(api, table, run, sent)]
    newer = [run for run in unknown if mark is None or run.last > mark]
    if len(alike) == 1 and alike[0] in newer:
        return True
    # if the mark is gone, rows were deleted, perhaps also those of this request
    is_whole = mark is None or mark in ends
    return False if not alike and not newer and is_whole else None


async def _runs(api: DataClient, table: str, start: str | None, marks: list[str]) -> list[Run]:
    query = _by(api.writer)
    if start is not None:
        query["expressions"].append({"field": "_id", "operand": ">=", "value": start})
    body: dict[str, Any] = {"query": query, "fields": ["_id", "Created_On"], "count": "none"}
    runs = Runs(marks)
    limit = min(SCAN_ROWS, (await api.limits()).page)
    while True:
        page = await api.query(table, body, limit)
        runs.add(_written_decoder.decode(page.query_result))
        if page.next_cursor is UNSET:
            return runs.found
        body["cursor"] = page.next_cursor


def _by(writer: str) -> dict[str, Any]:
    return {"expressions": [{"field": "Created_By", "operand": "=", "value": writer}]}


async def _is_it(api: DataClient, table: str, run: Run, sent: Sent) -> bool:
    """Whether the first and last row of a run are those of the request."""
    return await _is_row(api, table, run.first, sent.first) and await _is_row(api, table, run.last, sent.last)


async def _is_row(api: DataClient, table: str, row_id: str, row: bytes) -> bool:
    cells: dict[str, Any] = json.loads(row, parse_float=Decimal)
    if not cells:
        return True
    body = {
        "query": {"expressions": [{"field": "_id", "operand": "=", "value": row_id}]},
        "fields": list(cells),
        "count": "none",
    }
    page = await api.query(table, body, 1)
    found = json.loads(bytes(page.query_result), parse_float=Decimal)
    # columns are in the order of ``fields``, with the names of the table
    return bool(found) and all(
        _is_cell(column.type, given, stored)
        for column, given, stored in zip(page.meta_info, cells.values(), found[0].values(), strict=True)
    )


def _is_cell(column_type: str, given: Any, stored: Any) -> bool:
    if given is None or stored is None:
        return given is None and stored is None
    facts = COLUMN_TYPES[column_type]
    if facts.is_document:
        return bool(given == stored)
    alike = facts.same or (lambda cell: cell)
    try:
        # the reader of a type with exact digits accepts a number as text
        cell = facts.read(str(given) if facts.is_raw else _double(given))
    except Misfit:
        return False
    return bool(alike(cell) == alike(_double(stored)))


def _double(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _question(api: DataClient, table: str, flight: InFlight) -> str:
    since = "" if flight.mark is None else f" and an _id greater than {flight.mark}"
    return (
        f"Cannot tell whether lines {flight.first} to {flight.last} were imported: their request got no "
        f"response, and this app has inserted other rows into {table} since, or some were deleted. Check "
        f"whether the row of line {flight.first} exists, with Created_By {api.writer}{since}. If it does, "
        f"use --resume-at {flight.then.next.line}, otherwise --resume-at {flight.first}."
    )
