"""One's own account: the name, the password, and where one is signed in."""

from __future__ import annotations

from browsing import SQLITE, OpenPage
from playwright.sync_api import expect

from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded


@SQLITE
def test_name_password_and_sessions(
    open_page: OpenPage, server: RowkeepServer, grace: Person, workspace: Workspace
) -> None:
    with browser(server, **{"User-Agent": "Firefox/140.0 (Windows)"}) as other:
        body = {"email": grace.email, "password": PASSWORD}
        succeeded(other.post("/session", json=body))
        page = open_page(grace, f"/console/w/{workspace.name}/tables")
        page.get_by_role("button", name="Account and appearance").click()
        page.get_by_role("menuitem", name="Your account").click()
        page.get_by_role("textbox", name="Name", exact=True).fill("Admiral Hopper")
        page.get_by_role("button", name="Change name").click()
        expect(page.get_by_text("Your name is changed.")).to_be_visible()
        assert succeeded(grace.http.get("/session"))["name"] == "Admiral Hopper"

        row = page.get_by_role("row").filter(has_text="Firefox on Windows")
        row.get_by_role("button", name="Sign out there").click()
        expect(page.get_by_text("You are signed in nowhere else.")).to_be_visible()
        assert other.get("/session").status_code == 401
        succeeded(other.post("/session", json=body))

        page.get_by_role("textbox", name="Current password").fill("not the password")
        page.get_by_role("textbox", name="New password").fill("another long password")
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("current password is wrong")).to_be_visible()
        page.get_by_role("textbox", name="Current password").fill(PASSWORD)
        page.get_by_role("button", name="Change password").click()
        expect(page.get_by_text("All other sessions have ended.")).to_be_visible()
        assert other.get("/session").status_code == 401
    stored = page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href])")
    assert PASSWORD not in stored + page.content()
    assert page.evaluate("fetch('/api/v1/session').then((each) => each.status)") == 200


@SQLITE
def test_somebody_without_a_workspace(open_page: OpenPage, server: RowkeepServer) -> None:
    person = Person(server)
    page = open_page(person)
    page.get_by_role("link", name="Your account").click()
    expect(page.get_by_role("heading", name="Your account")).to_be_visible()
    expect(page.get_by_role("link", name="Tables")).to_have_count(0)
    person.sign_in()  # elsewhere; it ends the session of the page, whose cookie this was
    page.get_by_role("button", name="Sign out", exact=False).last.click()
    expect(page.get_by_role("heading", name="Sign in to Rowkeep")).to_be_visible()
