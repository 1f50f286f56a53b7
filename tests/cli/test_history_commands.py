"""``rowkeep history`` and ``rowkeep changes``, as an administrator over HTTP and on the store itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shell import Result
from test_rows_commands import Commands, plain_environment

from support.bot import Bot
from support.engines import first_way_on_each
from support.server import RowkeepServer
from support.workspace import Workspace

STOCK: dict[str, Any] = {
    "name": "stock",
    "history": {"keepDays": 30},
    "schemaDef": [{"name": "Item", "type": "string"}, {"name": "Amount", "type": "integer"}],
}


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    workspace.create_table(STOCK)
    bot = workspace.bot({"stock": "rwd"}, name="stock-bot")
    bot.insert("stock", {"Item": "nut", "Amount": 1}).raise_for_status()
    bot.update("stock", {"all": True}, {"Amount": 2}).raise_for_status()
    return bot


@pytest.fixture(params=["store", "http"])
def shell(
    request: pytest.FixtureRequest, bot: Bot, workspace: Workspace, server: RowkeepServer, tmp_path: Path
) -> Commands:
    assert bot
    if request.param == "store":
        return Commands(server.environment, tmp_path, "--workspace", workspace.name)
    variables = {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    return Commands(plain_environment() | variables, tmp_path, "--workspace", workspace.name)


def good(result: Result) -> str:
    assert (result.status, result.err) == (0, ""), result
    return result.out


@pytest.mark.new_workspace
@first_way_on_each("shell")
def test_the_history_of_a_table_and_of_a_row(shell: Commands, bot: Bot) -> None:
    row = bot.query("stock").json()["queryResult"][0]["_id"]
    update, insert = json.loads(good(shell.run("history", "stock", "--json")))["operations"]
    assert update["tables"][0].items() >= {"table": "stock", "nChanged": 1, "nDeleted": 0}.items()
    shown = good(shell.run("history"))
    assert "stock-bot" in shown
    assert update["id"] in shown
    of_row = json.loads(good(shell.run("history", "stock", row, "--json")))["changes"]
    assert [each["operation"] for each in of_row] == [insert["id"], update["id"]]
    assert "Amount: 1 → 2" in good(shell.run("history", "stock", row))
    for app in ("stock-bot", bot.client_id, insert["by"]):
        found = json.loads(good(shell.run("history", "--app", app, "--json")))["operations"]
        assert found == [update, insert]
        assert (
            len(json.loads(good(shell.run("history", "stock", row, "--app", app, "--json")))["changes"]) == 2
        )
    one = json.loads(good(shell.run("history", "--limit", "1", "--json")))["operations"]
    assert one == [update]
    for arguments, status in (
        (("--app", "nobody"), 1),
        (("--app", "a", "--user", "b"), 2),
        (("stock", row, "--since", "2026-01-01"), 2),
        (("none",), 1),
        (("stock", "x"), 1),
    ):
        refused = shell.run("history", *arguments)
        assert (refused.status, refused.err.count("\n")) == (status, 1), refused


@first_way_on_each("shell")
def test_changes_resume_at_a_cursor_file(shell: Commands, bot: Bot) -> None:
    first = good(shell.run("changes", "stock", "--cursor-file", "cursor")).splitlines()
    assert [json.loads(line)["kind"] for line in first] == ["insert", "update"]
    assert good(shell.run("changes", "stock", "--cursor-file", "cursor")) == ""
    bot.delete("stock", {"all": True}).raise_for_status()
    (line,) = good(shell.run("changes", "stock", "--cursor-file", "cursor")).splitlines()
    deleted = json.loads(line)
    assert deleted["before"] == {"Item": "nut", "Amount": 2}
    assert (shell.directory / "cursor").read_text() == deleted["id"] + "\n"
    after = json.loads(first[0])["id"]
    assert good(shell.run("changes", "stock", "--after", after)).splitlines() == [first[1], line]
    assert good(shell.run("changes", "stock", "--after", "now")) == ""
    (shell.directory / "other").write_text("not a cursor\n" * 100)
    for arguments in (("--cursor-file", "other"), ("--after", "x"), ("--cursor-file", "no/such/file")):
        refused = shell.run("changes", "stock", *arguments)
        assert (refused.status, refused.err.count("\n")) == (1, 1), refused
