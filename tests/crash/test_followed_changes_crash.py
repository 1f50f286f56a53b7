"""``rowkeep changes --follow`` that is killed again and again: each change is printed at least once and in
order, and a set that is made of the lines equals the table."""

from __future__ import annotations

import json
import random
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from support.bot import Bot
from support.forks import FORKS
from support.server import RowkeepServer
from support.workspace import Workspace

SECONDS = 120
KILLS = 2
STOCK: dict[str, Any] = {
    "name": "stock",
    "history": {"keepDays": 1},
    "schemaDef": [{"name": "Code", "type": "integer"}, {"name": "Amount", "type": "integer"}],
}


class Reader:
    """The command, which appends its lines to a file."""

    def __init__(self, server: RowkeepServer, workspace: Workspace, directory: Path) -> None:
        self.output = directory / "changes.ndjson"
        self._arguments = [
            "changes", "stock", "--follow", "--workspace", workspace.name, "--cursor-file", "cursor",
        ]  # fmt: skip
        self._environment = server.environment | {
            "ROWKEEP_URL": server.url,
            "ROWKEEP_ADMIN_TOKEN": server.admin_token,
        }
        self._directory = directory

    def start(self) -> Any:
        with self.output.open("ab") as output:
            # without a line that was cut by a kill
            output.truncate(self.output.read_bytes().rfind(b"\n") + 1)
            return FORKS.start(
                "rowkeep", self._arguments, env=self._environment, cwd=self._directory,
                stdout=output, stderr=subprocess.DEVNULL, new_session=True,
            )  # fmt: skip

    def changes(self) -> list[dict[str, Any]]:
        """What was printed, without a line that was cut by a kill."""
        found = []
        for line in self.output.read_bytes().split(b"\n"):
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def wait_for(self, operation: str) -> None:
        """Wait until the changes of an operation were printed."""
        deadline = time.monotonic() + SECONDS
        while not any(each["operation"] == operation for each in self.changes()):
            assert time.monotonic() < deadline, "the change was not printed"
            time.sleep(0.02)


def write(bot: Bot, chance: random.Random) -> str:
    """Some random writes; returns the operation of the last one."""
    for _ in range(3):
        code = chance.randrange(4)
        matching = {"expressions": [{"field": "Code", "operand": "=", "value": code}]}
        bot.insert("stock", {"Code": code, "Amount": chance.randrange(100)})
        bot.update("stock", matching, {"Amount": chance.randrange(100)})
        if chance.random() < 0.3:
            bot.delete("stock", matching)
    last = bot.insert("stock", {"Code": 9, "Amount": 0})
    assert last.status_code == 200, last.text
    return last.headers["Operation-Id"]


@pytest.mark.timeout(SECONDS * 2)
def test_a_reader_that_is_killed_misses_nothing(
    server: RowkeepServer, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create_table(STOCK)
    bot = workspace.bot({"stock": "rwd"})
    reader = Reader(server, workspace, tmp_path)
    chance = random.Random(15)
    for turn in range(KILLS + 1):
        process = reader.start()
        operation = write(bot, chance)
        if turn < KILLS and chance.random() < 0.5:
            # in the middle of whatever it does
            process.kill()
            process.wait()
            continue
        reader.wait_for(operation)
        process.kill()
        process.wait()
    rows: dict[str, dict[str, Any]] = {}
    for change in reader.changes():
        if change["after"] is None:
            rows.pop(change["_id"], None)
        else:
            rows.setdefault(change["_id"], {}).update(change["after"])
    found = bot.query("stock", sys_limit=1000).json()["queryResult"]
    assert rows == {row["_id"]: {name: row[name] for name in ("Code", "Amount")} for row in found}
    all_changes = bot.request("GET", "/api/public/tables/stock/changes", params={"limit": 1000}).json()
    printed = dict.fromkeys(each["id"] for each in reader.changes())
    assert list(printed) == [each["id"] for each in all_changes["changes"]]
