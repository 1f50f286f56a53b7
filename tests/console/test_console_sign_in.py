"""Signing in and out, and the first administrator."""

from __future__ import annotations

import re
from pathlib import Path

from browsing import SQLITE, OpenPage
from playwright.sync_api import Browser, Page, expect
from test_console_grid import cell

from support.person import PASSWORD, Person
from support.server import RowkeepServer, sqlite_url
from support.workspace import Workspace, succeeded


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.get_by_label("E-mail address").fill(email)
    page.get_by_role("textbox", name="Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def sign_in_again(page: Page, password: str = PASSWORD) -> None:
    """In the dialog over a page whose session has ended."""
    dialog = page.get_by_role("dialog", name="You are signed out")
    dialog.get_by_role("textbox", name="Password").fill(password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()


@SQLITE
def test_sign_in_opens_the_page_that_was_asked_for(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    page = open_page(None, f"{people_path}?sort=-Number")
    sign_in(page, ada.email, "not the password")
    expect(page.get_by_role("alert")).to_be_visible()
    sign_in(page, ada.email)
    expect(page.get_by_role("gridcell", name="Person 11", exact=True)).to_be_visible()
    assert page.url.endswith("?sort=-Number")
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    assert PASSWORD not in stored + page.content()
    assert all(cookie["httpOnly"] for cookie in page.context.cookies())


@SQLITE
def test_an_edit_outlives_its_session(open_page: OpenPage, server: RowkeepServer, people_path: str) -> None:
    """So does a search, and an export asks to sign in again, too."""
    person = Person(server, admin=True)
    page = open_page(person, people_path)
    expect(cell(page, "Person 0")).to_be_visible()
    person.http.delete("/session")
    page.get_by_label("Search text columns").fill("Person 7")
    sign_in_again(page)
    expect(cell(page, "Person 7")).to_be_visible()
    page.get_by_label("Search text columns").fill("")
    cell(page, "Person 0").dblclick()
    editor = page.get_by_role("dialog", name="Edit First_Name").get_by_role("textbox", name="First_Name")
    editor.fill("Not lost")
    page.request.delete(f"{server.url}/api/v1/session", headers={"Origin": server.url})
    page.keyboard.press("Enter")
    sign_in_again(page, "not the password")
    expect(page.get_by_role("dialog", name="You are signed out").get_by_role("alert")).to_be_visible()
    page.keyboard.press("Escape")  # closes nothing
    sign_in_again(page)
    expect(page.get_by_role("dialog", name="You are signed out")).to_have_count(0)
    expect(editor).to_have_value("Not lost")
    expect(editor).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, "Not lost")).to_be_visible()
    page.request.delete(f"{server.url}/api/v1/session", headers={"Origin": server.url})
    page.get_by_role("button", name="Export").click()
    page.get_by_role("menuitem", name="CSV").click()
    sign_in_again(page)
    expect(page.get_by_role("dialog", name="You are signed out")).to_have_count(0)
    # a row that is being added, and somebody else who signs in
    page.get_by_role("button", name="Add row").click()
    last_name = page.get_by_role("dialog", name="Add a row").get_by_role("textbox", name="Last_Name")
    last_name.fill("Draft")
    person.sign_in()
    with server.admin() as admin:
        succeeded(admin.patch(f"/users/{person.id}", json={"disabled": True}))
    page.get_by_role("dialog", name="Add a row").get_by_role("button", name="Add", exact=True).click()
    sign_in_again(page)
    expect(page.get_by_role("dialog", name="You are signed out").get_by_role("alert")).to_be_visible()
    expect(
        page.get_by_role("dialog", name="Add a row").get_by_role("textbox", name="Last_Name")
    ).to_have_value("Draft")
    page.get_by_role("button", name="Leave this page").click()
    expect(page.get_by_role("heading", name="Sign in to Rowkeep")).to_be_visible()
    other = Person(server, admin=True)
    sign_in(page, other.email)
    expect(cell(page, "Not lost")).to_be_visible()


@SQLITE
def test_two_tabs(open_page: OpenPage, server: RowkeepServer, people_path: str) -> None:
    """Signing out, and in again, holds for all tabs; each comes back to its page."""
    person = Person(server, admin=True)
    page = open_page(person)
    expect(page.get_by_role("heading", name="Tables")).to_be_visible()
    tab = page.context.new_page()
    tab.goto(server.url + people_path)
    expect(cell(tab, "Person 0")).to_be_visible()
    page.bring_to_front()  # what is behind is drawn seldom
    page.route("**/session", lambda route: route.abort(), times=1)
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("alert").filter(has_text="You are still signed in")).to_be_visible()
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(tab.get_by_role("heading", name="Sign in to Rowkeep")).to_be_visible()
    expect(cell(tab, "Person 0")).to_have_count(0)
    page.goto(f"{server.url}/console/w/main/tables")
    expect(page.get_by_role("heading", name="Sign in to Rowkeep")).to_be_visible()
    sign_in(page, person.email)
    expect(cell(tab, "Person 0")).to_be_visible()
    # somebody else: nothing of the first one stays
    other = Person(server, name="Other")
    page.get_by_role("button", name="Account and appearance").click()
    page.get_by_role("menuitem", name="Sign out").click()
    sign_in(page, other.email)
    expect(tab.get_by_role("heading", name="cannot be shown")).to_be_visible()
    expect(cell(tab, "Person 0")).to_have_count(0)


@SQLITE
def test_a_lower_role_while_the_page_is_open(
    open_page: OpenPage, grace: Person, workspace: Workspace, people_path: str
) -> None:
    member = f"{workspace.path}/members/{grace.id}"
    succeeded(workspace.admin.put(member, json={"role": "editor"}))
    page = open_page(grace, people_path)
    cell(page, "Person 0").dblclick()
    succeeded(workspace.admin.put(member, json={"role": "viewer"}))
    page.get_by_role("textbox", name="First_Name").fill("No more")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not change its rows")
    expect(page.get_by_role("button", name="Add row")).to_have_count(0)
    page.reload()
    expect(cell(page, "Person 0")).to_be_visible()
    expect(page.get_by_role("button", name="Add row")).to_have_count(0)


def test_the_first_administrator(browser: Browser, tmp_path: Path) -> None:
    """The link of the first start; its secret leaves the address at once, and works only once."""
    fresh = RowkeepServer(sqlite_url(tmp_path / "data"), tmp_path)
    fresh.start()
    try:
        link = (tmp_path / "rowkeep.first-user").read_text().strip()
        token = link.partition("#")[2]
        context = browser.new_context(reduced_motion="reduce")
        page = context.new_page()
        page.goto(link)
        page.get_by_label("Name").fill("Ada")
        page.get_by_label("E-mail address").fill("ada@example.com")
        page.get_by_role("textbox", name="New password").fill("short")
        page.get_by_role("button", name="Create administrator").click()
        expect(page.get_by_role("alert")).to_contain_text("at least 10 characters")
        assert token not in page.url
        page.get_by_role("textbox", name="New password").fill(PASSWORD)
        page.get_by_role("button", name="Create administrator").click()
        expect(page.get_by_role("heading", name="Tables")).to_be_visible()
        expect(page.get_by_text(re.compile("no table here yet"))).to_be_visible()
        page.goto(link)
        page.get_by_label("Name").fill("Eve")
        page.get_by_label("E-mail address").fill("eve@example.com")
        page.get_by_role("textbox", name="New password").fill(PASSWORD)
        page.get_by_role("button", name="Create administrator").click()
        expect(page.get_by_role("alert")).to_be_visible()
        context.close()
    finally:
        fresh.stop()
