"""Offload: how many large bodies wait, and what is never refused."""

from __future__ import annotations

import asyncio
import threading

import pytest

from rowkeep.errors.catalogue import Busy
from rowkeep.services.offload import MAX_WAITING, THREADS, Offload
from rowkeep.settings import Settings

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_one_more_than_may_wait_is_refused_unless_it_must_be_done() -> None:
    offload, end = Offload(Settings()), threading.Event()
    waiting = [asyncio.ensure_future(offload.run(end.wait)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await offload.run(lambda: None)
    response = asyncio.ensure_future(offload.run(lambda: "stored", is_refusable=False))
    await asyncio.sleep(0)
    end.set()
    assert await response == "stored"
    assert await asyncio.gather(*waiting) == [True] * MAX_WAITING


async def test_what_nobody_waits_for_is_not_held() -> None:
    offload, end = Offload(Settings()), threading.Event()
    running = [asyncio.ensure_future(offload.run(end.wait)) for _ in range(THREADS)]
    done: list[str] = []
    queued = asyncio.ensure_future(offload.run(lambda: done.append("work")))
    await asyncio.sleep(0)
    queued.cancel()
    with pytest.raises(asyncio.CancelledError):
        await queued
    end.set()
    await asyncio.gather(*running)
    assert await offload.run(lambda: "next") == "next"
    assert done == []
