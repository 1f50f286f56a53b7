"""Fixtures of the console suite: a real Chromium, people who are signed in, and pages that are watched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from browsing import PATIENT_MS, OpenPage, Tab, Tabs
from chromium import VARIABLE, find_chromium
from playwright.sync_api import Browser, LocatorAssertions, Page, Playwright, expect, sync_playwright
from playwright.sync_api import TimeoutError as StillWaiting

import rowkeep
from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

FOLDER = Path(__file__).parent
BUILT = Path(rowkeep.__file__).parent / "web" / "index.html"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--default-tile-width=512",  # fewer than the usual ones of 256 points, which each cost as much
    "--default-tile-height=512",
    "--js-flags=--no-maglev,--no-opt",  # optimised code of a page that is open for seconds never pays
]


class Chrome:
    """The one Chromium of this process, and its tabs. It is closed before tests of other folders: while
    Playwright runs, its event loop keeps them from their own."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._tabs: Tabs | None = None

    def tabs(self) -> Tabs:
        """Start it if it does not run."""
        if self._tabs is None:
            assert BUILT.is_file(), "The console is not built: run make console."
            chromium = find_chromium()
            assert chromium, (
                f"The console is tested in Chromium: run make browser, or set {VARIABLE} to the path of one."
            )
            self._playwright = sync_playwright().start()
            self._tabs = Tabs(
                self._playwright.chromium.launch(
                    executable_path=chromium.path, env=chromium.environment, args=ARGUMENTS
                )
            )
        return self._tabs

    def close(self) -> None:
        if self._tabs is not None:
            self._tabs.browser.close()
            self._tabs = None
        if self._playwright is not None:
            self._playwright.stop()
            self._playwright = None


CHROME = Chrome()

EXPECT_VISIBLE = LocatorAssertions.to_be_visible


def _to_be_visible(
    self: LocatorAssertions, *, timeout: float | timedelta | None = None, visible: bool | None = None
) -> None:
    """``expect(…).to_be_visible()`` that waits first: at each look that fails, Playwright's own describes the
    whole page for its message, which takes a twentieth of the browser's time."""
    if timeout is None and visible is None:
        try:
            self._sync(self._impl_obj._actual_locator.wait_for(state="visible", timeout=PATIENT_MS))
            return
        except StillWaiting:
            timeout = 1  # for the message
    EXPECT_VISIBLE(self, timeout=timeout, visible=visible)


LocatorAssertions.to_be_visible = _to_be_visible  # type: ignore[method-assign] # the same, with less work


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(nextitem: pytest.Item | None) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if nextitem is None or not nextitem.path.is_relative_to(FOLDER):
            CHROME.close()


def pytest_sessionfinish() -> None:
    CHROME.close()


@pytest.fixture
def browser() -> Browser:
    return CHROME.tabs().browser


@pytest.fixture
def open_page(server: RowkeepServer) -> Iterator[OpenPage]:
    """Opens pages; with ``is_own``, in a tab that no other test will have, because it cannot be put back.
    Nothing fades, unless ``reduced_motion`` is "no-preference": each fade is many drawn pictures."""
    tabs = CHROME.tabs()
    taken: list[Tab] = []
    own: list[Tab] = []

    def opened(
        person: Person | None,
        path: str = "/console",
        width: int = 1280,
        height: int = 800,
        *,
        is_own: bool = False,
        **options: str,
    ) -> Page:
        options = {"reduced_motion": "reduce"} | options
        tab = Tab(tabs.browser, options) if is_own else tabs.take(options)
        (own if is_own else taken).append(tab)
        tab.begin(server.url, person, width, height)
        tab.page.goto(server.url + path)
        return tab.page

    expect.set_options(timeout=PATIENT_MS)
    yield opened
    problems = [each for tab in taken for each in tabs.give_back(tab)]
    for tab in own:
        problems += tab.watched.problems
        tab.close()
    assert problems == []


@pytest.fixture(scope="session")
def ada(server: RowkeepServer) -> Person:
    """An administrator."""
    return Person(server, admin=True, name="Ada Lovelace")


@pytest.fixture
def grace(server: RowkeepServer, workspace: Workspace) -> Person:
    """A user with the role of a viewer in the workspace."""
    person = Person(server, name="Grace Hopper")
    succeeded(workspace.admin.put(f"{workspace.path}/members/{person.id}", json={"role": "viewer"}))
    return person


FEW = 12
MANY = 500


def _people(workspace: Workspace, count: int) -> str:
    """A table with so many rows; the address of its grid. Every third person has an empty last name, the
    others have none."""
    rows = [
        {"First_Name": f"Person {number}", "Last_Name": None if number % 3 else "", "Number": number}
        for number in range(count)
    ]
    workspace.create_table(PEOPLE)
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/people/bulk", json={"data": rows}))
    return f"/console/w/{workspace.name}/tables/people"


@pytest.fixture
def people_path(workspace: Workspace) -> str:
    """The address of the grid of a table with 12 rows."""
    return _people(workspace, FEW)


@pytest.fixture
def many_people_path(workspace: Workspace) -> str:
    """The address of the grid of a table with 500 rows, for tests of what is not drawn at once. Each row that
    is drawn makes everything on its page slower, so others have fewer."""
    return _people(workspace, MANY)


TYPES = [
    {"name": "Text", "type": "string", "isRequired": True, "maxLength": 5},
    {"name": "Whole", "type": "integer"},
    {"name": "Exact", "type": "decimal"},
    {"name": "Flag", "type": "boolean"},
    {"name": "Day", "type": "date"},
    {"name": "Data", "type": "json"},
]


@pytest.fixture
def typed_path(workspace: Workspace) -> str:
    """The address of the grid of a table with a column of most types, and one row."""
    workspace.create_table({"name": "typed", "schemaDef": TYPES})
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/typed", json={"data": {"Text": "one"}}))
    return f"/console/w/{workspace.name}/tables/typed"
