"""``rowkeep rows import`` of rows that refer to each other, and how many requests an import takes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from rows_shell import RowsShell, all_rows, on_the_store

from support.bot import Bot
from support.engines import ON_SQLITE
from support.gateway import Gateway, lose_answer, lose_request, pass_on, refuse
from support.server import RowkeepServer
from support.workspace import Workspace

PLACES: dict[str, Any] = {
    "name": "places",
    "schemaDef": [
        {"name": "Code", "type": "string", "isRequired": True},
        {"name": "Name", "type": "string", "maxLength": 30},
        {"name": "Parent_Code", "type": "string", "reference": {"table": "places", "column": "Code"}},
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
MANY = 300
BATCH = MANY // 3


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return workspace.bot_with([PLACES], "rw")


@pytest.fixture
def rows(bot: Bot, tmp_path: Path) -> RowsShell:
    return RowsShell(bot, tmp_path)


Place = tuple[str, str]


def written(rows: RowsShell, places: list[Place]) -> str:
    """A CSV file of codes and parents, with a name that is near the column's."""
    lines = (f"{code},{code} is here,{parent}\n" for code, parent in places)
    return rows.write("places.csv", "code,name,parent code\n" + "".join(lines))


def stored(rows: RowsShell) -> list[Place]:
    return sorted(
        (row["Code"], row["Parent_Code"] or "") for row in all_rows(rows.bot, "places", "Code", "Parent_Code")
    )


def chain(count: int) -> list[Place]:
    """Each refers to the next one, and the last to none."""
    return [(f"c{n}", f"c{n + 1}" if n + 1 < count else "") for n in range(count)]


SHAPES: dict[str, list[Place]] = {
    "parents last": [(f"c{n}", f"p{n % 60}") for n in range(MANY)] + [(f"p{n}", "") for n in range(60)],
    "one circle": [*chain(MANY)[:-1], (f"c{MANY - 1}", "c0")],
}
"""More of them are in ``tests/unit/test_row_import.py``."""


