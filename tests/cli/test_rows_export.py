"""``rowkeep rows export``: what it writes in each format, whole or not at all, in a bounded memory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from rows_shell import NUMBERS, RowsShell, all_rows, numbers_bot, on_the_store, peak_memory

from support.bot import Bot
from support.engines import ON_SQLITE
from support.server import RowkeepServer
from support.workspace import Workspace

FORMATS = ("csv", "ndjson", "parquet")

ROWS: list[dict[str, Any]] = [
    {"Number": 1, "Text": "one"},
    {"Number": 2, "Text": ""},
    {"Number": 3, "Text": None},
    {"Number": 4, "Text": 'a "quoted",\nline'},
]


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    bot = numbers_bot(workspace)
    bot.bulk("numbers", ROWS).raise_for_status()
    return bot


@pytest.fixture
def rows(bot: Bot, tmp_path: Path) -> RowsShell:
    return RowsShell(bot, tmp_path)


@ON_SQLITE
def test_what_is_written(rows: RowsShell, bot: Bot) -> None:
    here = ("--fields", "number, TEXT")
    for name in FORMATS:
        counts = rows.json("export", "numbers", "-o", f"all.{name}", *here)
        assert counts == {"nExported": 4, "file": f"all.{name}"}
    assert rows.read("all.csv") == 'Number,Text\n1,one\n2,""\n3,\n4,"a ""quoted"",\nline"\n'
    assert [json.loads(line) for line in rows.read("all.ndjson").splitlines()] == ROWS
    table = pq.read_table(rows.directory / "all.parquet")
    assert [str(kind) for kind in table.schema.types] == ["int64", "string"]
    assert table.to_pylist() == ROWS
    assert (
        "Exported 4 rows of numbers to whole.jsonl." in rows.run("export", "numbers", "-o", "whole.jsonl").out
    )
    assert [json.loads(line) for line in rows.read("whole.jsonl").splitlines()] == all_rows(bot, "numbers")
    assert sorted(path.name for path in rows.directory.iterdir()) == [
        "all.csv", "all.ndjson", "all.parquet", "whole.jsonl",
    ]  # fmt: skip


@ON_SQLITE
def test_which_rows_are_written(rows: RowsShell) -> None:
    def exported(*options: str) -> list[int]:
        shown = rows.run("export", "numbers", "-o", "-", "--format", "ndjson", *options)
        assert (shown.status, shown.err) == (0, ""), shown
        return [json.loads(line)["Number"] for line in shown.out.splitlines()]

    filter_ = '{"expressions":[{"field":"Text","operand":"is not null"}]}'
    assert exported() == [1, 2, 3, 4]
    assert exported("--filter", filter_) == [1, 2, 4]
    assert exported("--sort", "Text:desc", "--sort", "Number") == [1, 4, 2, 3]
    assert exported("--sort", "Number:desc", "--limit", "3") == [4, 3, 2]
    assert exported("--filter", filter_, "--limit", "2") == [1, 2]
    assert exported("--filter", '{"expressions":[{"field":"Number","operand":">","value":9}]}') == []


def test_many_pages(workspace: Workspace, tmp_path: Path, server: RowkeepServer) -> None:
    bot = numbers_bot(workspace)
    bot.bulk("numbers", [{"Number": number} for number in range(2345)]).raise_for_status()
    expected = "Number\n" + "".join(f"{number}\n" for number in range(2345))
    for limit in (99, 100, 101, 1100, 2345, 9999):
        rows = RowsShell(bot, tmp_path)
        rows.run("export", "numbers", "-o", "n.csv", "--fields", "Number", "--limit", str(limit), "--force")
        assert rows.read("n.csv") == "".join(expected.splitlines(keepends=True)[: limit + 1])
    shell = on_the_store(server, tmp_path)
    shell.succeeds(
        "rows", "export", "numbers", "-o", "here.csv", "--fields", "Number", "--app", bot.client_id
    )
    assert rows.read("here.csv") == expected


@ON_SQLITE
def test_a_table_without_rows(workspace: Workspace, tmp_path: Path) -> None:
    rows = RowsShell(numbers_bot(workspace), tmp_path)
    for name in FORMATS:
        assert rows.json("export", "numbers", "-o", f"n.{name}", "--fields", "Number,Text")["nExported"] == 0
    assert (rows.read("n.csv"), rows.read("n.ndjson")) == ("Number,Text\n", "")
    assert pq.read_table(tmp_path / "n.parquet").schema.names == ["Number", "Text"]
    for name in FORMATS:
        assert rows.json("import", "numbers", f"n.{name}")["nInserted"] == 0


@ON_SQLITE
def test_standard_output(rows: RowsShell) -> None:
    for name in ("csv", "parquet"):
        rows.json("export", "numbers", "-o", f"n.{name}")
        shown = rows.run_bytes("export", "numbers", "-o", "-", "--format", name, "--json")
        assert json.loads(shown.stderr) == {"nExported": 4}
        assert shown.stdout == (rows.directory / f"n.{name}").read_bytes()


@ON_SQLITE
def test_a_file_that_is_there(rows: RowsShell) -> None:
    rows.write("n.csv", "mine")
    assert "--force" in rows.fails("export", "numbers", "-o", "n.csv")
    assert rows.read("n.csv") == "mine"
    (rows.directory / "link.csv").symlink_to("n.csv")
    rows.json("export", "numbers", "-o", "link.csv", "--force", "--fields", "Number")
    assert (rows.directory / "link.csv").is_symlink()
    assert rows.read("n.csv") == "Number\n1\n2\n3\n4\n"
    (rows.directory / "d.csv").mkdir()
    assert "not a regular file" in rows.fails("export", "numbers", "-o", "d.csv", "--force")
    expected = "Error: The file nowhere/n.csv cannot be written: No such file or directory.\n"
    assert rows.fails("export", "numbers", "-o", "nowhere/n.csv") == expected


REFUSED: list[tuple[list[str], int, str]] = [
    (["-o", "n.txt"], 1, "--format csv|tsv|ndjson|parquet|xlsx"),
    (["-o", "-"], 1, "--format"),
    (["-o", "n.csv", "--format", "xml"], 2, 'Unknown format "xml"'),
    (["-o", "n.csv", "--fields", "Numbr"], 1, "Did you mean Number?"),
    (["-o", "n.csv", "--sort", "Number:down"], 1, '"order" must be one of "asc", "desc"; got "down"'),
    (["-o", "n.csv", "--filter", "{"], 1, "--filter is not valid JSON"),
    (["-o", "n.csv", "--filter", "{}"], 0, ""),
    (["-o", "n.csv", "--limit", "0"], 2, "--limit"),
    ([], 2, "--output"),
]


@ON_SQLITE
def test_refusals(rows: RowsShell, workspace: Workspace) -> None:
    for arguments, status, said in REFUSED:
        if status:
            assert said in rows.fails("export", "numbers", *arguments, status=status)
        else:
            assert rows.run("export", "numbers", *arguments, "--force").status == 0
            (rows.directory / "n.csv").unlink()
    assert 'No such table: "nowhere"' in rows.fails("export", "nowhere", "-o", "n.csv")
    workspace.grant(rows.bot.client_id, "numbers", "w")
    assert "no read grant" in rows.fails("export", "numbers", "-o", "n.csv")
    rows.shell = rows.shell.with_variables(ROWKEEP_APP_SECRET="x" * 43)
    assert "Authentication failed" in rows.fails("export", "numbers", "-o", "n.csv")
    rows.shell = rows.shell.with_variables(ROWKEEP_APP_SECRET=None)
    assert "ROWKEEP_APP_SECRET" in rows.fails("export", "numbers", "-o", "n.csv")
    assert list(rows.directory.iterdir()) == []


WITHOUT_PYARROW = "import sys; sys.modules['pyarrow'] = None; from rowkeep.cli.main import main; main()"


@ON_SQLITE
def test_without_pyarrow(rows: RowsShell) -> None:
    """The extra is one: all else works without it, and what does not says so."""
    refused = rows.run_code(WITHOUT_PYARROW, "import", "numbers", "n.parquet")
    assert refused.status == 1
    assert "rowkeep[parquet]" in refused.err
    exported = rows.run_code(WITHOUT_PYARROW, "export", "numbers", "-o", "n.csv")
    assert exported.out == "Exported 4 rows of numbers to n.csv.\n", exported


EVERY_TYPE: dict[str, list[Any]] = {
    "string": [
        "",
        " ",
        "Zoë 😀 \u2028",
        'a "b", c\r\n\td\n',
        "null",
        "\ufeffx",
        "0x1",
        ",",
        "'",
        None,
        "NaN",
    ],
    "number": [
        0,
        -9007199254740991,
        9007199254740991,
        1e300,
        5e-324,
        -0.1,
        1e-7,
        None,
        1.7976931348623157e308,
    ],
    "integer": [0, -(2**63), 2**63 - 1, None, 9007199254740993],
    "boolean": [True, False, None],
    "decimal": [
        "0.00",
        "1.50",
        "-" + "9" * 38,
        "0." + "0" * 30 + "1",
        None,
        "123456789012345678901234567890.5",
    ],
    "json": [
        {"a": [1.50, None, "\u2028\n"], "b c": {}},
        "text",
        "",
        0,
        False,
        [],
        None,
        "null",
        1e300,
        2**70,
    ],
    "date": ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", None],
}


@pytest.fixture
def everything(workspace: Workspace) -> Bot:
    """A table with a column of every type, and rows with all that is at their edges."""
    columns = [{"name": f"A_{name}", "type": name} for name in EVERY_TYPE]
    bot = workspace.bot_with([{"name": name, "schemaDef": columns} for name in ("everything", "again")])
    longest = max(map(len, EVERY_TYPE.values()))
    rows = [
        {f"A_{name}": values[at % len(values)] for name, values in EVERY_TYPE.items()}
        for at in range(longest)
    ]
    bot.bulk("everything", [*rows, {}]).raise_for_status()
    return bot


def test_round_trips(everything: Bot, tmp_path: Path) -> None:
    rows = RowsShell(everything, tmp_path)
    fields = [f"A_{name}" for name in EVERY_TYPE]
    before = all_rows(everything, "everything", *fields)
    for name in FORMATS:
        count = rows.json("export", "everything", "-o", f"all.{name}")["nExported"]
        done = rows.run("import", "again", f"all.{name}", "--batch", "3")
        assert (done.status, done.out) == (0, f"Imported {count} rows from all.{name} into again.\n"), done
        assert len(done.err.splitlines()) == 1
        assert "Created_By, Created_On, Updated_By, Updated_On, _id, sys_Id" in done.err
        assert all_rows(everything, "again", *fields) == before
        rows.json("export", "again", "-o", f"again.{name}", "--fields", ",".join(fields))
        rows.json("export", "everything", "-o", f"own.{name}", "--fields", ",".join(fields))
        assert (tmp_path / f"again.{name}").read_bytes() == (tmp_path / f"own.{name}").read_bytes()
        everything.delete("again", {"all": True}).raise_for_status()


def test_each_type_is_here(everything: Bot) -> None:
    from rowkeep.model.column_types import COLUMN_TYPES

    assert EVERY_TYPE.keys() == COLUMN_TYPES.keys()


MEGABYTE = 1024 * 1024


def test_memory_does_not_grow(sqlite_server: RowkeepServer, tmp_path: Path) -> None:
    """What an import and an export take in memory has to do with nothing that grows with the file."""
    workspace = Workspace(sqlite_server, "memory")
    peaks: dict[tuple[str, str], list[int]] = {}
    for count in (20_000, 100_000):
        workspace.create_table(NUMBERS | {"name": f"n{count}"})
        bot = workspace.bot({f"n{count}": "rw"})
        rows = RowsShell(bot, tmp_path)
        with (tmp_path / f"{count}.csv").open("w") as file:
            file.write("Number,Text\n")
            file.writelines(
                f"{number},some text that is not short, {number}\n".replace(", ", " ")
                for number in range(count)
            )
        # a page at a time in all formats; Parquet alone holds more than that, when it writes and reads
        steps = (
            ("import", f"{count}.csv"),
            ("export", "-o", f"{count}.parquet", "--fields", "Number,Text"),
            ("import", f"{count}.parquet"),
        )
        for command, *more in steps:
            peak = peak_memory(rows, command, f"n{count}", *more)
            peaks.setdefault((command, more[-1].rpartition(".")[2]), []).append(peak)
    workspace.delete()
    grown = {step: (large - small) / MEGABYTE for step, (small, large) in peaks.items()}
    assert {step: growth for step, growth in grown.items() if growth > 20} == {}
