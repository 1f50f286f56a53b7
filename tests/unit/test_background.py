"""Background tasks: repeated, tried again when they fail, and ended together."""

from __future__ import annotations

import asyncio

import pytest

from rowkeep.services import background
from rowkeep.services.background import BackgroundTask, BackgroundTasks

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_RETRY_SECONDS", 0.001)


async def until(count: int, ran: list[str]) -> None:
    while len(ran) < count:  # noqa: ASYNC110 - the list is the test's own
        await asyncio.sleep(0.001)


async def test_a_task_runs_again_and_again() -> None:
    ran: list[str] = []

    async def run() -> None:
        ran.append("")

    async with BackgroundTasks([BackgroundTask("count", run, 0.001)]) as tasks:
        await until(3, ran)
        assert tasks.health() == {"count": "ok"}


async def test_a_task_that_fails_is_tried_again_and_leaves_others_alone() -> None:
    ran: list[str] = []
    others: list[str] = []

    async def fail_twice() -> None:
        ran.append("")
        if len(ran) <= 2:
            raise ValueError("not yet")

    async def other() -> None:
        others.append("")

    both = [BackgroundTask("first", fail_twice, 3600), BackgroundTask("second", other, 0.001)]
    async with BackgroundTasks(both) as tasks:
        await until(1, ran)
        assert tasks.health()["first"] == "failing"
        await until(3, ran)
        await until(len(others) + 2, others)
        assert tasks.health() == {"first": "ok", "second": "ok"}


async def test_first_runs_take_turns() -> None:
    """So that a server opens one connection for them."""
    running: list[str] = []
    most: list[int] = []

    async def run() -> None:
        running.append("")
        most.append(len(running))
        await asyncio.sleep(0.001)
        running.pop()

    async with BackgroundTasks(BackgroundTask(str(at), run, 3600) for at in range(5)):
        while len(most) < 5:  # noqa: ASYNC110 - the list is the test's own
            await asyncio.sleep(0.001)
    assert most == [1] * 5


async def test_a_first_run_that_takes_long_does_not_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_TURNS_SECONDS", 0.001)
    ran: list[str] = []

    async def wait() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        ran.append("")

    tasks = [BackgroundTask("long", wait, 1), *(BackgroundTask(str(at), run, 3600) for at in range(3))]
    async with BackgroundTasks(tasks):
        await until(3, ran)


async def test_tasks_are_cancelled_at_the_end() -> None:
    ended: list[str] = []
    started = asyncio.Event()

    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("")

    async with BackgroundTasks([BackgroundTask("wait", wait, 1)]):
        await started.wait()
    assert ended == [""]


async def test_a_task_that_completes_a_write_in_spite_of_a_cancellation_ends() -> None:
    started = asyncio.Event()
    ran: list[str] = []

    async def write() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ran.append("committed")

    async with BackgroundTasks([BackgroundTask("write", write, 60)]):
        await started.wait()
    assert ran == ["committed"]


async def test_no_tasks() -> None:
    async with BackgroundTasks() as tasks:
        assert tasks.health() == {}


async def test_what_a_task_has_started_is_stopped_after_it() -> None:
    done: list[str] = []

    async def run() -> None:
        done.append("run")

    async def stop() -> None:
        done.append("stop")

    async with BackgroundTasks([BackgroundTask("both", run, 3600, stop)]):
        await until(1, done)
    assert done == ["run", "stop"]
