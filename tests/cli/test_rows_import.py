"""``rowkeep rows import``: every row of a file goes in, or to the rejects with its line and its errors."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from rows_shell import RowsShell, all_rows, numbers_bot, numbers_of, on_the_store

from support.bot import Bot
from support.engines import ON_SQLITE
from support.gateway import Gateway, at_most
from support.server import RowkeepServer
from support.workspace import Workspace

CUSTOMERS: dict[str, Any] = {
    "name": "customers",
    "schemaDef": [
        {"name": "Cust_Id", "type": "integer", "isRequired": True},
        {"name": "Name", "type": "string", "maxLength": 10, "default": "nobody"},
        {"name": "Score", "type": "number"},
        {"name": "Active", "type": "boolean"},
        {"name": "Since", "type": "date"},
    ],
    "indexes": [{"name": "by_id", "isUnique": True, "columns": [{"name": "Cust_Id"}]}],
}
OWN = ("Cust_Id", "Name", "Score", "Active", "Since")


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return workspace.bot_with([CUSTOMERS])


@pytest.fixture
def rows(bot: Bot, tmp_path: Path) -> RowsShell:
    return RowsShell(bot, tmp_path)


def stored(rows: RowsShell) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in all_rows(rows.bot, "customers", *OWN)]


def told(rows: RowsShell, name: str) -> list[tuple[int, Any, list[tuple[str, str | None]]]]:
    """The rejects of a file: line, row, and the codes and pointers of the errors."""
    return [
        (each["line"], each["row"], [(error["code"], error.get("pointer")) for error in each["errors"]])
        for each in rows.rejects(name)
    ]


def test_csv(rows: RowsShell) -> None:
    name = rows.write(
        "c.csv",
        "\ufeffcust id,name,SCORE,active,since,_id,Created_By\r\n"
        '1,,1.50,TRUE,2020-01-01,x,y\r\n\r\n2,"",,false,,,\r\n3,"a\r\n""b""",-1e3,,1999-12-31T23:59:59Z,,',
    )
    counts = rows.json("import", "customers", name, notes=True)
    assert counts == {"nInserted": 3, "nRejected": 0, "rejects": None}
    assert stored(rows) == [
        (1, None, 1.5, True, "2020-01-01T00:00:00.000Z"),
        (2, "", None, False, None),
        (3, 'a\r\n"b"', -1000, None, "1999-12-31T23:59:59.000Z"),
    ]
    assert sorted(path.name for path in rows.directory.iterdir()) == [name, f"{name}.imported"]


@ON_SQLITE
def test_ndjson(rows: RowsShell) -> None:
    name = rows.write(
        "c.jsonl",
        '{"cust_id": 9007199254740993, "Name": null, "_id": "x", "sys_Id": 1}\n'
        '\n{"CustId":"2","Score":1e2 }\r\n   \n{"Cust Id":3.0,"Name":"","Since":0,"Active":"true"}',
    )
    done = rows.run("import", "customers", name)
    assert (done.status, done.out) == (0, "Imported 3 rows from c.jsonl into customers.\n")
    assert done.err == "Skipping system columns of c.jsonl, which cannot be written: _id, sys_Id.\n"
    assert stored(rows) == [
        (9007199254740993, None, None, None, None),
        (2, "nobody", 100, None, None),
        (3, "", None, True, "1970-01-01T00:00:00.000Z"),
    ]


@ON_SQLITE
def test_parquet(rows: RowsShell) -> None:
    before, after = datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime(2020, 1, 1, tzinfo=UTC)
    table = pa.table(
        {
            "cust_id": pa.array([1, 2, 3, 4], pa.uint8()),
            "Name": pa.array(["a", None, "a", ""]).dictionary_encode(),
            "Score": pa.array([Decimal("1.50"), Decimal(-2), None, Decimal("0.10")], pa.decimal128(9, 2)),
            "Active": [True, None, False, True],
            "Since": pa.array([before, after, None, after], pa.timestamp("us", tz="Europe/Berlin")),
            "_id": ["x"] * 4,
        }
    )
    pq.write_table(table, rows.directory / "c.parquet", row_group_size=3)
    assert rows.json("import", "customers", "c.parquet", "--batch", "3", notes=True)["nInserted"] == 4
    assert stored(rows) == [
        (1, "a", 1.5, True, "1969-12-31T23:59:59.999Z"),
        (2, None, -2, None, "2020-01-01T00:00:00.000Z"),
        (3, "a", None, False, None),
        (4, "", 0.1, True, "2020-01-01T00:00:00.000Z"),
    ]
    days = pa.table(
        {
            "Cust_Id": [5, 5, 6],
            "Since": [date(1, 1, 1), None, date(9999, 12, 31)],
            "Score": [1.5, 0, float("nan")],
        }
    )
    pq.write_table(days, rows.directory / "d.parquet")
    assert rows.run("import", "customers", "d.parquet").status == 1
    assert [(row[0], row[4]) for row in stored(rows)[4:]] == [(5, "0001-01-01T00:00:00.000Z")]
    assert [(line, errors) for line, _, errors in told(rows, "d.parquet")] == [
        (2, [("unique_violation", "/Cust_Id")]),
        (3, [("unreadable_record", None)]),
    ]


