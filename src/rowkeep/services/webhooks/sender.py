"""Sender: one attempt to deliver one message, signed as the Standard Webhooks specification says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

import rowkeep
from rowkeep.model.webhooks import Outcome
from rowkeep.services.webhooks.addresses import RefusedAddress, Resolver, port_of, read_url
from rowkeep.settings import Settings

if TYPE_CHECKING:
    import httpcore

ATTEMPT_SECONDS = 15.0
"""The maximum time of an attempt, from the look-up of the name to the end of the response."""

MAX_RESPONSE_BYTES = 64 * 1024
"""What follows in the body of a response is not read, and the connection is closed."""

MAX_RETRY_AFTER = 3600
MAX_ERROR = 300


class _Response(msgspec.Struct):
    """What has arrived of a response: the status, and the seconds in its ``Retry-After``."""

    status: int | None = None
    retry_after: int | None = None


class Sender:
    """Sends messages to receivers."""

    def __init__(self, settings: Settings) -> None:
        self.resolver = Resolver(settings.webhook_allow_private)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()
        self.resolver.close()

    async def send(
        self, url: str, message_id: str, body: bytes, secrets: Sequence[str], moment: datetime
    ) -> Outcome:
        """Send a message once. Once a status has arrived, it alone counts, however the body ends."""
        start = time.monotonic()
        response, failed = _Response(), ""
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                await self._post(url, _headers(message_id, body, secrets, moment), body, response)
        except TimeoutError:
            failed = f"No complete response within {ATTEMPT_SECONDS:g} seconds."
        except RefusedAddress as refused:
            failed = str(refused)
        except _failures() as failure:
            failed = f"The request failed: {str(failure) or type(failure).__name__}."
        status = response.status
        return Outcome(
            is_delivered=status is not None and 200 <= status < 300,
            status=status,
            error=failed[:MAX_ERROR] if status is None else _error_of(status),
            duration_ms=int((time.monotonic() - start) * 1000),
            retry_after=response.retry_after,
        )

    async def _post(self, url: str, headers: list[tuple[bytes, bytes]], body: bytes, into: _Response) -> None:
        """Send a request, note the head of its response, and read the body, so that the connection can be
        used again."""
        import httpcore

        from rowkeep.services.webhooks.connections import make_pool

        if self._pool is None:
            # loads the certificates only if they are needed
            self._pool = make_pool(self.resolver)
        parts = read_url(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        place = httpcore.URL(
            scheme=parts.scheme.encode(),
            host=(parts.hostname or "").encode(),
            port=port_of(parts),
            target=target.encode(),
        )
        limits = dict.fromkeys(("connect", "read", "write", "pool"), ATTEMPT_SECONDS)
        given = [(b"Host", parts.netloc.encode()), *headers]
        request = self._pool.stream(
            "POST", place, headers=given, content=body, extensions={"timeout": limits}
        )
        async with request as response:
            into.status, into.retry_after = response.status, _retry_after(response.headers)
            size = 0
            async for part in response.aiter_stream():
                size += len(part)
                if size > MAX_RESPONSE_BYTES:
                    break


def _failures() -> tuple[type[Exception], ...]:
    """What the client raises for a request that failed."""
    import httpcore

    return (
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.TimeoutException,
        httpcore.UnsupportedProtocol,
        OSError,
    )


def _headers(
    message_id: str, body: bytes, secrets: Sequence[str], moment: datetime
) -> list[tuple[bytes, bytes]]:
    return [
        (b"Content-Type", b"application/json"),
        (b"User-Agent", f"Rowkeep/{rowkeep.__version__}".encode()),
        (b"webhook-id", message_id.encode()),
        (b"webhook-timestamp", str(int(moment.timestamp())).encode()),
        (b"webhook-signature", sign(message_id, body, secrets, moment).encode()),
    ]


def sign(message_id: str, body: bytes, secrets: Sequence[str], moment: datetime) -> str:
    """The signatures of a message, one for each secret."""
    from standardwebhooks import Webhook

    text = body.decode()
    return " ".join(Webhook(secret).sign(message_id, moment, text) for secret in secrets)


def _error_of(status: int) -> str | None:
    """Why a response with this status is a failure; None if it is not."""
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The receiver responded with status {status}. Redirects are not followed: change the url."
    return f"The receiver responded with status {status}."


def _retry_after(headers: Sequence[tuple[bytes, bytes]]) -> int | None:
    """How many seconds the receiver wants the server to wait, up to an hour."""
    for name, value in headers:
        if name.lower() == b"retry-after" and value.isdigit():
            return min(int(value[:10]), MAX_RETRY_AFTER)
    return None
