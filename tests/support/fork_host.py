"""The process that ``forks.py`` starts: it imports Rowkeep, forks on request, and reports exit statuses."""

# ruff: noqa: E402 - Rowkeep is loaded after what measures it
from __future__ import annotations

import asyncio
import atexit
import gc
import json
import marshal
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout, suppress
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn, TextIO

sys.path.append(str(Path(__file__).parent))
import line_marks

line_marks.install()
import fork_readers

sys.path.pop()

import rowkeep
from rowkeep.files import isolated
from rowkeep.http.app import background_tasks
from rowkeep.model.values import case_folding
from rowkeep.services import passwords
from rowkeep.services.local_store import open_store
from rowkeep.settings import Settings
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.system_tables import CATALOG_NAMESPACE
from rowkeep.storage import migrations

COMMAND = "rowkeep.cli.main"
SERVER = "rowkeep.server.__main__"
SUPERVISOR = "rowkeep.server.supervisor"
PROGRAMS = {"rowkeep": COMMAND, "rowkeep.server": SERVER, fork_readers.PROGRAM: "rowkeep.files.__main__"}
CODE = "-c"
NOT_IMPORTED = {"rowkeep.__main__", "rowkeep.files.parquet_format"}
"""The first one is a program; the second one needs what an installation may not have."""

ALSO_IMPORTED = (
    "httpx",
    "typer._adapters",
    "rich.progress",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.loops.uvloop",
    "uvloop",
)
REHEARSED = ("init", "table list")
LENGTH_BYTES = 8
NUMBER_BYTES = 4


def import_all() -> None:
    """Import what any of the programs imports."""
    for module in pkgutil.walk_packages(rowkeep.__path__, "rowkeep."):
        if module.name not in NOT_IMPORTED:
            import_module(module.name)
    for name in ALSO_IMPORTED:
        import_module(name)


def rehearse() -> None:
    """Run what commands and servers do first, for modules, classes and parsers that are made then."""
    case_folding.folding_table()
    case_folding.fold("é")
    command: Any = import_module(COMMAND)
    for name in (*command.COMMANDS, *command.GROUPS):
        command.command_line(name)
    # what a command compiles for a store on SQLite, and these for one on PostgreSQL
    for step in migrations.CATALOG_STEPS:
        migrations.statements_of(step, POSTGRES, CATALOG_NAMESPACE)
    for step in migrations.WORKSPACE_STEPS:
        migrations.statements_of(step, POSTGRES, migrations.ANY_NAMESPACE)
    before = dict(os.environ)
    with TemporaryDirectory() as directory, redirect_stdout(StringIO()):
        for name in [name for name in before if name.startswith("ROWKEEP_")]:
            del os.environ[name]
        os.environ["ROWKEEP_DATABASE_URL"] = f"sqlite:///{directory}/data"
        for arguments in REHEARSED:
            command.run(arguments.split())
        asyncio.run(serve_once())
    os.environ.clear()
    os.environ.update(before)


async def serve_once() -> None:
    """Run each background task of a server once: most statements at its start are theirs."""
    settings = Settings.from_environment(os.environ)
    async with open_store(settings) as catalog:
        for task in background_tasks(catalog, settings):
            await task.run()
            if task.stop is not None:
                await task.stop()


def hash_quickly() -> None:
    """Let servers hash passwords in a hundredth of the time: each test that signs in waits for several."""
    passwords.MEMORY_KIB, passwords.ITERATIONS = 64, 1


START_PROCESS = isolated.start_process


def fork_readers_of(asks: socket.socket) -> None:
    """Let servers ask for the processes that read and write files; a worker of several has no socket to ask
    on, and starts them itself."""
    isolated.start_process = partial(fork_readers.ForkedReader, asks)  # type: ignore[assignment]


