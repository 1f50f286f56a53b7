"""Undo calls: the handlers of the endpoints that undo changes, and their errors."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from rowkeep.errors import catalogue as errors
from rowkeep.http import row_responses
from rowkeep.http.keyed_requests import KeyedWrite
from rowkeep.http.request import Request
from rowkeep.http.row_requests import RowRequests
from rowkeep.services.access import Credential
from rowkeep.services.idempotency import Replayed
from rowkeep.services.undo import Undos

IN_UNDOS = (
    errors.Forbidden, errors.NoSuchOperation, errors.UndoConflict, errors.AffectedOutOfBounds,
    errors.UniqueViolation, errors.ReferenceViolation, errors.StillReferenced, errors.QuotaExceeded,
    errors.QueryTimeout,
)  # fmt: skip


class UndoEdge(Protocol):
    """What the handlers use."""

    @property
    def undos(self) -> Undos: ...

    @property
    def requests(self) -> RowRequests: ...


async def undo_own(edge: UndoEdge, credential: Credential, _name: str, request: Request) -> bytes | Replayed:
    keyed = KeyedWrite.of(request, row_responses.undone, row_responses.undone)
    result = await edge.undos.own(credential, partial(edge.requests.undo, request), keyed)
    return result if isinstance(result, Replayed) else row_responses.undone(result)


async def undo_changes(
    edge: UndoEdge, credential: Credential, _name: str, request: Request
) -> bytes | Replayed:
    keyed = KeyedWrite.of(request, row_responses.undone, row_responses.undone)
    read = partial(edge.requests.undo_changes, request)
    result = await edge.undos.changes(credential, read, keyed, request.address)
    return result if isinstance(result, Replayed) else row_responses.undone(result)
