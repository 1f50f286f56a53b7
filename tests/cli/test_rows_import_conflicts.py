"""``rowkeep rows import --on-conflict``: rows whose key is in the table are ignored, or update it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rows_shell import RowsShell, all_rows

from support.bot import Bot
from support.engines import ON_SQLITE, first_on_each
from support.gateway import Gateway, lose_answer, lose_request, pass_on
from support.workspace import Workspace

ITEMS: dict[str, Any] = {
    "name": "items",
    "schemaDef": [
        {"name": "Area", "type": "integer"},
        {"name": "Code", "type": "string"},
        {"name": "Label", "type": "string", "isRequired": True},
        {"name": "Serial", "type": "integer"},
        {"name": "Part_Of", "type": "string", "reference": {"table": "items", "column": "Code"}},
    ],
    "indexes": [
        {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]},
        {"name": "by_serial", "isUnique": True, "columns": [{"name": "Serial"}]},
        {"name": "by_area", "isUnique": True, "columns": [{"name": "Area"}, {"name": "Serial"}]},
    ],
}
COUNT = 120


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return workspace.bot_with([ITEMS], "rw")


@pytest.fixture
def rows(bot: Bot, tmp_path: Path) -> RowsShell:
    return RowsShell(bot, tmp_path)


def item(number: int, label: str = "new", part_of: str | None = None) -> dict[str, Any]:
    return {"Area": 1, "Code": f"i{number}", "Label": label, "Serial": number, "Part_Of": part_of}


def written(rows: RowsShell, items: list[dict[str, Any]]) -> str:
    return rows.write("items.ndjson", "".join(json.dumps(each) + "\n" for each in items))


def labels(rows: RowsShell) -> dict[str, str]:
    return {row["Code"]: row["Label"] for row in all_rows(rows.bot, "items", "Code", "Label")}


@first_on_each("key", ["Code", "area, serial"])
@pytest.mark.parametrize("action", ["ignore", "update"])
def test_half_of_them_exist(rows: RowsShell, action: str, key: str) -> None:
    rows.bot.bulk("items", [item(number, "old") for number in range(0, COUNT, 2)])
    name = written(rows, [item(number, part_of=f"i{(number + 1) % COUNT}") for number in range(COUNT)])
    arguments = ("import", "items", name, "--batch", f"{COUNT // 4}", "--on-conflict", action, "--key", key)
    would = rows.json(*arguments, "--dry-run")
    with Gateway(rows.bot.server_url, [pass_on, lose_answer, lose_request]) as gateway:
        done = rows.at(gateway.url).json(*arguments)
        assert gateway.bulks <= 3 * 4 + 3
    changed = (
        {"nUpdated": COUNT // 2, "nIgnored": 0}
        if action == "update"
        else {"nUpdated": 0, "nIgnored": COUNT // 2}
    )
    assert done == {"nInserted": COUNT // 2, **changed, "nRejected": 0, "rejects": None}
    assert would == {**done, "dryRun": True, "detected": {"format": "ndjson", "encoding": "utf-8"}}
    old = "new" if action == "update" else "old"
    assert labels(rows) == {f"i{n}": "new" if n % 2 else old for n in range(COUNT)}
    again = rows.json(*arguments, "--restart")
    assert (again["nInserted"], again["nUpdated"] + again["nIgnored"]) == (0, COUNT)


def test_what_is_rejected(rows: RowsShell) -> None:
    rows.bot.bulk("items", [item(number, "old") for number in range(4)])
    items = [
        {"Code": "i0", "Part_Of": "i9"},  # updates only what it brings, and refers to a later row
        {"Code": "i1", "Serial": 2},  # of another row
        {"Code": "i2", "Part_Of": "nowhere"},
        {"Code": "i5"},  # would be inserted without a label
        {"Code": "i3", "Label": 3},
        item(9),
        {"Code": "i0", "Label": "again"},
    ]
    name = written(rows, items)
    arguments = ("import", "items", name, "--on-conflict", "update", "--key", "code")
    would = rows.run(*arguments, "--dry-run")
    assert "Would import 2 rows from items.ndjson into items: 1 inserted, 1 updated, 0 ignored." in would.out
    done = rows.run(*arguments)
    assert done.out == ("Imported 2 rows from items.ndjson into items: 1 inserted, 1 updated, 0 ignored.\n")
    found = {each["line"]: each["errors"][0]["code"] for each in rows.rejects(name)}
    assert found == {
        2: "unique_violation",
        3: "reference_violation",
        4: "missing_value",
        5: "invalid_value",
        7: "invalid_value",
    }
    assert labels(rows) == {"i0": "old", "i1": "old", "i2": "old", "i3": "old", "i9": "new"}
    assert "Line 1 has the same Code (--key)." in rows.read(f"{name}.rejects.ndjson")


@ON_SQLITE
def test_all_or_nothing(rows: RowsShell) -> None:
    rows.bot.bulk("items", [item(number, "old") for number in range(4)])
    name = written(rows, [item(number) for number in range(8)])
    arguments = ("import", "items", name, "--mode", "atomic", "--on-conflict", "update", "--key", "Code")
    done = rows.json(*arguments)
    assert (done["nInserted"], done["nUpdated"]) == (4, 4)


@ON_SQLITE
def test_keys_that_are_none(rows: RowsShell) -> None:
    name = written(rows, [item(1)])
    for key, said in (
        ("Label", "unique index"),
        ("Cod", "Did you mean Code?"),
        ("Code,Serial", "unique index"),
    ):
        assert said in rows.fails("import", "items", name, "--on-conflict", "update", "--key", key)
