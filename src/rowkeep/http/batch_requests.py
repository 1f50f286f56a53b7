"""Batch requests: converts the body of a batch to the request of the service."""

from __future__ import annotations

from functools import partial

from rowkeep.codec.batch_bodies import decode_batch
from rowkeep.errors.catalogue import BodyTooLarge
from rowkeep.http.request import Request
from rowkeep.services.batches import BatchRequest
from rowkeep.services.offload import Offload
from rowkeep.settings import Settings

LARGE_BYTES = 4096
"""Larger batches are read, and planned, off the event loop: together, many small steps take long."""


class BatchRequests:
    """Reads batches. Raises the errors of invalid parameters, headers and bodies."""

    def __init__(self, settings: Settings, offload: Offload) -> None:
        self._offload = offload
        self._max_bytes = settings.max_row_bytes
        self._max_depth = settings.max_json_depth

    async def batch(self, request: Request) -> BatchRequest:
        request.no_parameters()
        body = await request.body()
        if len(body) > self._max_bytes:
            raise BodyTooLarge(
                f"The body has {len(body)} bytes; a batch may have {self._max_bytes} (the setting "
                "max_row_bytes). Insert large amounts of rows with the bulk endpoint."
            )
        decode = partial(decode_batch, body, self._max_depth)
        is_large = len(body) > LARGE_BYTES
        sent = await self._offload.run(decode) if is_large else decode()
        return BatchRequest(sent, returns_rows=not request.minimal, is_large=is_large, size=len(body))
