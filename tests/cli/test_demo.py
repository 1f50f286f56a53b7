"""``rowkeep demo``: what it prints can be pasted into a shell, and with --exit nothing is printed that would
need the server that has ended."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, run

import pytest
from shell import Shell

from rowkeep.demo import steps
from support import plain
from support.forks import CODE, FORKS, Fork
from support.processes import GUARD, kill_tree

README = Path(__file__).parents[2] / "README.md"
ROWS = 2_000
FEW_ROWS = f"""
import signal
from rowkeep.cli.main import main
from rowkeep.demo import steps
steps.ROWS, steps.BULK = {ROWS}, {ROWS // 2}
# where the tests ignore Ctrl-C, as in the background of a shell, the demo would ignore it too
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""The command with fewer rows than it has otherwise."""

END = "Rowkeep keeps running; press Ctrl-C to stop it."


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """In a directory of its own, and with no settings."""
    shell = Shell.on_store("sqlite:///unused", tmp_path)
    return shell.with_variables(ROWKEEP_DATABASE_URL=None, ROWKEEP_MASTER_KEY_FILE=None, NO_PROXY="*")


@contextmanager
def running(shell: Shell) -> Iterator[tuple[Fork | Popen[bytes], str]]:
    """A demo that has come to where it only serves, and what it printed until then."""
    printed, its = os.pipe()
    demo = FORKS.start(
        CODE, [FEW_ROWS, "demo"], env=shell.variables, cwd=shell.directory, stdout=its, new_session=True
    )
    os.close(its)
    GUARD.keep(demo.pid)
    try:
        with open(printed, encoding="utf-8") as output:
            lines = []
            for line in output:
                lines.append(line)
                if line.strip() == END:
                    break
            yield demo, "".join(lines)
    finally:
        kill_tree(demo.pid)
        demo.wait()
        GUARD.release(demo.pid)


def pasted(shell: Shell, commands: str) -> str:
    done = run(
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
    done = FORKS.run(CODE, [FEW_ROWS, "demo", "--exit"], env=shell.variables, cwd=shell.directory)
    assert (done.returncode, done.stderr) == (0, b""), done
    printed = done.stdout.decode()
    assert f"{ROWS:,} rows in" in printed
    assert re.findall(r"https?://|127\.0\.0\.1|\bcurl\b|\bexport\b|eyJ|rka_", printed) == []
    assert "Stopped" in printed


def test_the_number_of_its_rows_is_that_of_the_readme() -> None:
    assert f"{steps.ROWS:,} rows in bulk" in README.read_text()
