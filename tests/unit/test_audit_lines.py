"""The audit log as JSON lines: a file that only its owner reads, opened again after a rotation."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from rowkeep.model.audit import (
    ActorKind,
    AuditActor,
    AuditEntry,
    Outcome,
    shown_details,
)
from rowkeep.model.management_requests import AppBody
from rowkeep.model.user_requests import UserBody
from rowkeep.services.audit_lines import AuditLines

ACTOR = AuditActor(ActorKind.USER, "us-1", "ada@example.com")


def entry(action: str) -> AuditEntry:
    time = "2026-11-27T21:26:26.000Z"
    return AuditEntry("au-1", time, ACTOR, action, Outcome.SUCCESS, target="table people")


def actions_in(path: Path) -> list[str]:
    return [msgspec.json.decode(line)["action"] for line in path.read_bytes().splitlines()]


def test_a_line_has_what_applies(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    lines = AuditLines(str(path), is_command=False)
    lines.write(entry("table.create"))
    lines.close()
    assert msgspec.json.decode(path.read_bytes()) == {
        "event": "audit",
        "id": "au-1",
        "time": "2026-11-27T21:26:26.000Z",
        "actor": {"kind": "user", "id": "us-1", "name": "ada@example.com"},
        "action": "table.create",
        "result": "success",
        "target": "table people",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_rotated_file_is_opened_again(tmp_path: Path) -> None:
    path, rotated = tmp_path / "audit.log", tmp_path / "audit.log.1"
    lines = AuditLines(str(path), is_command=True)
    lines.write(entry("one"))
    lines.write(entry("two"))
    path.rename(rotated)
    lines.write(entry("three"))
    rotated.unlink()
    path.unlink()
    lines.write(entry("four"))
    lines.close()
    assert actions_in(path) == ["four"]


def test_several_processes_append(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    first, second = (AuditLines(str(path), is_command=True) for _ in range(2))
    for lines, action in ((first, "one"), (second, "two"), (first, "three")):
        lines.write(entry(action))
    first.close()
    second.close()
    assert actions_in(path) == ["one", "two", "three"]


@pytest.mark.anyio
async def test_a_file_that_cannot_be_written_is_logged(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as logged:
        AuditLines(str(tmp_path / "missing" / "audit.log"), is_command=False).write(entry("one"))
    assert [each["event"] for each in logged] == ["audit log not written"]
    assert logged[0]["error"].startswith("[Errno 2] No such file")


def test_a_command_prints_once_that_it_cannot_write(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "missing" / "audit.log"
    lines = AuditLines(str(path), is_command=True)
    lines.write(entry("one"))
    lines.write(entry("two"))
    assert capsys.readouterr() == (
        "",
        f"Warning: The audit log {path} (ROWKEEP_AUDIT_LOG_PATH) cannot be written: No such file or "
        "directory. The entry is only in the catalog.\n",
    )


def test_standard_output(capsysbinary: Any) -> None:
    AuditLines("", is_command=False).write(entry("one"))
    AuditLines("", is_command=True).write(entry("two"))
    AuditLines("none", is_command=False).write(entry("three"))
    found = capsysbinary.readouterr().out.splitlines()
    assert [msgspec.json.decode(line)["action"] for line in found] == ["one"]


def test_details_have_no_secrets() -> None:
    user = UserBody(email="ada@example.com", name="Ada\n" + "x" * 400, password="secret")
    details = shown_details(user)
    assert "secret" not in str(details)
    assert details["email"] == "ada@example.com"
    assert details["name"].startswith("Ada\ufffdxx")
    assert len(details["name"]) == 300
    app = AppBody(name="bot", client_secret="secret" * 8, public_key="key")
    assert shown_details(app)["name"] == "bot"
    assert "secret" not in str(shown_details(app)).replace("client_secret", "")
