"""Server: Rowkeep in a separate process, on a real socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from pathlib import Path

import httpx

from . import plain
from .forks import FORKS, Fork, start_interpreter
from .http_client import Client
from .processes import GUARD, free_port, kill_tree


def sqlite_url(directory: Path) -> str:
    """The URL of a SQLite store in this directory, which need not exist yet."""
    return f"sqlite:///{directory.absolute()}"


def environment(database_url: str, directory: Path, **settings: object) -> dict[str, str]:
    """The environment of this process with only these settings; the key file is in ``directory``, and there
    is one worker."""
    usual = {"database_url": database_url, "master_key_file": directory / "rowkeep.key", "workers": 1}
    own = usual | settings
    outer = {name: value for name, value in os.environ.items() if not name.startswith("ROWKEEP_")}
    return outer | {f"ROWKEEP_{name.upper()}": str(value) for name, value in own.items() if value is not None}


class RowkeepServer:
    """A server on one store. ``settings`` are Rowkeep's own (``workers=2``); ``None`` unsets one.

    Its log and master key are in ``directory``: servers of one store share the directory, and so the key.
    It runs the program that ``rowkeep serve`` becomes, or, with ``by_command``, that command. Its process is
    forked, unless :meth:`leave_unmeasured` is called or its environment asks for another interpreter.
    """

    def __init__(
        self, database_url: str, directory: Path, *, by_command: bool = False, **settings: object
    ) -> None:
        self.database_url = database_url
        self.directory = directory
        self.by_command = by_command
        self.environment = environment(database_url, directory, **settings)
        self._token_file = directory / "rowkeep.admin-token"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = directory / f"server-{self.port}.log"
        self._is_forked = True
        self._process: subprocess.Popen[bytes] | Fork | None = None
        self._admin_token: str | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | Fork:
        """The (first) process of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process

    @property
    def admin_token(self) -> str:
        """A token for the management API: the first one of the store, or a new one from the command."""
        if self._admin_token is None:
            self._admin_token = self._first_token() or self._new_token()
        return self._admin_token

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start the server without waiting."""
        variables = {"ROWKEEP_HOST": "127.0.0.1", "ROWKEEP_PORT": str(self.port)}
        if self.by_command:
            program, arguments = "rowkeep", ["serve", "--host", "127.0.0.1", "--port", str(self.port)]
            variables = {}
        else:
            program, arguments = "rowkeep.server", []
        with self.log.open("ab") as log:
            start = FORKS.start if self._is_forked else start_interpreter
            self._process = start(
                program,
                arguments,
                env=self.environment | variables,
                cwd=self.directory,
                stdout=log,
                stderr=log,
                new_session=True,
            )
        GUARD.keep(self._process.pid)

    ready_path = "/readyz"
    """What is asked whether it has started; of a store with faults, ``/healthz``."""

    def wait_until_ready(self) -> None:
        """Wait until it can serve all requests. Raises RuntimeError if the process exits before that."""
        while not self._is_ready():
            if self.process.poll() is not None:
                text = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"The server ended with {self.process.returncode}:\n{text}")
            time.sleep(0.02)

    def stop(self) -> int:
        """Stop the server with SIGTERM, and return its exit status. Does nothing if it is not running."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self._ended()

    def kill(self) -> None:
        """Kill all its processes with SIGKILL."""
        if self._process is not None:
            kill_tree(self._process.pid)
            self._ended()

    def leave_unmeasured(self) -> None:
        """Start it with an interpreter of its own, which does not measure coverage: this costs some memory
        and time."""
        self._is_forked = False

    def restart(self) -> None:
        """Stop the server and start it again, at the same address."""
        self.stop()
        self.start()

    def admin(self) -> httpx.Client:
        """A client of the management API."""
        headers = {"Authorization": f"Bearer {self.admin_token}"}
        return Client(base_url=self.url + "/api/v1", headers=headers)

    def _ended(self) -> int:
        status = self.process.wait()
        GUARD.release(self.process.pid)
        self._process = None
        return status

    def _first_token(self) -> str | None:
        """The first token that the server wrote to a file next to the key, if it is a token of this store."""
        if self._process is None or not self._token_file.exists():
            return None
        token = self._token_file.read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        response = plain.get(self.url + "/api/v1/admin-tokens/current", headers=headers)
        return token if response.status_code == 200 else None

    def _new_token(self) -> str:
        made = FORKS.run(
            "rowkeep",
            ["admin-token", "create", "--name", "tests", "--json"],
            env=self.environment,
            cwd=self.directory,
        )
        assert made.returncode == 0, made
        token: str = json.loads(made.stdout)["token"]
        return token

    def _is_ready(self) -> bool:
        try:
            # a plain socket costs a hundredth of a client while nothing listens yet
            socket.create_connection(("127.0.0.1", self.port)).close()
            return plain.get(self.url + self.ready_path).status_code == 200
        except (OSError, httpx.TransportError):
            return False
