"""The home page: what needs attention, what was counted, and the tables and views that were used last."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import SQLITE, OpenPage, move
from playwright.sync_api import expect
from test_console_accessibility import violations
from test_console_grid import cell

from support.person import Person
from support.workspace import Workspace, succeeded

EQUAL_ROWS = ["figure tr:nth-child(n+4)"]

COUNTED: dict[str, Any] = {
    "since": "2026-11-27T00:00:00.000Z",
    "until": "2026-11-28T00:00:00.000Z",
    "stepSeconds": 300,
    "points": [
        {
            "time": f"2026-11-27T{hour:02}:10:00.000Z",
            "requests": 1000 + hour,
            "clientErrors": 7,
            "serverErrors": hour % 2,
            "refusals": {"token": 5, "rate": 2},
            "rows": {},
        }
        for hour in range(24)
    ],
    "slowest": [
        {
            "time": "2026-11-27T05:00:00.000Z",
            "seconds": 1.5,
            "operation": "query",
            "statement": "SELECT slow",
            "table": "people",
            "app": None,
        }
    ],
    "tables": [
        {
            "workspace": "main",
            "table": name,
            "days": [{"day": f"2026-11-{day}", "rows": day, "bytes": day * 9000} for day in range(10, 28)],
        }
        for name in ("people", "cities")
    ],
    "notices": [{"about": "requests", "level": "warning", "message": "12 requests got an error."}],
}


@SQLITE
def test_the_table_that_was_used_last_is_first(
    open_page: OpenPage, grace: Person, people_path: str, workspace: Workspace
) -> None:
    """It is found by the keyboard alone; somebody who only reads here finds no users."""
    workspace.create_table({"name": "a_first_table", "schemaDef": [{"name": "Code", "type": "string"}]})
    page = open_page(grace, f"/console/w/{workspace.name}")
    names = page.get_by_role("table").get_by_role("link")
    expect(names).to_have_text(["a_first_table", "people"])
    expect(page.get_by_role("row").filter(has_text="people")).to_contain_text("12")
    expect(page.get_by_role("heading", name="What needs attention")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search everywhere")).to_be_focused()
    page.keyboard.insert_text("users")
    expect(page.get_by_role("option").filter(has_text="/users").first).to_be_visible()  # the docs
    expect(page.get_by_role("option", name="Users page")).to_have_count(0)
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("first_name")
    expect(page.get_by_role("option")).to_have_text(["First_Name column of people"])
    page.keyboard.press("Enter")
    expect(cell(page, "Person 0")).to_be_visible()
    page.get_by_role("link", name="Home").press("Enter")
    expect(names).to_have_text(["people", "a_first_table"])
    assert violations(page) == []


@SQLITE
@pytest.mark.usefixtures("people_path")
def test_an_administrator_searches_everywhere_and_sees_what_was_counted(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    """On a narrow light page, and what was counted on a wide dark one, too."""
    page = open_page(ada, f"/console/w/{workspace.name}/members", 360)
    page.get_by_role("button", name="Search everywhere").click()
    dialog = page.get_by_role("dialog", name="Search everywhere")
    field = dialog.get_by_role("combobox")
    expect(field).to_be_focused()
    for text, option in (
        ("last_n", "Last_Name column of people"),
        (ada.email, f"{ada.name} {ada.email}"),
        ("set password", "Your account page"),
        ("list tables of", "GET /api/v1/workspaces/{workspace}/tables"),
    ):
        field.fill(text)
        expect(dialog.get_by_role("option").filter(has_text=option).first).to_be_visible()
    field.fill("people")
    expect(dialog.get_by_role("option").first).to_contain_text("people table")
    assert violations(dialog) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.route("**/api/v1/activity", lambda route: route.fulfill(json=COUNTED))
    move(page, f"/console/w/{workspace.name}")
    expect(page.get_by_text("12 requests got an error.")).to_be_visible()
    expect(page.locator("figure canvas")).to_have_count(3)
    requests = page.get_by_role("figure", name="Requests", exact=True)
    requests.get_by_text("Numbers").click()
    expect(requests.get_by_role("row")).to_have_count(25)
    expect(requests.get_by_role("row").nth(2)).to_contain_text("993")
    expect(page.get_by_role("row").filter(has_text="SELECT slow")).to_contain_text("1.50")
    assert violations(page, without=EQUAL_ROWS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="dark")
    expect(page.locator(":root[data-mantine-color-scheme=dark]")).to_have_count(1)
    expect(page.locator("figure canvas")).to_have_count(3)
    assert violations(page, without=EQUAL_ROWS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@SQLITE
def test_a_chart_in_two_clicks(
    open_page: OpenPage, grace: Person, people_path: str, workspace: Workspace
) -> None:
    """By somebody who only reads."""
    view = {"name": "named", "table": "people", "columns": ["people.Last_Name", "people.Number"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    page = open_page(grace, people_path, 360)
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Bars").click()
    figure = page.get_by_role("figure", name="Sum of Number by First_Name")
    expect(figure.locator("canvas")).to_be_visible()
    page.get_by_label("By", exact=True).select_option("Last_Name")
    figure = page.get_by_role("figure", name="Sum of Number by Last_Name")
    figure.get_by_text("Numbers").click()
    # 0 to 11: those that 3 divides have an empty text, all others null
    expect(figure.get_by_role("row")).to_have_text(
        ["Last_NameSum of Number by Last_Name", "(none)48", "(empty text)18"]
    )
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # the address has it, with the search
    page.get_by_label("Drawn as", exact=True).select_option("number")
    page.get_by_label("Values", exact=True).select_option("count")
    page.get_by_label("Search text columns").fill("Person 1")
    expect(page.get_by_text("Number of rows: 3")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Number of rows: 3")).to_be_visible()
    # of a view
    move(page, f"/console/w/{workspace.name}/views/named")
    expect(page.get_by_role("heading", name="named")).to_be_visible()
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Pie").click()
    expect(page.get_by_role("figure", name="Sum of Number by Last_Name").locator("canvas")).to_be_visible()
    assert violations(page.get_by_role("region", name="Chart", exact=True)) == []
    page.get_by_role("button", name="Close the chart").click()
    expect(page.locator("canvas")).to_have_count(0)
