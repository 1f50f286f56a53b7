"""Idempotency: writes that can be repeated under a key (contract, section 7.1).

A write goes through the database with a :class:`~rowkeep.storage.contract.WriteKey`, which makes the response
to be stored from the result of the write, in the same transaction. What is stored is encrypted under the
workspace's data key: the fingerprint of the request, then the body of the response.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.crypto.ciphers import WrongKey
from rowkeep.errors.catalogue import (
    Busy,
    CorruptedCell,
    IdempotencyInProgress,
    IdempotencyKeyReused,
    QueryTimeout,
    RowkeepError,
    ShuttingDown,
    StorageUnavailable,
    preview,
)
from rowkeep.model.access import Right
from rowkeep.model.ids import Clock
from rowkeep.request_context import operation_id
from rowkeep.services.access import Caller
from rowkeep.services.row_requests import OK, PartlyInserted, PartlyUpserted
from rowkeep.services.stream_requests import StreamResult
from rowkeep.settings import Settings
from rowkeep.storage.contract import KeyUsed, StaleCatalog, StoredResponse, WriteKey

R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)

FINGERPRINT_BYTES = 32

WITH_STATUS = (PartlyInserted, PartlyUpserted, StreamResult)
"""Results whose responses can have a status other than 200."""

NeededRights: TypeAlias = dict[str, tuple[Right, ...]]
"""The rights that a write needed, by the id of a table, where the request does not name its tables."""

END_OF_BODY = b"\n"
"""Comes before such rights, where they are stored: the JSON of a response has no line break."""

EXPIRED_AT_ONCE = 200
"""How many expired keys one transaction deletes."""


class RequestKey(msgspec.Struct, frozen=True):
    """The key that a client sent, and the fingerprint (SHA-256) of its request."""

    key: str
    fingerprint: bytes


class KeyedRequest(Protocol[R_contra]):
    """A request with a key."""

    @property
    def key(self) -> RequestKey | None:
        """None until it was read."""

    @property
    def name(self) -> str:
        """The key as it was sent. Raises InvalidParameter."""

    async def read(self) -> None:
        """Read the key, once the caller is known to have the rights that the request needs."""

    def ignore(self) -> None:
        """Forget the key: the request is neither stored under it nor looked for."""

    def respond(self, result: R_contra) -> bytes:
        """The body to be stored. It is called in the transaction of the write."""


class Replayed(msgspec.Struct, frozen=True):
    """The stored response to an earlier request with the same key, and the id of its operation."""

    status: int
    body: bytes
    operation: str


class Idempotency:
    """Runs writes under keys."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._seconds = settings.idempotency_hours * 3600
        self._clock = clock

    def write_key(
        self,
        caller: Caller,
        keyed: KeyedRequest[Any],
        result_of: Callable[[Any], Any],
        needed_of: Callable[[Any], NeededRights] | None = None,
    ) -> WriteKey:
        """The key for the database; ``result_of`` makes the result of the service from that of storage, and
        ``needed_of`` the rights that are checked again for a repeated request."""
        sent = keyed.key
        assert sent is not None  # noqa: S101 - it is read before anything is planned
        sealer = caller.workspace.responses
        bound_to = response_bound_to(caller.writer, sent.key)

        def respond(written: Any) -> StoredResponse:
            result = result_of(written)
            body = keyed.respond(result)
            if needed_of is not None:
                body += END_OF_BODY + msgspec.json.encode(needed_of(written))
            status = result.status if isinstance(result, WITH_STATUS) else OK
            response = sealer.seal(sent.fingerprint + body, bound_to)
            return StoredResponse(status, sealer.number, response, operation_id(caller.request))

        now = self._now()
        return WriteKey(caller.writer, sent.key, now, now + self._seconds, respond)

    async def run(
        self,
        keyed: KeyedRequest[Any],
        write: Callable[[Caller], Awaitable[R]],
        caller: Caller,
        check: Callable[[Caller, NeededRights], Awaitable[None]] | None = None,
    ) -> R | Replayed:
        """Do ``write``, or give the stored response if the same request was done before, after a ``check`` of
        the rights that are stored with it. Raises IdempotencyKeyReused, IdempotencyInProgress, and what
        ``write`` and ``check`` raise.

        Only a write that is refused looks for its key beforehand: definitions may have changed since the
        first one, so that the same request would now be an error.
        """
        try:
            return await write(caller)
        except KeyUsed as used:
            stored = used.stored
        except (Busy, IdempotencyInProgress, QueryTimeout, ShuttingDown, StorageUnavailable):
            raise
        except RowkeepError:
            if keyed.key is None:
                raise
            find = caller.workspace.scripts.keys.find
            found = await caller.workspace.database.read(
                partial(find, caller.writer, keyed.key.key, self._now())
            )
            if found is None:
                raise
            stored = found
        assert keyed.key is not None  # noqa: S101 - else nothing could be found
        replayed = await self._replay(caller, keyed.key, stored)
        if check is None:
            return replayed
        body, _, needed = replayed.body.partition(END_OF_BODY)
        await check(caller, msgspec.json.decode(needed or b"{}", type=NeededRights))
        return msgspec.structs.replace(replayed, body=body)

    async def refuse_used(self, caller: Caller, keyed: KeyedRequest[Any]) -> None:
        """For a stream that is stored in several transactions. Raises KeyUsed."""
        find = caller.workspace.scripts.keys.find
        stored = await caller.workspace.database.read(partial(find, caller.writer, keyed.name, self._now()))
        if stored is not None:
            await keyed.read()
            raise KeyUsed(stored)

    async def _replay(self, caller: Caller, sent: RequestKey, stored: StoredResponse) -> Replayed:
        workspace = caller.workspace
        if not await workspace.is_current(caller.snapshot):
            # the caller may have lost its rights
            raise StaleCatalog()
        bound_to = response_bound_to(caller.writer, sent.key)
        try:
            opened = workspace.responses.open(stored.response, bound_to)
        except WrongKey:
            await workspace.load_keys()
            try:
                opened = workspace.responses.open(stored.response, bound_to)
            except WrongKey:
                raise CorruptedCell(
                    "The stored response to this Idempotency-Key cannot be decrypted: it was modified "
                    "outside Rowkeep. Nothing was written; check whether the first request was done."
                ) from None
        if opened[:FINGERPRINT_BYTES] != sent.fingerprint:
            raise IdempotencyKeyReused(
                f"The Idempotency-Key {preview(sent.key)} was used for another request. Nothing was written; "
                "use a new key for each request."
            )
        return Replayed(stored.status, opened[FINGERPRINT_BYTES:], stored.operation)

    def _now(self) -> int:
        return int(self._clock().timestamp())


def response_bound_to(writer: str, key: str) -> str:
    """What a stored response is bound to: it cannot be decrypted under another key."""
    return f"{writer}:{key}"


async def delete_expired_keys(catalog: Catalog, clock: Clock) -> None:
    """Delete the keys that have expired, in all workspaces in use, a few in each transaction."""
    for workspace in catalog.in_use():
        try:
            await _delete_expired(workspace, int(clock().timestamp()))
        except (StaleCatalog, StorageUnavailable, Busy):
            # the workspace was deleted or is missing, which others log; or it has no time now
            continue


async def _delete_expired(workspace: OpenWorkspace, now: int) -> None:
    scripts, database = workspace.scripts.keys, workspace.database
    while await database.read(partial(scripts.has_expired, now)):
        await database.write(partial(scripts.delete_expired, now, EXPIRED_AT_ONCE))
