"""The first walk of docs/console.md: a new user does the main jobs, with as many clicks as the page says."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from browsing import SQLITE, OpenPage, move
from playwright.sync_api import Locator, expect
from test_console_grid import cell
from test_console_ranges import paste

from rowkeep.model.ids import wall_clock
from rowkeep.model.users import OneTimeLink
from rowkeep.services.local_store import open_store
from rowkeep.services.passwords import Passwords
from rowkeep.services.sessions import Sessions
from rowkeep.settings import Settings
from support.person import PASSWORD
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

PAGE = Path(__file__).parents[2] / "docs" / "console.md"
JOB = re.compile(r"^\| (?P<job>[^|]+) \| [^|]+ \| (?P<clicks>\d+) \|$", re.MULTILINE)


class Mouse:
    """Clicks, and counts them by job."""

    def __init__(self) -> None:
        self.clicks: Counter[str] = Counter()
        self._job = ""

    def job(self, name: str) -> None:
        self._job = name
        self.clicks[name] = 0

    def click(self, target: Locator) -> None:
        target.click()
        self.clicks[self._job] += 1

    def double_click(self, target: Locator) -> None:
        target.dblclick()
        self.clicks[self._job] += 2


def demo_link(server: RowkeepServer, user: str) -> str:
    """A link that signs a user in, as the demo makes it."""
    settings = Settings.from_environment(server.environment)

    async def made() -> str:
        async with open_store(settings) as catalog:
            sessions = Sessions(catalog, Passwords(), settings, wall_clock)
            return await sessions.new_link(OneTimeLink.SIGN_IN, user)

    with ThreadPoolExecutor(1) as thread:  # the event loop of this one is the browser's
        return thread.submit(lambda: asyncio.run(made())).result()


@SQLITE
def test_the_first_walk(
    open_page: OpenPage, server: RowkeepServer, workspace: Workspace, many_people_path: str
) -> None:
    email = f"walker-{uuid4().hex[:8]}@example.com"
    user = {"email": email, "name": "Walker", "admin": True}
    succeeded(workspace.admin.post("/users", json=user))
    mouse = Mouse()

    mouse.job("sign in")
    page = open_page(None, demo_link(server, email))
    mouse.click(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Tables")).to_be_visible()
    move(page, f"/console/w/{workspace.name}/tables")  # the demo has one workspace

    mouse.job("find a row")
    mouse.click(page.get_by_role("link", name="people"))
    mouse.click(page.get_by_label("Search text columns"))
    page.keyboard.type("Person 7")
    expect(page.get_by_text("11 rows")).to_be_visible()

    mouse.job("fix a typo")
    mouse.double_click(cell(page, "Person 70"))
    expect(page.get_by_role("textbox", name="First_Name")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("Person 70 of 500")
    page.keyboard.press("Enter")
    expect(cell(page, "Person 70 of 500")).to_be_visible()

    mouse.job("paste ten rows from a spreadsheet")
    mouse.click(cell(page, "Person 7"))
    dialog = paste(page, "".join(f"New {at}\tLast {at}\r\n" for at in range(10)))
    expect(dialog.get_by_role("button", name="Paste")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, "Last 9")).to_be_visible()

    mouse.job("see who wrote a row")
    mouse.click(page.get_by_role("link", name="Open row 1", exact=True))
    expect(page.get_by_text("by Walker")).to_be_visible()

    mouse.job("add a user")
    mouse.click(page.get_by_role("link", name="Users"))
    mouse.click(page.get_by_role("textbox", name="Name"))
    page.keyboard.type("Reader")
    page.keyboard.press("Tab")
    reader = f"reader-{workspace.name}@example.com"
    page.keyboard.type(reader)
    page.keyboard.press("Enter")
    mouse.click(page.get_by_role("button", name="Copy"))
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    link = str(page.evaluate("navigator.clipboard.readText()"))
    assert link.startswith(f"{server.url}/console/reset#")

    mouse.job("set a password as the new user")
    theirs = open_page(None, link.removeprefix(server.url))
    expect(theirs.get_by_role("textbox", name="New password")).to_be_focused()
    theirs.keyboard.type(PASSWORD)
    theirs.keyboard.press("Enter")
    expect(theirs.get_by_role("heading", name="Nothing to see yet")).to_be_visible()

    mouse.job("share a table with the user, who may only read")
    mouse.click(page.get_by_role("link", name="Tables"))
    mouse.click(page.get_by_role("link", name="people"))
    mouse.click(page.get_by_role("button", name="Share"))
    expect(page.get_by_label("E-mail address of a user")).to_be_focused()
    page.keyboard.type(reader)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Right of Reader")).to_have_value("read")

    mouse.job("see the shared table as the user")
    theirs.reload()
    mouse.click(theirs.get_by_role("link", name="people"))
    expect(cell(theirs, "New 0")).to_be_visible()
    expect(theirs.get_by_role("button", name="Add row")).to_have_count(0)

    written = {found["job"]: int(found["clicks"]) for found in JOB.finditer(PAGE.read_text())}
    assert dict(mouse.clicks) == written
