"""Data API: the endpoints for rows, over HTTP to a running server or directly on the local store."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import structs

from rowkeep.client.answers import decoded
from rowkeep.client.credentials import Credentials
from rowkeep.client.paths import path_part
from rowkeep.client.server_limits import Limits, described_limits
from rowkeep.client.stream_replies import StreamReply, stream_reply
from rowkeep.client.transport import ServerConnection, connect
from rowkeep.errors.catalogue import BodyTooLarge, Busy, IdempotencyInProgress, SetupError, Unauthenticated
from rowkeep.files.bulk import BulkReply, bulk_decoder
from rowkeep.files.responses import (
    NoResponse,
    NotServed,
    NotStreamed,
    ReceivedPage,
    ReceivedProblem,
    RequestRefused,
    Unreachable,
    UsableTable,
    page_decoder,
    problem_decoder,
    usable_decoder,
)
from rowkeep.settings import Settings

T = TypeVar("T")

MAX_TRIES = 8
FIRST_WAIT_SECONDS = 0.5
"""Before the second try, unless the server asks for another time; each further wait is twice as long."""

MAX_WAIT_SECONDS = 60.0
"""The maximum time of one wait, even if the server asks for more."""

TOO_LARGE = BodyTooLarge.status


class DataClient:
    """The Data API for one app or administrator. All methods raise RequestRefused and SetupError, in addition
    to the errors that they document."""

    def __init__(self, connection: ServerConnection, credentials: Credentials) -> None:
        self.connection = connection
        self._credentials = credentials
        self._was_reached = False
        self._limits: Limits | None = None

    async def query(self, table: str, body: Mapping[str, Any], limit: int) -> ReceivedPage:
        """One page of rows. The query is repeated if there is no response, which is safe."""
        content = msgspec.json.encode(body)
        answer = await self.patiently(
            lambda: self._send("POST", f"{self._table(table)}/query?sys_limit={limit}", content)
        )
        return page_decoder.decode(answer)

    async def read(self, kind: str, name: str, body: Mapping[str, Any], limit: int, offset: int) -> Any:
        """The JSON of one page of a table or view. ``kind`` is ``tables`` or ``views``."""
        content = msgspec.json.encode(body)
        offsets = f"&sys_offset={offset}" if offset else ""
        path = f"{self._credentials.prefix}/{kind}/{path_part(name)}/query?sys_limit={limit}{offsets}"
        return decoded(await self.patiently(lambda: self._send("POST", path, content)))

    @asynccontextmanager
    async def stream(
        self,
        kind: str,
        name: str,
        body: Mapping[str, Any],
        media_type: str,
        limit: int | None = None,
        *,
        is_compressed: bool = False,
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """All rows of a table or view that a query finds, as the bytes of a stream: NDJSON or CSV. ``kind``
        is ``tables`` or ``views``. ``is_compressed`` saves bytes on a slow network, and costs time otherwise.

        The request is repeated while it is not served. Raises NoResponse while the rows are read, if the
        stream ends before its last row, and NotStreamed for a server that does not stream.
        """
        query = "" if limit is None else f"?sys_limit={limit}"
        path = f"{self._credentials.prefix}/{kind}/{path_part(name)}/query{query}"
        headers = {"Accept": media_type} | ({} if is_compressed else {"Accept-Encoding": "identity"})
        content = msgspec.json.encode(body)
        response = await self.patiently(
            lambda: self._respond("POST", path, content, headers, is_streamed=True)
        )
        try:
            if not response.headers.get("content-type", "").startswith(media_type):
                raise NotStreamed
            yield _received(response)
        finally:
            await response.aclose()

    async def write(
        self, method: str, table: str, body: Mapping[str, Any], call: str = "", *, minimal: bool = False
    ) -> Any:
        """Send an insert, update or delete; returns the JSON of the response. It is done once, however often
        it is sent."""
        return await self._write(method, self._table(table) + call, body, minimal, None)

    async def batch(self, body: Mapping[str, Any], *, minimal: bool = False, key: str | None = None) -> Any:
        """Do several operations in one transaction; returns the JSON of the response. It is done once,
        however often it is sent, also by other calls with the same idempotency key."""
        return await self._write("POST", f"{self._credentials.prefix}/batch", body, minimal, key)

    async def undo(self, body: Mapping[str, Any], *, key: str | None = None) -> Any:
        """Undo changes: for an app an operation of its own, for an administrator changes of anybody in the
        workspace. Returns the JSON of the response. It is done once, however often it is sent."""
        path = f"{self._credentials.prefix.removesuffix('/data')}/undo"
        return await self._write("POST", path, body, False, key)

    async def _write(
        self, method: str, path: str, body: Mapping[str, Any], minimal: bool, key: str | None
    ) -> Any:
        """Send a write under an idempotency key, a new one if there is none, and again if there is no
        response. Raises Unreachable."""
        content = msgspec.json.encode(body)
        headers = {"Idempotency-Key": f'"{key or uuid.uuid4()}"'}
        if minimal:
            headers["Prefer"] = "return=minimal"
        is_open = False

        async def send() -> bytes:
            nonlocal is_open
            try:
                return await self._send(method, path, content, headers)
            except NoResponse:
                # it may have been carried out, so that it is worth waiting for a response
                is_open = self._was_reached = True
                raise

        try:
            return decoded(await self.patiently(send))
        except Unreachable as error:
            if not is_open:
                raise
            message = (
                f"{error} The request may or may not have been carried out. Check the rows before you retry."
            )
            raise Unreachable(message) from None

    def _table(self, table: str) -> str:
        return f"{self._credentials.prefix}/tables/{path_part(table)}"

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply:
        """Insert a bulk of rows; the response has counts and errors. ``key`` is its idempotency key. Raises
        NotServed, NoResponse: with a key, the same request can be sent again."""
        headers = {"Prefer": "return=minimal"} | ({} if key is None else {"Idempotency-Key": key})
        response = await self._respond("POST", f"{self._table(table)}/bulk", content, headers)
        reply = bulk_decoder.decode(response.content)
        is_replayed = response.headers.get("idempotency-replayed") == "true"
        return structs.replace(reply, is_replayed=is_replayed, size=len(response.content))

    async def insert_stream(
        self,
        table: str,
        chunks: AsyncIterator[bytes] | bytes,
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> StreamReply:
        """Insert a stream of rows, NDJSON or CSV by its media type, of any size; ``parameters`` are its
        options. An iterator can be sent only once. Raises NotServed, NoResponse: with a key, the same stream
        can be sent again."""
        path = str(httpx.URL(f"{self._table(table)}/bulk", params=dict(parameters)))
        headers = {"Content-Type": media_type} | ({} if key is None else {"Idempotency-Key": key})
        return stream_reply(await self._respond("POST", path, chunks, headers))

    async def usable_tables(self) -> list[UsableTable]:
        """The tables and views that the app or administrator can use."""
        answer = await self.patiently(lambda: self._send("GET", f"{self._credentials.prefix}/tables"))
        return usable_decoder.decode(answer).tables

    async def get(self, path: str) -> bytes:
        """The response to a GET of a path below that of the Data API. It is repeated if there is no
        response, which is safe."""
        return await self.patiently(lambda: self._send("GET", f"{self._credentials.prefix}/{path}"))

    async def limits(self) -> Limits:
        """The limits of this server, from its OpenAPI document."""
        if self._limits is None:
            self._limits = await self._described()
        return self._limits

    async def _described(self) -> Limits:
        settings = self.connection.settings
        if settings is not None:
            return _limits_of(settings)
        try:
            return described_limits(await self._send("GET", "/openapi.json"))
        except (SetupError, NotServed, ValueError):
            # a gateway may block the OpenAPI document
            return _limits_of(Settings())

    async def patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Call a function, and retry it while requests are not served, with waits as the server asks, at most
        MAX_TRIES times in all."""
        tries = 0
        while True:
            try:
                return await call()
            except NotServed as failure:
                tries += 1
                await self.wait(failure, tries)

    async def wait(self, failure: NotServed, tries: int) -> None:
        """Wait before a retry. Raises SetupError after the last try."""
        if tries >= MAX_TRIES or not self._was_reached:
            where = self.connection.name + (" (ROWKEEP_URL)" if self.connection.is_remote else "")
            raise Unreachable(f"No response from {where}: {failure}.") from None
        asked = FIRST_WAIT_SECONDS * 2 ** (tries - 1) if failure.retry_after is None else failure.retry_after
        await asyncio.sleep(min(asked, MAX_WAIT_SECONDS))

    async def _send(
        self,
        method: str,
        path: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        return (await self._respond(method, path, content, headers)).content

    async def _respond(
        self,
        method: str,
        path: str,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        is_streamed: bool = False,
    ) -> httpx.Response:
        """The response. With ``is_streamed``, one that is 2xx is not read yet, and must be closed."""
        sent = {**self._credentials.headers(), **(headers or {})}
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        try:
            client = self.connection.client
            request = client.build_request(method, path, content=content, headers=sent)
            response = await client.send(request, stream=is_streamed)
            if is_streamed and not response.is_success:
                await response.aread()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise NotServed(_reason(error)) from None
        except httpx.RequestError as error:
            raise NoResponse(_reason(error)) from None
        self._was_reached = True
        if response.is_success:
            return response
        raise _failure(response, self._credentials)


def _limits_of(settings: Settings) -> Limits:
    return Limits(settings.max_page_size, settings.max_body_bytes, settings.idempotency_hours * 3600)


async def _received(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in response.aiter_bytes():
            yield part
    except httpx.RequestError as error:
        raise NoResponse(_reason(error)) from None


def _reason(error: Exception) -> str:
    return (str(error) or type(error).__name__).rstrip(".")


def _failure(response: httpx.Response, credentials: Credentials) -> Exception:
    """The error for a response that is not 2xx: it says whether the request was executed, and has the message
    for the user."""
    try:
        problem = problem_decoder.decode(response.content)
    except ValueError:
        problem = None
    status = response.status_code
    reason = f"status {status}" + ("" if problem is None else f" ({problem.detail.rstrip('.')})")
    if status == 429 or (problem is not None and problem.code in (Busy.code, IdempotencyInProgress.code)):
        return NotServed(reason, _retry_after(response))
    if status >= 500 or status == 408:
        return NoResponse(reason, _retry_after(response))
    if status == TOO_LARGE:
        # a gateway may have a smaller limit than the server, and its own error format
        return RequestRefused(status, problem or ReceivedProblem(BodyTooLarge.code, reason, []))
    if problem is None or not problem.errors:
        return SetupError(f"The server at ROWKEEP_URL is not Rowkeep: {response.url} returned {status}.")
    if problem.code == Unauthenticated.code:
        return RequestRefused(status, ReceivedProblem(problem.code, credentials.refusal, problem.errors))
    return RequestRefused(status, problem)


def _retry_after(response: httpx.Response) -> float | None:
    """Retry-After in seconds; None if it is missing or a date."""
    value = response.headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() else None


@asynccontextmanager
async def reach(credentials: Credentials) -> AsyncIterator[DataClient]:
    """The Data API of the server at ROWKEEP_URL, or of the local store. Raises SetupError,
    StorageUnavailable."""
    async with connect(credentials.operator) as connection:
        yield DataClient(connection, credentials)
