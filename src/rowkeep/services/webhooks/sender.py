"""Sender: one attempt to deliver one message, signed as the Standard Webhooks specification says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

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
        """Send a message once."""
        start = time.monotonic()
        status, error, retry_after = None, None, None
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                status, retry_after = await self._post(url, _headers(message_id, body, secrets, moment), body)
        except TimeoutError:
            error = f"No complete response within {ATTEMPT_SECONDS:g} seconds."
        except RefusedAddress as refused:
            error = str(refused)
        except _failures() as failure:
            error = f"The request failed: {str(failure) or type(failure).__name__}."
        return Outcome(
            is_delivered=status is not None and 200 <= status < 300,
            status=status,
            error=_error_of(status) if error is None else error[:MAX_ERROR],
            duration_ms=int((time.monotonic() - start) * 1000),
            retry_after=retry_after,
        )

    async def _post(
        self, url: str, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, int | None]:
        """The status of the response, and the seconds in its ``Retry-After``."""
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
            size = 0
            async for part in response.aiter_stream():
                size += len(part)
                if size > MAX_RESPONSE_BYTES:
                    break
            return response.status, _retry_after(response.headers)


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


def _error_of(status: int | None) -> str | None:
    """Why a response with this status is a failure; None if it is not."""
    if status is None or 200 <= status < 300:
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
