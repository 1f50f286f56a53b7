"""Files in the console: a dropped file becomes a table, or rows of one; what is shown becomes a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from browsing import SQLITE, OpenPage
from playwright.sync_api import Page, expect
from python_calamine import CalamineWorkbook
from test_console_accessibility import violations
from test_console_grid import cell

from support.person import Person
from support.workspace import Workspace, succeeded

DROP = """({ name, head, line, count, tail }) => {
  const lines = Array.from({ length: count }, (_, at) => line.replaceAll("@", at)).join("");
  const dropped = new DataTransfer();
  dropped.items.add(new File([head + lines + tail], name));
  for (const type of ["dragover", "drop"]) {
    dispatchEvent(new DragEvent(type, { dataTransfer: dropped, bubbles: true, cancelable: true }));
  }
}"""
LONG_MS = 90_000

WITHOUT_ROWS = """() => {
  const rows = [...document.querySelectorAll("tr:nth-child(n+6)")];
  window.rowsBack = rows.map((row) => [row.parentNode, row]);
  for (const row of rows) row.remove();
}"""
WITH_ROWS = "() => { for (const [parent, row] of window.rowsBack) parent.append(row); }"
"""All rows of tables but the first five leave the page, and come back."""


def drop(page: Page, name: str, head: str, line: str = "", count: int = 0, tail: str = "") -> None:
    """Drop a file on the page, which has a head and a line that is repeated, with its number for each @."""
    page.evaluate(DROP, {"name": name, "head": head, "line": line, "count": count, "tail": tail})


def stored(workspace: Workspace, table: str, **body: Any) -> list[Any]:
    path = f"{workspace.path}/data/tables/{table}/query?sys_limit=1000"
    response = workspace.admin.post(path, json=body)
    succeeded(response)
    found: list[Any] = response.json()["queryResult"]
    return found


@SQLITE
def test_a_dropped_file_of_100000_rows_becomes_a_table(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    page = open_page(ada, f"/console/w/{workspace.name}/tables")
    expect(page.get_by_role("button", name="Import")).to_be_visible()
    head, line, tail = "Code;Price/Earnings;Day\n", "C@;@,5;31.12.2024\n", "X;none;01.01.2024\n"
    drop(page, "big stocks.csv", head, line, 100_000, tail)
    expect(page.get_by_role("heading", name="Import big stocks.csv")).to_be_visible()
    # the first rows have a decimal comma
    expect(page.get_by_label("Type of Price/Earnings")).to_have_value("number", timeout=LONG_MS)
    page.get_by_label("Name of Price/Earnings in the table").fill("Price")
    page.get_by_label("Name of the table").fill("stocks")
    page.get_by_role("button", name="Create the table and import").click()
    expect(page.get_by_text("Importing into stocks").or_(page.get_by_text("has finished"))).to_be_visible()
    page.reload()
    expect(page.get_by_text("The import has finished.")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("100,000 rows imported, 1 row rejected")).to_be_visible()
    expect(page.get_by_role("cell", name="100,002")).to_be_visible()
    download_all = page.get_by_role("button", name="Download all with their reasons")
    page.route("**/rejects", lambda route: route.abort(), times=1)
    download_all.click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not respond")
    with page.expect_download() as download:
        download_all.click()
    rejected = json.loads(Path(download.value.path()).read_text("utf-8"))
    assert (rejected["line"], rejected["row"]) == (100_002, "X,none,01.01.2024")
    assert violations(page) == []
    page.get_by_role("link", name="Open stocks").click()
    expect(cell(page, "C0")).to_be_visible()
    expect(page.get_by_text("100,000 rows")).to_be_visible()
    where = {"expressions": [{"field": "Code", "operand": "=", "value": "C7"}]}
    assert [row["Price"] for row in stored(workspace, "stocks", query=where)] == [7.5]


@SQLITE
def test_390_columns_go_into_a_table_by_keyboard(
    open_page: OpenPage, ada: Person, workspace: Workspace, tmp_path: Path
) -> None:
    names = [f"Column_{at}" for at in range(390)]
    index = {"name": "by_first", "isUnique": True, "columns": [{"name": names[0]}]}
    schema = [{"name": name, "type": "integer"} for name in names]
    workspace.create_table({"name": "wide", "schemaDef": schema, "indexes": [index]})
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/wide", json={"data": {names[0]: 1}}))
    file = tmp_path / "wide.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*(name.replace("_", " ").lower() for name in names), "Remarks"])
        writer.writerows([*range(row, row + 390), "no"] for row in (1, 2, 3))
    page = open_page(ada, f"/console/w/{workspace.name}/tables/wide", 360, 740)
    # the grid moves the focus when its rows come
    expect(page.get_by_role("gridcell", name="1", exact=True).first).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Import").press("Enter")
    chooser.value.set_files(file)
    expect(page.get_by_label("Column for column 389")).to_have_value("Column_389", timeout=LONG_MS)
    expect(page.get_by_label("Column for Remarks")).to_have_value("")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # the first of the columns are like all others, which axe would read even if it is told to leave them out
    page.evaluate(WITHOUT_ROWS)
    assert violations(page) == []
    page.evaluate(WITH_ROWS)
    page.get_by_label("If a row is in the table").select_option("update the row in the table")
    page.get_by_role("button", name="Check without importing").press("Enter")
    expect(page.get_by_text("2 rows would be imported, 1 row would be updated")).to_be_visible(
        timeout=LONG_MS
    )
    assert len(stored(workspace, "wide")) == 1
    page.get_by_role("button", name="Back to the import").press("Enter")
    page.get_by_role("button", name="Import", exact=True).press("Enter")
    expect(page.get_by_text("2 rows imported, 1 row updated")).to_be_visible(timeout=LONG_MS)
    rows = stored(workspace, "wide", sort=[{"field": "Column_0"}], fields=["Column_0", "Column_389"])
    assert rows == [{"Column_0": at, "Column_389": at + 389} for at in (1, 2, 3)]
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@SQLITE
def test_a_new_table_is_checked_without_importing(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    page = open_page(ada, f"/console/w/{workspace.name}/tables")
    expect(page.get_by_role("button", name="Import")).to_be_visible()
    drop(page, "stocks.csv", "Code;Price;Day;Seen\n", "C@;@,5;31.12.2024;2024-12-31 23:05\n", 3)
    expect(page.get_by_label("Delimiter")).to_have_value(";", timeout=LONG_MS)
    price = page.get_by_label("Type of Price")
    # a decimal comma; somebody may know better
    expect(price).to_have_value("number")
    page.get_by_label("Numbers").select_option("1234.5")
    expect(price).to_have_value("string", timeout=LONG_MS)
    page.get_by_label("Numbers").select_option("1234,5")
    expect(price).to_have_value("number", timeout=LONG_MS)
    # the day is never before the month here, so its format needs no choice
    expect(page.get_by_label("Type of Day")).to_have_value("date")
    # times are in no zone until somebody chooses one
    expect(page.get_by_label("Type of Seen")).to_have_value("string")
    page.get_by_label("Zone of times without one").select_option("UTC")
    expect(page.get_by_label("Type of Seen")).to_have_value("date", timeout=LONG_MS)
    assert violations(page) == []
    page.get_by_role("button", name="Check without importing").click()
    expect(page.get_by_text("3 rows would be imported")).to_be_visible(timeout=LONG_MS)
    assert workspace.admin.get(f"{workspace.path}/tables/stocks").status_code == 404
    page.get_by_role("button", name="Back to the import").click()
    expect(page.get_by_role("button", name="Create the table and import")).to_be_visible()
    # the search is for the page that it was opened on
    page.keyboard.press("Control+k")
    expect(page.get_by_role("dialog", name="Search everywhere")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_shown_is_exported(open_page: OpenPage, grace: Person, people_path: str) -> None:
    shown = json.dumps({"expressions": [{"field": "Number", "operand": "<", "value": 3}]})
    page = open_page(grace, f"{people_path}?sort=-Number&filter={shown}")
    expect(page.get_by_text("3 rows")).to_be_visible()
    # viewers read rows, so they export them, but they import none
    expect(page.get_by_role("button", name="Import")).to_have_count(0)
    files = {}
    for label in ("Excel", "CSV"):
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=label).click()
        files[download.value.suggested_filename] = Path(download.value.path()).read_bytes()
    assert list(files) == ["people.xlsx", "people.csv"]
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(files["people.xlsx"])).get_sheet_by_index(0)
    rows = [row[:1] for row in sheet.to_python()]
    assert rows == [["First_Name"], ["Person 2"], ["Person 1"], ["Person 0"]]
    assert [row[0] for row in csv.reader(io.StringIO(files["people.csv"].decode()))] == [
        "First_Name", "Person 2", "Person 1", "Person 0"
    ]  # fmt: skip


@SQLITE
def test_a_file_that_cannot_be_read(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    page = open_page(ada, f"/console/w/{workspace.name}/import", 360)
    expect(page.get_by_role("heading", name="Imports")).to_be_visible()
    drop(page, "a.xlsx", "not a workbook")
    expect(page.get_by_role("alert")).to_contain_text("a.xlsx is not a valid Excel or OpenDocument file")
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_label("Format").select_option("csv")
    expect(page.get_by_label("Name of not a workbook in the table")).to_be_visible()
    page.get_by_role("link", name="All imports").click()
    page.get_by_role("button", name="Delete a.xlsx").click()
    expect(page.get_by_role("link", name="a.xlsx")).to_have_count(0)
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
