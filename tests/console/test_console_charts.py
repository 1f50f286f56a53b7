"""Saved charts: saved with their filter, opened from a list, changed, shared and deleted."""

from __future__ import annotations

from browsing import OpenPage
from playwright.sync_api import Page, expect
from test_console_accessibility import violations

from support.person import Person
from support.workspace import Workspace, succeeded


def dialog(page: Page, title: str) -> None:
    """Press the button of a dialog, and wait until it is closed."""
    opened = page.get_by_role("dialog", name=title)
    opened.get_by_role("button", name="Save", exact=True).click()
    expect(opened).to_have_count(0)


def test_a_chart_is_saved_shared_and_deleted(
    open_page: OpenPage, ada: Person, grace: Person, people_path: str, workspace: Workspace
) -> None:
    page = open_page(ada, people_path, 360)
    page.get_by_label("Search text columns").fill("Person 49")
    expect(page.get_by_text("11 rows")).to_be_visible()
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Number").click()
    page.get_by_label("Values", exact=True).select_option("count")
    expect(page.get_by_text("Number of rows: 11")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Number of rows")
    page.get_by_role("textbox", name="Name", exact=True).fill("Forty-nines")
    assert violations(page) == []
    dialog(page, "Save the chart")
    chart = page.get_by_role("region", name="Chart", exact=True)
    expect(chart).to_contain_text("Forty-nines")
    expect(chart).to_contain_text("Private")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # what is changed is not saved by itself
    page.get_by_label("Search text columns").fill("Person 48")
    expect(chart).to_contain_text("changed")
    page.get_by_role("button", name="Save changes").click()
    expect(chart.get_by_text("changed", exact=True)).to_have_count(0)
    page.get_by_label("Search text columns").fill("Person 1")
    page.get_by_role("button", name="Save as new").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("FORTY-NINES")
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("already has a private chart")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Rename or share").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Forty-eights")
    page.get_by_label("Everybody who can read people sees it").check()
    dialog(page, "Rename or share the chart")
    expect(chart).to_contain_text("Shared")

    # somebody who only reads opens it with its search, and cannot change it
    page = open_page(grace, f"/console/w/{workspace.name}")
    page.get_by_role("link", name="Forty-eights").click()
    expect(page.get_by_text("Number of rows: 11")).to_be_visible()
    expect(page.get_by_label("Search text columns")).to_have_value("Person 48")
    expect(page.get_by_role("button", name="Rename or share")).to_have_count(0)
    page.get_by_role("button", name="Close the chart").click()
    page.get_by_label("Search text columns").fill("")
    expect(page.get_by_text("500 rows")).to_be_visible()
    page.get_by_role("button", name="Chart", exact=True).click()
    assert violations(page) == []
    page.get_by_role("menuitem", name="Forty-eights").click()
    expect(page.get_by_text("Number of rows: 11")).to_be_visible()

    # found by the search; a chart whose column was dropped says so
    (saved,) = succeeded(workspace.admin.get(f"{workspace.path}/charts"))["charts"]
    pie = {"kind": "pie", "category": "Gender"}
    succeeded(workspace.admin.patch(f"{workspace.path}/charts/{saved['id']}", json=pie))
    table = succeeded(workspace.admin.get(f"{workspace.path}/tables/people"))
    table["schemaDef"] = [each for each in table["schemaDef"] if each["name"] != "Gender"]
    succeeded(workspace.admin.put(f"{workspace.path}/tables/people?allowDataLoss=true", json=table))
    page = open_page(ada, f"/console/w/{workspace.name}/tables")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("eights")
    page.get_by_role("option").filter(has_text="chart of people").click()
    expect(page.get_by_role("alert")).to_contain_text('no longer has the column "Gender"')
    assert violations(page) == []
    page.get_by_role("button", name="Choose other columns").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("changed", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the chart").click()
    expect(page.locator("canvas")).to_have_count(0)
    page.get_by_role("button", name="Chart", exact=True).click()
    expect(page.get_by_role("menuitem")).to_have_count(5)
