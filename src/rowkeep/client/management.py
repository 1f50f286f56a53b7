"""Management: the management API, over HTTP to a running server or directly on the local store."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx

from rowkeep.client.paths import Refused, path_part
from rowkeep.client.transport import connect, timeout
from rowkeep.errors.catalogue import NoSuchEndpoint, SetupError, Unauthenticated
from rowkeep.files.responses import more_errors
from rowkeep.services.lists import MAX_LIMIT

T = TypeVar("T")

NO_PARAMETERS: Mapping[str, str | int] = {}
PREFIX = "/api/v1"


class ManagementClient:
    """The management API, over an httpx client. All methods raise Refused, SetupError."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def call(
        self,
        method: str,
        *path: str,
        body: Any = None,
        parameters: Mapping[str, str | int] = NO_PARAMETERS,
        patient: bool = False,
    ) -> Any:
        """Send one request. ``path`` is its path in parts, ``body`` a value that is sent as JSON, or bytes.
        Returns the JSON of the response."""
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        try:
            response = await self._client.request(
                method,
                "/".join((PREFIX, *map(path_part, path))),
                params=parameters,
                timeout=timeout(None) if patient else timeout(),
                headers={} if body is None else {"Content-Type": "application/json"},
                **({} if body is None else content),
            )
        except httpx.RequestError as error:
            reason = str(error) or type(error).__name__
            raise SetupError(
                f"No response from {os.environ.get('ROWKEEP_URL')} (ROWKEEP_URL): {reason.rstrip('.')}."
            ) from None
        return _answer(response)

    async def every(
        self, what: str, *path: str, parameters: Mapping[str, str | int] = NO_PARAMETERS
    ) -> list[Any]:
        """All items of a list, over all its pages."""
        found: list[Any] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = await self.call("GET", *path, parameters={**parameters, "limit": MAX_LIMIT} | cursor)
            found += page[what]
            if "nextCursor" not in page:
                return found
            cursor = {"cursor": page["nextCursor"]}


def _answer(response: httpx.Response) -> Any:
    if response.status_code == 204:
        return None
    try:
        answer = response.json()
        if response.is_success:
            return answer
        problems, message, code = answer["errors"], answer["detail"], answer["code"]
    except (ValueError, KeyError, TypeError):
        code = NoSuchEndpoint.code
    if code == NoSuchEndpoint.code:
        raise Refused(
            f"The server at ROWKEEP_URL is not Rowkeep: {response.url} returned {response.status_code}."
        )
    if code == Unauthenticated.code:
        raise Refused(
            "Authentication failed: ROWKEEP_ADMIN_TOKEN is not a valid admin token of the server at "
            "ROWKEEP_URL."
        )
    where = problems[0].get("pointer", "")
    # a pointer to a top-level key adds nothing to the message
    message += f" (at {where})" if where.count("/") > 1 else ""
    message += more_errors(len(problems) - 1)
    raise Refused(message, problems)


def ask(work: Callable[[ManagementClient], Awaitable[T]]) -> T:
    """Run ``work`` with the management API of the server at ROWKEEP_URL, or of the local store. Raises
    Refused, SetupError, StorageUnavailable."""
    url, token = os.environ.get("ROWKEEP_URL"), os.environ.get("ROWKEEP_ADMIN_TOKEN")
    if url and not token:
        raise SetupError("ROWKEEP_URL is set, but ROWKEEP_ADMIN_TOKEN is not. Set both or neither.")
    operator = token if url and token else secrets.token_urlsafe()

    async def do() -> T:
        async with connect(operator, {"Authorization": f"Bearer {operator}"}) as connection:
            return await work(ManagementClient(connection.client))

    return asyncio.run(do())
