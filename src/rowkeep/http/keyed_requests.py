"""Keyed requests: writes with the header ``Idempotency-Key``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

from rowkeep.http.request import Request
from rowkeep.services.idempotency import RequestKey

R = TypeVar("R")
Body: TypeAlias = bytes | Sequence[bytes]

MAX_STORED_BYTES = 1024 * 1024
"""Larger responses are stored as counts."""


class KeyedWrite(Generic[R]):
    """A write with a key. Its response is encoded once, in the transaction of the write: for the client and
    to be stored."""

    def __init__(
        self, request: Request, encode: Callable[[R], Body | None], count: Callable[[R], bytes]
    ) -> None:
        """``encode`` gives None for a response that is too large to be stored, and is encoded afterwards."""
        self._key: RequestKey | None = None
        self.body: Body | None = None
        self._request = request
        self._encode = encode
        self._count = count

    @classmethod
    def of(
        cls, request: Request, encode: Callable[[R], Body | None], count: Callable[[R], bytes]
    ) -> KeyedWrite[R] | None:
        """None for a request without a key."""
        return cls(request, encode, count) if request.has_idempotency_key else None

    @property
    def name(self) -> str:
        return self._request.idempotency_key()

    async def read(self) -> None:
        """Raises InvalidParameter, and what reading the body raises."""
        self._key = RequestKey(self._request.idempotency_key(), await self._request.fingerprint())

    @property
    def key(self) -> RequestKey | None:
        return None if self._request.ignores_key else self._key

    def ignore(self) -> None:
        self._request.ignores_key = True

    def respond(self, result: R) -> bytes:
        self.body = self._encode(result)
        if isinstance(self.body, bytes) and len(self.body) <= MAX_STORED_BYTES:
            return self.body
        return self._count(result)
