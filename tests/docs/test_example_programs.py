"""The programs of ``examples/`` do what they say, against a real server on either engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.bot import Bot
from support.workspace import PEOPLE, Workspace

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CONSOLE = ROOT / ".venv" / "console"

PROGRAMS: dict[str, list[str | Path]] = {
    "python/people.py": [sys.executable, "-W", "error"],
    "node/people.mjs": [CONSOLE / "bin" / "node"],
    "shell/people.sh": ["bash"],
}
"""Each program, and what runs it. Node.js is that of the web console."""

LINES = ["inserted Jane Doe", "found Jane 263", "updated 1", "deleted 1"]
RESPONSES = [
    {"nInserted": 1},
    {
        "hasMore": False,
        "total": 1,
        "metaInfo": [{"name": "First_Name", "type": "string"}, {"name": "Number", "type": "number"}],
        "queryResult": [{"First_Name": "Jane", "Number": 263}],
    },
    {"nModified": 1},
    {"nDeleted": 1},
]


def run(program: str, bot: Bot, secret: str) -> subprocess.CompletedProcess[str]:
    assert (CONSOLE / "ready").exists(), "Node.js is not installed: run `make .venv/console/ready`"
    variables = {"ROWKEEP_URL": bot.server_url, "CLIENT_ID": bot.client_id, "CLIENT_SECRET": secret}
    return subprocess.run(
        [*PROGRAMS[program], EXAMPLES / program],
        env=os.environ | {"no_proxy": "*"} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    workspace.create_table(PEOPLE)
    return workspace.bot({"people": "rwd"})


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_does_its_work(program: str, bot: Bot) -> None:
    done = run(program, bot, bot.secret)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    if program.startswith("shell/"):
        assert [json.loads(line) for line in lines] == RESPONSES
    else:
        assert lines == LINES
    assert bot.query("people").json()["total"] == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_shows_the_error(program: str, bot: Bot) -> None:
    done = run(program, bot, "another secret")
    assert done.returncode == 1
    assert "unauthenticated" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_every_example_is_run_and_listed() -> None:
    programs = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.glob("*/*")}
    assert programs == PROGRAMS.keys()
    listed = (EXAMPLES / "README.md").read_text()
    assert [program for program in programs if f"]({program})" not in listed] == []
