"""Saved charts: saved with their filter, opened from a list, changed, shared and deleted."""

from __future__ import annotations

from browsing import SQLITE, OpenPage, move
from playwright.sync_api import Page, expect
from test_console_accessibility import violations
from test_console_rows import OPEN_MENU

from support.person import Person
from support.workspace import Workspace, succeeded


def save(page: Page, name: str) -> None:
    """Fill in the open dialog, and save."""
    page.get_by_role("textbox", name="Name", exact=True).fill(name)
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()


def test_a_chart_is_saved_shared_and_deleted(
    open_page: OpenPage, ada: Person, grace: Person, people_path: str, workspace: Workspace
) -> None:
    page = open_page(ada, people_path, 360)
    page.get_by_label("Search text columns").fill("Person 1")
    expect(page.get_by_text("3 rows")).to_be_visible()
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Number").click()
    page.get_by_label("Values", exact=True).select_option("count")
    page.get_by_role("button", name="Save", exact=True).click()
    save(page, "Ones")
    chart = page.get_by_role("region", name="Chart", exact=True)
    expect(chart).to_contain_text("Private")
    # what is changed is not saved by itself
    page.get_by_label("Search text columns").fill("Person 2")
    expect(chart).to_contain_text("changed")
    page.get_by_role("button", name="Save changes").click()
    expect(chart.get_by_text("changed", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Rename or share").click()
    page.get_by_label("Everybody who can read people sees it").check()
    save(page, "Twos")
    expect(chart).to_contain_text("Shared")
    # somebody who only reads opens it with its search, and cannot change it
    other = open_page(grace, f"/console/w/{workspace.name}")
    other.get_by_role("link", name="Twos").click()
    expect(other.get_by_text("Number of rows: 1")).to_be_visible()
    expect(other.get_by_label("Search text columns")).to_have_value("Person 2")
    expect(other.get_by_role("button", name="Rename or share")).to_have_count(0)
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Delete the chart").click()
    expect(chart).to_have_count(0)
    other.reload()
    expect(other.get_by_role("button", name="Save", exact=True)).to_be_visible()


@SQLITE
def test_saved_charts_are_found_and_can_be_repaired(
    open_page: OpenPage, ada: Person, people_path: str, workspace: Workspace
) -> None:
    charts = f"{workspace.path}/tables/people/charts"
    for name, category in (("By gender", "Gender"), ("By name", "Last_Name")):
        chart = {"name": name, "kind": "pie", "category": category, "search": "Person 1", "shared": True}
        succeeded(workspace.admin.post(charts, json=chart))
    table = succeeded(workspace.admin.get(f"{workspace.path}/tables/people"))
    table["schemaDef"] = [each for each in table["schemaDef"] if each["name"] != "Gender"]
    succeeded(workspace.admin.put(f"{workspace.path}/tables/people?allowDataLoss=true", json=table))
    page = open_page(ada, people_path, 360)
    page.emulate_media(color_scheme="dark")
    expect(page.locator(":root[data-mantine-color-scheme=dark]")).to_have_count(1)
    page.get_by_role("button", name="Chart", exact=True).click()
    expect(page.get_by_role("menuitem")).to_have_count(7)
    assert violations(page, OPEN_MENU) == []
    page.get_by_role("menuitem", name="By name").click()
    expect(page.get_by_role("figure", name="Number of rows by Last_Name").locator("canvas")).to_be_visible()
    expect(page.get_by_text("3 rows")).to_be_visible()
    page.get_by_label("Drawn as", exact=True).select_option("bar")
    page.get_by_role("button", name="Save as new").click()
    page.get_by_label("Everybody who can read people sees it").check()
    save(page, "BY GENDER")
    expect(page.get_by_text("already has a shared chart")).to_be_visible()
    assert violations(page.get_by_role("dialog")) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    # found by the search; a column of it was dropped
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    move(page, f"/console/w/{workspace.name}")
    expect(page.get_by_role("link", name="By gender")).to_be_visible()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Search everywhere")).to_be_focused()
    page.keyboard.insert_text("gender")
    page.get_by_role("option").filter(has_text="chart of people").click()
    expect(page.get_by_role("alert")).to_contain_text('no longer has the column "Gender"')
    assert violations(page) == []
    page.get_by_role("button", name="Choose other columns").click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("changed", exact=True)).to_have_count(0)
    assert violations(page.get_by_role("region", name="Chart", exact=True)) == []
    listed = succeeded(workspace.admin.get(charts))["charts"]
    assert [each["problem"] for each in listed] == [None, None]
