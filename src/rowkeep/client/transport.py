"""Transport: HTTP to a running server, or to the application in this process if the store is local."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import msgspec

from rowkeep.errors.catalogue import SetupError
from rowkeep.settings import Settings

CONNECT_SECONDS = 10
ANSWER_SECONDS = 300
"""How long commands wait for a response, except those that wait without limit."""

NO_HEADERS: Mapping[str, str] = {}

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
NO_PROXY: dict[str, httpx.AsyncBaseTransport | None] = {
    "all://localhost": None,
    "all://127.0.0.1": None,
    "all://[::1]": None,
}
"""Requests to this machine never use a proxy from the environment."""


class ServerConnection(msgspec.Struct, frozen=True):
    """The target of requests. ``name`` identifies the installation, without its secrets; ``settings`` are
    those of the application in this process."""

    client: httpx.AsyncClient
    name: str
    settings: Settings | None = None

    @property
    def is_remote(self) -> bool:
        return self.settings is None


def timeout(seconds: float | None = ANSWER_SECONDS) -> httpx.Timeout:
    """A limit of ``seconds`` for each part of an exchange except connecting; None means no limit."""
    return httpx.Timeout(seconds, connect=CONNECT_SECONDS)


@asynccontextmanager
async def connect(
    operator: str | None, headers: Mapping[str, str] = NO_HEADERS
) -> AsyncIterator[ServerConnection]:
    """A connection to the server at ROWKEEP_URL, or to the store in the settings, opened in this process.

    The application in this process accepts ``operator`` as an admin token. ``headers`` are sent with every
    request. Raises SetupError, StorageUnavailable.
    """
    url = os.environ.get("ROWKEEP_URL")
    if url:
        base = url.rstrip("/")
        async with _client(base, headers) as client:
            yield ServerConnection(client, base)
        return
    # only a command that uses the store directly loads the server
    from rowkeep.client.local_transport import LocalTransport
    from rowkeep.http.app import running
    from rowkeep.services.local_store import shell_settings

    settings = shell_settings()
    async with (
        running(settings, operator=operator) as app,
        _client("http://rowkeep", headers, LocalTransport(app)) as client,
    ):
        yield ServerConnection(client, _public_name(settings.database_url), settings)


def _client(
    base_url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    try:
        return httpx.AsyncClient(
            base_url=base_url,
            headers=dict(headers),
            timeout=timeout(),
            transport=transport,
            mounts=NO_PROXY,
            verify=transport is None and may_use_tls(base_url),
        )
    except (httpx.InvalidURL, ValueError) as error:
        names = "ROWKEEP_URL or ROWKEEP_ADMIN_TOKEN" if headers else "ROWKEEP_URL"
        raise SetupError(f"Invalid {names}: {error}.") from None


def may_use_tls(url: str) -> bool:
    """Whether certificates are needed, which take longer to load than most requests."""
    parts = urlsplit(url)
    return parts.scheme != "http" or parts.hostname not in THIS_MACHINE


def _public_name(database_url: str) -> str:
    """The URL of a store without secrets: a directory with its full path, a server without user and
    password."""
    scheme, _, path = database_url.partition(":///")
    if scheme == "sqlite":
        return f"sqlite:///{Path(path).resolve()}"
    parts = urlsplit(database_url)
    place = [value for name, value in parse_qsl(parts.query) if name in ("host", "port")]
    return f"{parts.scheme}://{':'.join(place) or parts.netloc.rpartition('@')[2]}{parts.path}"


def local_client(url: str, headers: Mapping[str, str]) -> httpx.Client:
    """A synchronous client of a server on this machine."""
    return httpx.Client(
        base_url=url,
        headers=dict(headers),
        timeout=timeout(),
        trust_env=False,
        verify=may_use_tls(url),
    )


def send(
    client: httpx.Client, method: str, path: str, refused: int | None = None, **how: Any
) -> httpx.Response:
    """Send a request that must succeed or, if ``refused`` is a status, be refused with it. Raises
    SetupError."""
    try:
        response = client.request(method, path, **how)
    except httpx.RequestError as error:
        raise SetupError(f"No response from the server: {error}.") from None
    is_expected = response.is_success if refused is None else response.status_code == refused
    if not is_expected:
        raise SetupError(f"{method} {path} returned status {response.status_code}: {response.text}")
    return response
