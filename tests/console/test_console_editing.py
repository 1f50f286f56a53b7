"""Editing: cells of each type, two people in one row, adding and deleting."""

from __future__ import annotations

import json
from typing import Any

from browsing import SQLITE, OpenPage, eventually, move
from playwright.sync_api import Page, expect
from test_console_accessibility import violations
from test_console_grid import cell

from support.person import Person
from support.workspace import PEOPLE, Workspace, succeeded

# a minute later, the person looks at the tab again
COME_BACK = """() => {
  const now = Date.now;
  Date.now = () => now() + 60000;
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""


def edit(page: Page, name: str, value: str) -> None:
    page.get_by_role("dialog", name=f"Edit {name}").get_by_role("textbox", name=name).fill(value)
    page.keyboard.press("Enter")


def rows_of(workspace: Workspace, table: str = "people", limit: int = 5, **body: Any) -> list[dict[str, Any]]:
    path = f"{workspace.path}/data/tables/{table}/query"
    return succeeded(workspace.admin.post(path, params={"sys_limit": limit}, json=body))["queryResult"]


@SQLITE
def test_by_the_mouse_and_by_the_keyboard(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """Typing replaces a value, Escape leaves it, Delete makes it null, Tab goes to the next cell and back."""
    page = open_page(ada, people_path)
    cell(page, "Person 1").dblclick()
    edit(page, "First_Name", "Grace")
    expect(cell(page, "Grace")).to_be_visible()
    row = rows_of(workspace)[1]
    assert row["First_Name"] == "Grace"
    assert row["Updated_By"] == ada.user["writer"]
    assert row["Created_By"] != ada.user["writer"]

    cell(page, "Person 0").click()
    page.keyboard.press("F2")
    page.get_by_role("textbox", name="First_Name").fill("not this")
    page.keyboard.press("Escape")
    expect(cell(page, "Person 0")).to_be_visible()
    page.keyboard.press("A")
    expect(page.get_by_role("textbox", name="First_Name")).to_be_focused()
    page.keyboard.type("da")
    page.keyboard.press("Tab")
    expect(cell(page, "Ada")).to_be_visible()
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("L")
    expect(page.get_by_role("textbox", name="Last_Name")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, "L")).to_be_visible()
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("Delete")
    expect(cell(page, "L")).to_have_count(0)
    row = rows_of(workspace)[0]
    assert (row["First_Name"], row["Last_Name"]) == ("Ada", None)

    cell(page, "Person 3").dblclick()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Edit Last_Name")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Edit First_Name")).to_be_visible()


def test_each_type(open_page: OpenPage, ada: Person, workspace: Workspace, typed_path: str) -> None:
    """And what a column of it cannot hold."""
    page = open_page(ada, typed_path, timezone_id="Europe/Berlin")
    cell(page, "one").dblclick()
    edit(page, "Text", "too long")
    expect(page.get_by_role("alert")).to_contain_text("At most 5 characters")
    page.keyboard.press("Escape")

    def at(name: str) -> None:
        expect(page.get_by_role("grid")).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name=f"Edit {name}")).to_be_visible()

    at("Whole")
    edit(page, "Whole", "soon")  # the server refuses it
    expect(page.get_by_role("alert")).to_contain_text('"soon"')
    edit(page, "Whole", "9223372036854775807")
    expect(cell(page, "9223372036854775807")).to_be_visible()
    at("Exact")
    edit(page, "Exact", "0.10")
    expect(cell(page, "0.10")).to_be_visible()
    at("Flag")
    page.get_by_label("Flag", exact=True).select_option("true")
    page.keyboard.press("Enter")
    expect(cell(page, "true")).to_be_visible()
    at("Day")
    # an hour that comes twice: another minute is not another hour
    day = page.get_by_label("Day", exact=True)
    day.fill("2026-10-25T02:30:00")
    page.get_by_label("Before or after the clocks").select_option("after the clocks are set back")
    day.press("Enter")
    expect(page.get_by_title("2026-10-25T01:30:00.000Z")).to_be_visible()
    page.keyboard.press("Enter")
    day.fill("2026-10-25T02:45:00")
    day.press("Enter")
    expect(page.get_by_title("2026-10-25T01:45:00.000Z")).to_be_visible()
    page.keyboard.press("Enter")
    day.fill("2020-03-28T08:02:09")
    page.keyboard.press("Enter")
    expect(page.get_by_title("2020-03-28T07:02:09.000Z")).to_be_visible()
    at("Data")
    edit(page, "Data", '{"a": ')
    expect(page.get_by_role("alert")).to_contain_text("not valid JSON")
    edit(page, "Data", '{"a": 1, "a": 2}')
    expect(page.get_by_role("alert")).to_contain_text('has the key "a" twice')
    edit(page, "Data", '{"a": [1.0, null], "2": -0.0, "1": {}}')
    expect(cell(page, '{"a":[1.0,null],"2":-0.0,"1":{}}')).to_be_visible()
    # what is not changed in a cell stays as it is written
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.type(', "0": 7')
    page.keyboard.press("Enter")
    expect(cell(page, '{"a":[1.0,null],"2":-0.0,"1":{},"0":7}')).to_be_visible()
    row = rows_of(workspace, "typed")[0]
    values = [row[name] for name in ("Whole", "Exact", "Flag", "Day")]
    assert values == [9223372036854775807, "0.10", True, "2020-03-28T07:02:09.000Z"]
    assert json.dumps(row["Data"]) == '{"a": [1.0, null], "2": -0.0, "1": {}, "0": 7}'


@SQLITE
def test_two_people_edit_one_row(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """Who is later chooses; of a row that was deleted meanwhile nothing is stored."""
    page = open_page(ada, people_path)
    expect(cell(page, "Person 0")).to_be_visible()
    query = {"expressions": [{"field": "Number", "operand": "=", "value": 0}]}
    path = f"{workspace.path}/data/tables/people"
    before = "Person 0"
    for choice, theirs, mine in (("Keep theirs", "Their 1", "Mine 1"), ("Store mine", "Their 2", "Mine 2")):
        succeeded(workspace.admin.put(path, json={"query": query, "data": {"First_Name": theirs}}))
        cell(page, before).dblclick()
        edit(page, "First_Name", mine)
        dialog = page.get_by_role("dialog", name="Somebody else has changed this row")
        for value in (before, theirs, mine):
            expect(dialog.get_by_text(value, exact=True).last).to_be_visible()
        if choice == "Keep theirs":
            assert violations(dialog) == []
        assert rows_of(workspace)[0]["First_Name"] == theirs
        dialog.get_by_role("button", name=choice).click()
        before = theirs if choice == "Keep theirs" else mine
        expect(cell(page, before)).to_be_visible()
        assert rows_of(workspace)[0]["First_Name"] == before
    succeeded(workspace.admin.post(f"{path}/delete", json={"query": query}))
    cell(page, before).dblclick()
    edit(page, "First_Name", "Mine 3")
    page.get_by_role("dialog").get_by_role("button", name="Load the rows again").click()
    expect(page.get_by_text("11 rows")).to_be_visible()


@SQLITE
def test_what_is_typed_in_a_cell_is_not_lost(
    open_page: OpenPage, ada: Person, workspace: Workspace, many_people_path: str
) -> None:
    """Whether the cell is scrolled away, its columns or its row change meanwhile, or the page is left."""
    path = f"{workspace.path}/data/tables/people"
    query = {"expressions": [{"field": "Last_Name", "operand": "=", "value": "Typed"}]}
    tables = f"/console/w/{workspace.name}/tables"
    page = open_page(ada, tables)
    page.get_by_role("link", name="people").click()
    field = page.get_by_role("dialog", name="Edit Last_Name").get_by_role("textbox", name="Last_Name")
    grid = page.get_by_role("grid")
    cell(page, "Person 1").click()
    page.keyboard.press("ArrowRight")
    page.keyboard.type("Ty")
    grid.evaluate("grid => grid.scrollTo(0, 9000)")
    expect(cell(page, "Person 290")).to_be_visible()
    page.keyboard.type("ped")
    grid.evaluate("grid => grid.scrollTo(0, 0)")
    expect(field).to_have_value("Typed")
    # the column is another one now, of which there is one less
    columns = [each for each in PEOPLE["schemaDef"] if each["name"] != "First_Name"]
    changed = PEOPLE | {"schemaDef": columns, "indexes": []}
    lossy = {"allowDataLoss": "true"}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/people", json=changed, params=lossy))
    page.evaluate(COME_BACK)
    expect(page.get_by_role("columnheader", name="First_Name")).to_have_count(0)
    expect(field).to_have_value("Typed")
    page.go_back()
    page.get_by_role("dialog", name="Discard what you typed?").get_by_role("button", name="Continue").click()
    field.press("Enter")
    expect(cell(page, "Typed")).to_be_visible()
    (row,) = rows_of(workspace, query=query)
    # a link stores it; if somebody else has changed the row, the next page says so
    cell(page, "Typed").dblclick()
    field.fill("Mine")
    succeeded(workspace.admin.put(path, json={"query": query, "data": {"Number": 7}}))
    page.get_by_role("link", name="Tables", exact=True).click()
    alert = page.get_by_role("alert")
    expect(alert).to_have_text('Last_Name was not changed to "Mine": Somebody else has changed this row.')
    alert.get_by_role("button").click()
    # the page of the row
    move(page, f"{many_people_path}/rows/{row['_id']}")
    page.get_by_role("button", name="Edit Last_Name").click()
    field.fill("Mine")
    succeeded(workspace.admin.put(path, json={"query": query, "data": {"Number": 8}}))
    page.evaluate(COME_BACK)
    expect(page.get_by_role("row", name="Number 8")).to_be_visible()
    expect(field).to_have_value("Mine")
    succeeded(workspace.admin.post(f"{path}/delete", json={"query": query}))
    page.evaluate(COME_BACK)
    expect(alert).to_have_text('Last_Name was not changed to "Mine": its cell is not there any more.')


def test_add_and_delete_a_row(
    open_page: OpenPage, ada: Person, workspace: Workspace, typed_path: str
) -> None:
    page = open_page(ada, typed_path)
    expect(cell(page, "one")).to_be_visible()
    page.get_by_role("button", name="Add row").click()
    drawer = page.get_by_role("dialog", name="Add a row")
    expect(drawer.get_by_role("textbox", name="Text")).to_be_focused()
    drawer.get_by_role("button", name="Add", exact=True).click()
    expect(drawer.get_by_role("alert")).to_contain_text("Text")
    drawer.get_by_role("textbox", name="Text").fill("two")
    drawer.get_by_role("textbox", name="Exact").fill("2.50")
    # half a date is not taken for none
    drawer.get_by_label("Day", exact=True).press("1")
    drawer.get_by_role("button", name="Add", exact=True).click()
    expect(drawer.get_by_text("Enter a date, or select null.")).to_be_visible()
    drawer.get_by_role("checkbox", name="Day is null").check()
    drawer.get_by_role("button", name="Add", exact=True).click()
    expect(cell(page, "two")).to_be_visible()
    expect(page.get_by_text("2 rows")).to_be_visible()
    cell(page, "one").click()
    page.keyboard.press("Home")
    page.keyboard.press("Delete")
    page.get_by_role("dialog", name="Delete row 1?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("1 row", exact=True)).to_be_visible()
    eventually(lambda: [row["Text"] for row in rows_of(workspace, "typed")], ["two"])
