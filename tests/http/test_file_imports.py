"""Imports of uploaded files: what is found out about them, what becomes of their rows, and who may do it."""

from __future__ import annotations

import gzip
import io
import json
import time
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from answers import good, problem
from python_calamine import CalamineWorkbook

from support.engines import first_on_each
from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

PATIENT_SECONDS = 60

STOCKS = (
    "Name;Price/Earnings;52 Week Low;Since\r\n"
    "M\374ller;1.234,5;10;29.02.2024\r\nK\366hler;NULL;9,5;01.03.2024\r\n"
)
CITIES = {
    "name": "cities",
    "schemaDef": [
        {"name": "Code", "type": "string", "isRequired": True},
        {"name": "People", "type": "integer"},
        {"name": "Notes", "type": "string"},
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}


class Uploads:
    """The uploaded files of somebody in a workspace."""

    def __init__(self, http: httpx.Client, workspace: Workspace) -> None:
        self.http = http
        self.path = f"{workspace.path}/files"

    def upload(self, name: str, content: bytes | str) -> httpx.Response:
        sent = content.encode() if isinstance(content, str) else content
        return self.http.post(self.path, params={"name": name}, content=sent)

    def new(self, name: str, content: bytes | str) -> str:
        response = self.upload(name, content)
        assert response.status_code == 201, response.text
        found: str = response.json()["id"]
        return found

    def inspect(self, file: str, **reading: Any) -> Any:
        return good(self.http.post(f"{self.path}/{file}/inspect", json=reading))

    def start(self, file: str, **body: Any) -> httpx.Response:
        return self.http.post(f"{self.path}/{file}/import", json=body)

    def run(self, file: str, **body: Any) -> Any:
        """The result of an import."""
        response = self.start(file, **body)
        assert response.status_code == 202, response.text
        return self.end(file)

    def end(self, file: str) -> Any:
        until = time.monotonic() + PATIENT_SECONDS
        while True:
            found = good(self.http.get(f"{self.path}/{file}"))["import"]
            if found["status"] not in ("queued", "running"):
                return found
            assert time.monotonic() < until, found
            time.sleep(0.05)

    def rejects(self, file: str) -> list[Any]:
        response = self.http.get(f"{self.path}/{file}/rejects")
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
def uploads(workspace: Workspace) -> Uploads:
    return Uploads(workspace.admin, workspace)


@pytest.fixture
def cities(workspace: Workspace) -> Workspace:
    workspace.create_table(CITIES)
    return workspace


def rows(workspace: Workspace, table: str = "cities", sort: str = "Code") -> list[Any]:
    body = {"sort": [{"field": sort}], "fields": ["Code", "People"]}
    found = good(workspace.admin.post(f"{workspace.path}/data/tables/{table}/query", json=body))
    return [tuple(each.values()) for each in found["queryResult"]]


def test_a_file_of_another_program_becomes_a_table(workspace: Workspace, uploads: Uploads) -> None:
    file = uploads.new("stocks.csv", STOCKS.encode("cp1252"))
    seen = uploads.inspect(file)
    assert seen["detected"] == {
        "format": "csv", "encoding": "windows-1252", "delimiter": ";", "headerLine": 1
    }  # fmt: skip
    assert [each["name"] for each in seen["columns"]] == [
        "Name", "Price/Earnings", "52 Week Low", "Since"
    ]  # fmt: skip
    assert seen["rows"][0] == {"#1": "Müller", "#2": "1.234,5", "#3": "10", "#4": "29.02.2024"}
    reading = {"decimal": ",", "thousands": ".", "nulls": ["NULL"], "dateFormats": ["DD.MM.YYYY"]}
    seen = uploads.inspect(file, **reading)
    definition = seen["definition"]
    assert [(each["name"], each["type"]) for each in definition["schemaDef"]] == [
        ("Name", "string"), ("Price_Earnings", "number"), ("c_52_Week_Low", "number"), ("Since", "date")
    ]  # fmt: skip
    assert (seen["isWhole"], seen["rowsSeen"]) == (True, 2)
    workspace.create_table(definition)
    columns = [{"label": each["label"], "column": each["proposed"]} for each in seen["columns"]]
    done = uploads.run(file, table=definition["name"], reading=reading, columns=columns)
    assert (done["status"], done["nInserted"], done["nRejected"]) == ("finished", 2, 0), done
    found = good(workspace.admin.post(f"{workspace.path}/data/tables/stocks/query", json={}))
    assert [each["Price_Earnings"] for each in found["queryResult"]] == [1234.5, None]
    assert found["queryResult"][0]["Since"] == "2024-02-29T00:00:00.000Z"
    # the file is deleted with the end of the import, but not its result
    assert good(workspace.admin.get(uploads.path))["files"][0]["isStored"] is False
    problem(uploads.start(file, table="stocks"), 404, "no_such_file")


def test_rejected_rows_have_their_lines_and_reasons(cities: Workspace, uploads: Uploads) -> None:
    file = uploads.new(
        "cities.csv.gz", gzip.compress(b"Code,People,_id\na,1,x\nb,many,x\n,3,x\na,4,x\nc,5,x\n")
    )
    check = uploads.run(file, table="cities", dryRun=True)
    assert (check["nInserted"], check["nRejected"], rows(cities)) == (2, 3, [])
    done = uploads.run(file, table="CITIES")
    assert (done["status"], done["nInserted"], done["nRejected"]) == ("finished", 2, 3), done
    assert rows(cities) == [("a", 1), ("c", 5)]
    rejects = uploads.rejects(file)
    assert [each["line"] for each in rejects] == [3, 4, 5]
    assert [each["errors"][0]["code"] for each in rejects] == [
        "invalid_value", "missing_value", "unique_violation"
    ]  # fmt: skip
    assert rejects[0]["row"] == {"Code": "b", "People": "many"}


def test_all_rows_or_none(cities: Workspace, uploads: Uploads) -> None:
    bad = (
        "".join(f'{{"Code": "{at}", "People": {at}}}\n' for at in range(300))
        + '{"Code": "x", "People": "y"}\n'
    )
    file = uploads.new("bad.ndjson", bad)
    done = uploads.run(file, table="cities", mode="atomic")
    assert (done["status"], done["nInserted"], done["nRejected"]) == ("finished", 0, 1), done
    assert [(each["line"], each["row"]["Code"]) for each in uploads.rejects(file)] == [(301, "x")]
    assert rows(cities) == []
    good_file = uploads.new("good.ndjson", bad.rpartition('{"Code": "x"')[0])
    assert uploads.run(good_file, table="cities", mode="atomic", dryRun=True)["nInserted"] == 300
    assert uploads.run(good_file, table="cities", mode="atomic")["nInserted"] == 300
    assert (
        len(
            good(cities.admin.post(f"{cities.path}/data/tables/cities/query?sys_limit=500", json={}))[
                "queryResult"
            ]
        )
        == 300
    )


def test_rows_that_exist(cities: Workspace, uploads: Uploads) -> None:
    uploads.run(uploads.new("a.csv", "Code,People\na,1\n"), table="cities")
    again = "Code,People\na,2\nb,3\n"
    update = uploads.run(uploads.new("b.csv", again), table="cities", onConflict="update", key=["Code"])
    assert (update["nInserted"], update["nUpdated"]) == (1, 1), update
    ignore = uploads.run(
        uploads.new("c.csv", "Code,People\na,9\n"), table="cities", onConflict="ignore", key=["Code"]
    )
    assert (ignore["nInserted"], ignore["nIgnored"]) == (0, 1), ignore
    assert rows(cities) == [("a", 2), ("b", 3)]
    assert (
        uploads.run(
            uploads.new("d.csv", again), table="cities", mode="atomic", onConflict="update", key=["Code"]
        )["nUpdated"]
        == 2
    )
    problem(
        uploads.start(uploads.new("e.csv", again), table="cities", onConflict="update"), 422, "invalid_value"
    )


def test_excel_and_parquet(cities: Workspace, uploads: Uploads) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        made.add_worksheet("Notes").write_string(0, 0, "nothing")
        sheet = made.add_worksheet("Cities")
        for at, cells in enumerate((("Code", "People"), ("x", 1), ("y", 2))):
            sheet.write_row(at, 0, cells)
    file = uploads.new("book.xlsx", book.getvalue())
    seen = uploads.inspect(file)
    assert (seen["sheets"], seen["detected"]["sheet"]) == (["Notes", "Cities"], "Notes")
    assert uploads.inspect(file, sheet="Cities")["rows"] == [{"#1": "x", "#2": "1"}, {"#1": "y", "#2": "2"}]
    assert uploads.run(file, table="cities", reading={"sheet": "Cities"})["nInserted"] == 2
    table = io.BytesIO()
    pq.write_table(pa.table({"Code": ["z"], "Inhabitants": [3]}), table)
    file = uploads.new("more.parquet", table.getvalue())
    columns = [{"label": "#1", "column": "Code"}, {"label": "#2", "column": "People"}]
    assert uploads.run(file, table="cities", columns=columns)["nInserted"] == 1
    assert rows(cities) == [("x", 1), ("y", 2), ("z", 3)]


def test_cells_with_errors_are_rejected(cities: Workspace, uploads: Uploads) -> None:
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        sheet = made.add_worksheet("Cities")
        sheet.write_row(0, 0, ("Code", "People"))
        sheet.write_row(1, 0, ("x", 1))
        sheet.write_string(2, 0, "y")
        sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")
    file = uploads.new("book.xlsx", book.getvalue())
    for dry_run in (True, False):
        done = uploads.run(file, table="cities", dryRun=dry_run, keepFile=True)
        assert (done["nInserted"], done["nRejected"]) == (1, 1)
        (reject,) = uploads.rejects(file)
        assert '"#DIV/0!" in cell B3 of sheet "Cities"' in reject["errors"][0]["msg"]
    nulls = {"nulls": ["#DIV/0!"]}
    done = uploads.run(file, table="cities", key=["Code"], onConflict="ignore", reading=nulls)
    assert (done["nInserted"], done["nIgnored"]) == (1, 1)
    assert rows(cities) == [("x", 1), ("y", None)]


@first_on_each(
    ("name", "content", "message"),
    [
        ("a.csv", b"\x00\x01\x02" * 9, "not a text file"),
        ("a.csv", b"PK\x03\x04" + b"x" * 99, "is an Excel or OpenDocument file"),
        ("a.xlsx", b"PK\x03\x04" + b"x" * 99, "not a valid Excel"),
        ("a.csv.gz", b"\x1f\x8b" + b"x" * 99, "not a complete gzip file"),
        ("a.csv", b"," * 5000 + b"\n1\n", "has 5,001 columns"),
        ("a.parquet", b"PAR1" + b"x" * 99, "Parquet"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read(shared: Workspace, name: str, content: bytes, message: str) -> None:
    uploads = Uploads(shared.admin, shared)
    file = uploads.new(name, content)
    response = uploads.http.post(f"{uploads.path}/{file}/inspect", json={})
    assert message in problem(response, 422, "unreadable_file")["detail"]
    assert "--" not in response.json()["detail"]
    assert uploads.http.delete(f"{uploads.path}/{file}").status_code == 204


def test_what_is_refused_at_once(cities: Workspace, uploads: Uploads) -> None:
    problem(uploads.upload("../x.csv", "a"), 400, "invalid_parameter")
    problem(uploads.upload("x.csv", ""), 422, "unreadable_file")
    file = uploads.new("x.csv", "Code\na\n")
    problem(uploads.start(file, table="nothing"), 404, "no_such_table")
    problem(uploads.start(file, table="cities", reading={"encoding": "klingon"}), 422, "invalid_value")
    problem(uploads.start("fi-000000000000000000000000", table="cities"), 404, "no_such_file")
    problem(uploads.http.get(f"{uploads.path}/{file}/rejects"), 404, "no_such_file")
    # columns that do not fit end the import with a message
    done = uploads.run(uploads.new("y.csv", "Code,Height\na,1\n"), table="cities")
    assert done["status"] == "failed"
    assert "Height" in done["message"]


def test_a_check_of_a_new_table(cities: Workspace, uploads: Uploads) -> None:
    """It finds what the import finds afterwards, and stores nothing."""
    columns = ({"type": "string", "maxLength": 2, "isRequired": True}, {"type": "integer"})
    definition = {
        "name": "towns",
        "schemaDef": [{"name": name, **rest} for name, rest in zip(("Code", "People"), columns, strict=True)],
        "indexes": [
            {"name": f"by_{name}", "isUnique": True, "columns": [{"name": name}]}
            for name in ("Code", "People")
        ],
    }
    good_rows = "".join(f"{at:02},{at}\n" for at in range(60))
    # 70 is still free after a row that the second index refuses
    bad_rows = "07,1\nlong,2\nx,many\n,4\n70,5\n70,70\n"
    file = uploads.new("towns.csv", f"Code,People\n{good_rows}{bad_rows}")
    check = uploads.run(file, table="towns", dryRun=True, newTable=definition)
    assert (check["status"], check["nInserted"], check["nRejected"], check["dryRun"]) == (
        "finished", 61, 5, True
    ), check  # fmt: skip
    found = uploads.rejects(file)
    assert [each["line"] for each in found] == [62, 63, 64, 65, 66]
    assert found[0]["errors"][0]["code"] == "unique_violation"
    problem(cities.admin.get(f"{cities.path}/tables/towns"), 404, "no_such_table")
    succeeded(cities.admin.post(f"{cities.path}/tables", json=definition))
    again = uploads.start(file, table="towns", dryRun=True, newTable=definition)
    problem(again, 409, "name_taken")
    done = uploads.run(file, table="towns", keepFile=True)
    assert (done["nInserted"], done["nRejected"]) == (61, 5), done
    assert [each["line"] for each in uploads.rejects(file)] == [62, 63, 64, 65, 66]
    # it was asked for that the file stays
    assert good(uploads.http.get(f"{uploads.path}/{file}"))["isStored"]


def test_what_the_check_of_a_new_table_cannot_have(uploads: Uploads) -> None:
    code = {"name": "Code", "type": "string"}
    referring = {**code, "reference": {"table": "cities", "column": "Code"}}
    table = {"name": "b", "schemaDef": [code]}
    file = uploads.new("b.csv", "Code\na\n")
    changes: list[tuple[dict[str, Any], str]] = [
        ({"dryRun": False}, "/newTable"),
        ({"mode": "atomic"}, "/mode"),
        ({"onConflict": "update", "key": ["Code"]}, "/onConflict"),
        ({"table": "cities"}, "/table"),
        ({"newTable": {**table, "schemaDef": [{**code, "type": "x"}]}}, "/newTable/schemaDef/0/type"),
        ({"newTable": {**table, "schemaDef": [referring]}}, "/newTable/schemaDef/0/reference"),
    ]
    for change, pointer in changes:
        refused = uploads.start(file, **{"table": "b", "dryRun": True, "newTable": table, **change})
        assert refused.json()["errors"][0]["pointer"] == pointer, refused.text


def test_rights(server: RowkeepServer, cities: Workspace, uploads: Uploads) -> None:
    viewer, editor = Person(server), Person(server)
    for person, role in ((viewer, "viewer"), (editor, "editor")):
        succeeded(cities.admin.put(f"{cities.path}/members/{person.id}", json={"role": role}))
    problem(Uploads(viewer.http, cities).upload("a.csv", "Code\na\n"), 403, "forbidden")
    mine = Uploads(editor.http, cities)
    file = mine.new("a.csv", "Code\na\n")
    # files are private, also from administrators
    problem(uploads.http.get(f"{uploads.path}/{file}"), 404, "no_such_file")
    assert good(uploads.http.get(uploads.path))["files"] == []
    succeeded(cities.admin.put(f"{cities.path}/members/{editor.id}", json={"role": "viewer"}))
    problem(mine.start(file, table="cities"), 403, "forbidden")
    succeeded(cities.admin.put(f"{cities.path}/members/{editor.id}", json={"role": "editor"}))
    assert mine.run(file, table="cities")["nInserted"] == 1
    written = good(cities.admin.post(f"{cities.path}/data/tables/cities/query", json={}))["queryResult"][0]
    writers = good(cities.admin.get(f"{cities.path}/writers"))["writers"]
    assert written["Created_By"] in {each["id"] for each in writers if each["kind"] == "user"}


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"


def test_exports_of_what_is_shown(cities: Workspace) -> None:
    data = [{"Code": "=1+1", "People": 3}, {"Code": "b", "People": None}, {"Code": "c", "People": 1}]
    succeeded(cities.admin.post(f"{cities.path}/data/tables/cities/bulk", json={"data": data}))
    path = f"{cities.path}/data/tables/cities/query"
    body = {
        "query": {"expressions": [{"field": "Code", "operand": "!=", "value": "c"}]},
        "sort": [{"field": "Code", "order": "desc"}],
        "fields": ["People", "Code"],
    }
    book = cities.admin.post(path, json=body, headers={"Accept": XLSX})
    assert (book.status_code, book.headers["content-type"]) == (200, XLSX), book.text
    assert book.headers["content-disposition"] == "attachment; filename*=UTF-8''cities.xlsx"
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_index(0)
    # a text is never a formula
    assert sheet.to_python() == [["People", "Code"], ["", "b"], [3.0, "=1+1"]]
    table = cities.admin.post(path, json=body, headers={"Accept": PARQUET})
    assert pq.read_table(io.BytesIO(table.content)).to_pylist() == [
        {"People": None, "Code": "b"}, {"People": 3, "Code": "=1+1"}
    ]  # fmt: skip
    succeeded(
        cities.admin.post(
            f"{cities.path}/data/tables/cities", json={"data": {"Code": "n", "Notes": "x" * 40_000}}
        )
    )
    refused = problem(cities.admin.post(path, json={}, headers={"Accept": XLSX}), 413, "file_too_large")
    assert "40,000 characters" in refused["detail"]
