"""Browsing: opens pages, and watches what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page

from support.person import Person

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of how a page looks and of its keys, which are the same whatever stores the rows."""

EXPECTED = "Failed to load resource"
"""What the browser itself writes about each response that is an error; tests cause some on purpose."""


PATIENT_SECONDS = 20
PATIENT_MS = PATIENT_SECONDS * 1000

EMPTY_PAGE = "/healthz"
"""A page of the server that does nothing; its storage is that of the console."""

LEAVE = """() => {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const isOnline = navigator.onLine;
  window.stop();
  window.fetch = () => new Promise(() => {});
  XMLHttpRequest.prototype.send = Storage.prototype.setItem = () => {};
  localStorage.clear();
  sessionStorage.clear();
  return { isDark, isOnline };
}"""
"""From now on, the page asks for nothing and stores nothing, and nothing of it is stored."""


class Watched:
    """What a page did that it must not do. What it asks of another host, its content security policy refuses,
    which the browser writes as an error; to watch each request would cost a twentieth of loading a page."""

    def __init__(self, page: Page) -> None:
        self.host = ""
        self.problems: list[str] = []
        page.on("console", self._written)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("framenavigated", lambda frame: self._went(frame.url))

    def _written(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(EXPECTED):
            self.problems.append(message.text)

    def _went(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("about", "data", "blob") and parts.netloc != self.host:
            self.problems.append(f"went to another host: {url}")


class Tab:
    """A page with a context of its own, so with its own cookies and storage. One test uses it after the
    other: in a new one, the console starts three times as slowly."""

    def __init__(self, browser: Browser, options: dict[str, str]) -> None:
        self.options = options
        self._context = browser.new_context(**options)  # type: ignore[arg-type] # all are texts
        self._context.set_default_timeout(PATIENT_MS)
        self.page = self._context.new_page()
        self.watched = Watched(self.page)
        self._url = ""

    def begin(self, url: str, person: Person | None, width: int, height: int) -> None:
        """For a test: on no page yet, signed in to the server with this URL as the person."""
        self._url = url
        self.watched.host = urlsplit(url).netloc
        self.watched.problems.clear()
        if self.page.viewport_size != {"width": width, "height": height}:
            self.page.set_viewport_size({"width": width, "height": height})
        if person is not None:
            cookies = person.http.cookies.jar
            self._context.add_cookies(
                [{"name": each.name, "value": each.value or "", "url": url} for each in cookies]
            )

    def end(self) -> list[str]:
        """After the test: leaves nothing of it; what the page did that it must not do. The page itself stays
        where it is, still, until the next test opens one: another page costs a quarter of a second."""
        problems = self.watched.problems.copy()
        for page in self._context.pages:
            if page is not self.page:
                page.close()
        self.page.unroute_all(behavior="ignoreErrors")
        left = self._left()
        if not left["isOnline"]:
            self._context.set_offline(False)
        scheme = self.options.get("color_scheme", "light")
        if left["isDark"] != (scheme == "dark"):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # "light" or "dark"
        self.page.mouse.move(0, 0)
        self._context.clear_permissions()
        self._context.clear_cookies()
        return problems

    def _left(self) -> dict[str, bool]:
        """What LEAVE gives."""
        with suppress(Error):  # it goes to another page just now
            if self.page.url.startswith(self._url + "/"):
                return self.page.evaluate(LEAVE)
        self.page.goto(self._url + EMPTY_PAGE)
        return self.page.evaluate(LEAVE)

    def close(self) -> None:
        self._context.close()


class Tabs:
    """The tabs of a browser that no test has just now."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self._free: list[Tab] = []

    def take(self, options: dict[str, str]) -> Tab:
        """A tab with these options of contexts."""
        for tab in self._free:
            if tab.options == options:
                self._free.remove(tab)
                return tab
        return Tab(self.browser, options)

    def give_back(self, tab: Tab) -> list[str]:
        """After a test; what its page did that it must not do."""
        problems = tab.end()
        self._free.append(tab)
        return problems


OpenPage = Callable[..., Page]
"""Opens a page, signed in as a person or, with None, not signed in."""


MOVE = """(path) => {
  const state = { usr: null, key: crypto.getRandomValues(new Uint32Array(1)).join(), idx: history.length };
  history.pushState(state, "", path);
  dispatchEvent(new PopStateEvent("popstate", { state }));
}"""


def move(page: Page, path: str) -> None:
    """Go to another page of the console as its links do: the console itself is not loaded again, so this
    costs a quarter of ``page.goto``. The path is that of ``open_page``, such as "/console/w/main/tables".

    Expect something next that only the new page has: the old one may be there for a moment. What the
    console has loaded in the last ten seconds is not loaded again, so use ``page.goto`` after a change
    through the API, and where loading the page is what is tested."""
    page.evaluate(MOVE, path)


def eventually(look: Callable[[], Any], expected: object) -> None:
    """What ``look`` gives becomes this: pages show a change before all of it is stored and drawn."""
    until = time.monotonic() + PATIENT_SECONDS
    while (found := look()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    assert found == expected
