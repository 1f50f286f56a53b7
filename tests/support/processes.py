"""Processes that tests start: ended whole, whatever becomes of the test process itself."""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import psutil

PATIENT = httpx.Timeout(None)
"""Clients wait as long as it takes: a slow machine is no failure."""


def kill_tree(pid: int) -> None:
    """End a process and all below it at once with SIGKILL; none is asked first. Gone already is fine."""
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        root.suspend()  # so that it starts no more while its children are listed
        for process in [*root.children(recursive=True), root]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, and that no client's own socket will be given.

    Systems hand out client ports from 32768 up, so a server that is restarted finds its port still free.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Guard:
    """A small process that outlives this one just to end the servers and directories left behind.

    It learns of this process's end, even by SIGKILL, because its standard input closes then.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def keep(self, what: int | Path) -> None:
        """End this process (by its id), or delete this directory, when this test process ends."""
        self._tell("keep", what)

    def release(self, what: int | Path) -> None:
        """It has ended properly; its id may soon be another's."""
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
    """What the guard process does: remember, wait for the end of the input, clear away."""
    kept: dict[str, None] = {}
    for line in sys.stdin:
        word, what = line.rstrip("\n").split(" ", 1)
        if word == "keep":
            kept[what] = None
        else:
            kept.pop(what, None)
    for what in reversed(kept):
        if what.isdigit():
            kill_tree(int(what))
        else:
            shutil.rmtree(what, ignore_errors=True)


if __name__ == "__main__":
    watch_over_standard_input()
