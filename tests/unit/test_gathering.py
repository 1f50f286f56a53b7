"""What is written in one turn of the event loop leaves together, in its order, and nothing is held back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rowkeep.server.gathered_writes import MAX_GATHERED_BYTES, GatheringTransport


class Wire:
    """The transport beneath: notes what it is told."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.sent.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def gathering(wire: Wire) -> GatheringTransport:
    transport: Any = wire
    return GatheringTransport(transport, asyncio.get_running_loop())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_it_gathers_a_turn() -> None:
    wire = Wire()
    transport = gathering(wire)
    for data in (b"head", b"body"):
        transport.write(data)
    assert wire.sent == []
    await asyncio.sleep(0)
    transport.write(b"next")
    await asyncio.sleep(0)
    assert wire.sent == [b"headbody", b"next"]


@pytest.mark.anyio
async def test_what_is_large_goes_at_once_and_in_order() -> None:
    wire = Wire()
    transport = gathering(wire)
    large = b"x" * (MAX_GATHERED_BYTES + 1)
    for data in (b"head", large, b"tail"):
        transport.write(data)
    assert wire.sent == [b"head", large]
    await asyncio.sleep(0)
    assert wire.sent == [b"head", large, b"tail"]


@pytest.mark.anyio
async def test_closing_sends_what_was_written() -> None:
    wire = Wire()
    transport = gathering(wire)
    transport.write(b"goodbye")
    assert not transport.is_closing()
    transport.close()
    await asyncio.sleep(0)
    assert wire.sent == [b"goodbye"]
    assert transport.is_closing()
