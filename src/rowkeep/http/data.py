"""The Data API as a plain ASGI callable: it is where speed counts, and it has seven paths."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from starlette.types import Receive, Scope, Send

from rowkeep.errors import MethodNotAllowed, NoSuchRoute, RowkeepError
from rowkeep.http.request import Disconnected, Request
from rowkeep.http.respond import Answer, error_answer, fault_answer
from rowkeep.services.records import Records

PREFIX = "/api/public/"

Call: TypeAlias = Callable[[Records, str, str, Request], Awaitable[bytes]]


class DataCall(msgspec.Struct, frozen=True):
    """One call of the Data API: ``{t}`` or ``{v}`` stands for a name. ``writes`` may be asked for counts."""

    method: str
    path: str
    call: Call
    writes: bool = False


async def _insert(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.insert(token, name, request)


async def _insert_bulk(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.insert(token, name, request, must_be_array=True)


async def _update(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.update(token, name, request)


async def _delete(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.delete(token, name, request)


async def _query(records: Records, token: str, name: str, request: Request) -> bytes:
    return await records.query(token, name, request)


async def _query_view(records: Records, token: str, name: str, _request: Request) -> bytes:
    return await records.query_view(token, name)


DATA_CALLS: tuple[DataCall, ...] = (
    DataCall("POST", "/api/public/tables/{t}", _insert, writes=True),
    DataCall("PUT", "/api/public/tables/{t}", _update, writes=True),
    DataCall("DELETE", "/api/public/tables/{t}", _delete),
    DataCall("POST", "/api/public/tables/{t}/bulk", _insert_bulk, writes=True),
    DataCall("POST", "/api/public/tables/{t}/delete", _delete),
    DataCall("POST", "/api/public/tables/{t}/query", _query),
    DataCall("POST", "/api/public/views/{v}/query", _query_view),
)

_MINIMAL = ((b"preference-applied", b"return=minimal"),)


def _by_path() -> dict[tuple[str, str], dict[str, DataCall]]:
    """What stands before and behind the name, to the calls by method."""
    found: dict[tuple[str, str], dict[str, DataCall]] = {}
    for call in DATA_CALLS:
        _, _, kind, _, *rest = call.path.removeprefix("/").split("/")
        found.setdefault((kind, "/".join(rest)), {})[call.method] = call
    return found


class DataApi:
    """Everything under ``/api/public``."""

    def __init__(self, records: Records, max_body_bytes: int) -> None:
        self._records = records
        self._max_body_bytes = max_body_bytes
        self._calls = _by_path()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except RowkeepError as error:
            answer = error_answer(error)
        except Disconnected:
            return
        except Exception as error:
            # the outermost place: a fault of ours must neither leave a client without an answer nor show
            answer = fault_answer(error, scope["path"])
        await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        call, name = self._find(scope["method"], scope["path"])
        request = Request(scope, receive, self._max_body_bytes)
        body = await call.call(self._records, request.token(), name, request)
        return Answer(200, body, headers=_MINIMAL if call.writes and request.minimal else ())

    def _find(self, method: str, path: str) -> tuple[DataCall, str]:
        kind, _, rest = path.removeprefix(PREFIX).partition("/")
        name, slash, action = rest.partition("/")
        calls = self._calls.get((kind, action)) if name and bool(slash) == bool(action) else None
        if calls is None:
            raise NoSuchRoute("No call has this path.")
        call = calls.get(method)
        if call is None:
            allowed = ", ".join(calls)
            raise MethodNotAllowed(f"This path takes {allowed}.", headers={"Allow": allowed})
        return call, name
