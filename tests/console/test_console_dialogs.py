"""Dialogs about people: the keyboard is enough, and axe finds nothing, in light and in dark."""

from __future__ import annotations

from browsing import SQLITE, OpenPage
from playwright.sync_api import Locator, Page, expect
from test_console_accessibility import COLOURS, violations

from support.person import PASSWORD, Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

pytestmark = SQLITE

MOST_TABS = 60


def reach(page: Page, target: Locator) -> None:
    """Go to an element by Tab."""
    for _ in range(MOST_TABS):
        if target.evaluate("(element) => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {target}")


def press(page: Page, target: Locator) -> None:
    """Press a button by the keyboard."""
    reach(page, target)
    page.keyboard.press("Enter")


def check(where: Page | Locator) -> None:
    """What axe finds on the page or in a part of it in dark, where only colours differ, and in light."""
    page = where if isinstance(where, Page) else where.page
    for scheme, rules in (("dark", COLOURS), ("light", ())):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # "light" or "dark"
        expect(page.locator(f":root[data-mantine-color-scheme={scheme}]")).to_have_count(1)
        assert violations(where, rules=rules) == [], scheme


def test_sharing_and_owners(
    open_page: OpenPage, ada: Person, server: RowkeepServer, people_path: str, workspace: Workspace
) -> None:
    reader = Person(server, name="Reader")
    view = {"name": "adults", "table": "people", "columns": ["people.First_Name"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    page = open_page(ada, people_path)
    share = page.get_by_role("button", name="Share")
    expect(share).to_be_visible()
    press(page, share)
    dialog = page.get_by_role("dialog", name="Share people")
    expect(dialog.get_by_label("E-mail address of a user")).to_be_focused()
    page.keyboard.type(reader.email)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    press(page, dialog.get_by_role("button", name="Share", exact=True))
    expect(dialog.get_by_label("Right of Reader")).to_have_value("edit")
    press(page, dialog.get_by_role("button", name="Remove Reader"))
    press(page, dialog.get_by_role("button", name="Undo"))
    expect(dialog.get_by_label("Right of Reader")).to_have_value("edit")
    press(page, dialog.get_by_role("button", name="Change owner"))
    expect(dialog.get_by_label("E-mail address of the new owner")).to_be_focused()
    page.keyboard.type(reader.email)
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Make Reader the owner")).to_be_visible()
    check(dialog)
    press(page, dialog.get_by_role("button", name="Cancel"))
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(share).to_be_focused()


def test_members_and_users(
    open_page: OpenPage, ada: Person, server: RowkeepServer, workspace: Workspace
) -> None:
    page = open_page(ada, f"/console/w/{workspace.name}/members")
    address = page.get_by_label("E-mail address of a user")
    expect(address).to_be_visible()
    reach(page, address)
    page.keyboard.type("nobody@example.com")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("No such user")
    check(page)
    press(page, page.get_by_role("link", name="Users"))
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    name = page.get_by_role("textbox", name="Name")
    reach(page, name)
    page.keyboard.type("New User")
    page.keyboard.press("Tab")
    page.keyboard.type(f"dialog-{workspace.name}@example.com")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Administrator")).to_be_checked()
    press(page, page.get_by_role("button", name="Add user"))
    first = page.locator("code").inner_text()
    row = page.get_by_role("row").filter(has_text=f"dialog-{workspace.name}@")
    button = row.get_by_role("button", name="New password link for New User")
    button.press("Enter")
    dialog = page.get_by_role("dialog", name="New password link for New User")
    expect(dialog.get_by_role("button", name="Make the link")).to_be_focused()
    check(dialog)
    page.keyboard.press("Escape")
    expect(button).to_be_focused()
    assert page.locator("code").inner_text() == first
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Make the link")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("code")).not_to_have_text(first)


def test_the_account_and_a_session_that_ends(
    open_page: OpenPage, server: RowkeepServer, workspace: Workspace
) -> None:
    person = Person(server, admin=True)
    page = open_page(person, f"/console/w/{workspace.name}/account", 360)
    expect(page.get_by_text("You are signed in nowhere else.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    check(page)
    person.http.delete("/session")
    reach(page, page.get_by_role("textbox", name="Name", exact=True))
    page.keyboard.press("End")
    page.keyboard.type(" II")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="You are signed out")
    expect(dialog.get_by_role("textbox", name="Password")).to_be_focused()
    check(dialog)
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    name = page.get_by_role("textbox", name="Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_value(f"{person.name} II")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Your name is changed.")).to_be_visible()
