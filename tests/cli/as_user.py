"""Runs ``rowkeep`` in forks of one process that has imported everything before.

Each command is a process of its own as always, but starts at once. It may run as another user, which root
alone can do: the interpreter may lie where only root can read it, so everything that a command imports is
imported before, by commands on another store.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import psutil

REHEARSED = ("init", "app create bot", "app list", "table create t.json", "no command")
SERVER = "rowkeep.server"
"""The program that ``rowkeep serve`` replaces itself by."""
AS_PROGRAM = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
ALSO_IMPORTED = (f"{SERVER}.__main__", "rowkeep.storage.postgres.store")


class Host:
    """The process whose forks run commands. It is itself a fork of the one that has Rowkeep imported."""

    def __init__(self) -> None:
        from support.forks import CODE, FORKS

        read_by_host, to_host = os.pipe()
        from_host, written_by_host = os.pipe()
        self._jobs, self._results = os.fdopen(to_host, "w"), os.fdopen(from_host)
        self._process = FORKS.start(
            CODE,
            [AS_PROGRAM, __file__],
            env=os.environ,
            cwd=Path.cwd(),
            stdin=read_by_host,
            stdout=written_by_host,
            stderr=2,
        )
        os.close(read_by_host)
        os.close(written_by_host)

    def run(
        self,
        arguments: tuple[str, ...],
        variables: Mapping[str, str],
        directory: Path,
        user: int | None = None,
        umask: int = 0o022,
        writable: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with these environment variables. With ``writable``, it can write to
        nothing but that directory, as in a container; only for root."""
        place = None if writable is None else str(writable)
        job = [arguments, dict(variables), str(directory), user, umask, place]
        print(json.dumps(job), file=self._jobs, flush=True)
        status, out, err = json.loads(self._results.readline())
        return subprocess.CompletedProcess(arguments, status, out, err)

    def running(self) -> list[psutil.Process]:
        """The command that runs now."""
        return psutil.Process(self._process.pid).children()

    def close(self) -> None:
        self._jobs.close()
        self._process.wait()
        self._results.close()


def rehearse() -> None:
    """Run commands of each kind on a store of their own."""
    from rowkeep.cli.main import run
    from rowkeep.exit_status import end

    before = dict(os.environ)
    out = StringIO()
    with tempfile.TemporaryDirectory() as directory, redirect_stdout(out), redirect_stderr(out):
        for name in [name for name in os.environ if name.startswith("ROWKEEP_")]:
            del os.environ[name]
        os.environ["ROWKEEP_DATABASE_URL"] = f"sqlite:///{directory}/data"
        Path(directory, "t.json").write_text('{"name": "t", "schemaDef": []}')
        for arguments in REHEARSED:
            end(partial(run, arguments.replace("t.json", f"{directory}/t.json").split()))
    os.environ.clear()
    os.environ.update(before)
    for module in ALSO_IMPORTED:
        import_module(module)


def run_in_fork(job: list[Any]) -> list[Any]:
    """Run a command; its exit status and what it wrote."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        child = os.fork()
        if child == 0:
            become_command(job, out.fileno(), err.fileno())
        _, status = os.waitpid(child, 0)
        for file in (out, err):
            file.seek(0)
        return [os.waitstatus_to_exitcode(status), out.read(), err.read()]


def become_command(job: list[Any], out: int, err: int) -> None:
    """What a fork does; it does not return."""
    from rowkeep.cli.main import main

    arguments, variables, directory, user, umask, writable = job
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.chdir(directory)
        os.umask(umask)
        if writable is not None:
            make_read_only(writable)
        if user is not None:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = ["rowkeep", *arguments]
        os.execve = become_server
        main()
    except SystemExit as done:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(done.code or 0))
    finally:
        os._exit(70)


NEW_MOUNTS = 0x00020000
NO_NEW_PRIVILEGES, NO_WRITABLE_CODE = 38, 65
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18


def make_read_only(writable: str) -> None:
    """Make every file system read-only for this process, except this directory. Other processes do not see
    the change. (Python 3.11 does not have these calls.)"""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: str | None, target: str, flags: int) -> bool:
        source_bytes = None if source is None else source.encode()
        return libc.mount(source_bytes, target.encode(), None, ctypes.c_ulong(flags), None) == 0

    if libc.unshare(NEW_MOUNTS) != 0:
        return  # root of a container may not do this; then only the owners of files protect them
    assert mount(None, "/", RECURSIVE | PRIVATE), os.strerror(ctypes.get_errno())
    assert mount(writable, writable, BIND), os.strerror(ctypes.get_errno())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        target = line.split()[1].encode().decode("unicode_escape")
        if target != writable and not target.startswith(("/proc", "/sys", "/dev/pts")):
            mount(None, target, READ_ONLY | REMOUNT | BIND)
    # the working directory was opened before
    os.chdir(os.getcwd())
    # as systemd and container engines do; a kernel before Linux 6.3 refuses the second one
    libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.prctl(NO_WRITABLE_CODE, 1, 0, 0, 0)
    for path in ("/", "/tmp", "/var/tmp", "/dev/shm", str(Path(writable).parent)):  # noqa: S108
        assert os.statvfs(path).f_flag & os.ST_RDONLY, path


def become_server(_interpreter: str, arguments: list[str], variables: dict[str, str]) -> None:
    """In place of ``os.execve``: what a new interpreter would do."""
    assert arguments[-1] == SERVER
    os.environ.clear()
    os.environ.update(variables)
    import_module(SERVER + ".__main__").main()


def host_commands() -> None:
    """Run the commands that come on standard input, and write what came of them."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    rehearse()
    gc.collect()
    gc.freeze()  # the collector would write to pages that all forks share
    for line in sys.stdin:
        print(json.dumps(run_in_fork(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    host_commands()
