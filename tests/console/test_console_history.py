"""The history of rows and of a workspace, and undo with a preview."""

from __future__ import annotations

import pytest
from browsing import SQLITE, OpenPage, move
from playwright.sync_api import expect
from test_console_accessibility import violations

from support.person import Person
from support.workspace import Workspace, succeeded

pytestmark = SQLITE

NOTES = {
    "name": "notes",
    "schemaDef": [{"name": "Text", "type": "string"}],
    "history": {"keepDays": 30},
}


@pytest.fixture
def data(workspace: Workspace) -> str:
    """The path of the rows of a table with a history."""
    workspace.create_table(NOTES)
    return f"{workspace.path}/data/tables/notes"


def by_id(row: str) -> dict[str, object]:
    return {"expressions": [{"field": "_id", "operand": "=", "value": row}]}


def test_a_deleted_row_is_restored(open_page: OpenPage, ada: Person, workspace: Workspace, data: str) -> None:
    row = succeeded(ada.http.post(data, json={"data": {"Text": "Smith"}}))["_id"]
    succeeded(ada.http.put(data, json={"query": by_id(row), "data": {"Text": "Smyth"}}))
    succeeded(ada.http.request("DELETE", data, json={"query": by_id(row)}))
    page = open_page(ada, f"/console/w/{workspace.name}/tables/notes/rows/{row}", 360)
    history = page.get_by_role("region", name="History")
    expect(history.get_by_text("This row was deleted")).to_be_visible()
    expect(history.locator("del")).to_have_text("i")
    expect(history.locator("ins")).to_have_text("y")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    history.get_by_role("button", name="Restore").click()
    dialog = page.get_by_role("dialog", name="Restore what was deleted")
    expect(dialog.get_by_text("Would undo: 1 restored, 0 set back, 0 removed.")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Undo", exact=True).press("Enter")
    expect(dialog.get_by_text("Undone: 1 restored")).to_be_visible()
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Created by Ada Lovelace")).to_be_visible()


def test_what_an_app_did_is_undone(open_page: OpenPage, ada: Person, workspace: Workspace, data: str) -> None:
    """Found from the page of the app; rows that others have changed since are left out by choice."""
    bot = workspace.bot({"notes": "rw"}, name="agent")
    rows = [{"Text": f"note {number}"} for number in range(25)]
    succeeded(bot.bulk("notes", rows))
    found = succeeded(ada.http.post(f"{data}/query", json={}))["queryResult"]
    succeeded(ada.http.put(data, json={"query": by_id(found[0]["_id"]), "data": {"Text": "mine"}}))

    page = open_page(ada, f"/console/w/{workspace.name}/apps/{bot.client_id}")
    page.get_by_role("link", name="What it wrote").click()
    operation = page.get_by_role("group").filter(has_text="agent (app)")
    expect(operation.get_by_text("notes: 25 added")).to_be_visible()
    operation.get_by_role("button", name="Changes").click()
    expect(operation.get_by_role("cell", name="note 24", exact=True)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Undo all of these").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Would undo: 0 restored, 0 set back, 24 removed.")).to_be_visible()
    expect(dialog.get_by_text("Conflicts: 1")).to_be_visible()
    undo = dialog.get_by_role("button", name="Undo", exact=True)
    dialog.get_by_label("Skip").check()
    assert violations(page) == []
    expect(undo).to_be_disabled()
    dialog.get_by_label("To confirm").fill("24")
    dialog.get_by_label("To confirm").press("Enter")
    expect(dialog.get_by_text("Undone: 0 restored, 0 set back, 24 removed.")).to_be_visible()
    dialog.get_by_role("button", name="Undo this undo").click()
    dialog.get_by_label("To confirm").fill("24")
    undo.click()
    expect(dialog.get_by_text("Undone: 24 restored")).to_be_visible()
    assert succeeded(ada.http.post(f"{data}/query", json={}))["total"] == 25


def test_a_viewer_and_a_table_without_a_history(
    open_page: OpenPage, ada: Person, grace: Person, workspace: Workspace, data: str
) -> None:
    succeeded(ada.http.post(data, json={"data": {"Text": "one"}}))
    workspace.create_table({"name": "plain", "schemaDef": NOTES["schemaDef"]})
    page = open_page(grace, f"/console/w/{workspace.name}/history", 360)
    expect(page.get_by_text("notes: 1 added")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("Table").select_option("plain")
    expect(page.get_by_text("plain has no history")).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 800})
    move(page, f"/console/w/{workspace.name}/tables/notes")
    page.get_by_role("link", name="History of notes").click()
    expect(page.get_by_text("notes: 1 added")).to_be_visible()
