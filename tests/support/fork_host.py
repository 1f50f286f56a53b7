"""The process that ``forks.py`` starts: it imports Rowkeep, forks on request, and reports exit statuses."""

from __future__ import annotations

import gc
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import rowkeep

COMMAND = "rowkeep.cli.main"
SERVER = "rowkeep.server.__main__"
PROGRAMS = {"rowkeep": COMMAND, "rowkeep.server": SERVER}
NOT_IMPORTED = {"rowkeep.__main__", "rowkeep.cli.files.parquet_format"}
"""The first one is a program; the second one needs what an installation may not have."""

ALSO_IMPORTED = ("httpx", "rich.progress", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvloop")
LENGTH_BYTES = 8
NUMBER_BYTES = 4


def import_all() -> None:
    """Import what any of the programs imports."""
    for module in pkgutil.walk_packages(rowkeep.__path__, "rowkeep."):
        if module.name not in NOT_IMPORTED:
            import_module(module.name)
    for name in ALSO_IMPORTED:
        import_module(name)


def host(control: socket.socket) -> Callable[[], None] | None:
    """Fork for each job that comes, until the other end is closed; in a fork, returns what it must run."""
    running: dict[int, socket.socket] = {}
    wakes, woken = os.pipe()
    os.set_blocking(wakes, False)
    os.set_blocking(woken, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(wakes, selectors.EVENT_READ)
        while True:
            ready = {key.fd for key, _ in selector.select()}
            if wakes in ready:
                os.read(wakes, 4096)
                report_ends(running)
            if control.fileno() in ready:
                head, descriptors, _, _ = socket.recv_fds(control, LENGTH_BYTES, 4)
                if not head:
                    return None
                job = json.loads(received(control, int.from_bytes(head, "big")))
                status, *streams = descriptors
                pid = os.fork()
                if pid == 0:
                    break
                for stream in streams:
                    os.close(stream)
                running[pid] = socket.socket(fileno=status)
                running[pid].sendall(pid.to_bytes(NUMBER_BYTES, "big"))
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for each in (*running.values(), control):
        each.close()
    for descriptor in (wakes, woken, status):
        os.close(descriptor)
    return prepared(job, streams)


def report_ends(running: dict[int, socket.socket]) -> None:
    """Report the exit status of each process that has ended."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with running.pop(pid) as waiting:
            try:
                waiting.sendall(status.to_bytes(NUMBER_BYTES, "big"))
            except OSError:
                continue  # nobody waits for it


def received(control: socket.socket, length: int) -> bytes:
    content = b""
    while len(content) < length:
        content += control.recv(length - len(content))
    return content


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
    for text in (sys.stdout, sys.stderr):
        text.reconfigure(line_buffering=text.isatty() or text is sys.stderr)  # type: ignore[union-attr]
    sys.argv = [job["program"], *job["arguments"]]
    os.execve = become_server  # type: ignore[assignment]
    main: Callable[[], None] = import_module(PROGRAMS[job["program"]]).main
    return main


def become_server(interpreter: str, arguments: list[str], variables: dict[str, str]) -> None:
    """In place of ``os.execve`` in ``rowkeep serve``: continue as the server without a new interpreter."""
    assert (interpreter, arguments) == (sys.executable, [sys.executable, "-P", "-m", "rowkeep.server"])
    os.environ.clear()
    os.environ.update(variables)
    import_module(SERVER).main()


if __name__ == "__main__":
    import_all()
    gc.collect()
    gc.freeze()  # the collector would write to pages that all forks share
    program = host(socket.socket(fileno=int(sys.argv[1])))
    if program is not None:
        program()
