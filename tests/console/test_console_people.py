"""Members and shares; the list of tables."""

from __future__ import annotations

import pytest
from browsing import SQLITE, OpenPage, move
from playwright.sync_api import Route, expect
from test_console_accessibility import violations
from test_console_grid import cell

from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded


@SQLITE
def test_a_table_is_shared_with_somebody_who_may_only_read(
    open_page: OpenPage, ada: Person, server: RowkeepServer, people_path: str, workspace: Workspace
) -> None:
    reader = Person(server, name="Reader")
    page = open_page(ada, people_path)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share people")
    dialog.get_by_label("E-mail address of a user").fill(reader.email)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_label("Right of Reader")).to_have_value("read")

    theirs = open_page(reader, f"/console/w/{workspace.name}/tables")
    theirs.get_by_text("Shared with me").click()
    theirs.get_by_role("link", name="people").click()
    expect(cell(theirs, "Person 0")).to_be_visible()
    expect(theirs.get_by_role("button", name="Add row")).to_have_count(0)
    move(theirs, f"/console/w/{workspace.name}/tables")
    theirs.get_by_text("Mine").click()
    expect(theirs.get_by_text("You own no table")).to_be_visible()

    dialog.get_by_role("button", name="Remove Reader").click()
    expect(dialog.get_by_text("not shared with anybody")).to_be_visible()
    dialog.get_by_role("button", name="Undo").click()
    expect(dialog.get_by_label("Right of Reader")).to_have_value("read")
    dialog.get_by_role("button", name="Remove Reader").click()
    expect(dialog.get_by_text("not shared with anybody")).to_be_visible()
    theirs.goto(f"{server.url}{people_path}")
    expect(theirs.get_by_role("heading", name="cannot be shown")).to_be_visible()

    # somebody new: an administrator adds the user at once
    page.set_viewport_size({"width": 360, "height": 800})
    dialog.get_by_label("E-mail address of a user").fill(f"new-{workspace.name}@example.com")
    dialog.get_by_role("button", name="Share", exact=True).click()
    name = dialog.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_be_focused()
    assert violations(dialog) == []
    name.fill("Newcomer")
    name.press("Enter")
    expect(dialog.get_by_label("Right of Newcomer")).to_have_value("read")
    expect(dialog.get_by_role("alert")).to_have_count(1)
    expect(dialog.get_by_role("alert")).to_contain_text(f"{server.url}/console/reset#")
    assert violations(dialog) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@SQLITE
def test_a_table_is_given_to_somebody_else(
    open_page: OpenPage, ada: Person, server: RowkeepServer, people_path: str, workspace: Workspace
) -> None:
    owner, heir = Person(server, name="Owner"), Person(server, name="Heir")
    view = {"name": "adults", "table": "people", "columns": ["people.First_Name"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    path = f"{workspace.path}/tables/people/owner"
    succeeded(workspace.admin.put(path, json={"user": owner.id, "along": True}))
    page = open_page(owner, people_path)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share people")
    dialog.get_by_role("button", name="Change owner").click()
    address = dialog.get_by_label("E-mail address of the new owner")
    address.fill("nobody@example.com")
    address.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("No such user")
    address.fill(heir.email)
    address.press("Enter")
    expect(dialog.get_by_text("people will belong to Heir")).to_be_visible()
    expect(dialog.get_by_text("adults (view)")).to_be_visible()
    # nothing is done yet
    assert succeeded(owner.http.get(f"{workspace.path}/views/adults/shares"))["owner"]["user"] == owner.id
    dialog.get_by_role("button", name="Make Heir the owner").click()
    expect(page.get_by_text("people belongs to Heir now.")).to_be_visible()
    theirs = succeeded(heir.http.get(f"{workspace.path}/views/adults/shares"))
    assert theirs["owner"]["user"] == heir.id
    # an administrator gives back the table alone, and stays
    page = open_page(ada, people_path)
    page.get_by_role("button", name="Share").click()
    dialog = page.get_by_role("dialog", name="Share people")
    dialog.get_by_role("button", name="Change owner").click()
    dialog.get_by_label("E-mail address of the new owner").fill(owner.email)
    dialog.get_by_role("button", name="Continue").click()
    dialog.get_by_label("Give these along").uncheck()
    dialog.get_by_role("button", name="Make Owner the owner").click()
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Share").click()
    expect(page.get_by_text(f"Owner: Owner ({owner.email})")).to_be_visible()
    assert succeeded(heir.http.get(f"{workspace.path}/views/adults/shares"))["owner"]["user"] == heir.id


@SQLITE
@pytest.mark.usefixtures("people_path")
def test_the_list_of_tables_and_members(
    open_page: OpenPage, server: RowkeepServer, workspace: Workspace
) -> None:
    """The list is searched. Members are added while theirs loads, too: its first response is from before, and
    comes after. A manager who is no administrator learns whom to ask for a new user."""
    manager, other = Person(server, name="Manager"), Person(server, name="Other")
    succeeded(workspace.admin.put(f"{workspace.path}/members/{manager.id}", json={"role": "manager"}))
    view = {"name": "adults", "table": "people", "columns": ["people.First_Name"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    page = open_page(manager, f"/console/w/{workspace.name}/tables")
    expect(page.get_by_role("row").filter(has_text="people")).to_contain_text("12")
    page.get_by_label("Search tables and views").fill("adu")
    expect(page.get_by_role("link", name="people")).to_have_count(0)
    page.get_by_role("link", name="adults").click()
    expect(cell(page, "Person 0")).to_be_visible()

    before: list[Route] = []

    def late(route: Route) -> None:
        if route.request.method != "GET" or before:
            route.continue_()
        else:
            before.append(route)

    page.route("**/members*", late)
    page.get_by_role("link", name="Members").click()
    page.get_by_label("E-mail address of a user").fill(other.email)
    with page.expect_response(lambda response: response.request.method == "PUT"):
        page.get_by_role("button", name="Add member").click()
    before[0].fulfill(json={"members": []})
    expect(page.get_by_label("Role of Other")).to_have_value("viewer")
    page.unroute_all()
    page.get_by_label("Role of Other").select_option("editor")
    expect(page.get_by_label("Role of Other")).to_have_value("editor")
    members = succeeded(workspace.admin.get(f"{workspace.path}/members"))["members"]
    assert [each["role"] for each in members if each["user"] == other.id] == ["editor"]
    page.get_by_role("button", name="Remove Other").click()
    expect(page.get_by_label("Role of Other")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Role of Other")).to_have_value("editor")
    page.get_by_label("E-mail address of a user").fill("nobody@example.com")
    page.get_by_role("button", name="Add member").click()
    expect(page.get_by_text("Ask an administrator to add")).to_be_visible()
