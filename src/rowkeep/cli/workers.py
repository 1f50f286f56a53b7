"""Workers: several server processes on one socket; who dies is replaced, and all end together."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process

import msgspec
import structlog

from rowkeep.cli.serving import GRACE_SECONDS
from rowkeep.cli.worker import NOT_STARTED
from rowkeep.logs import configure_logs
from rowkeep.settings import Settings

PAUSE_SECONDS = 1
"""Between a worker's death and its successor, lest a fault at once becomes a storm of processes."""

log = structlog.get_logger(__name__)


def serve_with_workers(settings: Settings, sock: socket.socket) -> bool:
    """Serve with ``settings.workers`` processes until told to stop; False if one could not start."""
    configure_logs(settings.log_level)
    return asyncio.run(_serve(settings, sock))


async def _serve(settings: Settings, sock: socket.socket) -> bool:
    stop = asyncio.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(each, stop.set)
    return all(await asyncio.gather(*(_keep(settings, sock, stop) for _ in range(settings.workers))))


async def _keep(settings: Settings, sock: socket.socket, stop: asyncio.Event) -> bool:
    """One worker, and another when it dies, until ``stop``; False if one cannot start, and then all stop."""
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        worker = await _start(settings, sock)
        ended = asyncio.create_task(worker.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await _stop(worker)
        elif worker.returncode == NOT_STARTED:
            stop.set()
            return False
        else:
            log.error("worker died", status=worker.returncode, action="replaced")
            await asyncio.wait({stopping}, timeout=PAUSE_SECONDS)
    return True


async def _start(settings: Settings, sock: socket.socket) -> Process:
    fd = sock.fileno()
    # a process group of its own: Ctrl-C is for us, who tell the workers when to stop
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "rowkeep.cli.worker", str(fd)),
        pass_fds=[fd],
        stdin=PIPE,
        process_group=0,
    )
    assert worker.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(ConnectionError):
        worker.stdin.write(msgspec.json.encode(settings) + b"\n")
        await worker.stdin.drain()
    return worker


async def _stop(worker: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        worker.terminate()
        try:
            await asyncio.wait_for(worker.wait(), 2 * GRACE_SECONDS)
        except TimeoutError:
            worker.kill()
            await worker.wait()
