"""The page of a row; edits of many rows; a slow network; a screen at 200 % zoom."""

from __future__ import annotations

import re

from browsing import SQLITE, OpenPage, eventually, move
from playwright.sync_api import Page, Request, Route, expect
from test_console_accessibility import violations
from test_console_editing import edit, rows_of
from test_console_grid import cell
from test_console_ranges import others_change, paste, press

from support.person import Person
from support.workspace import Workspace, succeeded

OPEN_MENU = ("region",)
"""A menu opens above the page, and so outside of its landmarks."""


def writes_of(page: Page) -> list[Request]:
    """Every request that changes rows, as they are sent."""
    sent: list[Request] = []
    page.on("request", lambda request: None if request.url.endswith("/query") else sent.append(request))
    return sent


def test_a_row_is_edited_on_its_page(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    row = rows_of(workspace)[0]

    def stored() -> object:
        return rows_of(workspace)[0]["First_Name"]

    page = open_page(ada, f"{people_path}/rows/{row['_id']}")
    page.get_by_role("button", name="Edit First_Name").click()
    edit(page, "First_Name", "Mine")
    expect(page.get_by_role("row", name="First_Name")).to_contain_text("Mine")
    expect(page.get_by_role("button", name="Edit First_Name")).to_be_focused()
    eventually(stored, "Mine")
    press(page, "Control+z")
    expect(page.get_by_role("row", name="First_Name")).to_contain_text("Person 0")
    eventually(stored, "Person 0")
    page.get_by_role("button", name="Do again: edit of First_Name").click()
    expect(page.get_by_role("row", name="First_Name")).to_contain_text("Mine")
    eventually(stored, "Mine")
    page.get_by_role("button", name="Edit First_Name").press("Enter")
    expect(page.get_by_role("dialog", name="Edit First_Name")).to_be_visible()
    others_change(workspace, 0, {"First_Name": "Theirs"})
    edit(page, "First_Name", "Not theirs")
    dialog = page.get_by_role("dialog", name="Somebody else has changed this row")
    expect(dialog.get_by_text("Theirs", exact=True).last).to_be_visible()
    dialog.get_by_role("button", name="Store mine").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("row", name="First_Name")).to_contain_text("Not theirs")
    eventually(stored, "Not theirs")
    page.get_by_role("button", name="Edit Number").click()
    edit(page, "Number", "soon")
    editor = page.get_by_role("dialog", name="Edit Number")
    expect(editor.get_by_role("alert")).to_contain_text('"soon"')
    assert violations(editor) == []


@SQLITE
def test_who_wrote_a_row_and_what_refers_to_it(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    """Two columns of players refer to one team: it is shown once, with both names; so is the player, on its
    page. Of coaches, one column does."""
    index = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    workspace.create_table(
        {"name": "teams", "schemaDef": [{"name": "Code", "type": "string"}], "indexes": [index]}
    )
    column = {"type": "string", "reference": {"table": "teams", "column": "Code"}}
    team, former = {"name": "Team"} | column, {"name": "Former"} | column
    workspace.create_table({"name": "players", "schemaDef": [team, former]})
    workspace.create_table({"name": "coaches", "schemaDef": [team]})
    for table, data in (
        ("teams", {"Code": "red"}),
        ("players", {"Team": "red", "Former": "red"}),
        ("coaches", {"Team": "red"}),
    ):
        succeeded(ada.http.post(f"{workspace.path}/data/tables/{table}", json={"data": data}))
    player = rows_of(workspace, "players")[0]
    page = open_page(ada, f"/console/w/{workspace.name}/tables/players/rows/{player['_id']}", 360)
    expect(page.get_by_text("Created by Ada Lovelace")).to_be_visible()
    expect(page.get_by_role("table", name="Row of teams by Team, Former").get_by_text("red")).to_be_visible()
    expect(page.get_by_role("link", name="of teams")).to_have_count(1)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("link", name="of teams").click()
    expect(page.get_by_role("link", name="Rows of players by Team or Former")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("^Open row .* of players"))).to_have_count(1)
    expect(page.get_by_role("table", name="Rows of coaches by Team").get_by_text("red")).to_be_visible()
    page.get_by_role("link", name="Rows of coaches by Team").click()
    expect(cell(page, "red")).to_be_visible()
    assert "/tables/coaches?filter=" in page.url
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_role("table", name="Row of teams by Team", exact=True)).to_be_visible()


