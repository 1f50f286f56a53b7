"""Processes: CPU time and peak memory of process trees, and the servers started for comparison."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from tests.support.processes import free_port

from benchmarks import bare_app
from benchmarks.load import ROOT


class ProcessTree:
    """A process and all its descendants."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """The CPU time (user and system) so far, of all running and exited processes."""
        total = 0.0
        for process in self._members():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                # The children_ times contain those of exited processes that were waited for, including their
                # children.
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def peak_rss_bytes(self) -> int:
        """The sum of the peak resident memory of all processes. Linux only: other systems do not report
        it."""
        total = 0
        for process in self._members():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
                peak = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
                total += int(peak.group(1)) * 1024 if peak else 0
        return total

    def pss_bytes(self) -> int:
        """The current memory of all processes; shared memory counts once (`/proc/PID/smaps_rollup`)."""
        return sum(process.memory_full_info().pss for process in self._members())

    def _members(self) -> list[psutil.Process]:
        return [self._root, *self._root.children(recursive=True)]


@contextlib.contextmanager
def bare_server(answer: bytes, directory: Path) -> Iterator[tuple[int, ProcessTree]]:
    """The bare ASGI app on Rowkeep's version of uvicorn; yields its port and process."""
    file = directory / "answer.json"
    file.write_bytes(answer)
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare_app:create", "--factory"]
    options = [
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--workers",
        "1",
        "--lifespan",
        "off",
        "--ws",
        "none",
    ]
    quiet = ["--no-access-log", "--log-level", "warning", "--host", "127.0.0.1", "--port", str(port)]
    with _started(command + options + quiet, port, {bare_app.ANSWER_VARIABLE: str(file)}) as tree:
        yield port, tree


@contextlib.contextmanager
def sink_server(length: int) -> Iterator[tuple[int, ProcessTree]]:
    """The server of `benchmarks.null_server` with responses of `length` bytes; yields its port and
    process."""
    port = free_port()
    with _started([sys.executable, "-m", "benchmarks.null_server", str(port), str(length)], port, {}) as tree:
        yield port, tree


@contextlib.contextmanager
def _started(command: list[str], port: int, environment: dict[str, str]) -> Iterator[ProcessTree]:
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
    try:
        _wait_for(process, port)
        yield ProcessTree(process.pid)
    finally:
        process.kill()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} ended with {process.returncode} before it served.")
