"""A workspace's definitions and grants as files: export, diff, apply, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from shell import Shell

from support.workspace import PEOPLE

TEAMS: dict[str, Any] = {
    "name": "teams",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Lead", "type": "string", "reference": {"table": "people", "column": "_id"}},
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
CHART = {"table": "people", "name": "Names", "kind": "bar", "category": "Last_Name"}
VIEW = {"name": "leads", "table": "teams", "columns": ["teams.Lead"]}


@pytest.fixture
def places(shell: Shell) -> Iterator[tuple[str, str]]:
    """Two workspaces, each with an app of the same name."""
    names = tuple(f"cli_{uuid4().hex[:12]}" for _ in range(2))
    for name in names:
        shell.succeeds("workspace", "create", name)
        shell.succeeds("app", "create", "bot", "--workspace", name)
    yield names[0], names[1]
    for name in names:
        shell.succeeds("workspace", "delete", name)


def files(directory: Path) -> dict[str, str]:
    return {str(path.relative_to(directory)): path.read_text() for path in directory.rglob("*.json")}


def write(directory: Path, definition: dict[str, Any], kind: str = "tables") -> Path:
    path = directory / kind / f"{definition['name']}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(definition))
    return path


def test_review_and_deploy(shell: Shell, places: tuple[str, str], tmp_path: Path) -> None:
    here, there = (("--workspace", name) for name in places)
    directory, copy = tmp_path / "schema", tmp_path / "copy"
    for definition in (PEOPLE, TEAMS):
        write(directory, definition)
    write(directory, VIEW, "views")
    (directory / "grants.json").write_text('[{"app": "bot", "view": "leads", "read": true}]')
    (directory / "charts.json").write_text(json.dumps([CHART]))
    differs = shell.run("schema", "diff", str(directory), *here)
    assert (differs.status, differs.err) == (1, "")
    assert "create table people" in differs.out
    applied = shell.json("schema", "apply", str(directory), *here)["steps"]
    assert [step["step"] for step in applied] == [
        "create table people", "create table teams", "create view leads",
        'grant app "bot" read on view leads', 'create chart "Names" of table people',
    ]  # fmt: skip
    assert "Nothing" in shell.succeeds("schema", "apply", str(directory), *here)
    assert shell.json("schema", "diff", str(directory), *here) == {"steps": []}
    # what is exported is the same wherever it was applied, byte for byte, and each column has its line
    assert "Wrote 5 files" in shell.succeeds("schema", "export", str(copy), *here)
    exported = files(copy)
    assert exported.keys() == files(directory).keys()
    assert exported["tables/teams.json"].count("\n") == 11
    assert '\n    {"name": "Code", "type": "string", "isRequired": false, ' in exported["tables/teams.json"]
    shell.succeeds("schema", "apply", str(copy), *there)
    again = shell.json("schema", "export", str(copy), *there)
    assert (again["written"], again["removed"], set(again["unchanged"])) == ([], [], set(exported))
    assert files(copy) == exported
    assert exported["charts.json"].count("\n") == 3
    # what goes is a loss of data, and goes only if that is meant
    for name in ("tables/teams.json", "views/leads.json"):
        (copy / name).unlink()
    for name in ("grants.json", "charts.json"):
        (copy / name).write_text("[]")
    refused = shell.fails("schema", "apply", str(copy), *there, status=2)
    assert "drop table teams" in refused
    told = shell.run("schema", "diff", str(copy), "--json", *there)
    assert told.status == 1
    assert [step["losesData"] for step in json.loads(told.out)["steps"]] == [False, True, False]
    assert "drop view leads" in shell.succeeds("schema", "apply", str(copy), "--allow-data-loss", *there)
    (copy / "tables" / "README.md").write_text("Ours.")
    assert shell.json("schema", "export", str(copy), *here)["written"] == [
        "tables/teams.json", "views/leads.json", "grants.json", "charts.json",
    ]  # fmt: skip
    assert shell.json("schema", "export", str(copy), *there)["removed"] == [
        "tables/teams.json", "views/leads.json",
    ]  # fmt: skip
    assert (copy / "tables" / "README.md").exists()
    # a directory without grants.json says nothing of grants, and one without charts.json nothing of charts
    (directory / "grants.json").unlink()
    (directory / "charts.json").unlink()
    assert shell.json("schema", "diff", str(directory), *here) == {"steps": []}


def test_an_empty_workspace(shell: Shell, places: tuple[str, str], tmp_path: Path) -> None:
    """All directories are there, for what is to come, and what was written can be applied."""
    directory = tmp_path / "new" / "schema"
    for _ in range(2):
        shell.succeeds("schema", "export", str(directory), "--workspace", places[0])
        assert sorted(path.name for path in directory.iterdir()) == [
            "charts.json",
            "grants.json",
            "tables",
            "views",
        ]
        assert (directory / "tables").is_dir()
        assert (directory / "views").is_dir()
        assert json.loads((directory / "grants.json").read_text()) == []
        assert json.loads((directory / "charts.json").read_text()) == []
    assert shell.json("schema", "diff", str(directory), "--workspace", places[0]) == {"steps": []}


def test_errors_name_the_file_and_exit_2(http_shell: Shell, tmp_path: Path) -> None:
    shell, name = http_shell, f"cli_{uuid4().hex[:12]}"
    shell.succeeds("workspace", "create", name)
    here = ("--workspace", name)
    directory = tmp_path / "schema"

    def refused(*expected: str) -> None:
        for command in ("diff", "apply"):
            said = shell.fails("schema", command, str(directory), *here, status=2)
            assert all(each in said for each in expected), said

    refused("No such directory", str(directory))
    directory.mkdir()
    refused("neither tables/ nor grants.json nor charts.json")
    write(directory, PEOPLE)
    path = write(directory, TEAMS)
    for content, expected in (
        (b"{", "not valid JSON"),
        (b"\xff", "not valid UTF-8"),
        (b"[]", 'a JSON object with a "name"'),
        (json.dumps(TEAMS | {"name": "other"}).encode(), '"other"'),
    ):
        path.write_bytes(content)
        refused(str(path), expected)
    path.write_text(json.dumps(TEAMS | {"colour": "red"}))
    refused("tables/teams.json at /colour", "Unknown key")
    columns = [*TEAMS["schemaDef"], {"name": "x", "type": "blob"}]
    path.write_text(json.dumps(TEAMS | {"schemaDef": columns}))
    refused("tables/teams.json at /schemaDef/2/type", "blob")
    write(directory, TEAMS)
    grants = directory / "grants.json"
    grants.write_text("{}")
    refused(str(grants), "must be a JSON array")
    grants.write_text('[{"app": "nobody", "table": "people", "read": true}]')
    refused("grants.json at /0/app", "nobody")
    grants.unlink()
    charts = directory / "charts.json"
    charts.write_text(json.dumps([CHART, CHART | {"name": "Sizes", "category": "Size"}]))
    refused("charts.json at /1/category", '"Size"')
    charts.unlink()
    assert "No such workspace" in shell.fails(
        "schema", "diff", str(directory), "--workspace", "no_such", status=2
    )
    assert shell.fails("schema", "export", str(directory / "tables" / "people.json"), *here, status=2)
    assert shell.fails("schema", "export", str(directory), "--workspace", "no_such", status=2)
    shell.succeeds("schema", "apply", str(directory), *here)
    shell.succeeds("workspace", "delete", name)


def test_files_with_a_byte_order_mark_or_a_key_twice(
    shell: Shell, places: tuple[str, str], tmp_path: Path
) -> None:
    here = ("--workspace", places[0])
    written = write(tmp_path / "schema", PEOPLE)
    written.write_text("\ufeff" + written.read_text(), encoding="utf-8")
    grants = tmp_path / "schema" / "grants.json"
    grants.write_text("\ufeff[]", encoding="utf-8")
    shell.succeeds("schema", "apply", str(tmp_path / "schema"), *here)
    alone = tmp_path / "teams.json"
    alone.write_text("\ufeff" + json.dumps(TEAMS), encoding="utf-8")
    shell.succeeds("table", "create", str(alone), *here)
    shell.succeeds("table", "change", str(alone), *here)
    twice = json.dumps({**TEAMS, "name": "twice"}).replace('"name": "Code"', '"name": "A", "name": "Code"', 1)
    alone.write_text(twice)
    assert 'An object has the key "name" twice' in shell.fails("table", "create", str(alone), *here)
    file = tmp_path / "schema" / "tables" / "twice.json"
    file.write_text(twice)
    said = shell.fails("schema", "diff", str(tmp_path / "schema"), *here, status=2)
    assert "twice.json" in said
    assert "/schemaDef/0/name" in said
    file.unlink()
    grants.write_text('[{"app": "bot", "table": "people", "read": true, "read": false}]')
    said = shell.fails("schema", "apply", str(tmp_path / "schema"), *here, status=2)
    assert "grants.json" in said
