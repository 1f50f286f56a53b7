"""In servers that are forked: the process that reads or writes a file is a fork too.

It is asked of the process that forks, for a server has threads: a fork of it could have their locks.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

PROGRAM = "rowkeep.files"
NUMBER_BYTES = 4
MESSAGE_BYTES = 1 << 16


class ForkedReader:
    """The process: what Rowkeep needs of ``subprocess.Popen``."""

    def __init__(self, asks: socket.socket, environment: Mapping[str, str]) -> None:
        job = {
            "program": PROGRAM,
            "arguments": [],
            "env": dict(environment),
            "cwd": os.getcwd(),
            "new_session": True,
            "umask": None,
        }
        input_end, given = os.pipe()
        out, output_end = os.pipe()
        self._status, theirs = socket.socketpair()
        self._exit: int | None = None
        null = os.open(os.devnull, os.O_WRONLY)
        descriptors = [theirs.fileno(), input_end, output_end, null]
        try:
            socket.send_fds(asks, [json.dumps(job).encode()], descriptors)
        finally:
            theirs.close()
            for each in descriptors[1:]:
                os.close(each)
        self.stdin: BinaryIO = os.fdopen(given, "wb")
        self.stdout: BinaryIO = os.fdopen(out, "rb")
        self.pid = self._number()

    def kill(self) -> None:
        if self._exit is None:
            with suppress(ProcessLookupError):  # it has ended, and the process that forks knows it already
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """Its exit status."""
        if self._exit is None:
            self._exit = os.waitstatus_to_exitcode(self._number())
            self._status.close()
        return self._exit

    def _number(self) -> int:
        content = self._status.recv(NUMBER_BYTES, socket.MSG_WAITALL)
        assert content, "the process that forks has ended"
        return int.from_bytes(content, "big")
