"""Row requests: converts bodies and parameters of the Data API to the requests of the services."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial

from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.insert_envelope import is_dry_run
from rowkeep.codec.json_bodies import body_decoder
from rowkeep.codec.rows import InsertLimits
from rowkeep.errors.catalogue import BodyTooLarge, InvalidBody, MalformedJson, RowkeepError
from rowkeep.http.request import TAKES_NONE, Request
from rowkeep.model.data_requests import DeleteBody, QueryBody, RowRange, UpdateBody
from rowkeep.model.undo_requests import UndoBody, UndoChangesBody
from rowkeep.services.offload import LARGE_BYTES, LARGE_CELLS, Offload
from rowkeep.services.row_requests import DeleteRequest, InsertRequest, QueryRequest, UpdateRequest
from rowkeep.settings import Settings

LARGE_PARTIAL_BYTES = 8 * 1024
"""The same limit as LARGE_BYTES for partial bulks."""

OF_STREAMS = 'Only streams take them. Put "mode", "onConflict" and "dryRun" into a JSON body, next to "data".'
"""What to do instead of a bulk in JSON with parameters."""

_query_decoder = body_decoder(QueryBody)
_update_decoder = body_decoder(UpdateBody)
_delete_decoder = body_decoder(DeleteBody)
_undo_decoder = body_decoder(UndoBody)
_undo_changes_decoder = body_decoder(UndoChangesBody)


class RowRequests:
    """Reads requests. Every method raises the errors of invalid parameters, headers and bodies."""

    def __init__(self, settings: Settings, offload: Offload) -> None:
        self._offload = offload
        self._limits = InsertLimits(
            settings.max_bulk_cells,
            settings.max_json_depth,
            settings.max_row_bytes,
            settings.max_bulk_errors,
        )

    async def insert(self, request: Request, must_be_array: bool, table: CompiledTable) -> InsertRequest:
        """One row or an array of rows; a bulk accepts only an array."""
        request.no_parameters(OF_STREAMS if must_be_array else TAKES_NONE)
        body = await request.body()
        is_large = len(body) > LARGE_BYTES or table.codec.cells_of(body) > LARGE_CELLS
        # each of its rows can fail
        is_large = is_large or (len(body) > LARGE_PARTIAL_BYTES and b'"partial"' in body)
        decode = partial(table.codec.decode_rows, body, self._limits)
        try:
            decoded = await self._offload.run(decode) if is_large else decode()
        except RowkeepError:
            request.ignores_key = request.has_idempotency_key and is_dry_run(body)
            raise
        rows, is_array, options, failed, changes = decoded
        if must_be_array and not is_array:
            raise InvalidBody('"data" must be an array of rows; got an object.', pointer="/data")
        if options.mode is not UNSET and not is_array:
            raise InvalidBody(
                '"mode" is only for an array of rows; "data" is an object. Remove "mode".', pointer="/mode"
            )
        return InsertRequest(rows, is_array, is_large, options, not request.minimal, failed, changes)

    def _check_size(self, sent: bytes) -> None:
        """Raises BodyTooLarge for a body that is too large to be decoded in one piece."""
        most = self._limits.max_row_bytes
        if len(sent) > most:
            raise BodyTooLarge(
                f"The body has {len(sent)} bytes; a query, update or delete may have {most} (the setting "
                "max_row_bytes)."
            )

    async def update(self, request: Request) -> UpdateRequest:
        request.no_parameters()
        sent = await request.body()
        self._check_size(sent)
        body = await self._offload.decode(sent, _update_decoder, marks_halves=True)
        return UpdateRequest(body, returns_rows=not request.minimal)

    async def delete(self, request: Request) -> DeleteRequest:
        request.no_parameters()
        body = await request.body()
        self._check_size(body)
        if not body:
            raise MalformedJson(
                'The body is empty. Send the filter: {"query": {"expressions": [...]}}. If a proxy '
                "drops the body of DELETE, use POST .../delete."
            )
        return DeleteRequest(await self._offload.decode(body, _delete_decoder, marks_halves=True))

    async def undo(self, request: Request) -> UndoBody:
        """An operation of the sender to be undone."""
        request.no_parameters()
        body: UndoBody = await self._offload.decode(await request.body(), _undo_decoder)
        return body

    async def undo_changes(self, request: Request) -> UndoChangesBody:
        """Changes of anybody to be undone."""
        request.no_parameters()
        body: UndoChangesBody = await self._offload.decode(await request.body(), _undo_changes_decoder)
        return body

    async def stream(self, request: Request) -> QueryRequest:
        """A query whose rows are streamed."""
        return await self._query(request, request.all_rows())

    def query(self, request: Request) -> Awaitable[QueryRequest]:
        return self._query(request, request.page())

    async def _query(self, request: Request, page: RowRange) -> QueryRequest:
        request.no_idempotency_key()
        sent = await request.body()
        self._check_size(sent)
        body = await self._offload.decode(sent, _query_decoder, marks_halves=True) if sent else QueryBody()
        return QueryRequest(body, page)

    async def nothing(self, request: Request) -> None:
        """A request without parameters and body."""
        request.no_idempotency_key()
        request.no_parameters()
        if await request.body():
            raise InvalidBody("This endpoint takes no request body. Remove it.")
