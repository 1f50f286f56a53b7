"""Forks: Rowkeep's commands and servers in processes of their own, without half a second of imports each.

Each pytest process starts one interpreter that imports Rowkeep and does nothing else. It forks for each
process that a test starts: a real process with its own id, directory, environment, signals and exit status.

Some variables have their effect while an interpreter starts (encodings, warnings, the time zone). A process
whose environment differs in one of them gets an interpreter of its own. So must a process whose memory or
start time is measured: see :func:`start_interpreter`.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

OF_INTERPRETER = ("PYTHON", "COVERAGE", "LC_", "LANG", "LD_", "TZ")
"""How the names of the variables start that a new interpreter reads."""

CODE = "-c"
HOST = Path(__file__).with_name("fork_host.py")
COMMAND_HERE = HOST.with_name("fork_command.py")
LENGTH_BYTES = 8
NUMBER_BYTES = 4


class Fork:
    """A process that was forked: what tests need of ``subprocess.Popen``."""

    def __init__(self, pid: int, status: socket.socket, arguments: Sequence[str]) -> None:
        self.pid = pid
        self.args = arguments
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """The exit status, or None if it still runs."""
        with contextlib.suppress(BlockingIOError):
            return self._ended(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; returns the exit status."""
        try:
            return self._ended(timeout)
        except TimeoutError:
            raise subprocess.TimeoutExpired(list(self.args), timeout or 0) from None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _ended(self, timeout: float | None) -> int:
        if self.returncode is None:
            self._status.settimeout(timeout)
            content = self._status.recv(NUMBER_BYTES)
            assert content, "the process that forks has ended"
            self.returncode = os.waitstatus_to_exitcode(int.from_bytes(content, "big"))
            self._status.close()
        return self.returncode


class Forks:
    """Starts the process that forks when it is needed first, with these environment variables (by default
    those of this process)."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = variables
        self._commands: socket.socket | None = None
        self._host: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._environment: dict[str, str] = {}
        self._turn = threading.Lock()

    def can_start(self, variables: Mapping[str, str]) -> bool:
        """Whether a new interpreter with these variables would start like the one that forks."""
        self._ready()
        return _of_interpreter(variables) == _of_interpreter(self._environment)

    def start(
        self,
        program: str,  # rowkeep, rowkeep.server, or -c: the first argument is the program then
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
        new_session: bool = False,
        umask: int | None = None,
    ) -> Fork | subprocess.Popen[bytes]:
        """Start ``python -m program arguments``; streams are files or their descriptors. The process has an
        interpreter of its own if the environment asks for that."""
        if not self.can_start(env):
            return start_interpreter(
                program,
                arguments,
                env=env,
                cwd=cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                new_session=new_session,
                umask=umask,
            )
        job = {
            "program": program,
            "arguments": list(arguments),
            "env": dict(env),
            "cwd": str(cwd),
            "new_session": new_session,
            "umask": umask,
        }
        message = marshal.dumps(job)
        ours, theirs = socket.socketpair()
        with open(os.devnull, "r+b", buffering=0) as null, self._turn, theirs:
            streams = [null if each == subprocess.DEVNULL else each for each in (stdin, stdout, stderr)]
            descriptors = [each if isinstance(each, int) else each.fileno() for each in streams]
            assert self._control is not None
            head = len(message).to_bytes(LENGTH_BYTES, "big")
            socket.send_fds(self._control, [head], [theirs.fileno(), *descriptors])
            self._control.sendall(message)
        pid = int.from_bytes(ours.recv(NUMBER_BYTES, socket.MSG_WAITALL), "big")
        return Fork(pid, ours, [program, *arguments])

    def run(
        self,
        program: str,
        arguments: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        stdin: bytes = b"",
        umask: int | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run ``python -m program arguments`` to its end."""
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
        ):
            given.write(stdin)
            given.seek(0)
            fork = self.start(
                program, arguments, env=env, cwd=cwd, stdin=given, stdout=out, stderr=err, umask=umask
            )
            status = fork.wait()
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess([program, *arguments], status, out.read(), err.read())

    def install(self, directory: Path) -> None:
        """Write the command ``rowkeep`` into this directory. It takes its interpreter's variables from the
        process that forks."""
        address = directory / "forks"
        self._commands = socket.socket(socket.AF_UNIX)
        self._commands.bind(str(address))
        self._commands.listen()
        self._ready()
        command = directory / "rowkeep"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -ISB {COMMAND_HERE} {address} "$@"\n')
        command.chmod(0o755)

    def close(self) -> None:
        """End the process that forks; processes that it started are not ended."""
        if self._control is not None and self._host is not None:
            self._control.close()
            self._host.wait()
        self._control = self._host = self._commands = None

    def _ready(self) -> None:
        with self._turn:
            if self._host is None:
                self._control, theirs = socket.socketpair()
                self._environment = dict(self._variables or os.environ)
                sockets = [theirs, *([] if self._commands is None else [self._commands])]
                numbers = [each.fileno() for each in sockets]
                with contextlib.ExitStack() as stack:
                    for each in sockets:
                        stack.enter_context(each)
                    self._host = subprocess.Popen(
                        [sys.executable, "-P", str(HOST), *map(str, numbers)],
                        env=self._environment,
                        pass_fds=numbers,
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        start_new_session=True,
                    )


FORKS = Forks()


def start_interpreter(
    program: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
    new_session: bool = False,
    umask: int | None = None,
) -> subprocess.Popen[bytes]:
    """The same with an interpreter of its own."""
    module = [program] if program == CODE else ["-m", program]
    return subprocess.Popen(
        [sys.executable, "-P", *module, *arguments],
        env=env,
        cwd=cwd,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=new_session,
        umask=-1 if umask is None else umask,
    )


def _of_interpreter(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith(OF_INTERPRETER)}
