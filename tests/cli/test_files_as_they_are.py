"""Files as they are: what is exported is imported again and exported equal, in each format; files of other
programs go in with what is found out about them; large files are streamed."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from rows_shell import RowsShell, all_rows, numbers_bot, numbers_of, on_the_store

from support.bot import Bot
from support.engines import ON_SQLITE
from support.gateway import Gateway, lose_answer, lose_request, pass_on
from support.server import RowkeepServer
from support.workspace import Workspace

EVERYTHING: dict[str, Any] = {
    "name": "everything",
    "schemaDef": [
        {"name": "Text", "type": "string"},
        {"name": "Number", "type": "number"},
        {"name": "Whole", "type": "integer"},
        {"name": "Exact", "type": "decimal"},
        {"name": "Is", "type": "boolean"},
        {"name": "Day", "type": "date"},
        {"name": "Doc", "type": "json"},
    ],
}
NAMES = [column["name"] for column in EVERYTHING["schemaDef"]]
VALUES: list[list[Any]] = [
    ["a", 1.5, 1, "1.50", True, "2020-03-28T07:02:09.652Z", {"a": [1, None]}],
    [' "q",;\t\nü→😀 ', 0.1 + 0.2, 2**63 - 1, "-0.001", False, "1850-01-01", "x"],
    ["=1+1", 1e300, -(2**63), "12345678901234567890.12", None, "9999-12-31", [1.0]],
    ["007", None, None, None, None, None, None],
    [None, 263, 0, "0", True, "1900-03-01", 5],
    ["_x0041__x0041_x0042_", None, None, None, None, None, "_x005F_x0041_"],
    ["_x0041\r_\x01", None, None, None, None, None, {"_x000D_": "\r\n"}],
    ["<r><t>&x</t></r>", None, None, None, None, None, None],
]
ROWS = [dict(zip(NAMES, values, strict=True)) for values in VALUES]
KINDS = ("tsv", "parquet", "xlsx", "csv.gz", "ndjson.zst")


@ON_SQLITE
def test_in_and_out_again(workspace: Workspace, tmp_path: Path) -> None:
    """Byte for byte."""
    copies = [f"copy{at}" for at in range(len(KINDS))]
    for name in ("everything", *copies):
        workspace.create_table({**EVERYTHING, "name": name})
    bot = workspace.bot(dict.fromkeys(("everything", *copies), "rw"))
    bot.bulk("everything", ROWS).raise_for_status()
    rows = RowsShell(bot, tmp_path)
    fields = ("--fields", ",".join(NAMES))
    expected = all_rows(bot, "everything", *NAMES)
    for kind, copy in zip(KINDS, copies, strict=True):
        rows.json("export", "everything", "-o", f"all.{kind}", *fields)
        done = rows.run("import", copy, f"all.{kind}")
        assert (done.status, done.out) == (0, f"Imported {len(ROWS)} rows from all.{kind} into {copy}.\n"), (
            done
        )
        assert all_rows(bot, copy, *NAMES) == expected, kind
        rows.json("export", copy, "-o", f"again.{kind}", *fields)
        assert (tmp_path / f"again.{kind}").read_bytes() == (tmp_path / f"all.{kind}").read_bytes(), kind


MESSY = (
    "Price/Earnings;Wähler(innen);;Since;Note\r\n"
    '1.234,5;10;x;29.02.2024;5" disk\r\n'
    ";NULL;y;01.03.2024;“quoted”\r\n"
    "2,5;20;z;31.12.2023;\r\n"
)
OPTIONS = ("--decimal", ",", "--thousands", ".", "--null", "NULL", "--skip-columns", "#3")


@pytest.fixture
def store_shell(server: RowkeepServer, workspace: Workspace, tmp_path: Path) -> Any:
    (tmp_path / "messy.csv").write_bytes(MESSY.encode("cp1252"))
    shell = on_the_store(server, tmp_path)
    return lambda *arguments, **more: shell.run(*arguments, "--workspace", workspace.name, **more)


def test_a_file_of_another_program(store_shell: Any, tmp_path: Path) -> None:
    found = store_shell("table", "infer", "messy.csv", *OPTIONS)
    definition = json.loads(found.out)
    assert [(each["name"], each["type"]) for each in definition["schemaDef"]] == [
        ("Price_Earnings", "number"), ("Waehler_innen", "integer"), ("Since", "date"), ("Note", "string"),
    ]  # fmt: skip
    assert 'messy.csv: csv, windows-1252, delimiter ";", header in line 1.' in found.err
    assert "--date-format" in found.err
    done = store_shell("table", "infer", "messy.csv", *OPTIONS, "--create")
    assert done.out == "Created table messy.\nImported 3 rows from messy.csv into messy.\n", done
    shown = store_shell("rows", "export", "messy", "-o", "-", "--format", "csv", "--fields",
                        ",".join(each["name"] for each in definition["schemaDef"]))  # fmt: skip
    assert shown.out == (
        "Price_Earnings,Waehler_innen,Since,Note\n"
        '1234.5,10,2024-02-29T00:00:00.000Z,"5"" disk"\n'
        ",,2024-03-01T00:00:00.000Z,“quoted”\n"
        "2.5,20,2023-12-31T00:00:00.000Z,\n"
    )
    # the same file packed, and the same on standard input, without writing
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(MESSY.encode("utf-16")))
    dates = ("--date-format", "DD.MM.YYYY", "--dry-run", "--json")
    dry = store_shell("rows", "import", "messy", "packed.csv.gz", *OPTIONS, *dates)
    told = json.loads(dry.out)
    assert (told["nInserted"], told["detected"]["compression"], told["detected"]["encoding"]) == (
        3, "gzip", "utf-16 with a byte order mark",
    )  # fmt: skip
    piped = ("rows", "import", "messy", "-", "--format", "csv", *OPTIONS, *dates)
    assert json.loads(store_shell(*piped, stdin=MESSY.encode()).out)["nInserted"] == 3
    assert store_shell("rows", "import", "messy", "messy.csv", *OPTIONS).status == 1
    errors = [json.loads(line) for line in (tmp_path / "messy.csv.rejects.ndjson").read_text().splitlines()]
    assert "--date-format DD.MM.YYYY or --date-format MM.DD.YYYY" in errors[0]["errors"][0]["msg"]
    assert len(errors) == 3


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return numbers_bot(workspace)


@ON_SQLITE
def test_several_files(bot: Bot, tmp_path: Path) -> None:
    rows = RowsShell(bot, tmp_path)
    names = [
        rows.write("a.csv", "Number\n1\n2\n"),
        rows.write("b.ndjson", '{"Number":3}\n{"Number":"x"}\n'),
        rows.write("c.tsv", "Text\tNumber\nt\t4\n"),
    ]
    done = rows.run("import", "numbers", *names, "--json")
    counts = json.loads(done.out)
    assert (done.status, counts["nInserted"], counts["nRejected"]) == (1, 4, 1)
    assert [(each["file"], each["nInserted"]) for each in counts["files"]] == list(
        zip(names, (2, 1, 1), strict=True)
    )
    assert done.err.endswith("Error: 1 row rejected; see b.ndjson.rejects.ndjson.\n")
    assert numbers_of(bot) == [1, 2, 3, 4]
    again = rows.run("import", "numbers", *names)
    assert again.out.count("Nothing to do") == 3
    for option in (("--rejects", "x"), ("--resume-at", "2")):
        assert "only with one FILE" in rows.fails("import", "numbers", *names, *option, status=2)
    assert "only once" in rows.fails("import", "numbers", "a.csv", "a.csv", status=2)


@ON_SQLITE
def test_pieces_are_streamed(bot: Bot, tmp_path: Path) -> None:
    """Some of them are lost on the way, and one has rows that are rejected."""
    rows = RowsShell(bot, tmp_path)
    count = 3_000
    lines = [f'{{"Number":{number},"Text":"{"x" * 1_000}"}}\n' for number in range(count)]
    lines[2_000] = '{"Number":"x"}\n'
    name = rows.write("n.ndjson", "".join(lines))
    with Gateway(bot.server_url, [lose_answer, lose_request, pass_on, lose_answer]) as gateway:
        done = rows.at(gateway.url).run("import", "numbers", name, "--json")
        requests = gateway.bulks
    assert json.loads(done.out)["nInserted"] == count - 1, done
    assert [each["line"] for each in rows.rejects(name)] == [2_001]
    assert numbers_of(bot) == [number for number in range(count) if number != 2_000]
    assert requests <= 12
