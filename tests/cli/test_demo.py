"""``rowkeep demo``: what it prints can be pasted into a shell, and with --exit nothing is printed that would
need the server that has ended."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from shell import Shell

from support import plain
from support.processes import GUARD, kill_tree

FEW_ROWS = "from rowkeep.demo import steps; steps.ROWS = 5_000; from rowkeep.cli.main import main; main()"
"""The command with fewer rows than it has otherwise."""

END = "Rowkeep keeps running; press Ctrl-C to stop it."


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """In a directory of its own, and with no settings."""
    shell = Shell.on_store("sqlite:///unused", tmp_path)
    return shell.with_variables(
        ROWKEEP_DATABASE_URL=None, ROWKEEP_MASTER_KEY_FILE=None, LC_ALL="C.UTF-8", NO_PROXY="*"
    )


@contextmanager
def running(shell: Shell) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that has come to where it only serves, and what it printed until then."""
    demo = subprocess.Popen(
        [sys.executable, "-c", FEW_ROWS, "demo"],
        cwd=shell.directory,
        env=shell.variables,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # where this process ignores Ctrl-C, as in the background of a shell, the demo would ignore it too
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    GUARD.keep(demo.pid)
    try:
        assert demo.stdout
        printed = []
        for line in demo.stdout:
            printed.append(line)
            if line.strip() == END:
                break
        yield demo, "".join(printed)
    finally:
        kill_tree(demo.pid)
        demo.wait()
        GUARD.release(demo.pid)


def pasted(shell: Shell, commands: str) -> str:
    done = subprocess.run(
        ["sh", "-eu"],
        cwd=shell.directory,
        env=shell.variables,
        input=commands,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def test_what_it_prints_can_be_pasted(shell: Shell) -> None:
    with running(shell) as (demo, printed):
        _, found, rest = printed.partition("Try it yourself")
        assert found, printed
        lines = rest.splitlines()[1:]
        assert re.fullmatch(r"export URL=http://127\.0\.0\.1:\d+ TOKEN=\S+", lines[0])
        assert re.fullmatch(r"export ADMIN_TOKEN=rka_\S+", lines[1])
        commands, _, docs = "\n".join(lines).partition("API docs: ")
        answers = pasted(shell, commands)
        assert '"First_Name":"Ada"' in answers
        assert '"nModified":1' in answers
        assert '"name":"customers"' in answers  # the administrator's list of tables
        assert '"code"' not in answers
        assert plain.get(docs.split()[0]).status_code == 200
        demo.send_signal(signal.SIGINT)
        assert demo.wait() == 0


def test_with_exit_nothing_is_left_to_ask(shell: Shell) -> None:
    printed = shell.succeeds("demo", "--exit")
    assert "100,000 rows in" in printed
    assert re.findall(r"https?://|127\.0\.0\.1|\bcurl\b|\bexport\b|eyJ|rka_", printed) == []
    assert "Stopped" in printed
