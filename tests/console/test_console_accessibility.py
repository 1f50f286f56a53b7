"""Every page in light and dark, narrow and wide: axe finds nothing, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from browsing import SQLITE, OpenPage, move
from playwright.sync_api import Locator, Page, expect
from test_console_grid import cell

from support.person import Person
from support.workspace import Workspace

pytestmark = SQLITE

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"

RUN = """([part, rules, but, without]) => axe.run({ include: part ?? document, exclude: without }, {
  resultTypes: ["violations"],
  preload: false,
  ...(rules.length > 0 && { runOnly: rules }),
  rules: Object.fromEntries(but.map((rule) => [rule, { enabled: false }])),
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


def violations(
    where: Page | Locator, but: Sequence[str] = (), rules: Sequence[str] = (), without: Sequence[str] = ()
) -> list[Any]:
    """What axe finds by these rules, or by all, but not by those of ``but``: on the page, or in a part of it,
    such as a dialog. A part costs half, and is enough where another test looks at the page around it; so are
    the first of many equal elements, ``without`` the others, by their selectors."""
    page, part = (where, None) if isinstance(where, Page) else (where.page, where.element_handle())
    page.evaluate(FADED)  # colours that fade in are not yet those of the page
    if not page.evaluate("'axe' in window"):  # a page of which only parts have changed still has it
        page.evaluate(AXE.read_text())
    found = page.evaluate(RUN, [part, list(rules), list(but), list(without)])
    return [(each["id"], [node["html"][:200] for node in each["nodes"]][:3]) for each in found]


PAGES = {
    "tables": "Tables",
    "import": "Imports",
    "members": "Members of ",
    "users": "Users",
    "nowhere": "Page not found",
}
"""The heading of each."""

Look = tuple[str, int, Sequence[str], Sequence[str]]
"""A colour scheme, a width, the rules that are left out, and the only rules (none: all). A narrow page has
the colours of a wide one; it is as wide as one of 1280 points at 400 %."""

LOOKS: list[Look] = [
    ("light", 1280, (), ()),
    ("dark", 1280, (), COLOURS),
    ("dark", 320, COLOURS, ()),
]


def test_pages(open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str) -> None:
    page = open_page(ada, people_path)
    found = {}
    looks = LOOKS.copy()

    def look(name: str, where: Page | Locator = page) -> None:
        """In each way, and the next time from the last one to the first: each change costs a new layout."""
        for scheme, width, but, rules in looks:
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type] # "light" or "dark"
            expect(page.locator(f":root[data-mantine-color-scheme={scheme}]")).to_have_count(1)
            found[f"{name}, {scheme}, {width}"] = violations(where, but, rules)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        looks.reverse()

    expect(cell(page, "Person 0")).to_be_visible()
    look("grid")
    for name in ("Menu", "Search everywhere", "Account and appearance"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_in_viewport(ratio=1)
    dialog = page.get_by_role("dialog")
    cell(page, "Person 0").dblclick()
    expect(dialog).to_be_visible()
    look("editor", dialog)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Filter").click()
    expect(dialog).to_be_visible()
    look("filter", dialog)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_text("Created by")).to_be_visible()
    look("row")
    for path, heading in PAGES.items():
        move(page, f"/console/w/{workspace.name}/{path}")
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        look(path)
    problems = [f"{name}: {each}" for name, all_of_page in found.items() for each in all_of_page]
    assert problems == [], "\n".join(problems)


WITHOUT_SESSION = {
    "sign-in": "Sign in to Rowkeep",
    "welcome": "Welcome to Rowkeep",
    "reset": "Set your password",
    "link": "Sign in to Rowkeep",
}


def test_pages_without_a_session(open_page: OpenPage) -> None:
    page = open_page(None, "/console/sign-in")
    for path, heading in WITHOUT_SESSION.items():
        move(page, f"/console/{path}")
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
        assert violations(page) == [], path
