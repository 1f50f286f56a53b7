"""The grid: rows of any number, sort, filter, search, and the layout of columns."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import SQLITE, OpenPage, eventually, move
from playwright.sync_api import Locator, Page, expect

from support.person import Person
from support.workspace import Workspace, succeeded


def cell(page: Page, text: str) -> Locator:
    return page.get_by_role("gridcell", name=text, exact=True)


def column(page: Page, name: str) -> list[str]:
    """The visible values of a column."""
    header = page.get_by_role("columnheader").filter(has_text=name).first
    at = header.get_attribute("aria-colindex")
    return page.locator(f"[role=gridcell][aria-colindex='{at}']").all_inner_texts()


def parameter(page: Page, name: str) -> str:
    return parse_qs(urlsplit(page.url).query)[name][0]


def test_rows_are_there_and_are_searched(open_page: OpenPage, ada: Person, many_people_path: str) -> None:
    """Null is not an empty text."""
    page = open_page(ada, many_people_path)
    expect(cell(page, "Person 0")).to_be_visible()
    expect(page.get_by_text("500 rows")).to_be_visible()
    eventually(lambda: column(page, "Last_Name")[:3], ["empty text", "null", "null"])
    assert page.locator("[role=gridcell]").count() < 500  # not all cells exist
    assert page.get_by_role("grid").get_attribute("aria-rowcount") == "501"
    page.get_by_label("Search text columns").fill("PERSON 12")
    expect(page.get_by_text("11 rows")).to_be_visible()
    assert parameter(page, "search") == "PERSON 12"
    page.get_by_label("Search text columns").fill("nobody")
    expect(page.get_by_text("No row matches")).to_be_visible()
    page.get_by_role("button", name="Show all rows").click()
    expect(page.get_by_role("grid")).to_be_focused()
    page.keyboard.press("Control+K")
    expect(page.get_by_role("dialog", name="Search everywhere").get_by_role("combobox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("grid")).to_be_focused()
    expect(page.get_by_text("500 rows")).to_be_visible()


@pytest.fixture
def wide_path(workspace: Workspace) -> str:
    names = [f"Column_{at}" for at in range(60)]
    workspace.create_table(
        {"name": "wide", "schemaDef": [{"name": name, "type": "integer"} for name in names]}
    )
    row = dict.fromkeys(names, 9223372036854775807)
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/wide", json={"data": row}))
    return f"/console/w/{workspace.name}/tables/wide"


@SQLITE
def test_the_keyboard_reaches_every_row_and_column(
    open_page: OpenPage, ada: Person, many_people_path: str, wide_path: str
) -> None:
    """Also rows that the server did not give at first, and columns that are not drawn at first."""
    page = open_page(ada, many_people_path)
    page.emulate_media(reduced_motion="no-preference")
    expect(cell(page, "Person 0")).to_be_visible()
    grid = page.get_by_role("grid")
    page.context.set_offline(True)
    grid.focus()
    page.keyboard.press("Control+ArrowDown")
    expect(page.get_by_role("alert").first).to_contain_text("does not respond")
    page.context.set_offline(False)
    page.get_by_role("button", name="Try again").first.click()
    expect(cell(page, "Person 499")).to_be_visible()
    grid.focus()
    page.keyboard.press("Control+End")
    # the last of four columns and six system columns
    expect(grid).to_have_attribute("aria-activedescendant", re.compile("-499-10$"))
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(cell(page, "Person 499")).to_be_visible()
    page.keyboard.press("Control+Home")
    expect(cell(page, "Person 0")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitem", name="Sort ascending")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)  # it gives the focus back when it has faded out
    page.emulate_media(reduced_motion="reduce")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Created by")).to_be_visible()

    move(page, wide_path)
    expect(cell(page, "9223372036854775807").first).to_be_visible()  # exact
    assert page.locator("[role=gridcell]").count() < 20
    grid.focus()
    page.keyboard.press("End")
    expect(page.get_by_role("columnheader", name="Menu of column _id")).to_be_visible()


OPERANDS = [
    ("=", "First_Name", ["Person 7"], 1),
    ("between", "Number", ["1", "3"], 3),
    ("in", "Number", ["1", "3"], 2),
    ("icontains", "First_Name", ["SON 1"], 3),
    ("is null", "Last_Name", [], 8),
]
"""One for each number of values: the units of the filter's draft have all. Each finds another number of rows
than the one before."""


def sort(page: Page) -> None:
    """By clicks, by the list of what it is sorted by, and by clicks that follow quickly, which all count."""
    headers = page.get_by_role("columnheader")
    last_name, number = headers.filter(has_text="Last_Name"), headers.filter(has_text="Number")
    last_name.click()
    number.click(modifiers=["Shift"])
    number.click(modifiers=["Shift"])
    latest = ["11", "10", "8", "7"]  # of those without a last name
    eventually(lambda: column(page, "Number")[:4], latest)
    assert parameter(page, "sort") == "Last_Name,-Number"
    page.get_by_role("button", name="Sort").click()
    page.get_by_role("button", name="Do not sort by Last_Name").click()
    eventually(lambda: parameter(page, "sort"), "-Number")
    page.get_by_role("button", name="Do not sort by Number").click()
    eventually(lambda: column(page, "Number")[:4], ["0", "1", "2", "3"])
    page.keyboard.press("Escape")
    last_name.evaluate(
        """(lastName, number) => {
            lastName.click();
            number.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
            number.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
        }""",
        number.element_handle(),
    )
    eventually(lambda: column(page, "Number")[:4], latest)


def filter_rows(page: Page) -> None:
    """With an operand of each number of values, then nested and negated."""
    dialog = page.get_by_role("dialog")
    for operand, name, values, count in OPERANDS:
        # the condition of before is changed: the page is not shown in full between
        page.get_by_role("button", name="Filter").click()
        dialog.get_by_label("Column").select_option(name)
        dialog.get_by_label("Operator").select_option(value=operand)
        inputs = dialog.get_by_role("textbox")
        while inputs.count() < len(values):
            dialog.get_by_role("button", name="Value", exact=True).click()
        for at, value in enumerate(values):
            inputs.nth(at).fill(value)
        dialog.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("status").filter(has_text="row")).to_have_text(
            "1 row" if count == 1 else f"{count} rows"
        )
    page.get_by_role("button", name="Filter").click()
    dialog.get_by_role("button", name="Remove the filter").click()
    expect(page.get_by_text("12 rows")).to_be_visible()

    page.get_by_role("button", name="Filter").click()
    dialog.get_by_label("Column").select_option("Number")
    dialog.get_by_label("Operator").select_option("is between")
    dialog.get_by_label("From", exact=True).fill("2")
    dialog.get_by_label("To", exact=True).fill("10")
    dialog.get_by_role("button", name="Group").click()
    group = dialog.get_by_role("group", name="Group of level 1")
    group.get_by_label("Where or not").first.select_option("not")
    group.get_by_label("Column").select_option("Last_Name")
    group.get_by_label("Operator").select_option("is null")
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("3 rows")).to_be_visible()


def headers(page: Page) -> list[str]:
    return [text.split("\n")[0] for text in page.get_by_role("columnheader").all_inner_texts()][1:4]


def lay_out(page: Page) -> None:
    """Hide, move, pin and resize columns."""

    def menu(name: str, item: str) -> None:
        expect(page.get_by_role("menu")).to_have_count(0)  # the former one is closed
        page.get_by_role("button", name=f"Menu of column {name}").click()
        page.get_by_role("menuitem", name=item).click()

    menu("Last_Name", "Hide")
    expect(page.get_by_role("columnheader").filter(has_text="Last_Name")).to_have_count(0)
    menu("Number", "Move left")
    menu("Gender", "Pin to the left")
    menu("First_Name", "Wider")
    page.keyboard.press("Escape")


@SQLITE
def test_sort_filter_and_columns_outlast_a_reload(open_page: OpenPage, ada: Person, people_path: str) -> None:
    """The address has sort and filter, the browser the layout of columns of this person."""
    page = open_page(ada, people_path)
    expect(cell(page, "Person 0")).to_be_visible()
    sort(page)
    filter_rows(page)
    lay_out(page)

    def look() -> None:
        expect(page.get_by_text("3 rows")).to_be_visible()
        eventually(lambda: headers(page), ["Gender", "First_Name", "Number"])
        eventually(lambda: column(page, "Number"), ["9", "6", "3"])
        assert parameter(page, "sort") == "Last_Name,-Number"
        assert json.loads(parameter(page, "filter")) == {
            "expressions": [
                {"field": "Number", "operand": "between", "value": ["2", "10"]},
                {"not": {"expressions": [{"field": "Last_Name", "operand": "is null"}], "operator": "or"}},
            ],
            "operator": "and",
        }

    look()
    width = page.get_by_role("columnheader").filter(has_text="First_Name").bounding_box()
    page.reload()
    look()
    assert page.get_by_role("columnheader").filter(has_text="First_Name").bounding_box() == width
    assert width is not None
    assert width["width"] == 220
    page.get_by_role("button", name="Columns 1 hidden").click()
    page.get_by_role("button", name="Reset columns").click()
    eventually(lambda: headers(page), ["First_Name", "Last_Name", "Gender"])
    # of a link, a wrong one
    wrong = json.dumps({"expressions": [{"field": "Gone", "operand": "=", "value": 1}]})
    move(page, f"{people_path}?filter={wrong}")
    expect(page.get_by_role("alert").first).to_contain_text("Gone")
    move(page, f'{people_path}?filter={{"expressions":[null]}}')
    expect(page.get_by_role("alert").first).to_contain_text("damaged")
    page.keyboard.press("Escape")  # closes the list of columns
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.url.endswith(people_path)


@SQLITE
def test_what_was_created_elsewhere_just_now(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """The console keeps the list of tables, views and rights for a moment."""
    page = open_page(ada, people_path)
    expect(page.get_by_role("button", name="Add row")).to_be_visible()
    workspace.create_table({"name": "Teams", "schemaDef": [{"name": "Name", "type": "string"}]})
    move(page, f"/console/w/{workspace.name}/tables/teams")
    expect(page.get_by_role("heading", name="Teams")).to_be_visible()
    expect(page.get_by_role("button", name="Add row")).to_be_visible()
    view = {"name": "Names", "table": "Teams", "columns": ["Teams.Name"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    move(page, f"/console/w/{workspace.name}/views/names")
    expect(page.get_by_role("heading", name="Names")).to_be_visible()
    move(page, f"/console/w/{workspace.name}/views/none")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
