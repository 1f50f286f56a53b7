"""Acting rows: requests of this process to its own Data API, for imports that run without the requests of
those who started them. So rights, limits, errors and idempotency are the same as for all others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec import structs
from starlette.types import Scope

from rowkeep.errors.catalogue import Busy, IdempotencyInProgress
from rowkeep.files.bulk import BulkReply, bulk_decoder
from rowkeep.files.responses import (
    NoResponse,
    NotServed,
    ReceivedProblem,
    RequestRefused,
    UsableTable,
    problem_decoder,
    usable_decoder,
)
from rowkeep.http.data import AdminDataEndpoints
from rowkeep.http.request import Request
from rowkeep.services.access import ActingCredential, Credential

CREDENTIAL = "rowkeep.acting"
"""The key of the credential in the scope of these requests. No request from outside has one."""


class ActingDataEndpoints(AdminDataEndpoints):
    """The same endpoints for such requests."""

    def _credential(self, scope: Scope, _request: Request) -> Credential:
        credential: ActingCredential = scope[CREDENTIAL]
        return credential


class ActingRows:
    """The rows of one workspace for one user or admin token. Methods raise RequestRefused, NotServed,
    NoResponse, and what an iterator of chunks raises."""

    def __init__(self, endpoints: ActingDataEndpoints, credential: ActingCredential) -> None:
        self._endpoints = endpoints
        self._credential = credential

    async def usable_tables(self) -> list[UsableTable]:
        exchange = await self._call("GET", "tables", None)
        return usable_decoder.decode(exchange.body).tables

    async def bulk(self, table: str, content: bytes, key: str | None) -> BulkReply:
        headers = {"prefer": "return=minimal", "content-type": "application/json"}
        exchange = await self._call("POST", f"tables/{table}/bulk", content, headers | _keyed(key))
        reply = bulk_decoder.decode(exchange.body)
        return structs.replace(reply, is_replayed=exchange.is_replayed, size=len(exchange.body))

    async def insert_stream(
        self,
        table: str,
        chunks: AsyncIterator[bytes] | bytes,
        media_type: str,
        parameters: Mapping[str, str],
        key: str | None = None,
    ) -> BulkReply:
        headers = {"content-type": media_type}
        path = f"tables/{table}/bulk"
        exchange = await self._call("POST", path, chunks, headers | _keyed(key), urlencode(parameters))
        reply = bulk_decoder.decode(exchange.body.partition(b"\n")[0])
        return structs.replace(reply, is_replayed=exchange.is_replayed, size=len(exchange.body))

    async def _call(
        self,
        method: str,
        rest: str,
        body: AsyncIterator[bytes] | bytes | None,
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> _Exchange:
        workspace = self._credential.workspace
        path = f"/api/v1/workspaces/{workspace}/data/{rest}"
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": quote(path).encode(),
            "path_params": {"workspace": workspace, "rest": rest},
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
            "client": None,
            "root_path": "",
            CREDENTIAL: self._credential,
        }
        exchange = _Exchange(body)
        await self._endpoints(scope, exchange.receive, exchange.send)
        return exchange.checked()


def _keyed(key: str | None) -> dict[str, str]:
    return {} if key is None else {"idempotency-key": key}


class _Exchange:
    """One request and its response."""

    def __init__(self, body: AsyncIterator[bytes] | bytes | None) -> None:
        self._given = body
        self._error: BaseException | None = None
        self._parts: list[bytes] = []
        self.status = 0
        self._headers: dict[bytes, bytes] = {}

    @property
    def body(self) -> bytes:
        return b"".join(self._parts)

    @property
    def is_replayed(self) -> bool:
        return self._headers.get(b"idempotency-replayed") == b"true"

    async def receive(self) -> dict[str, Any]:
        given = self._given
        if given is None or isinstance(given, bytes):
            self._given = None
            return {"type": "http.request", "body": given or b"", "more_body": False}
        try:
            chunk = await anext(given, None)
        except BaseException as error:
            # nothing of the stream must be stored; the caller gets the error
            self._error = error
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._headers = dict(message["headers"])
        else:
            self._parts.append(message.get("body", b""))

    def checked(self) -> _Exchange:
        """The exchange itself, if it was successful."""
        if self._error is not None:
            raise self._error
        if 200 <= self.status < 300:
            return self
        try:
            problem = problem_decoder.decode(self.body)
        except msgspec.DecodeError:
            problem = ReceivedProblem("internal_error", f"status {self.status}", [])
        reason = f"status {self.status} ({problem.detail.rstrip('.')})"
        if problem.code in (Busy.code, IdempotencyInProgress.code):
            raise NotServed(reason, 1.0)
        if self.status >= 500 or self.status == 0:
            raise NoResponse(reason)
        raise RequestRefused(self.status, problem)
