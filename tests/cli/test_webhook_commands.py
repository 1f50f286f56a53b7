"""``rowkeep webhook``: all its commands, and what a copy of a workspace does with webhooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import Shell

from support.server import sqlite_url

URL = "https://hooks.invalid/rows"
STOCK = {
    "name": "stock",
    "schemaDef": [{"name": "Item", "type": "string"}],
    "history": {"keepDays": 30},
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path)
    assert shell.run("init").status == 0
    shell.succeeds("table", "create", "-", stdin=json.dumps(STOCK))
    return shell


def test_a_webhook_by_commands(shell: Shell) -> None:
    shown = shell.succeeds("webhook", "create", URL, "--table", "stock", "--kind", "insert")
    assert "whsec_" in shown
    assert "The secret is not shown again." in shown
    (webhook,) = shell.json("webhook", "list")["webhooks"]
    assert (webhook["url"], webhook["kinds"]) == (URL, ["insert"])
    identity = webhook["id"]
    assert "enabled" in shell.succeeds("webhook", "show", identity)
    changed = shell.json("webhook", "change", identity, "--kind", "update", "--url", f"{URL}/2")
    assert (changed["url"], changed["kinds"], changed["tables"]) == (f"{URL}/2", ["update"], ["stock"])
    assert "disabled" in shell.succeeds("webhook", "pause", identity)
    assert shell.json("webhook", "resume", identity)["enabled"] is True
    assert shell.json("webhook", "rotate-secret", identity)["secret"].startswith("whsec_")
    tested = shell.json("webhook", "test", identity)
    assert (tested["type"], tested["state"]) == ("webhook.test", "failed")
    assert tested["id"] in shell.succeeds("webhook", "deliveries", identity, "--state", "failed")
    again = shell.json("webhook", "redeliver", identity, tested["id"])
    assert again["attempts"] == 2
    assert "at least one option" in shell.fails("webhook", "change", identity, status=2)
    assert "not public" in shell.fails("webhook", "create", "http://127.0.0.1/", "--table", "stock")
    assert "Deleted webhook" in shell.succeeds("webhook", "delete", identity)
    assert "No such webhook" in shell.fails("webhook", "show", identity)


def test_webhooks_of_a_copied_workspace_are_paused(shell: Shell) -> None:
    made = shell.json("webhook", "create", URL, "--table", "stock")
    shell.succeeds("copy", shell.variables["ROWKEEP_DATABASE_URL"], "--workspace", "twin")
    (copied,) = shell.json("webhook", "list", "--workspace", "twin")["webhooks"]
    assert (copied["id"], copied["tables"]) == (made["id"], ["stock"])
    assert "was copied from another one" in copied["pausedReason"]
    # its secret is encrypted with the key of the copy
    assert shell.json("webhook", "test", made["id"], "--workspace", "twin")["attempts"] == 1
