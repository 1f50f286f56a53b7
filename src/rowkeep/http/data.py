"""Data API: the endpoints for rows, as plain ASGI callables because their speed matters, and the same
endpoints for administrators."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from starlette.types import Receive, Scope, Send

from rowkeep.codec.rows import encode
from rowkeep.errors import catalogue as errors
from rowkeep.errors.catalogue import MethodNotAllowed, NoSuchEndpoint, RowkeepError, Unauthenticated
from rowkeep.http import batch_responses, partial_responses, row_responses, stream_responses
from rowkeep.http import data_responses as responses
from rowkeep.http.batch_requests import BatchRequests
from rowkeep.http.batch_types import BatchBody, BatchResponse
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.change_requests import events_request, feed_request, is_for_events, row_changes_request
from rowkeep.http.event_streams import EventStream
from rowkeep.http.file_responses import Download, FileResponse
from rowkeep.http.keyed_requests import KeyedWrite
from rowkeep.http.media_types import FILE_FORMATS
from rowkeep.http.methods import with_head
from rowkeep.http.request import Request
from rowkeep.http.responses import JSON, Response, reply
from rowkeep.http.routes import ROUTES
from rowkeep.http.row_requests import RowRequests
from rowkeep.http.row_responses import Body
from rowkeep.http.session_cookie import check_origin, session_token
from rowkeep.http.stream_requests import is_stream, stream_request
from rowkeep.http.streamed_rows import QUERY_VARY, StreamResponse
from rowkeep.http.undo_calls import IN_UNDOS, undo_changes, undo_own
from rowkeep.model.access import Right
from rowkeep.model.data_requests import (
    Conflict,
    DeleteBody,
    InsertBody,
    InsertMode,
    QueryBody,
    UpdateBody,
)
from rowkeep.model.undo_requests import UndoBody
from rowkeep.request_context import changed_tables, current_request, operation_id
from rowkeep.services.access import AdminCredential, Credential, UserCredential
from rowkeep.services.batches import Batches
from rowkeep.services.changes import ChangePage, ChangeReader, Changes
from rowkeep.services.exported_files import exported
from rowkeep.services.idempotency import Replayed
from rowkeep.services.offload import Offload
from rowkeep.services.rate_limits import Headers, take_rate_headers
from rowkeep.services.row_requests import InsertResult, PartlyInserted, PartlyUpserted
from rowkeep.services.rows import DELETE_RIGHTS, INSERT_RIGHTS, QUERY_RIGHTS, UPDATE_RIGHTS, Rows
from rowkeep.services.streamed_queries import StreamedQueries, StreamedRows, StreamForm
from rowkeep.services.streams import Streams
from rowkeep.services.undo import Undos
from rowkeep.settings import Settings

PREFIX = "/api/public/"

ADMIN_PREFIX = "/api/v1/workspaces/{workspace}/data/"
"""The prefix of the same endpoints for administrators."""


class DataEdge(msgspec.Struct, frozen=True):
    """The services and helpers that the endpoints of the Data API use."""

    rows: Rows
    streams: Streams
    streamed_queries: StreamedQueries
    batches: Batches
    undos: Undos
    requests: RowRequests
    batch_requests: BatchRequests
    offload: Offload
    changes: Changes
    settings: Settings


class Answered(msgspec.Struct, frozen=True):
    """A response with a status of its own."""

    status: int
    body: Body
    content_type: bytes = JSON


class Streamed(msgspec.Struct, frozen=True):
    """The rows of a query, which are sent as they are read."""

    rows: StreamedRows
    form: StreamForm


Outcome: TypeAlias = Body | Answered | Replayed | Streamed | Download | ChangeReader
"""The body of a response (200), one with a status, a stored response that is sent again, a stream of rows or
of events, or a file."""

Call: TypeAlias = Callable[[DataEdge, Credential, str, Request], Awaitable[Outcome]]


class DataEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of the Data API. ``{table}`` or ``{view}`` in its path is a name. If ``rights`` is empty,
    an app needs no grant.

    ``writes`` says whether the endpoint supports ``Prefer: return=minimal``. All fields except this one,
    ``method``, ``path`` and ``call`` are only for the OpenAPI document: ``call`` itself checks the ``rights``
    and reads the ``body``. ``errors`` are those in addition to the errors of every endpoint.
    """

    method: str
    path: str
    name: str
    summary: str
    description: str = ""
    call: Call
    rights: tuple[Right, ...]
    body: type | None
    body_is_optional: bool = False
    is_paged: bool = False
    parameters: tuple[str, ...] = ()
    """The query parameters of a feed."""
    has_events: bool = False
    """Whether the response can be a stream of events."""
    writes: bool = False
    takes_streams: bool = False
    responses: tuple[Any, ...]
    partial_responses: tuple[Any, ...] = ()
    """The types of a response with status 207."""
    errors: tuple[type[RowkeepError], ...]

    @property
    def changes_rows(self) -> bool:
        """Whether it takes an ``Idempotency-Key``."""
        return self.call in _CHANGING

    @property
    def admin_path(self) -> str:
        """The path of the endpoint for administrators."""
        return ADMIN_PREFIX + self.path.removeprefix(PREFIX)

    @property
    def admin_name(self) -> str:
        return f"{self.name}InWorkspace"


class BulkBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Several rows. All or none are inserted, unless the mode is `partial`."""

    # only for the OpenAPI document: the body is read like that of an insert, but must be an array
    data: list[Any]
    on_conflict: Conflict | UnsetType = UNSET
    mode: InsertMode | UnsetType = UNSET
    dry_run: bool = False


def _insert(edge: DataEdge, credential: Credential, name: str, request: Request) -> Awaitable[Outcome]:
    return _insert_rows(edge, credential, name, request, False)


async def _insert_bulk(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    if is_stream(request.header(b"content-type") or ""):
        return await _insert_stream(edge, credential, name, request)
    return await _insert_rows(edge, credential, name, request, True)


async def _insert_stream(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    keyed = KeyedWrite.of(request, stream_responses.counts, stream_responses.counts)
    result = await edge.streams.insert(credential, name, partial(stream_request, request), keyed)
    if isinstance(result, Replayed):
        return result
    content_type = stream_responses.NDJSON if result.errors else JSON
    return Answered(result.status, stream_responses.streamed(result), content_type)


async def _insert_rows(
    edge: DataEdge, credential: Credential, name: str, request: Request, must_be_array: bool
) -> Outcome:
    read = partial(edge.requests.insert, request, must_be_array)
    keyed = None
    if request.has_idempotency_key:
        encode = partial(_inserted_at_once, request)
        keyed = KeyedWrite.of(request, encode, _n_inserted)
    result = await edge.rows.insert(credential, name, read, keyed)
    if isinstance(result, Replayed):
        return result
    if isinstance(result, PartlyInserted | PartlyUpserted):
        return await _partly_written(edge, request, result, None if keyed is None else keyed.body)
    if keyed is not None and keyed.body is not None:
        row_responses.release(result, edge.offload)
        return keyed.body
    return await row_responses.inserted(result, request.minimal, edge.offload)


async def _partly_written(
    edge: DataEdge, request: Request, result: PartlyInserted | PartlyUpserted, encoded: Body | None
) -> Answered:
    if encoded is None:
        encoded = await partial_responses.partly_written(result, request.minimal, edge.offload)
    else:
        partial_responses.release(result, edge.offload)
    return Answered(result.status, encoded)


def _inserted_at_once(request: Request, result: InsertResult) -> Body | None:
    """The response to be stored under a key; None if it is too large."""
    if isinstance(result, PartlyInserted | PartlyUpserted):
        return partial_responses.partly_written_at_once(request.minimal, request, result)
    return row_responses.inserted_at_once(request.minimal, request, result)


def _n_inserted(result: InsertResult) -> bytes:
    if isinstance(result, PartlyInserted | PartlyUpserted):
        return partial_responses.partial_counts(result)
    return row_responses.n_inserted(result)


async def _update(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    read = partial(edge.requests.update, request)
    keyed = KeyedWrite.of(request, row_responses.updated_at_once, row_responses.n_modified)
    result = await edge.rows.update(credential, name, read, keyed)
    if isinstance(result, Replayed):
        return result
    if keyed is not None and keyed.body is not None:
        return keyed.body
    return await row_responses.updated(result)


async def _delete(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    read = partial(edge.requests.delete, request)
    keyed = KeyedWrite.of(request, row_responses.deleted, row_responses.deleted)
    result = await edge.rows.delete(credential, name, read, keyed)
    return result if isinstance(result, Replayed) else row_responses.deleted(result)


async def _query(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    form = request.stream_form()
    if form is not None:
        read_all = partial(edge.requests.stream, request)
        return Streamed(await edge.streamed_queries.table(credential, name, read_all, form), form)
    read = partial(edge.requests.query, request)
    page = await edge.rows.query(credential, name, read)
    return row_responses.queried_at_once(page) or await row_responses.queried(page)


async def _query_view(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    form = request.stream_form()
    if form is not None:
        read_all = partial(edge.requests.stream, request)
        return Streamed(await edge.streamed_queries.view(credential, name, read_all, form), form)
    read = partial(edge.requests.query, request)
    page = await edge.rows.query_view(credential, name, read)
    return row_responses.queried_at_once(page) or await row_responses.queried(page)


async def _batch(edge: DataEdge, credential: Credential, _name: str, request: Request) -> Outcome:
    read = partial(edge.batch_requests.batch, request)
    keyed = KeyedWrite.of(request, batch_responses.batched_at_once, batch_responses.counted)
    result = await edge.batches.run(credential, read, keyed)
    if isinstance(result, Replayed):
        return result
    if keyed is not None and keyed.body is not None:
        return keyed.body
    return await batch_responses.batched(result, edge.offload)


async def _list_tables(edge: DataEdge, credential: Credential, _name: str, request: Request) -> bytes:
    read = partial(edge.requests.nothing, request)
    return await row_responses.usable_tables(await edge.rows.tables(credential, read))


async def _changes(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    if is_for_events(request):
        return await edge.changes.follow(credential, name, partial(events_request, request))
    return _changed(await edge.changes.page(credential, name, partial(feed_request, request)))


async def _row_changes(edge: DataEdge, credential: Credential, name: str, request: Request) -> Outcome:
    read = partial(row_changes_request, request)
    return _changed(await edge.changes.row(credential, name, request.row_id, read))


_CHANGING = frozenset((_insert, _insert_bulk, _update, _delete, _batch, undo_own, undo_changes))
"""What changes rows."""


def _changed(page: ChangePage) -> bytes:
    return encode({"changes": page.changes, "nextCursor": page.next_cursor, "hasMore": page.has_more})


_TABLE = "/api/public/tables/{table}"
_in_rows = (
    errors.UnknownColumn, errors.DuplicateColumn, errors.SystemColumn, errors.MissingValue,
    errors.UniqueViolation, errors.ReferenceViolation,
)  # fmt: skip
_in_inserts = (
    errors.TooManyCells, errors.AllRowsFailed, errors.TooManyFailedRows, *_in_rows, errors.DuplicateKey,
    errors.StillReferenced, errors.QuotaExceeded,
)  # fmt: skip
_in_filters = (errors.UnknownColumn, errors.UnknownOperand, errors.InvalidFilter)
_in_queries = (
    *_in_filters, errors.DuplicateColumn, errors.InvalidCursor, errors.QueryTimeout, errors.ResponseTooLarge,
)  # fmt: skip

DATA_ENDPOINTS: tuple[DataEndpoint, ...] = (
    DataEndpoint(
        method="GET", path="/api/public/tables", name="listUsableTables",
        summary="List the tables and views that the caller may use",
        description="Sorted by name. An app gets the tables and views that it has a grant for, with its "
        "rights. `columns` does not contain the six system columns, which every table has.",
        call=_list_tables, rights=(), body=None, responses=(responses.UsableTables,), errors=(),
    ),
    DataEndpoint(
        method="POST", path=_TABLE, name="insertRows", summary="Insert a row",
        description="An array in `data` inserts several rows, like the bulk endpoint. With `onConflict`, a "
        "row whose key is stored is ignored, or updates the stored row; an update also needs the right "
        "`read`.",
        call=_insert, rights=INSERT_RIGHTS, body=InsertBody, writes=True,
        responses=(
            responses.Record, responses.UpsertResponse, responses.RecordsResponse,
            responses.UpsertCounts, responses.InsertedResponse, responses.PartialResponse,
            responses.PartialUpsertResponse,
        ),
        partial_responses=(responses.PartialResponse, responses.PartialUpsertResponse),
        errors=(errors.NoSuchTable, *_in_inserts),
    ),
    DataEndpoint(
        method="PUT", path=_TABLE, name="updateRows", summary="Update the rows that match a filter",
        description="Columns that are not in `data` are not changed.",
        call=_update, rights=UPDATE_RIGHTS, body=UpdateBody, writes=True,
        responses=(responses.UpdatedResponse,),
        errors=(
            errors.NoSuchTable, errors.MissingFilter, *_in_filters, *_in_rows, errors.StillReferenced,
            errors.AffectedOutOfBounds, errors.QuotaExceeded, errors.QueryTimeout,
        ),
    ),
    DataEndpoint(
        method="DELETE", path=_TABLE, name="deleteRows", summary="Delete the rows that match a filter",
        description="If a client or proxy drops the body of a DELETE request, use `POST …/delete`.",
        call=_delete, rights=DELETE_RIGHTS, body=DeleteBody,
        responses=(responses.DeletedResponse,),
        errors=(
            errors.NoSuchTable, errors.MissingFilter, *_in_filters, errors.StillReferenced,
            errors.AffectedOutOfBounds, errors.QueryTimeout,
        ),
    ),
    DataEndpoint(
        method="POST", path=f"{_TABLE}/bulk", name="insertBulk", summary="Insert many rows",
        description="All rows are inserted, or none; with mode `partial`, those that can be. The response "
        "has the records in the order of the request. With `onConflict`, rows whose keys are stored are "
        "ignored, or update the stored rows; an update also needs the right `read`. The body can also be a "
        "stream of rows of any size, NDJSON or CSV: then the query parameters are its options, the response "
        "has counts only, and errors have a `line`.",
        call=_insert_bulk, rights=INSERT_RIGHTS, body=BulkBody, writes=True, takes_streams=True,
        responses=(
            responses.UpsertResponse, responses.RecordsResponse,
            responses.UpsertCounts, responses.InsertedResponse, responses.PartialResponse,
            responses.PartialUpsertResponse, responses.StreamCounts,
        ),
        partial_responses=(
            responses.PartialResponse, responses.PartialUpsertResponse, responses.StreamCounts,
        ),
        errors=(errors.NoSuchTable, errors.MalformedCsv, errors.LineTooLong, *_in_inserts),
    ),
    DataEndpoint(
        method="POST", path=f"{_TABLE}/delete", name="deleteRowsByPost",
        summary="Delete the rows that match a filter", description="The same as DELETE of the table.",
        call=_delete, rights=DELETE_RIGHTS, body=DeleteBody,
        responses=(responses.DeletedResponse,),
        errors=(
            errors.NoSuchTable, errors.MissingFilter, *_in_filters, errors.StillReferenced,
            errors.AffectedOutOfBounds, errors.QueryTimeout,
        ),
    ),
    DataEndpoint(
        method="POST", path=f"{_TABLE}/query", name="queryRows", summary="Query rows",
        description="Without a body or a filter, every row matches. With the request header `Accept: "
        "application/x-ndjson` or `text/csv`, all matching rows are streamed, or as many as `sys_limit` "
        "says, without the other members of the response. With `asOf`, the query reads the table as it was "
        "at that time, if the table has a history.",
        call=_query, rights=QUERY_RIGHTS, body=QueryBody, body_is_optional=True, is_paged=True,
        responses=(responses.QueryResponse,),
        errors=(errors.NoSuchTable, errors.HistoryOff, errors.HistoryExpired, *_in_queries),
    ),
    DataEndpoint(
        method="GET", path=f"{_TABLE}/changes", name="listChanges",
        summary="List the changes of a table, or follow them",
        description="The recorded changes in the order in which they were committed, for tables with a "
        "history. A reader that continues with `nextCursor` gets each change at least once and in order, and "
        "never misses one. With `wait`, a request without new changes waits for the next one. With the "
        "request header `Accept: text/event-stream`, changes are sent as server-sent events as they happen; "
        "the `id` of an event is its cursor, and `Last-Event-ID` resumes after it.",
        call=_changes, rights=QUERY_RIGHTS, body=None, parameters=("after", "limit", "wait"), has_events=True,
        responses=(responses.ChangesResponse,),
        errors=(errors.NoSuchTable, errors.InvalidCursor, errors.HistoryOff, errors.HistoryExpired),
    ),
    DataEndpoint(
        method="GET", path=f"{_TABLE}/rows/{{rowId}}/changes", name="listRowChanges",
        summary="List the changes of a row", description="The oldest first. A deleted row has changes, too.",
        call=_row_changes, rights=QUERY_RIGHTS, body=None, parameters=("after", "limit"),
        responses=(responses.ChangesResponse,),
        errors=(errors.NoSuchTable, errors.InvalidCursor, errors.HistoryOff, errors.HistoryExpired),
    ),
    DataEndpoint(
        method="POST", path="/api/public/views/{view}/query", name="queryView", summary="Query a view",
        description="Like a query of a table. The response has a `nextCursor` only if the columns of the "
        "view identify its rows; otherwise use `sys_offset`. It can be streamed like a table.",
        call=_query_view, rights=QUERY_RIGHTS, body=QueryBody, body_is_optional=True, is_paged=True,
        responses=(responses.ViewQueryResponse,), errors=(errors.NoSuchView, *_in_queries),
    ),
    DataEndpoint(
        method="POST", path="/api/public/batch", name="runBatch",
        summary="Do several operations in one transaction",
        description="All operations are done in their order, or none. Each needs the rights of its own "
        "endpoint. `{\"$ref\": \"/0/_id\"}` in the place of a value stands for a value in the result of an "
        "earlier operation: a JSON Pointer (RFC 6901) into `results`. The pointers of all errors begin with "
        "the operation.",
        call=_batch, rights=(), body=BatchBody, writes=True, responses=(BatchResponse,),
        errors=(
            errors.Forbidden, errors.NoSuchTable, errors.NoSuchView, errors.TooManyOperations,
            errors.InvalidResultReference, errors.MissingFilter, errors.StillReferenced,
            errors.AffectedOutOfBounds, *_in_inserts, *_in_queries,
        ),
    ),
    DataEndpoint(
        method="POST", path="/api/public/undo", name="undoOperation",
        summary="Undo an operation of the sender",
        description="Sets the rows of tables with a history back to what they were before the operation, in "
        "one transaction, which is itself an operation that can be undone. Needs the rights for the changes "
        "that it makes: `write` to insert deleted rows again, `read` and `write` to set rows back, `read` "
        "and `delete` to remove inserted ones.",
        call=undo_own, rights=(), body=UndoBody, responses=(responses.UndoResponse,), errors=IN_UNDOS,
    ),
)  # fmt: skip


_MINIMAL = ((b"preference-applied", b"return=minimal"),)
_REPLAYED = (b"idempotency-replayed", b"true")


def _operation(operation: str) -> Headers:
    """The header with the id of the operation of a write; none for a response of an older version."""
    return ((b"operation-id", operation.encode()),) if operation else ()


def _response(
    call: DataEndpoint, body: Outcome, headers: Headers, request: Request
) -> Response | StreamResponse | FileResponse | EventStream:
    if not isinstance(body, bytes):  # most are, and it takes long to find that they are nothing else
        if isinstance(body, Replayed):
            headers += (_REPLAYED, *_operation(body.operation))
            return Response(body.status, body.body, headers=headers)
        if isinstance(body, Download):
            return FileResponse(body, headers)
        if isinstance(body, Streamed):
            return StreamResponse(body.rows, body.form, headers)
        if isinstance(body, ChangeReader):
            return EventStream(body, headers, head_only=request.is_head)
        if isinstance(body, Answered):
            return Response(body.status, body.body, body.content_type, headers)
    if call.is_paged or call.has_events:
        return Response(200, body, headers=headers, vary=QUERY_VARY)
    return Response(200, body, headers=headers)


_ROW = "{rowId}"
"""Stands for the name of a row in a path."""


def _by_path() -> dict[tuple[str, str | None], dict[str, DataEndpoint]]:
    """The endpoints by method, for each path without the name: the parts before and after it (None if the
    path has no name)."""
    found: dict[tuple[str, str | None], dict[str, DataEndpoint]] = {}
    for call in DATA_ENDPOINTS:
        kind, *rest = call.path.removeprefix(PREFIX).split("/")
        found.setdefault((kind, "/".join(rest[1:]) if rest else None), {})[call.method] = call
    return {place: with_head(calls) for place, calls in found.items()}


_calls = _by_path()


Found: TypeAlias = tuple[DataEndpoint, str, str]
"""An endpoint with the names in the path of a request: of a table or view, and of a row."""


def _find(path: str) -> tuple[dict[str, DataEndpoint], str, str]:
    """The endpoints of a path by method, the name in it, and the name of a row; the path is the part after
    the prefix. Raises NoSuchEndpoint."""
    kind, has_name, rest = path.partition("/")
    name, slash, action = rest.partition("/")
    row_id = ""
    calls = None
    if name and bool(slash) == bool(action):
        calls = _calls.get((kind, action))
        if calls is None and action.startswith("rows/"):
            row_id, _, last = action.removeprefix("rows/").partition("/")
            calls = _calls.get((kind, f"rows/{_ROW}/{last}"))
    elif not has_name:
        calls = _calls.get((kind, None))
    if calls is None:
        raise NoSuchEndpoint()
    return calls, name, row_id


MAX_KNOWN_PATH = 100
_known = lru_cache(1024)(_find)
"""The same for short paths: most requests have one of a few."""


class DataEndpoints:
    """Serves all endpoints under ``/api/public``."""

    def __init__(self, edge: DataEdge, budget: BodyBudget) -> None:
        self._edge = edge
        self._budget = budget
        self._routes = {each.name: ROUTES.number(each.method, self._pattern(each)) for each in DATA_ENDPOINTS}

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return reply(self._answer(scope, receive), scope, send)

    async def _answer(
        self, scope: Scope, receive: Receive
    ) -> Response | StreamResponse | FileResponse | EventStream:
        call, name, row_id = self._found(scope)
        current = current_request()
        if current is not None:
            current.route = self._routes[call.name]
        request = Request(scope, receive, self._budget)
        if row_id:
            request.row_id = row_id
        try:
            body = await self._call(call, self._credential(scope, request), name, request)
        finally:
            request.release()
        changes_rows = call.changes_rows
        if changes_rows:
            for table_id, workspace in changed_tables(current).items():
                self._edge.changes.hub.wake(workspace, table_id)
        headers: Headers = _MINIMAL if call.writes and request.minimal else ()
        headers += take_rate_headers()
        if changes_rows and not isinstance(body, Replayed):
            headers += _operation(operation_id(current))
        return _response(call, body, headers, request)

    def _call(
        self, call: DataEndpoint, credential: Credential, name: str, request: Request
    ) -> Awaitable[Outcome]:
        return call.call(self._edge, credential, name, request)

    def _found(self, scope: Scope) -> Found:
        """Raises NoSuchEndpoint, MethodNotAllowed."""
        rest = self._rest(scope)
        calls, name, row_id = (_known if len(rest) <= MAX_KNOWN_PATH else _find)(rest)
        call = calls.get(scope["method"])
        if call is None:
            raise MethodNotAllowed(scope["method"], ", ".join(calls))
        return call, name, row_id

    def _pattern(self, endpoint: DataEndpoint) -> str:
        """The path pattern of an endpoint."""
        return endpoint.path

    def _rest(self, scope: Scope) -> str:
        """The part of the path after the prefix."""
        return str(scope["path"])[len(PREFIX) :]

    def _credential(self, _scope: Scope, request: Request) -> Credential:
        """Raises Unauthenticated."""
        return request.token()


class AdminDataEndpoints(DataEndpoints):
    """The same endpoints for administrators and signed-in users, routed by :data:`ADMIN_ROUTE`. Rows can also
    be files of formats that are made as a whole."""

    async def _call(self, call: DataEndpoint, credential: Credential, name: str, request: Request) -> Outcome:
        file_format = request.file_format() if call.is_paged else None
        if file_format is None:
            return await call.call(self._edge, credential, name, request)
        read_all = partial(self._edge.requests.stream, request)
        queries = self._edge.streamed_queries
        read = queries.table if call.call is _query else queries.view
        rows = await read(credential, name, read_all, StreamForm.NDJSON)
        content = await exported(rows, file_format, self._edge.settings)
        media_type = next(each for each, value in FILE_FORMATS.items() if value == file_format)
        return Download(f"{name}.{file_format}", media_type.encode(), content)

    def _pattern(self, endpoint: DataEndpoint) -> str:
        return endpoint.admin_path

    def _rest(self, scope: Scope) -> str:
        return str(scope["path_params"]["rest"])

    def _credential(self, scope: Scope, request: Request) -> Credential:
        """Raises Unauthenticated, and CrossOrigin for the cookie of a session from another origin."""
        workspace = scope["path_params"]["workspace"]
        token = request.bearer()
        if token is not None:
            return AdminCredential(token, workspace)
        session = session_token(request)
        if session is None:
            raise Unauthenticated("no token")
        check_origin(request, scope, self._edge.settings.public_url)
        return UserCredential(session, workspace)


ADMIN_ROUTE = ADMIN_PREFIX + "{rest:path}"
