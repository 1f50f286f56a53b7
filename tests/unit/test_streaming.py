"""Streaming: request bodies read as they arrive, and responses sent in parts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowkeep.errors.catalogue import BodyTooLarge
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.request import Disconnected, Request
from rowkeep.http.responses import Response

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def request(*messages: dict[str, Any], max_body_bytes: int = 100, length: int | None = None) -> Request:
    waiting = list(messages)

    async def receive() -> Any:
        return waiting.pop(0)

    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    return Request({"headers": headers}, receive, BodyBudget(max_body_bytes, 1000, 1.0))


def chunk(body: bytes, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


THREE = (chunk(b'{"a"', True), chunk(b":", True), chunk(b"1}", False))


async def test_chunks_come_as_they_arrive() -> None:
    assert [each async for each in request(*THREE).chunks()] == [b'{"a"', b":", b"1}"]


async def test_a_body_is_all_of_its_chunks() -> None:
    sent = request(*THREE)
    assert await sent.body() == b'{"a":1}'
    assert await sent.body() == b'{"a":1}'


async def test_a_body_in_one_chunk() -> None:
    assert await request(chunk(b"{}", False)).body() == b"{}"


async def test_chunks_are_read_once() -> None:
    sent = request(*THREE)
    assert len([each async for each in sent.chunks()]) == 3
    assert [each async for each in sent.chunks()] == []


@pytest.mark.parametrize("length", [None, 101])
async def test_a_body_that_is_too_large_is_refused_before_it_is_whole(length: int | None) -> None:
    sent = request(chunk(b"x" * 60, True), chunk(b"x" * 60, True), length=length)
    chunks = sent.chunks()
    if length is None:
        await anext(chunks)
    with pytest.raises(BodyTooLarge):
        await anext(chunks)


async def test_a_client_that_disconnects() -> None:
    with pytest.raises(Disconnected):
        await request(chunk(b"{", True), {"type": "http.disconnect"}).body()


async def test_a_response_in_parts() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    await Response(200, [b'{"rows":[', b"1,", b"2]}"]).send(send)
    assert dict(sent[0]["headers"])[b"content-length"] == b"14"
    assert [message.get("more_body", False) for message in sent[1:]] == [True, True, True, False]
    assert msgspec.json.decode(b"".join(message["body"] for message in sent[1:])) == {"rows": [1, 2]}
