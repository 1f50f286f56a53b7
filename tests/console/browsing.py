"""Browsing: opens pages, and watches what they do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ConsoleMessage, Page

SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of how a page looks and of its keys, which are the same whatever stores the rows."""

EXPECTED = "Failed to load resource"
"""What the browser itself writes about each response that is an error; tests cause some on purpose."""


PATIENT_SECONDS = 20


class Watched:
    """What pages did that they must not do."""

    def __init__(self, url: str) -> None:
        self.host = urlsplit(url).netloc
        self.problems: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", self._written)
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _written(self, message: ConsoleMessage) -> None:
        # violations of the content security policy are written as errors too
        if message.type == "error" and not message.text.startswith(EXPECTED):
            self.problems.append(message.text)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self.host:
            self.problems.append(f"asked another host: {url}")


OpenPage = Callable[..., Page]
"""Opens a page, signed in as a person or, with None, not signed in."""


def eventually(look: Callable[[], Any], expected: object) -> None:
    """What ``look`` gives becomes this: pages show a change before all of it is stored and drawn."""
    until = time.monotonic() + PATIENT_SECONDS
    while (found := look()) != expected and time.monotonic() < until:
        time.sleep(0.05)
    assert found == expected
