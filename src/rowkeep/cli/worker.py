"""Worker: the program that each of several server processes runs (``python -m rowkeep.cli.worker FD``).

It serves the socket it inherits as the file descriptor ``FD``. Its settings are a line of JSON on standard
input, where no other process can read them; standard input stays open for as long as its parent lives.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from threading import Thread

import msgspec

from rowkeep.cli.serving import serve_here
from rowkeep.settings import Settings

NOT_STARTED = 3
"""The exit status of a worker that could not start; another would fare no better."""


def main() -> None:
    settings = msgspec.json.decode(sys.stdin.buffer.readline(), type=Settings)
    Thread(target=_end_with_parent, name="rowkeep-parent", daemon=True).start()
    if not serve_here(settings, socket.socket(fileno=int(sys.argv[1]))):
        sys.exit(NOT_STARTED)


def _end_with_parent() -> None:
    """A worker whose parent was killed would go on serving with nobody to stop it."""
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
