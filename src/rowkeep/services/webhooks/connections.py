"""Connections: the HTTP client of messages. It connects only to addresses that were checked, follows no
redirects, and uses no proxies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import httpcore

from rowkeep.services.trusted_certificates import trusted_certificates
from rowkeep.services.webhooks.addresses import Resolver

MAX_CONNECTIONS = 64
MAX_IDLE = 32
IDLE_SECONDS = 30.0


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a name, checks its addresses, and connects to one of those. The name of the URL is still that
    of the certificate."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - of the base class
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises RefusedAddress, httpcore.ConnectError, httpcore.ConnectTimeout."""
        try:
            addresses = await self._resolver.addresses(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"the host cannot be resolved: {error}") from error
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("the host has no address")

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ASYNC109, ARG002 - of the base class
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("messages are not sent to sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


def make_pool(resolver: Resolver) -> httpcore.AsyncConnectionPool:
    """The connections to receivers."""
    return httpcore.AsyncConnectionPool(
        ssl_context=trusted_certificates(),
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_IDLE,
        keepalive_expiry=IDLE_SECONDS,
        network_backend=CheckedBackend(resolver),
    )
