"""``rowkeep undo``: it shows what it would do, asks, and undoes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shell import Shell

from support.server import sqlite_url

ORDERS = {
    "name": "orders",
    "schemaDef": [{"name": "Code", "type": "string"}],
    "history": {"keepDays": 30},
}


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path)
    assert made.run("init").status == 0
    (tmp_path / "orders.json").write_text(json.dumps(ORDERS))
    assert made.run("table", "create", str(tmp_path / "orders.json")).status == 0
    assert made.run("rows", "insert", "orders", '[{"Code": "a"}, {"Code": "b"}]').status == 0
    return made


def test_changes_are_undone(shell: Shell) -> None:
    assert shell.run("rows", "update", "orders", "--all", "--set", "Code=x").status == 0
    assert shell.run("rows", "delete", "orders", "--where", "Code=x", "--yes").status == 0
    newest = json.loads(shell.run("history", "--json").out)["operations"][0]["id"]
    refused = shell.run("undo", newest)
    assert (refused.status, "--yes" in refused.err) == (1, True)
    shown = shell.run("undo", newest, "--dry-run")
    assert shown.out == "Would undo: 2 restored, 0 set back, 0 removed.\n"
    done = shell.run("undo", newest, "--yes", "--json")
    assert json.loads(done.out) == {"nRestored": 2, "nChanged": 0, "nRemoved": 0, "conflicts": []}
    assert shell.run("undo", newest, "--yes").out == "Undone: 0 restored, 0 set back, 0 removed.\n"
    entries = json.loads(shell.run("audit", "--action", "rows.undo", "--json").out)["entries"]
    assert (entries[-1]["actor"]["name"], entries[-1]["result"]) == ("rowkeep undo", "success")
    again = shell.run("undo", "--table", "orders", "--since", "2020-01-01", "--dry-run")
    assert again.out == "Would undo: 0 restored, 0 set back, 2 removed.\n"


def test_what_is_wrong_is_said(shell: Shell) -> None:
    nothing = shell.run("undo")
    assert (nothing.status, "name what to undo" in nothing.err) == (2, True)
    unknown = shell.run("undo", "0" * 24, "--yes")
    assert (unknown.status, "No such operation" in unknown.err) == (1, True)
    wrong = shell.run("undo", "--app", "nobody", "--yes")
    assert (wrong.status, '"nobody"' in wrong.err) == (1, True)
