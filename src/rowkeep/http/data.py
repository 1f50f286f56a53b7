"""The Data API as a plain ASGI callable: it is where speed counts, and it has seven paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from starlette.types import Receive, Scope, Send

from rowkeep import errors
from rowkeep.errors import MethodNotAllowed, NoSuchRoute, RowkeepError
from rowkeep.http import answers
from rowkeep.http.request import Request
from rowkeep.http.respond import Answer, reply
from rowkeep.model.access import Right
from rowkeep.model.requests import DeleteBody, InsertBody, QueryBody, UpdateBody
from rowkeep.services.records import Records

PREFIX = "/api/public/"

Call: TypeAlias = Callable[[Records, str, str, Request], Awaitable[bytes]]


class DataCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the Data API: ``{table}`` or ``{view}`` stands for a name.

    ``writes`` may be asked for counts. All but this, ``method``, ``path`` and ``call`` is for the OpenAPI
    document: ``call`` itself checks the ``rights`` and reads the ``body``; ``errors`` are those beside what
    every call may be refused with.
    """

    method: str
    path: str
    name: str
    summary: str
    description: str = ""
    call: Call
    rights: tuple[Right, ...]
    body: type
    body_is_optional: bool = False
    is_paged: bool = False
    writes: bool = False
    answers: tuple[Any, ...]
    errors: tuple[type[RowkeepError], ...]


class BulkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Many rows: they are all written, or none."""

    # for the document: a bulk is read as any insert is, and must then be an array
    data: list[Any]


async def _insert(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.insert(token, name, request)


async def _insert_bulk(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.insert(token, name, request, must_be_array=True)


async def _update(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.update(token, name, request)


async def _delete(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.delete(token, name, request)


async def _query(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.query(token, name, request)


async def _query_view(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.query_view(token, name, request)


_TABLE = "/api/public/tables/{table}"
_in_rows = (
    errors.UnknownColumn, errors.DuplicateColumn, errors.SystemColumn, errors.RequiredValue,
    errors.UniqueViolation, errors.ReferenceViolation,
)  # fmt: skip
_in_inserts = (errors.TooManyCells, *_in_rows)
_in_filters = (errors.UnknownColumn, errors.UnknownOperand, errors.InvalidFilter)
_in_queries = (
    *_in_filters, errors.DuplicateColumn, errors.InvalidCursor, errors.QueryTimeout, errors.ResponseTooLarge,
)  # fmt: skip

DATA_CALLS: tuple[DataCall, ...] = (
    DataCall(
        method="POST", path=_TABLE, name="insertRows", summary="Insert a row",
        description="An array in `data` inserts many rows, as the bulk call does.",
        call=_insert, rights=(Right.WRITE,), body=InsertBody, writes=True,
        answers=(answers.Record, answers.Records, answers.Inserted), errors=(errors.NoSuchTable, *_in_inserts),
    ),
    DataCall(
        method="PUT", path=_TABLE, name="updateRows", summary="Update the rows that a filter finds",
        description="Columns that `data` does not name stay as they are.",
        call=_update, rights=(Right.READ, Right.WRITE), body=UpdateBody, writes=True,
        answers=(answers.Updated,),
        errors=(
            errors.NoSuchTable, errors.FilterMissing, *_in_filters, *_in_rows, errors.StillReferred,
            errors.QueryTimeout,
        ),
    ),
    DataCall(
        method="DELETE", path=_TABLE, name="deleteRows", summary="Delete the rows that a filter finds",
        description="Where a body of DELETE gets lost on its way, take `POST …/delete`.",
        call=_delete, rights=(Right.READ, Right.DELETE), body=DeleteBody,
        answers=(answers.Deleted,),
        errors=(
            errors.NoSuchTable, errors.FilterMissing, *_in_filters, errors.StillReferred, errors.QueryTimeout,
        ),
    ),
    DataCall(
        method="POST", path=f"{_TABLE}/bulk", name="insertBulk", summary="Insert many rows",
        description="All of them are written, or none; records come in the order of the request.",
        call=_insert_bulk, rights=(Right.WRITE,), body=BulkBody, writes=True,
        answers=(answers.Records, answers.Inserted), errors=(errors.NoSuchTable, *_in_inserts),
    ),
    DataCall(
        method="POST", path=f"{_TABLE}/delete", name="deleteRowsByPost",
        summary="Delete the rows that a filter finds", description="The same as DELETE of the table's path.",
        call=_delete, rights=(Right.READ, Right.DELETE), body=DeleteBody,
        answers=(answers.Deleted,),
        errors=(
            errors.NoSuchTable, errors.FilterMissing, *_in_filters, errors.StillReferred, errors.QueryTimeout,
        ),
    ),
    DataCall(
        method="POST", path=f"{_TABLE}/query", name="queryRows", summary="Query rows",
        description="Without a body, or without a filter in it, every row is meant.",
        call=_query, rights=(Right.READ,), body=QueryBody, body_is_optional=True, is_paged=True,
        answers=(answers.Found,), errors=(errors.NoSuchTable, *_in_queries),
    ),
    DataCall(
        method="POST", path="/api/public/views/{view}/query", name="queryView", summary="Query a view",
        description="As a query of a table, over the view's own columns. There is a `nextCursor` only if "
        "these tell rows apart; else `sys_offset` leads on.",
        call=_query_view, rights=(Right.READ,), body=QueryBody, body_is_optional=True, is_paged=True,
        answers=(answers.FoundInView,), errors=(errors.NoSuchView, *_in_queries),
    ),
)  # fmt: skip

_MINIMAL = ((b"preference-applied", b"return=minimal"),)


def _by_path() -> dict[tuple[str, str], dict[str, DataCall]]:
    """What stands before and behind the name, to the calls by method."""
    found: dict[tuple[str, str], dict[str, DataCall]] = {}
    for call in DATA_CALLS:
        _, _, kind, _, *rest = call.path.removeprefix("/").split("/")
        found.setdefault((kind, "/".join(rest)), {})[call.method] = call
    return found


class DataApi:
    """Everything under ``/api/public``."""

    def __init__(self, records: Records, max_body_bytes: int) -> None:
        self._records = records
        self._max_body_bytes = max_body_bytes
        self._calls = _by_path()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await reply(self._answer(scope, receive), scope["path"], send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        call, name = self._find(scope["method"], scope["path"])
        request = Request(scope, receive, self._max_body_bytes)
        body = await call.call(self._records, request.token(), name, request)
        return Answer(200, body, headers=_MINIMAL if call.writes and request.minimal else ())

    def _find(self, method: str, path: str) -> tuple[DataCall, str]:
        kind, _, rest = path.removeprefix(PREFIX).partition("/")
        name, slash, action = rest.partition("/")
        calls = self._calls.get((kind, action)) if name and bool(slash) == bool(action) else None
        if calls is None:
            raise NoSuchRoute("No call has this path.")
        call = calls.get(method)
        if call is None:
            allowed = ", ".join(calls)
            raise MethodNotAllowed(f"This path takes {allowed}.", headers={"Allow": allowed})
        return call, name