class Host:
    """Forks for each job that comes on ``control``, until its other end is closed, for each connection to
    ``commands`` (see ``fork_command.py``), and for each message on ``readers`` (see ``fork_readers.py``)."""

    def __init__(
        self, control: socket.socket, commands: socket.socket | None, readers: socket.socket
    ) -> None:
        self._control = control
        self._commands = commands
        self._readers = readers
        self._running: dict[int, socket.socket] = {}
        self._wakes, self._woken = os.pipe()
        os.set_blocking(self._wakes, False)
        os.set_blocking(self._woken, False)
        self._selector = selectors.DefaultSelector()
        for each in (control, commands, readers, self._wakes):
            if each is not None:
                self._selector.register(each, selectors.EVENT_READ)

    def run(self) -> Callable[[], None] | None:
        """Returns in the end, and in each fork: there, with what the fork must run."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._woken, warn_on_full_buffer=False)
        while True:
            for key, _ in self._selector.select():
                if key.fd == self._wakes:
                    os.read(self._wakes, 4096)
                    self._report_ends()
                elif key.fileobj is self._control:
                    taken = received(self._control)
                    if taken is None:
                        return None
                    job, (status, *streams) = taken
                    if self._fork(streams, socket.socket(fileno=status)) == 0:
                        return prepared(job, streams)
                elif key.fileobj is self._readers:
                    message, (status, *streams), _, _ = socket.recv_fds(
                        self._readers, fork_readers.MESSAGE_BYTES, 4
                    )
                    if self._fork(streams, socket.socket(fileno=status)) == 0:
                        return prepared(json.loads(message), streams)
                elif key.fileobj is self._commands:
                    connection, _address = self._commands.accept()
                    taken = received(connection)
                    assert taken is not None
                    pid = self._fork(taken[1], connection)
                    if pid == 0:
                        return prepared(*taken)
                    self._selector.register(connection, selectors.EVENT_READ, pid)
                else:
                    self._selector.unregister(key.fileobj)
                    if key.data in self._running:  # the command was killed, which its fork must not outlive
                        os.kill(key.data, signal.SIGKILL)

    def _fork(self, streams: list[int], status: socket.socket) -> int:
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._selector.close()
            for each in (*self._running.values(), self._control, self._commands, self._readers, status):
                if each is not None:
                    each.close()
            os.close(self._wakes)
            os.close(self._woken)
        else:
            for stream in streams:
                os.close(stream)
            self._running[pid] = status
            status.sendall(pid.to_bytes(NUMBER_BYTES, "big"))
        return pid

    def _report_ends(self) -> None:
        """Report the exit status of each process that has ended."""
        while self._running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._running.pop(pid) as waiting, suppress(OSError):  # nobody may wait for it
                if waiting in {key.fileobj for key in self._selector.get_map().values()}:
                    self._selector.unregister(waiting)
                waiting.sendall(status.to_bytes(NUMBER_BYTES, "big"))


def received(channel: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """A job, and the descriptors that came with it; None at the end of the channel."""
    head, descriptors, _, _ = socket.recv_fds(channel, LENGTH_BYTES, 4)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    content = b""
    while len(content) < length:
        content += channel.recv(length - len(content))
    return marshal.loads(content), descriptors  # noqa: S302 - written by forks.py or fork_command.py


def prepared(job: dict[str, Any], streams: list[int]) -> Callable[[], None]:
    """Make this fork what a new process would be; returns its main function."""
    if job["new_session"]:
        os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(job["cwd"])
    if job["umask"] is not None:
        os.umask(job["umask"])
    os.environ.clear()
    os.environ.update(job["env"])
    sys.stdin = sys.__stdin__ = opened(0, "r", sys.stdin)
    sys.stdout = sys.__stdout__ = opened(1, "w", sys.stdout)
    sys.stderr = sys.__stderr__ = opened(2, "w", sys.stderr)
    sys.argv = [job["program"], *job["arguments"]]
    os.execve = become_server  # type: ignore[assignment]
    os.execv = become_supervisor  # type: ignore[assignment]
    os.posix_spawn = fork_server  # type: ignore[assignment]
    if job["program"] == CODE:
        code, *sys.argv[1:] = job["arguments"]
        return partial(exec, compile(code, "<string>", "exec"), {"__name__": "__main__"})
    main: Callable[[], None] = import_module(PROGRAMS[job["program"]]).main
    return main


def opened(number: int, mode: str, before: TextIO) -> TextIO:
    """A standard stream as a new interpreter opens it. What it is (a pipe, a file) has changed."""
    stream = open(number, mode, encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115
    unbuffered = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    stream.reconfigure(line_buffering=stream.isatty() or number == 2, write_through=unbuffered)
    return stream


def become_server(interpreter: str, arguments: list[str], variables: dict[str, str]) -> None:
    """In place of ``os.execve`` in ``rowkeep serve``: continue as the server without a new interpreter."""
    assert (interpreter, arguments) == (sys.executable, [sys.executable, "-P", "-m", "rowkeep.server"])
    os.environ.clear()
    os.environ.update(variables)
    import_module(SERVER).main()


def become_supervisor(interpreter: str, arguments: list[str]) -> None:
    """In place of ``os.execv`` in a server with several workers: continue as the supervisor without a new
    interpreter."""
    with suppress(PermissionError):  # it may be where only root can read it: see cli/as_user.py
        os.stat(interpreter)
    supervisor: Any = import_module(SUPERVISOR)
    assert (interpreter, arguments[:-1]) == (sys.executable, [sys.executable, "-PS", supervisor.__file__])
    sys.argv = arguments[-2:]
    end(supervisor.main)


def fork_server(
    interpreter: str,
    arguments: list[str],
    variables: Mapping[str, str],
    *,
    setpgroup: int,
    setsigmask: Sequence[int],
    setsigdef: set[signal.Signals],
) -> int:
    """In place of ``os.posix_spawn`` in a supervisor: start the server in a fork without a new interpreter.
    It has the descriptors that it would have there."""
    command = [sys.executable, "-P", "-m", "rowkeep.server"]
    assert (interpreter, arguments[:4], variables) == (sys.executable, command, os.environ)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, setsigdef)
    pid = os.fork()
    if pid == 0:
        isolated.start_process = START_PROCESS
        os.setpgid(0, setpgroup)
        signal.set_wakeup_fd(-1)
        for number in setsigdef:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, setsigmask)
        for each in [int(name) for name in os.listdir("/dev/fd")]:
            with suppress(OSError):  # that of the list is closed
                if not os.get_inheritable(each):
                    os.close(each)
        sys.argv = arguments[3:]
        end(import_module(SERVER).main)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def end(program: Callable[[], None]) -> NoReturn:
    """Run this, and end the process as an interpreter ends it, but for the destruction of all objects: that
    takes as long as many a command."""
    status: object = 0
    try:
        program()
    except SystemExit as done:
        status = done.code
    except BaseException:
        traceback.print_exc()
        status = 1
    assert status is None or isinstance(status, int)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BrokenPipeError):
            stream.flush()
    os._exit(status or 0)


if __name__ == "__main__":
    import_all()
    hash_quickly()
    rehearse()
    asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    fork_readers_of(asks)
    gc.collect()
    gc.freeze()  # the collector would write to pages that all forks share
    control, *commands = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
    program = Host(control, commands[0] if commands else None, asked).run()
    if program is not None:
        end(program)