@ON_SQLITE
def test_a_workbook_that_ends_its_reader(rows: RowsShell) -> None:
    """It says that it is small, but has a cell in the last corner."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "cust id")
        sheet.write(1_048_575, 16_383, "z")
    with zipfile.ZipFile(made) as whole, zipfile.ZipFile(rows.directory / "c.xlsx", "w") as lying:
        for name in whole.namelist():
            part = whole.read(name).replace(b'ref="A1:XFD1048576"', b'ref="A1:B2"')
            lying.writestr(name, part)
    why = "needs more than 4,294,967,296 bytes of memory (the setting max_file_memory_bytes)"
    assert rows.fails("import", "customers", "c.xlsx").startswith(f"Error: c.xlsx {why}.")
    content = (rows.directory / "c.xlsx").read_bytes()
    done = rows.run("import", "customers", "-", "--format", "xlsx", stdin=content)
    assert (done.status, done.err.startswith(f"Error: Standard input {why}.")) == (1, True)


@ON_SQLITE
def test_what_no_column_can_hold(rows: RowsShell) -> None:
    for field in (
        pa.array([datetime(2020, 1, 1)], pa.timestamp("ms")),
        pa.array([b"x"]),
        pa.array([[1]]),
    ):
        pq.write_table(pa.table({"Cust_Id": [1], "Name": field}), rows.directory / "c.parquet")
        said = rows.fails("import", "customers", "c.parquet")
        assert "c.parquet cannot be imported. Column Name has " in said
    rows.write("c.parquet", "PAR1")
    assert "is not a valid Parquet file" in rows.fails("import", "customers", "c.parquet")


def test_rejects_of_csv(rows: RowsShell) -> None:
    lines = ["Cust_Id,Name,Score,Active,Since"]
    lines += [f"{number},n{number},,," for number in range(30)]
    lines[3] = "2,much too long,,,"
    lines[6] = '5,"two\nlines",x,maybe,\n6,short'  # one physical line more
    lines[12] = "10,again,,,"
    lines[14] = '12,"a" quote,,,'
    lines[15] = '"",,,,'
    lines[16] = ",,,,"
    lines[20] = '18,,"",,'
    name = rows.write("c.csv", "\n".join(lines) + "\n")
    done = rows.run("import", "customers", name, "--batch", "7")
    assert done.status == 1
    assert "Imported 23 rows from c.csv into customers." in done.out
    assert done.err == "Error: 8 rows rejected; see c.csv.rejects.ndjson.\n"
    expected = [
        (4, [("invalid_value", "/Name")]),
        (7, [("invalid_value", "/Score"), ("invalid_value", "/Active")]),
        (9, [("unreadable_record", None)]),
        (15, [("unique_violation", "/Cust_Id")]),
        (17, [("unreadable_record", None)]),
        (18, [("missing_value", "/Cust_Id")]),
        (19, [("missing_value", "/Cust_Id")]),
        (23, [("unique_violation", "/Cust_Id")]),
    ]
    found = told(rows, name)
    assert [(line, errors) for line, _, errors in found] == expected
    assert found[1][1] == {"Cust_Id": 5, "Name": "two\nlines", "Score": "x", "Active": "maybe", "Since": None}
    assert [row for _, row, _ in found if isinstance(row, str)] == ["6,short", '12,"a" quote,,,']
    first = rows.rejects(name)[0]["errors"][0]["msg"]
    assert first == 'Column Name must have at most 10 characters (maxLength); got "much too long".'
    good = [number for number in range(30) if number not in (2, 5, 11, 13, 14, 15, 19)]
    assert sorted(row[0] for row in stored(rows)) == good
    assert "rejected" in rows.run("import", "customers", name, "--restart").err
    assert len(stored(rows)) == len(good)
    assert len(rows.rejects(name)) == 31


@ON_SQLITE
def test_rejects_of_ndjson(rows: RowsShell) -> None:
    bad = [
        '{"Cust_Id":1',
        "[1]",
        '{"Cust_Id":1,"Cust_Id":2}',
        '{"Cust_Id":1,"Nmae":"x"}',
        '{"Cust_Id":1,"Name":"\\ud800"}',
        '{"Cust_Id":1,"cust id":2}',
        "{}",
        '{"Cust_Id":1,"Name":"a\\u0000"}',
        '{"Cust_Id":1,"Score":1e999}',
    ]
    good = [f'{{"Cust_Id":{number},"Score":{number}}}' for number in range(100, 100 + len(bad))]
    name = rows.write("c.ndjson", "\n".join(line for pair in zip(good, bad, strict=True) for line in pair))
    counts = json.loads(rows.run("import", "customers", name, "--json").out)
    assert counts == {"nInserted": len(good), "nRejected": len(bad), "rejects": f"{name}.rejects.ndjson"}
    found = told(rows, name)
    assert [line for line, _, _ in found] == [2 * at + 2 for at in range(len(bad))]
    assert [errors[0] for _, _, errors in found][3:4] == [("unknown_column", "/Nmae")]
    assert [row for _, row, _ in found][:3] == bad[:3]
    assert [row[0] for row in stored(rows)] == list(range(100, 100 + len(bad)))


def test_many_rejects(rows: RowsShell) -> None:
    """More than one answer tells, and conflicts, of which it tells one alone."""
    numbers = [*range(200), *("x" * 250), *range(300, 600), *range(150, 310)]
    name = rows.write("c.csv", "Cust_Id\n" + "".join(f"{number}\n" for number in numbers))
    counts = json.loads(rows.run("import", "customers", name, "--json").out)
    assert (counts["nInserted"], counts["nRejected"]) == (600, 310 - 200 + 200)
    assert [row[0] for row in stored(rows)] == [*range(200), *range(300, 600), *range(200, 300)]
    lines = [line for line, _, _ in told(rows, name)]
    assert lines == [*range(202, 452), *range(752, 802), *range(902, 912)]


@ON_SQLITE
def test_max_errors(rows: RowsShell) -> None:
    name = rows.write("c.csv", "Cust_Id\n1\nx\n2\ny\n3\nz\n4\n")
    said = rows.fails("import", "customers", name, "--batch", "2", "--max-errors", "1")
    assert "Stopped at line 5: more than 1 rejected rows" in said
    assert [line for line, _, _ in told(rows, name)] == [3, 5]
    done = rows.run("import", "customers", name, "--max-errors", "3", "--json")
    assert (done.status, json.loads(done.out)["nInserted"]) == (1, 4)
    assert [line for line, _, _ in told(rows, name)] == [3, 5, 7]
    assert [row[0] for row in stored(rows)] == [1, 2, 3, 4]


@ON_SQLITE
def test_max_errors_before_any_row(rows: RowsShell) -> None:
    """The rejects file that a second run finds is its own, or that of another file."""
    name = rows.write("c.csv", "Cust_Id\nx\ny\n1\n")
    limited = ("import", "customers", name, "--max-errors", "0", "--batch", "1")
    assert "0 rows were imported" in rows.fails(*limited)
    assert "0 rows were imported" in rows.run(*limited).err
    assert [line for line, _, _ in told(rows, name)] == [2, 3]
    rows.write(name, "Cust_Id\n2\n1\n")
    said = rows.fails(*limited)
    assert "since then the size of the file" in said
    (rows.directory / f"{name}.progress").unlink()
    said = rows.fails(*limited)
    assert "already exists: it is from another import" in said
    assert "--restart" in said
    assert rows.json(*limited, "--restart")["nInserted"] == 2
    assert not (rows.directory / f"{name}.rejects.ndjson").exists()


REFUSED: dict[str, tuple[str, list[str], str]] = {
    "empty.csv": ("", [], "no valid header. The file is empty."),
    "header.csv": ('Cust_Id,"x', [], "no valid header. Unclosed quote"),
    "nameless.csv": ("Cust_Id,,Name\n", [], "Column 2 in the header has no name. Use --map"),
    "unknown.csv": ("Cust_Id,Nmae\n1,x\n", [], "Did you mean Name?"),
    "twice.csv": ("Cust_Id,cust id\n1,2\n", [], "twice"),
    "system.csv": ("_id,sys_Id\n1,2\n", [], "only system columns"),
    "near.csv": ("Cust_Id,created on\n1,2\n", [], "Created_On"),
    "c.txt": ("", [], "--format csv|tsv|ndjson|parquet|xlsx"),
}


WRONG_OPTIONS = {
    "--on-conflict update": "needs --key",
    "--key ,": "--key must be",
    "--in-doubt maybe": "stored or lost",
    "--in-doubt lost --restart": "cannot be used",
}


@ON_SQLITE
def test_refused_files(rows: RowsShell, workspace: Workspace) -> None:
    for name, (text, arguments, said) in REFUSED.items():
        done = rows.fails("import", "customers", rows.write(name, text), *arguments)
        assert said in done, (name, done)
    assert "cannot be read" in rows.fails("import", "customers", "nowhere.csv")
    assert "--sheet is for files" in rows.fails("import", "customers", "c.csv", "--sheet", "1")
    rows.fails("import", "customers", "c.csv", "--batch", "0", status=2)
    name = rows.write("c.csv", "Cust_Id\n1\n")
    assert 'No such table: "nowhere"' in rows.fails("import", "nowhere", name)
    workspace.grant(rows.bot.client_id, "customers", "w")
    assert rows.json("import", "customers", name)["nInserted"] == 1
    workspace.grant(rows.bot.client_id, "customers", "r")
    assert "no write grant" in rows.fails("import", "customers", name, "--restart")
    for arguments, said in WRONG_OPTIONS.items():
        assert said in rows.fails("import", "customers", name, *arguments.split(), status=2)


@ON_SQLITE
def test_standard_input(rows: RowsShell) -> None:
    done = rows.run(
        "import", "customers", "-", "--format", "csv", "--json", stdin='Cust_Id,Name\n1,"ä"\nx,\n2,""\n'
    )
    assert done.status == 1
    assert json.loads(done.out) == {"nInserted": 2, "nRejected": 1, "rejects": "stdin.rejects.ndjson"}
    assert [row[:2] for row in stored(rows)] == [(1, "ä"), (2, "")]
    assert [path.name for path in rows.directory.iterdir()] == ["stdin.rejects.ndjson"]
    assert [line for line, _, _ in told(rows, "stdin")] == [3]


def test_on_the_store_itself(workspace: Workspace, server: RowkeepServer, tmp_path: Path) -> None:
    bot = numbers_bot(workspace)
    shell = on_the_store(server, tmp_path)
    (tmp_path / "n.csv").write_text("Number\n" + "".join(f"{number}\n" for number in range(2500)))
    arguments = ("rows", "import", "numbers", "n.csv", "--app", bot.client_id, "--batch", "1000")
    assert shell.json(*arguments)["nInserted"] == 2500
    assert numbers_of(bot) == list(range(2500))
    assert "No such app" in shell.fails("rows", "import", "numbers", "n.csv", "--app", "cs-1")


@ON_SQLITE
def test_large_rows(workspace: Workspace, tmp_path: Path) -> None:
    """Requests are bounded by their weight, and what the server finds too heavy is halved."""
    server = RowkeepServer(workspace.server.database_url, workspace.server.directory, max_body_bytes=100_000)
    rows = RowsShell(numbers_bot(workspace), tmp_path)
    text = "x" * 30_000
    lines = [f'{{"Number":{number},"Text":"{text}"}}\n' for number in range(12)]
    lines[5] = lines[5].replace("x", "xxxxx")
    name = rows.write("n.ndjson", "".join(lines))
    try:
        server.start()
        done = rows.at(server.url).run("import", "numbers", name, "--json")
    finally:
        server.stop()
    assert json.loads(done.out)["nInserted"] == 11
    assert [(line, errors[0][0]) for line, _, errors in told(rows, name)] == [(6, "body_too_large")]
    assert numbers_of(rows.bot) == [number for number in range(12) if number != 5]
    assert "max_body_bytes" in rows.rejects(name)[0]["errors"][0]["msg"]


@ON_SQLITE
def test_a_gateway_with_a_smaller_measure(workspace: Workspace, tmp_path: Path) -> None:
    rows = RowsShell(numbers_bot(workspace), tmp_path)
    name = rows.write("n.csv", "Number\n" + "".join(f"{number}\n" for number in range(20)))
    with Gateway(rows.bot.server_url, [at_most(200)] * 200) as gateway:
        assert rows.at(gateway.url).json("import", "numbers", name)["nInserted"] == 20
        assert gateway.bulks == 4  # as a stream, all rows, and then two halves
    assert numbers_of(rows.bot) == list(range(20))
