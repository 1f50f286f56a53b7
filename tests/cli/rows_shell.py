"""What the suites of `rowkeep rows` share: a shell that speaks for one app, and a table of every type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shell import Result, Shell

from support.bot import Bot
from support.forks import CODE, FORKS
from support.server import RowkeepServer
from support.workspace import Workspace

NUMBERS: dict[str, Any] = {
    "name": "numbers",
    "schemaDef": [
        {"name": "Number", "type": "integer", "isRequired": True},
        {"name": "Text", "type": "string"},
    ],
}


class RowsShell:
    """Runs ``rowkeep rows`` for a bot, over HTTP, in a directory."""

    def __init__(self, bot: Bot, directory: Path, url: str | None = None) -> None:
        self.bot = bot
        self.directory = directory
        variables = {"ROWKEEP_URL": url or bot.server_url, "ROWKEEP_APP_SECRET": bot.secret}
        self.shell = Shell(directory, _without_settings()).with_variables(**variables)

    def at(self, url: str) -> RowsShell:
        """The same at another address."""
        return RowsShell(self.bot, self.directory, url)

    def arguments(self, command: str, table: str, *more: str) -> list[str]:
        return ["rows", command, table, "--app", self.bot.client_id, *more]

    def run(self, command: str, table: str, *more: str, stdin: str | bytes = "") -> Result:
        """Run it to its end, whatever that is."""
        return self.shell.run(*self.arguments(command, table, *more), stdin=stdin)

    def json(self, command: str, table: str, *more: str, notes: bool = False) -> Any:
        """What it prints with ``--json``; it must not fail, nor have anything else to tell but ``notes``."""
        done = self.run(command, table, *more, "--json")
        assert (done.status, bool(done.err)) == (0, notes), done
        return json.loads(done.out)

    def fails(self, command: str, table: str, *more: str, status: int = 1) -> str:
        """The one line on standard error of a command that must fail, with this status."""
        done = self.run(command, table, *more)
        assert (done.status, done.out, done.err.count("\n")) == (status, "", 1), done
        return done.err

    def run_bytes(self, command: str, table: str, *more: str) -> subprocess.CompletedProcess[bytes]:
        """The same with what it prints as it is."""
        arguments = self.arguments(command, table, *more)
        done = FORKS.run("rowkeep", arguments, env=self.shell.variables, cwd=self.directory)
        done.check_returncode()
        return done

    def run_code(self, code: str, command: str, table: str, *more: str) -> Result:
        """Run it in a process of its own by this Python code, which has its arguments in ``sys.argv``."""
        arguments = [code, *self.arguments(command, table, *more)]
        done = FORKS.run(CODE, arguments, env=self.shell.variables, cwd=self.directory)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def write(self, name: str, text: str | bytes) -> str:
        """A file in the shell's directory; its name."""
        (self.directory / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return name

    def read(self, name: str) -> str:
        return (self.directory / name).read_bytes().decode()

    def rejects(self, name: str) -> list[dict[str, Any]]:
        """The rejects of importing this file."""
        path = self.directory / f"{name}.rejects.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ROWKEEP_")}


def on_the_store(server: RowkeepServer, directory: Path) -> Shell:
    """A shell beside a running server, on its store."""
    return Shell(directory, server.environment)


def all_rows(bot: Bot, table: str, *fields: str) -> list[dict[str, Any]]:
    """Every row of a table, by ``_id``."""
    return list(_rows(bot, table, fields))


def _rows(bot: Bot, table: str, fields: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    body: dict[str, Any] = {"count": "none"} | ({"fields": list(fields)} if fields else {})
    while True:
        page = bot.query(table, body, sys_limit=1000).json()
        yield from page["queryResult"]
        if "nextCursor" not in page:
            return
        body["cursor"] = page["nextCursor"]


def numbers_of(bot: Bot) -> list[int]:
    """The table ``numbers``, sorted: ids of several processes increase only to the second."""
    return sorted(row["Number"] for row in all_rows(bot, "numbers", "Number"))


def numbers_bot(workspace: Workspace, rights: str = "rwd") -> Bot:
    """A bot of a fresh table ``numbers``."""
    return workspace.bot_with([NUMBERS], rights)


MEASURED = """
import resource, sys
from rowkeep.cli.main import main
from rowkeep.files import batches
batches.PIECE_BYTES = batches.FIRST_PIECE_BYTES
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def peak_memory(rows: RowsShell, command: str, table: str, *more: str) -> int:
    """The most memory, in bytes, that a command had at once; it must succeed. All of them have the memory of
    the process that forks. Imports send pieces of the first size: they would grow to 8 MB, whose rows take
    40 MB."""
    done = rows.run_code(MEASURED, command, table, *more)
    assert done.status == 0, done
    return int(done.err.splitlines()[-1]) * (1 if sys.platform == "darwin" else 1024)
