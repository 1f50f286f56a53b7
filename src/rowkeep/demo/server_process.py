"""Server process: the demo's server, started as a user would: ``rowkeep serve``."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import httpx

from rowkeep.client.transport import NO_HEADERS, local_client
from rowkeep.errors.catalogue import SetupError
from rowkeep.server.process import listen
from rowkeep.setting_rules import PREFIX
from rowkeep.settings import Settings

USUAL_PORT = 8080
START_SECONDS = 60
STOP_SECONDS = 20
PAUSE_SECONDS = 0.05


class Server:
    """A running server: its URL and its process."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self._process = process
        self._log = log
        self.url = self._read_url()

    def _read_url(self) -> str:
        """The URL that the server listens on. Raises SetupError if the server exits instead."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self._process.stdout:
            _, found, url = line.strip().partition("listening on ")
            if found:
                return url
        self._process.wait()
        raise self.ended()

    def wait_until_ready(self) -> None:
        """Wait until the server accepts requests. Raises SetupError if it exits, or takes too long."""
        end = time.monotonic() + START_SECONDS
        with local_client(self.url, NO_HEADERS) as client:
            while time.monotonic() < end:
                if self._process.poll() is not None:
                    raise self.ended()
                try:
                    if client.get("/readyz", timeout=START_SECONDS).is_success:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(PAUSE_SECONDS)
        raise SetupError(f"The server did not start within {START_SECONDS} seconds.")

    def wait(self) -> None:
        """Wait until the server exits, which it should not do by itself. Raises SetupError."""
        self._process.wait()
        raise self.ended()

    def ended(self) -> SetupError:
        """The error for a server that exited."""
        self._log.seek(0)
        output = self._log.read().strip().splitlines() or ["no output"]
        last = output[-1].removeprefix("Error: ")
        return SetupError(f"The server exited with status {self._process.returncode}: {last}")


@contextmanager
def serving(settings: Settings) -> Iterator[Server]:
    """A server on a free port, ready for requests; it is stopped in every case. Raises SetupError."""
    serve = [sys.executable, "-P", "-m", "rowkeep", "serve"]
    command = [*serve, "--host", "127.0.0.1", "--port", str(_port()), "--workers", "1"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    environment[f"{PREFIX}DATABASE_URL"] = settings.database_url
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # Ctrl-C is for the demo, which then stops the server
            start_new_session=True,
        )
        try:
            server = Server(process, log)
            server.wait_until_ready()
            yield server
        finally:
            _stop(process)


def _port() -> int:
    """The default port if it is free, otherwise 0, which means any free port."""
    try:
        listen("127.0.0.1", USUAL_PORT).close()
    except SetupError:
        return 0
    return USUAL_PORT


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
