"""The command ``rowkeep`` as a shell runs it: with its own environment, directory, input and output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import Popen
from typing import IO, Any, cast
from unittest.mock import patch

import structlog

from rowkeep.cli.main import run
from rowkeep.client import data
from rowkeep.exit_status import end
from support.forks import FORKS, Fork
from support.server import environment

SHORT_WAIT_SECONDS = 0.02
"""Before a command sends a request again, where it runs in this process: who waits proves nothing more."""


@dataclass(frozen=True)
class Result:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


class Shell:
    """Runs commands in a directory, on a store or against a server, as ``variables`` say."""

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self.directory = directory
        self.variables = variables

    @classmethod
    def on_store(cls, database_url: str, directory: Path, **settings: object) -> Shell:
        """Works on the store itself."""
        return cls(directory, environment(database_url, directory, **settings))

    def with_variables(self, **variables: str | None) -> Shell:
        """The same with more environment variables, or without those that are None."""
        changed = {**self.variables, **variables}
        return Shell(self.directory, {name: v for name, v in changed.items() if v is not None})

    def run(self, *arguments: str, stdin: str | bytes = "") -> Result:
        """Run ``rowkeep`` to its end.

        Most of the time that a command takes is the start of its process, so it runs in this one, as if the
        shell had started it. Not so the server, which would put itself in the place of this process, nor the
        demo, which has processes of its own.
        """
        if arguments[:1] in (("serve",), ("demo",)):
            return self.run_fork(*arguments)
        given = TextIOWrapper(BytesIO(stdin.encode() if isinstance(stdin, str) else stdin), "utf-8")
        out, err = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
        logging = structlog.get_config()
        with (
            environment_of(self.variables),
            patch.object(sys, "stdin", given),
            patch.object(data, "FIRST_WAIT_SECONDS", SHORT_WAIT_SECONDS),
            chdir(self.directory),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                status = end(partial(run, list(arguments)))
            finally:
                structlog.configure(**logging)
        return Result(status, _written(out), _written(err))

    def run_fork(self, *arguments: str) -> Result:
        """The same in a process of its own that has Rowkeep imported."""
        done = FORKS.run("rowkeep", arguments, env=self.variables, cwd=self.directory)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, stderr: int | IO[bytes] = subprocess.DEVNULL) -> Fork | Popen[bytes]:
        """Start ``rowkeep`` in a process of its own, which prints nothing."""
        return FORKS.start("rowkeep", arguments, env=self.variables, cwd=self.directory, stderr=stderr)

    def run_process(self, *arguments: str, stdin: str = "") -> Result:
        """The same with an interpreter of its own, where that is what a test is about."""
        done = subprocess.run(
            [sys.executable, "-m", "rowkeep", *arguments],
            env=self.variables,
            cwd=self.directory,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def succeeds(self, *arguments: str, stdin: str = "") -> str:
        """What a command prints that must not fail, nor complain."""
        done = self.run(*arguments, stdin=stdin)
        assert (done.status, done.err) == (0, ""), done
        return done.out

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """What it prints with ``--json``."""
        return json.loads(self.succeeds(*arguments, "--json", stdin=stdin))

    def fails(self, *arguments: str, status: int = 1, stdin: str = "") -> str:
        """The one line on standard error of a command that must fail, with this status."""
        done = self.run(*arguments, stdin=stdin)
        assert (done.status, done.out) == (status, ""), done
        lines = done.err.splitlines()
        assert len(lines) == 1, done
        assert lines[0].strip()
        assert "Traceback" not in lines[0]
        return lines[0]


@contextmanager
def environment_of(variables: Mapping[str, str]) -> Iterator[None]:
    """Let this process have these variables and no others. Only those that differ are set."""
    before = dict(os.environ)
    _become(before, variables)
    try:
        yield
    finally:
        _become(dict(os.environ), before)


def _become(now: Mapping[str, str], then: Mapping[str, str]) -> None:
    for name in now.keys() - then.keys():
        del os.environ[name]
    os.environ.update({name: value for name, value in then.items() if now.get(name) != value})


def _written(stream: TextIOWrapper) -> str:
    stream.flush()
    return cast("BytesIO", stream.buffer).getvalue().decode()
