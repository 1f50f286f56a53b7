"""Processes: those that tests start are always ended completely, even if the test process itself is
killed."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

END_SECONDS = 10
"""How long a killed process is waited for."""

PATIENT = httpx.Timeout(None)
"""Clients wait without limit: a slow machine is not an error."""


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants with SIGKILL, and wait until the descendants have ended. It is
    not an error if it has already exited."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()  # so that it starts no processes while its children are listed
        descendants = root.children(recursive=True)
        for process in [*descendants, root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        for process in descendants:
            _wait_for_end(process)


def _wait_for_end(process: psutil.Process) -> None:
    """Wait until a killed process has ended: nobody may have read its exit status yet. Its sockets are open
    until the last of its threads has ended, which can be later than the first."""
    until = time.monotonic() + END_SECONDS
    with contextlib.suppress(psutil.NoSuchProcess):
        while not _has_ended(process) and time.monotonic() < until:
            time.sleep(0.002)


def _has_ended(process: psutil.Process) -> bool:
    return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1


def free_port() -> int:
    """A free TCP port of 127.0.0.1 that the system does not assign to clients.

    Systems assign client ports from 32768 up, so a restarted server finds its port still free.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Guard:
    """A small process that outlives this one, to end its servers and delete its directories.

    It notices the end of this process, even by SIGKILL, because its standard input is closed then.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def keep(self, what: int | Path) -> None:
        """End this process (by its id), or delete this directory, when the test process ends."""
        self._tell("keep", what)

    def release(self, what: int | Path) -> None:
        """Do not end this process any more: it has exited, and its id can be reused."""
        self._tell("release", what)

    def _tell(self, word: str, what: int | Path) -> None:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, text=True, start_new_session=True
            )
        assert self._process.stdin
        print(word, what, file=self._process.stdin, flush=True)


GUARD = Guard()


def watch_over_standard_input() -> None:
    """The main function of the guard process: collect entries until the input ends, then clean up."""
    entries: dict[str, None] = {}
    for line in sys.stdin:
        word, what = line.rstrip("\n").split(" ", 1)
        if word == "keep":
            entries[what] = None
        else:
            entries.pop(what, None)
    for what in reversed(entries):
        if what.isdigit():
            kill_tree(int(what))
        else:
            shutil.rmtree(what, ignore_errors=True)


if __name__ == "__main__":
    watch_over_standard_input()