@SQLITE
def test_many_rows_are_one_request(
    open_page: OpenPage, ada: Person, workspace: Workspace, many_people_path: str
) -> None:
    index = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    workspace.create_table(
        {"name": "stock", "schemaDef": [{"name": "Code", "type": "string"}], "indexes": [index]}
    )
    data = [{"Code": code} for code in ("a", "b", "c", "taken")]
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/stock/bulk", json={"data": data}))
    page = open_page(ada, many_people_path)
    cell(page, "Person 0").click()
    press(page, "Control+a", "Shift+Space", "Delete")
    dialog = page.get_by_role("dialog", name="Delete 500 rows?")
    sent = writes_of(page)
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("This table has no rows yet.")).to_be_visible()
    page.get_by_role("button", name="Undo: deletion of 500 rows").click()
    expect(page.get_by_text("500 rows", exact=True)).to_be_visible()
    batches = [request for request in sent if request.url.endswith("/data/batch")]
    assert [len(request.post_data_json["operations"]) for request in batches] == [500, 1]
    assert all(request.headers["idempotency-key"] for request in batches)
    eventually(lambda: [row["First_Name"] for row in rows_of(workspace)][:2], ["Person 0", "Person 1"])

    # a refused row is named; the others are stored in a second batch, and nothing of the first one is
    move(page, f"/console/w/{workspace.name}/tables/stock")
    cell(page, "a").click()
    dialog = paste(page, "x\ntaken\nz")
    sent.clear()
    dialog.get_by_role("button", name="Paste").click()
    refused = page.get_by_role("dialog", name="1 row not changed")
    expect(refused.get_by_text("Code: b")).to_be_visible()
    refused.get_by_role("button", name="Close").last.click()
    eventually(lambda: [row["Code"] for row in rows_of(workspace, "stock")], ["x", "b", "z", "taken"])
    batches = [request for request in sent if request.url.endswith("/data/batch")]
    assert [len(request.post_data_json["operations"]) for request in batches] == [3, 2]


@SQLITE
def test_a_dragged_selection_scrolls(open_page: OpenPage, ada: Person, many_people_path: str) -> None:
    page = open_page(ada, many_people_path, 700, 400)
    cell(page, "Person 1").hover()
    page.mouse.down()
    page.mouse.move(300, 250)
    page.mouse.move(690, 395)
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-activedescendant", re.compile(r"-([3-9]\d|\d{3})-10$"))
    page.mouse.move(300, 20)
    expect(grid).to_have_attribute("aria-activedescendant", re.compile(r"-0-\d+$"))
    page.mouse.up()
    first = page.get_by_role("row").filter(has=page.get_by_role("link", name="Open row 1", exact=True))
    expect(first.locator("[aria-selected=true]").first).to_be_attached()


@SQLITE
def test_a_slow_network(open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str) -> None:
    """Grey rows until the first ones are there, and nothing moves for people who ask for reduced motion; an
    edit is on its way until it is stored; a count that began before a deletion does not show what was before.
    """
    page = open_page(ada, people_path.rsplit("/", 1)[0])
    late: list[Route] = []
    is_slow = True

    def hold(route: Route) -> None:
        if is_slow:
            late.append(route)
        else:
            route.continue_()

    page.route("**/query*", hold)
    page.get_by_role("link", name="people").click()
    expect(
        page.get_by_role("row", include_hidden=True).and_(page.locator("[aria-busy=true]")).first
    ).to_be_visible()
    expect(page.get_by_label("Loading rows")).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    assert violations(page) == []
    expect(page.get_by_text("This table has no rows yet.")).to_have_count(0)
    is_slow = False
    for route in late:
        route.continue_()
    expect(cell(page, "Person 0")).to_be_visible()
    page.route(
        "**/tables/people",
        lambda route: late.append(route) if route.request.method == "PUT" else route.continue_(),
    )
    late.clear()
    cell(page, "Person 0").dblclick()
    edit(page, "First_Name", "Slow")
    expect(page.get_by_text("Storing…")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Storing…")).to_be_visible()

    def held() -> int:
        page.evaluate("null")  # what was requested before is then known here
        return len(late)

    eventually(held, 1)
    late[0].continue_()
    expect(cell(page, "Slow")).to_be_visible()
    assert rows_of(workspace)[0]["First_Name"] == "Slow"


@SQLITE
def test_at_200_percent(open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str) -> None:
    """A browser at 200 % has half as many pixels each way: nothing is cut, and dialogs can be used."""
    width, height = 640, 400
    page = open_page(ada, people_path, width, height)

    def is_whole() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= width

    expect(cell(page, "Person 3")).to_be_in_viewport()
    is_whole()
    page.get_by_role("button", name="Menu of column First_Name").click()
    expect(page.get_by_role("menuitem", name="Sort ascending")).to_be_focused()
    press(page, "ArrowDown")
    expect(page.get_by_role("menuitem", name="Sort descending")).to_be_focused()
    page.get_by_role("menuitem", name="Filter").scroll_into_view_if_needed()
    expect(page.get_by_role("menuitem", name="Filter")).to_be_in_viewport()
    assert violations(page, OPEN_MENU) == []
    press(page, "Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.get_by_role("menuitem", name="Paste cells")).to_be_in_viewport()
    assert violations(page, OPEN_MENU) == []
    press(page, "Escape")
    cell(page, "Person 0").click()
    dialog = paste(page, "A\nB\nC\nD\nE")
    dialog.get_by_role("button", name="Paste").scroll_into_view_if_needed()
    expect(dialog.get_by_role("button", name="Paste")).to_be_in_viewport()
    is_whole()
    press(page, "Escape")
    page.get_by_role("link", name="Open row 1", exact=True).click()
    expect(page.get_by_text("Created by")).to_be_visible()
    is_whole()
    for name, heading in (("tables", "Tables"), ("members", "Members of "), ("users", "Users")):
        move(page, f"/console/w/{workspace.name}/{name}")
        expect(page.get_by_role("heading", level=1, name=heading)).to_be_in_viewport()
        is_whole()
