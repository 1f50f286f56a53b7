"""Signals that arrive while a program loads its modules."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rowkeep.__main__ import INTERRUPTED
from rowkeep.exit_status import INTERRUPTED as STATUS
from rowkeep.server.supervisor import STOP_SIGNALS

PROGRAM = """
import runpy, signal, sys

number, module, program, *arguments = sys.argv[1:]
# the tests' own parent may ignore them
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

class Sender:
    def find_spec(name, path=None, target=None):
        if name == module:
            signal.raise_signal(int(number))

{before}
sys.argv[1:] = arguments
runpy.run_module(program, run_name="__main__", alter_sys=True)
print("loaded")
"""
WHILE_LOADING = "sys.meta_path.insert(0, Sender)"
HELD_BACK = "signal.pthread_sigmask(signal.SIG_BLOCK, [int(number)]); signal.raise_signal(int(number))"
IGNORED = f"signal.signal(int(number), signal.SIG_IGN); {WHILE_LOADING}"


def ended(directory: Path, before: str, number: signal.Signals, *words: str) -> tuple[int, str, str]:
    """The exit status and the output of a program that gets a signal when it loads a module."""
    code = PROGRAM.format(before=before)
    command = [sys.executable, "-c", code, str(int(number)), *words]
    done = subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", ["typer", "rowkeep.settings", "rowkeep.cli.serve"])
def test_a_server_that_is_stopped_while_its_command_is_loaded(
    number: signal.Signals, module: str, tmp_path: Path
) -> None:
    assert ended(tmp_path, WHILE_LOADING, number, module, "rowkeep", "serve") == (0, "", "")


@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.parametrize("before", [WHILE_LOADING, HELD_BACK])
def test_a_server_that_is_stopped_while_it_is_loaded(
    number: signal.Signals, before: str, tmp_path: Path
) -> None:
    """Also if it was stopped by the command before, which holds signals back for it."""
    assert ended(tmp_path, before, number, "msgspec", "rowkeep.server") == (0, "", "")


def test_a_command_that_is_interrupted_while_it_is_loaded(tmp_path: Path) -> None:
    found = ended(tmp_path, WHILE_LOADING, signal.SIGINT, "typer", "rowkeep", "table", "list")
    assert found == (INTERRUPTED, "", "")
    assert INTERRUPTED == STATUS


def test_what_the_parent_ignores_stays_ignored(tmp_path: Path) -> None:
    status, output, errors = ended(tmp_path, IGNORED, signal.SIGINT, "typer", "rowkeep", "version")
    assert (status, output.startswith("rowkeep "), errors) == (0, True, "")
