"""Pages about the whole installation: admin tokens, the audit log, what it is, and its users."""

from __future__ import annotations

import pytest
from browsing import SQLITE, OpenPage, eventually, move
from playwright.sync_api import expect
from test_console_accessibility import violations
from test_console_dialogs import check

import rowkeep
from support import plain
from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace


@SQLITE
@pytest.mark.new_workspace
def test_the_audit_log(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    workspace.app("bot")
    page = open_page(ada, f"/console/w/{workspace.name}/audit", 360)
    main = page.get_by_role("main")
    main.get_by_label("Workspace", exact=True).select_option(workspace.name)
    main.get_by_label("Action", exact=True).select_option("app")
    rows = page.get_by_role("table", name="Entries").get_by_role("row")
    expect(rows).to_have_count(2)
    expect(rows.last).to_contain_text("app.create")
    eventually(lambda: f"workspace={workspace.name}" in page.url, True)
    rows.last.locator("summary").click()
    expect(rows.last).to_contain_text('name: "bot"')
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("textbox", name="Actor").fill("nobody")
    expect(page.get_by_text("No entry matches.")).to_be_visible()
    page.get_by_role("button", name="Show all entries").click()
    expect(page.get_by_role("textbox", name="Actor")).to_have_value("")
    expect(rows.nth(1)).to_be_visible()


def test_what_the_installation_is(
    open_page: OpenPage, ada: Person, workspace: Workspace, backend: str
) -> None:
    page = open_page(ada, f"/console/w/{workspace.name}/about", 360)
    version = page.get_by_role("table", name="Version")
    expect(version).to_contain_text(rowkeep.__version__)
    expect(version).to_contain_text("SQLite" if backend == "sqlite" else "PostgreSQL")
    expect(page.get_by_role("region", name="Health")).to_contain_text("ready")
    expect(page.get_by_role("region", name="Master key")).to_contain_text("It is in use since")
    row = page.get_by_role("table", name="Workspaces").get_by_role("row").filter(has_text=workspace.name)
    row.scroll_into_view_if_needed()
    expect(row).to_contain_text("today")
    settings = page.get_by_role("table", name="Settings")
    expect(settings).to_contain_text("database_url")
    expect(settings.get_by_text("log_level")).to_have_count(0)
    page.get_by_label("Also those with their default value").check()
    expect(settings.get_by_text("log_level")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    if backend == "sqlite":  # the page is the same
        assert violations(page) == []


@SQLITE
def test_what_an_administrator_sees_first_users_and_tokens(
    open_page: OpenPage, ada: Person, server: RowkeepServer, workspace: Workspace
) -> None:
    other = Person(server, name=f"Other {workspace.name}")
    page = open_page(ada, f"/console/w/{workspace.name}", 360)
    # the home page of this server: nobody has made a backup
    expect(page.get_by_role("heading", name="What needs attention")).to_be_visible()
    expect(page.get_by_text("Make backups regularly")).to_be_visible()
    expect(page.get_by_text("no table here yet")).to_be_visible()
    expect(page.get_by_role("link", name="Import a file")).to_be_visible()

    move(page, f"/console/w/{workspace.name}/users")
    row = page.get_by_role("row").filter(has_text=other.email)
    row.get_by_role("button", name="Make administrator").click()
    page.get_by_role("dialog").get_by_role("button", name="Make administrator").click()
    expect(row.get_by_role("button", name="Remove administrator")).to_be_visible()
    assert other.http.get("/users").status_code == 200
    row.get_by_role("button", name="Remove administrator").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove administrator").click()
    expect(row.get_by_role("button", name="Make administrator")).to_be_visible()
    assert other.http.get("/session").status_code == 401
    row.get_by_role("button", name="Disable").click()
    expect(row).to_contain_text("disabled")
    row.get_by_role("button", name="Enable").click()
    expect(row.get_by_role("button", name="Disable")).to_be_visible()
    other.sign_in()
    assert other.http.get("/users").status_code == 403
    row.get_by_role("button", name="Delete").click()
    assert violations(page) == []
    page.get_by_role("dialog").get_by_role("button", name="Delete the user").click()
    expect(row).to_have_count(0)
    assert other.http.get("/session").status_code == 401

    move(page, f"/console/w/{workspace.name}/admin-tokens")
    expect(page.get_by_role("heading", level=1, name="Admin tokens")).to_be_visible()
    name = f"deploy {workspace.name}"
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_role("button", name="Create token").click()
    token = page.get_by_role("alert").locator("code").inner_text()
    headers = {"Authorization": f"Bearer {token}"}
    assert plain.get(f"{server.url}/api/v1/about", headers=headers).status_code == 200
    check(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert token not in page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")
    page.get_by_role("button", name=f"Delete {name}").click()
    page.get_by_role("button", name="Delete the token").click()
    expect(page.get_by_role("button", name=f"Delete {name}")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert plain.get(f"{server.url}/api/v1/about", headers=headers).status_code == 401
