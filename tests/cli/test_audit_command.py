"""``rowkeep audit``, and what commands that use the store directly leave in the audit log."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest
from shell import Shell

from support.server import sqlite_url


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell.on_store(sqlite_url(tmp_path / "data"), tmp_path, audit_log_path=tmp_path / "audit.log")
    assert made.run("init").status == 0
    return made


def entries(shell: Shell, *options: str) -> list[dict[str, Any]]:
    """Entries, the oldest first."""
    listed = shell.run("audit", "--json", *options)
    assert listed.status == 0, listed
    found: list[dict[str, Any]] = json.loads(listed.out)["entries"]
    return found[::-1]


def test_commands_are_recorded_with_the_user_of_the_system(shell: Shell) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    made = shell.run("app", "create", "bot", "--json")
    client_id = json.loads(made.out)["clientId"]
    assert shell.run("token", "--app", client_id).status == 0
    assert shell.run("user", "create", "ada@example.com").status == 0
    assert shell.run("keys", "rotate").status == 0
    assert shell.run("keys", "rotate", "--data").status == 0
    assert shell.run("workspace", "delete", "nothing").status == 1
    found = entries(shell)
    assert [(each["actor"]["name"], each["action"], each["result"]) for each in found] == [
        ("rowkeep init", "store.initialise", "success"),
        ("rowkeep app create", "app.create", "success"),
        ("rowkeep token", "app.token.sign", "success"),
        ("rowkeep user create", "user.create", "success"),
        ("rowkeep keys rotate", "key.master.rotate", "success"),
        ("rowkeep keys rotate", "key.data.rotate", "success"),
        ("rowkeep workspace delete", "workspace.delete", "failed"),
    ]
    assert {each["actor"]["kind"] for each in found} == {"command"}
    assert {each["actor"]["id"] for each in found} == {user}
    assert "address" not in found[1]
    assert found[2]["target"] == f"app {client_id}"
    assert found[-1]["cause"] == "no_such_workspace"
    lines = map(json.loads, (shell.directory / "audit.log").read_text().splitlines())
    assert [each["action"] for each in lines] == [each["action"] for each in found[1:]]


def test_the_list(shell: Shell) -> None:
    for name in ("one", "two", "three"):
        assert shell.run("workspace", "create", name).status == 0
    assert [each["workspace"] for each in entries(shell, "--action", "workspace")] == ["one", "two", "three"]
    assert [each["workspace"] for each in entries(shell, "--action", "workspace", "--limit", "2")] == [
        "two",
        "three",
    ]
    assert entries(shell, "--workspace", "one") == entries(
        shell, "--workspace", "one", "--actor", "rowkeep workspace create"
    )
    shown = shell.run("audit", "--workspace", "two")
    assert "command rowkeep workspace create" in shown.out
    refused = shell.run("audit", "--since", "yesterday")
    assert refused.status == 1
    assert refused.err.startswith("Error: since must be")
