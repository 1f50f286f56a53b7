"""Many cells at once: selections, the clipboard, whole rows, one value for a filter; and undo."""

from __future__ import annotations

import re
from typing import Any

from browsing import SQLITE, OpenPage, eventually, move
from playwright.sync_api import Locator, Page, expect
from test_console_accessibility import violations
from test_console_editing import edit, rows_of
from test_console_grid import cell

from support.person import Person
from support.workspace import Workspace, succeeded


def paste(page: Page, text: str) -> Locator:
    """Pastes a text from the clipboard into the grid: the dialog that shows what would change."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("Control+v")
    return page.get_by_role("dialog", name="Paste cells")


def copied(page: Page) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("Control+c")
    return str(page.evaluate("navigator.clipboard.readText()"))


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def menu(page: Page, item: str) -> None:
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def others_change(workspace: Workspace, number: int, data: dict[str, Any]) -> None:
    query = {"expressions": [{"field": "Number", "operand": "=", "value": number}]}
    path = f"{workspace.path}/data/tables/people"
    succeeded(workspace.admin.put(path, json={"query": query, "data": data}))


def test_ten_rows_are_pasted_from_a_spreadsheet(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    page = open_page(ada, people_path)
    cell(page, "Person 1").click()
    dialog = paste(page, "".join(f"New {at}\tLast {at}\r\n" for at in range(10)))
    expect(dialog.get_by_text("This changes 20 cells in 10 rows.")).to_be_visible()
    assert rows_of(workspace)[1]["First_Name"] == "Person 1"
    expect(dialog.get_by_role("button", name="Paste")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cell(page, "New 9")).to_be_visible()
    eventually(lambda: [row["Last_Name"] for row in rows_of(workspace)][1:3], ["Last 0", "Last 1"])
    page.keyboard.press("Control+z")
    expect(cell(page, "Person 10")).to_be_visible()
    expect(cell(page, "New 9")).to_have_count(0)
    eventually(lambda: [row["Last_Name"] for row in rows_of(workspace)][1:4], [None, None, ""])


@SQLITE
def test_cells_are_copied_pasted_and_filled(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """Null and an empty text stay what they are; one value fills a selection."""
    page = open_page(ada, people_path)
    cell(page, "Person 0").click()
    press(page, "Shift+ArrowRight", "Shift+ArrowDown")
    selected = page.locator("[role=gridcell][aria-selected=true]")
    expect(selected).to_have_count(4)
    colours = [selected.nth(2), page.get_by_role("gridcell", name="Person 2", exact=True)]
    pages = [page.get_by_role("link", name=name, exact=True) for name in ("Tables", "History")]
    colour = "each => getComputedStyle(each).backgroundColor"
    assert len({each.evaluate(colour) for each in colours}) == 2
    assert violations(page) == []
    page.emulate_media(forced_colors="active")  # where the system has the colours
    assert all(len({each.evaluate(colour) for each in pair}) == 2 for pair in (colours, pages))
    page.emulate_media(forced_colors="none")
    assert copied(page) == 'Person 0\t""\nPerson 1\t'
    cell(page, "Person 2").click()
    page.keyboard.press("Control+v")
    dialog = page.get_by_role("dialog", name="Paste cells")
    expect(dialog.get_by_text("This changes 4 cells in 2 rows.")).to_be_visible()
    dialog.get_by_role("button", name="Paste").click()
    expect(cell(page, "Person 0")).to_have_count(2)
    row = rows_of(workspace)
    assert [row[2]["Last_Name"], row[3]["Last_Name"]] == ["", None]

    cell(page, "Person 4").click()
    cell(page, "Person 6").click(modifiers=["Shift"])
    paste(page, "Same").get_by_role("button", name="Paste").click()
    expect(cell(page, "Same")).to_have_count(3)
    expect(page.get_by_role("grid")).to_be_focused()
    press(page, "Delete")
    expect(cell(page, "Same")).to_have_count(0)
    eventually(
        lambda: [row["First_Name"] for row in rows_of(workspace, limit=8)][4:], [None, None, None, "Person 7"]
    )
    press(page, "Control+z")
    expect(cell(page, "Same")).to_have_count(3)


@SQLITE
def test_what_cannot_be_stored_is_shown_before(
    open_page: OpenPage,
    ada: Person,
    typed_path: str,
    workspace: Workspace,
) -> None:
    page = open_page(ada, typed_path)
    cell(page, "one").click()
    dialog = paste(page, "too long\tsoon\t0.10\tTRUE\t28/03/2020\t{\nfive\t7\t\t\t\t")
    expect(dialog.get_by_text("4 fields cannot be stored.")).to_be_visible()
    expect(dialog.get_by_text("At most 5 characters")).to_be_visible()
    expect(dialog.get_by_role("button", name="Paste")).to_be_disabled()
    assert violations(dialog) == []
    page.keyboard.press("Escape")
    dialog = paste(page, 'uno\t7\t0.10\tTRUE\t2020-03-28\t{"a": 1}\nfive\t8\t\t\t\t')
    expect(dialog.get_by_text("This changes 6 cells in 1 row and adds 1 row.")).to_be_visible()
    dialog.get_by_role("button", name="Paste").click()
    expect(page.get_by_text("2 rows", exact=True)).to_be_visible()
    first, second = rows_of(workspace, "typed")
    values = [first[name] for name in ("Text", "Whole", "Exact", "Flag", "Day", "Data")]
    assert values == ["uno", 7, "0.10", True, "2020-03-28T00:00:00.000Z", {"a": 1}]
    assert (second["Text"], second["Whole"], second["Flag"]) == ("five", 8, None)


@SQLITE
def test_new_rows_by_the_names_of_a_header_on_a_narrow_screen(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    columns = [{"name": "Code", "type": "string", "isRequired": True}, {"name": "Count", "type": "integer"}]
    index = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    workspace.create_table({"name": "stock", "schemaDef": columns, "indexes": [index]})
    page = open_page(ada, f"/console/w/{workspace.name}/tables/stock", 360)
    menu(page, "Paste cells")
    dialog = page.get_by_role("dialog", name="Paste cells")
    dialog.get_by_label("Cells of a spreadsheet").fill("count\tcode\n1\ta\n2\ta")
    expect(dialog.get_by_text("This adds 2 rows.")).to_be_visible()
    assert violations(dialog) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    dialog.get_by_role("button", name="Paste").click()
    refused = page.get_by_role("dialog", name="2 rows not changed")
    expect(refused.get_by_text("Code: a").first).to_be_visible()
    assert violations(refused) == []
    refused.get_by_role("button", name="Close").last.click()
    eventually(lambda: rows_of(workspace, "stock"), [])
    menu(page, "Paste cells")
    dialog.get_by_label("Cells of a spreadsheet").fill("count\tcode\n1\ta\n2\tb")
    dialog.get_by_role("button", name="Paste").click()
    expect(cell(page, "b")).to_be_visible()
    eventually(
        lambda: [(row["Code"], row["Count"]) for row in rows_of(workspace, "stock")], [("a", 1), ("b", 2)]
    )


@SQLITE
def test_a_row_that_somebody_changed_is_not_pasted_over(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    page = open_page(ada, people_path)
    cell(page, "Person 0").click()
    first = "Person 0"
    for choice, theirs, mine in (("Keep theirs", "Their 1", "B"), ("Store mine in 1 row", "Their 2", "E")):
        cell(page, first).click()
        first = chr(ord(mine) - 1)
        dialog = paste(page, f"{first}\n{mine}\nC")
        expect(dialog.get_by_text(re.compile("This changes [23] cells"))).to_be_visible()
        others_change(workspace, 1, {"First_Name": theirs})
        dialog.get_by_role("button", name="Paste").click()
        shown = page.get_by_role("dialog", name="1 row not changed")
        for value in (theirs, mine):
            expect(shown.get_by_role("cell", name=value, exact=True)).to_be_visible()
        eventually(lambda: [row["First_Name"] for row in rows_of(workspace)][:3], [first, theirs, "C"])
        shown.get_by_role("button", name=choice).click()
        left = theirs if choice == "Keep theirs" else mine
        expect(cell(page, left)).to_be_visible()
        eventually(lambda: [row["First_Name"] for row in rows_of(workspace)][:3], [first, left, "C"])


@SQLITE
def test_edits_are_undone_and_done_again(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """But an undo does not overwrite what somebody else has changed."""
    page = open_page(ada, people_path)
    for before, after in (("Person 0", "First"), ("First", "Second")):
        cell(page, before).dblclick()
        edit(page, "First_Name", after)
        expect(cell(page, after)).to_be_visible()
    press(page, "Home", "Delete")
    page.get_by_role("dialog", name="Delete row 1?").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("11 rows")).to_be_visible()
    press(page, "Control+z")
    expect(page.get_by_text("12 rows")).to_be_visible()
    press(page, "Control+z", "Control+z")
    last = [{"field": "_id", "order": "desc"}]
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)
    assert rows_of(workspace, sort=last)[0]["First_Name"] == "Person 0"
    page.get_by_role("button", name="Do again: edit of First_Name").click()
    expect(page.get_by_role("button", name="Undo: edit of First_Name")).to_be_visible()
    page.get_by_role("grid").focus()
    press(page, "Control+y")
    expect(page.get_by_role("button", name="Do again: deletion of 1 row")).to_be_visible()
    assert rows_of(workspace, sort=last)[0]["First_Name"] == "Second"
    others_change(workspace, 0, {"First_Name": "Theirs"})
    page.get_by_role("button", name="Undo: edit of First_Name").click()
    shown = page.get_by_role("dialog", name="1 row not changed")
    expect(shown.get_by_text("Somebody else has changed this row.")).to_be_visible()
    shown.get_by_role("button", name="Keep theirs").click()
    expect(cell(page, "Theirs")).to_be_visible()
    assert rows_of(workspace, sort=last)[0]["First_Name"] == "Theirs"


@SQLITE
def test_rows_are_duplicated_and_deleted(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    page = open_page(ada, people_path)
    cell(page, "Person 0").click()
    menu(page, "Duplicate row")
    drawer = page.get_by_role("dialog", name="Add a row")
    expect(drawer.get_by_role("textbox", name="First_Name")).to_have_value("Person 0")
    assert violations(drawer) == []
    drawer.get_by_role("textbox", name="First_Name").fill("Copy")
    drawer.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("13 rows")).to_be_visible()
    cell(page, "Person 0").click()
    press(page, "Shift+ArrowDown", "Shift+Space")
    menu(page, "Duplicate 2 rows")
    expect(page.get_by_text("15 rows")).to_be_visible()
    last = [{"field": "_id", "order": "desc"}]
    names = [row["First_Name"] for row in rows_of(workspace, sort=last)][:3]
    assert names == ["Person 1", "Person 0", "Copy"]
    page.get_by_role("grid").focus()
    press(page, "Delete")
    dialog = page.get_by_role("dialog", name="Delete 2 rows?")
    expect(dialog).to_be_visible()
    assert violations(dialog) == []
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("13 rows")).to_be_visible()
    press(page, "Control+z")
    expect(page.get_by_text("15 rows")).to_be_visible()


@SQLITE
def test_a_column_is_set_for_a_filter(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    filtered = '?filter={"expressions":[{"field":"Number","operand":"<","value":3}]}'
    page = open_page(ada, people_path + filtered)
    cell(page, "Person 0").click()
    page.keyboard.press("ArrowRight")
    menu(page, "Set a column in all rows of the filter")
    dialog = page.get_by_role("dialog", name="Set a column")
    expect(dialog.get_by_label("Column")).to_have_value("Last_Name")
    dialog.get_by_role("textbox", name="Value").fill("All")
    dialog.get_by_role("button", name="Count the rows").click()
    expect(dialog.get_by_text("3 rows would change.")).to_be_visible()
    assert violations(dialog) == []
    assert rows_of(workspace)[0]["Last_Name"] == ""
    others_change(workspace, 2, {"Number": 1000})
    dialog.get_by_role("button", name="Change 3 rows").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nothing was stored")
    dialog.get_by_role("button", name="Count the rows").click()
    dialog.get_by_role("button", name="Change 2 rows").click()
    expect(cell(page, "All")).to_have_count(2)
    eventually(lambda: [row["Last_Name"] for row in rows_of(workspace)][:3], ["All", "All", None])
    press(page, "Control+z")
    expect(cell(page, "All")).to_have_count(0)
    eventually(lambda: [row["Last_Name"] for row in rows_of(workspace)][:3], ["", None, None])


@SQLITE
def test_what_was_typed_is_not_lost(
    open_page: OpenPage, ada: Person, workspace: Workspace, people_path: str
) -> None:
    """Escape and Back ask first; what has not changed closes at once."""
    page = open_page(ada, people_path.rsplit("/", 1)[0])
    page.get_by_role("link", name="people").click()
    expect(cell(page, "Person 0")).to_be_visible()
    question = page.get_by_role("dialog", name="Discard what you typed?")

    def discard(dialog: Locator) -> None:
        press(page, "Escape")
        question.get_by_role("button", name="Discard").click()
        expect(dialog).to_have_count(0)
        expect(question).to_have_count(0)

    page.get_by_role("button", name="Add row").click()
    drawer = page.get_by_role("dialog", name="Add a row")
    expect(drawer).to_be_visible()
    press(page, "Escape")
    expect(drawer).to_have_count(0)
    page.get_by_role("button", name="Add row").click()
    name = drawer.get_by_role("textbox", name="First_Name")
    name.fill("Draft")
    press(page, "Escape")
    expect(question.get_by_role("button", name="Continue editing")).to_be_focused()
    assert violations(question) == []
    press(page, "Escape")
    expect(question).to_have_count(0)
    expect(name).to_have_value("Draft")
    expect(name).to_be_focused()
    page.evaluate("history.back()")
    question.get_by_role("button", name="Continue editing").click()
    expect(question).to_have_count(0)
    expect(name).to_have_value("Draft")
    discard(drawer)

    menu(page, "Paste cells")
    dialog = page.get_by_role("dialog", name="Paste cells")
    dialog.get_by_label("Cells of a spreadsheet").fill("a\tb")
    discard(dialog)
    page.get_by_role("button", name="Filter").click()
    filters = page.get_by_role("dialog", name="Filter")
    filters.get_by_label("Column").select_option("Number")
    discard(filters)
    menu(page, "Set a column in all rows")
    dialog = page.get_by_role("dialog", name="Set a column")
    dialog.get_by_role("textbox", name="Value").fill("All")
    page.route("**/tables/people", lambda route: route.fulfill(json={"nModified": 1001}), times=1)
    dialog.get_by_role("button", name="Count the rows").click()
    expect(dialog.get_by_role("button", name="Change 1,001 rows")).to_be_visible()
    expect(dialog.get_by_role("alert")).to_contain_text("cannot be undone")
    assert violations(dialog) == []
    discard(dialog)
    assert rows_of(workspace)[0]["First_Name"] == "Person 0"


@SQLITE
def test_a_viewer_copies_but_changes_nothing(
    open_page: OpenPage, grace: Person, workspace: Workspace, people_path: str
) -> None:
    page = open_page(grace, people_path)
    cell(page, "Person 0").click()
    press(page, "Shift+ArrowDown")
    assert copied(page) == "Person 0\nPerson 1"
    press(page, "Control+v", "Delete", "Control+x", "Control+z", "F2", "Enter", "x")
    cell(page, "Person 0").dblclick()
    expect(page.get_by_role("dialog")).to_have_count(0)
    for name in ("Edit", "Undo", "Add row", "Share"):
        expect(page.get_by_role("button", name=name, exact=name == "Edit")).to_have_count(0)
    row = rows_of(workspace)[0]
    assert row["First_Name"] == "Person 0"
    # nor on the page of a row, nor where there is none
    page.get_by_role("link", name="Open row 1", exact=True).click()
    page.get_by_role("row", name="First_Name").get_by_text("Person 0").dblclick()
    expect(page.get_by_role("button", name="Edit")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    move(page, f"{people_path}/rows/{'0' * 24}")
    page.get_by_role("link", name="All rows of people").click()
    expect(cell(page, "Person 0")).to_be_visible()


@SQLITE
def test_a_selection_by_the_mouse(open_page: OpenPage, ada: Person, people_path: str) -> None:
    page = open_page(ada, people_path)

    def drag(start: Locator, end: Locator) -> None:
        start.hover()
        page.mouse.down()
        end.hover()
        page.mouse.up()

    drag(cell(page, "Person 1"), cell(page, "Person 3"))
    assert copied(page) == "Person 1\nPerson 2\nPerson 3"
    drag(*(page.get_by_role("link", name=f"Open row {at}", exact=True) for at in (2, 4)))
    press(page, "Delete")
    dialog = page.get_by_role("dialog", name="Delete 3 rows?")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    assert len(copied(page).split("\n")) == 3
    cell(page, "Person 0").click()
    press(page, "Control+a")
    dialog = paste(page, "x")
    expect(dialog.get_by_text("These are 12 rows")).to_have_count(0)
    expect(dialog.get_by_role("button", name="Paste")).to_be_visible()
    assert page.url.endswith("/tables/people")


@SQLITE
def test_a_reference_is_picked_by_a_search(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    index = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    workspace.create_table(
        {"name": "teams", "schemaDef": [{"name": "Code", "type": "string"}], "indexes": [index]}
    )
    column = {"name": "Team", "type": "string", "reference": {"table": "teams", "column": "Code"}}
    workspace.create_table({"name": "players", "schemaDef": [column]})
    rows = f"{workspace.path}/data/tables"
    for table, data in (("teams", [{"Code": "red"}, {"Code": "green"}]), ("players", [{"Team": "red"}])):
        succeeded(workspace.admin.post(f"{rows}/{table}/bulk", json={"data": data}))
    page = open_page(ada, f"/console/w/{workspace.name}/tables/players")
    cell(page, "red").dblclick()
    editor = page.get_by_role("dialog", name="Edit Team")
    editor.get_by_label("Team", exact=True).first.fill("REE")
    editor.get_by_role("option", name="green").click()
    assert violations(editor) == []
    page.keyboard.press("Enter")
    expect(cell(page, "green")).to_be_visible()
    assert rows_of(workspace, "players")[0]["Team"] == "green"
    cell(page, "green").dblclick()
    editor.get_by_label("Team", exact=True).first.fill("blue")
    page.keyboard.press("Enter")
    expect(editor.get_by_role("alert")).to_contain_text("blue")
