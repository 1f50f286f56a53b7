"""Every page in light and dark, narrow and wide: axe finds nothing, and nothing is cut off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from browsing import SQLITE, OpenPage
from playwright.sync_api import Page, expect
from test_console_grid import cell

from support.person import Person
from support.workspace import Workspace

pytestmark = SQLITE

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"

RUN = """(rules) => axe.run({
  resultTypes: ["violations"],
  preload: false,
  ...(rules.length > 0 && { runOnly: rules }),
}).then((result) => result.violations)"""
"""No rule that is in use reads what axe would load before: the console has no media."""

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules whose findings another colour scheme can change."""

FADED = """async () => {
  const ends = (each) => each.effect.getComputedTiming().iterations !== Infinity;
  const running = () => document.getAnimations().filter((each) => ends(each) && each.playState === "running");
  for (;;) {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    if (running().length === 0) return;
    await Promise.allSettled(running().map((each) => each.finished));
  }
}"""
"""Waits until nothing fades or moves, but for what never ends."""


def violations(page: Page, but: str = "", rules: tuple[str, ...] = ()) -> list[Any]:
    """What axe finds on the page by these rules, or by all, except by the rule ``but``."""
    page.evaluate(FADED)  # colours that fade in are not yet those of the page
    if not page.evaluate("'axe' in window"):  # a page of which only parts have changed still has it
        page.evaluate(AXE.read_text())
    found = page.evaluate(RUN, rules)
    return [
        (each["id"], [node["html"][:200] for node in each["nodes"]][:3])
        for each in found
        if each["id"] != but
    ]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_pages(
    scheme: str, width: int, open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    base = f"{workspace.server.url}/console/w/{workspace.name}"
    page = open_page(ada, people_path, width, color_scheme=scheme)
    rules = COLOURS if scheme == "dark" else ()
    found = {}
    for path in ("tables", "import", "members", "users", "nowhere"):
        page.goto(f"{base}/{path}")
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        found[path] = violations(page, rules=rules)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    page.goto(workspace.server.url + people_path)
    expect(cell(page, "Person 0")).to_be_visible()
    found["grid"] = violations(page, rules=rules)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cell(page, "Person 0").dblclick()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["editor"] = violations(page, rules=rules)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["filter"] = violations(page, rules=rules)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_text("Created by")).to_be_visible()
    found["row"] = violations(page, rules=rules)
    problems = [f"{name}: {each}" for name, all_of_page in found.items() for each in all_of_page]
    assert problems == [], "\n".join(problems)


@pytest.mark.parametrize("path", ["sign-in", "welcome", "reset", "link"])
def test_pages_without_a_session(path: str, open_page: OpenPage) -> None:
    page = open_page(None, f"/console/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert violations(page) == []