@pytest.mark.parametrize("shape", SHAPES)
def test_requests_grow_with_the_rows(rows: RowsShell, shape: str) -> None:
    places = SHAPES[shape]
    name = written(rows, places)
    batches = -(-len(places) // BATCH)
    with Gateway(rows.bot.server_url, []) as gateway:
        there = rows.at(gateway.url)
        assert there.json("import", "places", name, "--batch", str(BATCH))["nInserted"] == len(places)
        assert gateway.bulks <= 2 * batches + 1
        assert stored(rows) == sorted(places)
        # every row conflicts
        before = gateway.bulks
        again = there.run("import", "places", name, "--batch", str(BATCH), "--restart", "--json")
        assert json.loads(again.out)["nRejected"] == len(places)
        assert gateway.bulks - before == batches
    assert sorted(path.name for path in rows.directory.iterdir()) == [
        name,
        f"{name}.imported",
        f"{name}.rejects.ndjson",
    ]


@ON_SQLITE
def test_one_conflict_does_not_cost_others_their_parents(rows: RowsShell) -> None:
    places = [(f"c{n}", f"p{n % 90}") for n in range(1000)] + [(f"p{n}", "") for n in range(127)]
    rows.bot.insert("places", {"Code": "c921"})
    name = written(rows, places)
    done = rows.run("import", "places", name, "--json")
    assert json.loads(done.out) == {"nInserted": 1126, "nRejected": 1, "rejects": f"{name}.rejects.ndjson"}
    (reject,) = rows.rejects(name)
    assert (reject["line"], reject["errors"][0]["pointer"]) == (923, "/Code")


def test_what_is_rejected(rows: RowsShell) -> None:
    """A row is rejected if what it refers to is rejected, and else it goes in."""
    places = [
        ("a", "b"),
        ("b", "c"),
        ("c", "nowhere"),
        ("d", "e"),
        ("e", "e"),
        ("f", "g"),
        ("g", ""),
        ("g", ""),
    ]
    name = written(rows, places)
    done = rows.run("import", "places", name, "--batch", "1")
    assert "Imported 4 rows" in done.out
    assert stored(rows) == [("d", "e"), ("e", "e"), ("f", "g"), ("g", "")]
    rejects = {each["line"]: each["errors"][0] for each in rows.rejects(name)}
    assert {line: error["code"] for line, error in rejects.items()} == {
        2: "reference_violation",
        3: "reference_violation",
        4: "reference_violation",
        9: "unique_violation",
    }
    assert rejects[4]["pointer"] == "/Parent_Code"
    assert '"nowhere"' in rejects[4]["msg"]


@ON_SQLITE
def test_interrupted_while_rows_wait(rows: RowsShell) -> None:
    places = chain(300)
    random.Random(5).shuffle(places)
    name = written(rows, [*places, ("bad", "nowhere")])
    lost = [pass_on, lose_answer, refuse(404), lose_request, pass_on, pass_on, refuse(404)]
    with Gateway(rows.bot.server_url, [*lost * 2]) as gateway:
        there = rows.at(gateway.url)
        done = there.run("import", "places", name, "--batch", "40")
        while "is not Rowkeep" in done.err:
            done = there.run("import", "places", name, "--batch", "40")
    assert "Imported 300 rows" in done.out
    assert "1 row rejected" in done.err
    assert stored(rows) == sorted(places)
    assert [each["row"]["code"] for each in rows.rejects(name)] == ["bad"]


def test_all_or_nothing(rows: RowsShell) -> None:
    name = written(rows, [*chain(50), ("x", "nowhere"), ("y", "nobody")])
    done = rows.run("import", "places", name, "--mode", "atomic", "--batch", "10")
    assert (done.status, done.out) == (1, "Imported 0 rows from places.csv into places.\n")
    assert "Nothing was imported (--mode atomic)." in done.err
    assert stored(rows) == []
    assert rows.rejects(name)[0]["line"] == 52
    name = written(rows, chain(50))
    with Gateway(rows.bot.server_url, [lose_answer]) as gateway:
        arguments = ("import", "places", name, "--mode", "atomic", "--restart")
        assert rows.at(gateway.url).json(*arguments)["nInserted"] == 50
        assert gateway.bulks == 2
    assert stored(rows) == sorted(chain(50))


@ON_SQLITE
def test_all_or_nothing_of_any_size(rows: RowsShell, workspace: Workspace) -> None:
    server = RowkeepServer(workspace.server.database_url, workspace.server.directory, max_body_bytes=2000)
    name = written(rows, chain(50))
    try:
        server.start()
        there = rows.at(server.url)
        assert there.json("import", "places", name)["nInserted"] == 50
        whole = ("--mode", "atomic", "--on-conflict", "update", "--key", "Code")
        assert there.json("import", "places", name, *whole)["nUpdated"] == 50
    finally:
        server.stop()


@ON_SQLITE
def test_a_dry_run(rows: RowsShell) -> None:
    rows.bot.insert("places", {"Code": "c9"})
    places = [*chain(30), ("x" * 40, "c1"), ("y", "nowhere"), ("z", "y")]
    name = written(rows, places)
    dry = rows.run("import", "places", name, "--batch", "7", "--dry-run")
    assert dry.out == (
        'places.csv: csv, utf-8, delimiter ",", header in line 1.\n'
        "Would import 29 rows from places.csv into places.\n"
    )
    assert dry.err == "Error: 4 rows would be rejected; see places.csv.dry-run.ndjson.\n"
    lines = [json.loads(line)["line"] for line in rows.read(f"{name}.dry-run.ndjson").splitlines()]
    assert sorted(lines) == [11, 32, 33, 34]
    assert stored(rows) == [("c9", "")]
    assert sorted(path.name for path in rows.directory.iterdir()) == [name, f"{name}.dry-run.ndjson"]
    done = rows.run("import", "places", name, "--batch", "7", "--json")
    assert json.loads(done.out)["nInserted"] == 29
    assert sorted(each["line"] for each in rows.rejects(name)) == sorted(lines)
    again = rows.run("import", "places", name, "--dry-run", "--json")
    assert json.loads(again.out) == {
        "nInserted": 0,
        "nRejected": 33,
        "rejects": f"{name}.dry-run.ndjson",
        "dryRun": True,
        "detected": {"format": "csv", "encoding": "utf-8", "delimiter": ",", "headerLine": 1},
    }


def test_administrators(workspace: Workspace, server: RowkeepServer, rows: RowsShell) -> None:
    """They import through a server, and directly into the store."""
    name = written(rows, chain(30))
    variables = {"ROWKEEP_URL": server.url, "ROWKEEP_ADMIN_TOKEN": server.admin_token}
    arguments = ("rows", "import", "places", name, "--workspace", workspace.name, "--batch", "7")
    over_http = rows.shell.with_variables(ROWKEEP_APP_SECRET=None, **variables)
    assert over_http.json(*arguments)["nInserted"] == 30
    again = on_the_store(server, rows.directory).run(*arguments, "--json")
    assert json.loads(again.out)["nRejected"] == 30
