"""The transport to the application in this process: responses are read as they are made."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from rowkeep.client.local_transport import LocalTransport

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=LocalTransport(app), base_url="http://local")


async def start(send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-test", b"1")]})


async def part(send: Any, body: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def test_a_request_and_its_response() -> None:
    async def echo(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while (message := await receive())["more_body"]:
            body += message["body"]
        await start(send)
        shown = (scope["method"], scope["path"], scope["query_string"], body, dict(scope["headers"]).keys())
        await part(send, repr(shown[:4]).encode())
        await part(send, b"" if b"accept-encoding" in shown[4] else b", not compressed", more=False)

    async with client(echo) as local:
        response = await local.post("/a%20b?c=d", content=b"sent")
    assert response.headers["x-test"] == "1"
    assert response.text == "('POST', '/a b', b'c=d', b'sent'), not compressed"


async def test_parts_are_made_as_they_are_read() -> None:
    made = 0

    async def endless(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal made
        await start(send)
        while True:
            made += 1
            await part(send, b"x" * 1000)

    async with client(endless) as local, local.stream("POST", "/") as response:
        received = response.aiter_raw()
        for _ in range(10):
            await anext(received)
        assert made <= 13
    before = made
    await asyncio.sleep(0)
    assert made == before  # it was cancelled


async def test_a_response_that_breaks_off() -> None:
    async def broken(_scope: Any, _receive: Any, send: Any) -> None:
        await start(send)
        await part(send, b"x")

    async with client(broken) as local:
        with pytest.raises(httpx.RemoteProtocolError, match="before its last part"):
            await local.post("/")


@pytest.mark.parametrize("is_started", [True, False])
async def test_what_the_application_raises(is_started: bool) -> None:
    async def failing(_scope: Any, _receive: Any, send: Any) -> None:
        if is_started:
            await start(send)
        raise ValueError("a fault")

    async with client(failing) as local:
        with pytest.raises(ValueError, match="a fault"):
            await local.post("/")


async def test_no_response() -> None:
    async def silent(_scope: Any, _receive: Any, _send: Any) -> None:
        pass

    async with client(silent) as local:
        with pytest.raises(httpx.RemoteProtocolError):
            await local.post("/")
