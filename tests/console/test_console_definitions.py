"""Definitions in the console: tables and views are created, changed and deleted; all of them are imported and
exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from browsing import SQLITE, OpenPage, move
from playwright.sync_api import Page, expect
from test_console_accessibility import violations
from test_console_grid import cell

from support.forks import FORKS
from support.person import Person
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

TEAMS: dict[str, Any] = {
    "name": "teams",
    "schemaDef": [{"name": "Code", "type": "string", "isRequired": True}, {"name": "Size", "type": "string"}],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}


def rowkeep(server: RowkeepServer, *arguments: str) -> str:
    done = FORKS.run("rowkeep", arguments, env=server.environment, cwd=server.directory)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def is_narrow(page: Page) -> bool:
    """Whether nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def definition(workspace: Workspace, path: str) -> Any:
    return succeeded(workspace.admin.get(f"{workspace.path}/{path}"))


def test_a_table_is_made_filled_charted_and_shared_in_the_browser_alone(
    open_page: OpenPage,
    ada: Person,
    grace: Person,
    server: RowkeepServer,
    workspace: Workspace,
    tmp_path: Path,
) -> None:
    """Its definition and its chart, exported, make the same elsewhere."""
    workspace.create_table(TEAMS)
    page = open_page(ada, f"/console/w/{workspace.name}/tables")
    page.get_by_role("link", name="New table").click()
    page.get_by_label("Name of the table").fill("players")
    page.get_by_label("Description").fill("Who plays")
    page.get_by_role("button", name="column 1").click()
    page.get_by_label("Name", exact=True).fill("Number")
    page.get_by_label("Type").select_option("integer")
    page.get_by_label("Required").check()
    page.get_by_label("Name", exact=True).press("Enter")
    # the next column
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Name", exact=True).fill("Team")
    page.get_by_label("Refers to table").select_option("teams")
    expect(page.get_by_label("Its column")).to_have_value("Code")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_label("Name", exact=True).fill("Secret")
    page.get_by_label("Most characters").fill("20")
    page.get_by_label("Encrypted").check()
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_label("Name", exact=True).fill("Active")
    page.get_by_label("Type").select_option("boolean")
    page.get_by_label("Default").select_option("true")
    page.get_by_role("button", name="Add index").click()
    page.get_by_label("Unique").check()
    page.get_by_label("Order of Number").select_option("desc")
    page.get_by_label("Delete rows when they are old").check()
    page.get_by_label("After days").fill("90")
    # changes are recorded, unless somebody wants it otherwise
    expect(page.get_by_label("Days to store them")).to_have_value("30")
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_text("This table has no rows yet")).to_be_visible()
    expect(page.get_by_role("main")).to_be_focused()  # keys go on in the new page
    made = definition(workspace, "tables/players")
    no = {"isRequired": False, "isEncrypted": False, "reference": {}, "maxLength": "", "default": ""}
    reference = {"table": "teams", "column": "Code"}
    assert made["schemaDef"] == [
        {**no, "name": "Number", "type": "integer", "isRequired": True},
        {**no, "name": "Team", "type": "string", "reference": reference},
        {**no, "name": "Secret", "type": "string", "isEncrypted": True, "maxLength": 20},
        {**no, "name": "Active", "type": "boolean", "default": True},
    ]
    index = {"name": "by_number", "isUnique": True, "columns": [{"name": "Number", "order": "desc"}]}
    assert (made["indexes"], made["retention"]) == ([index], {"column": "Created_On", "days": 90})
    assert made["history"] == {"keepDays": 30}
    # it is filled
    page.get_by_role("button", name="Add row").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Number").fill("7")
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    expect(cell(page, "7")).to_be_visible()
    # it is charted
    page.get_by_role("button", name="Chart", exact=True).click()
    page.get_by_role("menuitem", name="Bars").click()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Players")
    page.get_by_label("Everybody who can read players sees it").check()
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("region", name="Chart", exact=True)).to_contain_text("Shared")
    # and shared
    page.get_by_role("button", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog", name="Share players")
    dialog.get_by_label("E-mail address of a user").fill(grace.email)
    dialog.get_by_role("button", name="Share", exact=True).click()
    expect(dialog.get_by_label("Right of Grace Hopper")).to_have_value("read")
    # and goes elsewhere
    other = Workspace(server, f"{workspace.name}_there")
    rowkeep(server, "schema", "export", str(tmp_path / "schema"), "--workspace", workspace.name)
    rowkeep(server, "schema", "apply", str(tmp_path / "schema"), "--workspace", other.name)
    assert "Nothing" in rowkeep(server, "schema", "diff", str(tmp_path / "schema"), "--workspace", other.name)
    assert definition(other, "tables/players") == made
    (chart,) = definition(other, "charts")["charts"]
    assert (chart["table"], chart["name"], chart["problem"]) == ("players", "Players", None)
    assert definition(other, "schema") == definition(workspace, "schema")
    other.delete()


@SQLITE
def test_a_table_is_changed_after_its_steps_were_shown(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    """Rows that do not fit are shown; lost data needs the name of the table; another name is a rename."""
    workspace.create_table(TEAMS)
    rows = [{"Code": "red", "Size": "many"}, {"Code": "blue", "Size": "11"}]
    succeeded(workspace.admin.post(f"{workspace.path}/data/tables/teams/bulk", json={"data": rows}))
    page = open_page(ada, f"/console/w/{workspace.name}/tables/teams")
    page.get_by_role("link", name="Definition", exact=True).click()
    page.get_by_role("button", name="Size string").click()
    page.get_by_label("Type").select_option("integer")
    page.get_by_role("button", name="Show the steps").click()
    problems = page.get_by_role("alert")
    expect(problems).to_contain_text("Column Size cannot have type integer: 1 row has a value")
    expect(problems.get_by_role("cell", name="many")).to_be_visible()
    assert violations(page) == []
    # the column is removed instead, and the other one and the table are renamed
    page.get_by_role("button", name="Remove column").click()
    page.get_by_role("button", name="Code string").click()
    page.get_by_label("Name", exact=True).fill("Colour")
    page.get_by_label("Name of the table").fill("groups")
    page.get_by_role("button", name="Show the steps").click()
    dialog = page.get_by_role("dialog", name="Change teams")
    expect(dialog.get_by_role("row")).to_have_text(
        [
            "rename table teams to groups",
            "drop column Sizewrites every rowloses data",
            "rename column Code to Colour",
        ],
        use_inner_text=False,
    )
    expect(dialog.get_by_role("button", name="Apply")).to_be_disabled()
    assert violations(dialog) == []
    assert "Size" in str(definition(workspace, "tables/teams"))
    expect(dialog.get_by_label("To confirm")).to_be_focused()
    page.keyboard.type("teams")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="groups", exact=True)).to_be_visible()
    changed = definition(workspace, "tables/groups")
    assert [each["name"] for each in changed["schemaDef"]] == ["Colour"]
    assert changed["indexes"][0]["columns"] == [{"name": "Colour", "order": "asc"}]
    expect(cell(page, "blue")).to_be_visible()


@SQLITE
def test_what_others_changed_meanwhile_is_not_overwritten(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    workspace.create_table(TEAMS)
    page = open_page(ada, f"/console/w/{workspace.name}/define/tables/teams")
    page.get_by_role("button", name="Add column").click()
    page.get_by_label("Name", exact=True).fill("Mine")
    theirs = TEAMS | {"schemaDef": [*TEAMS["schemaDef"], {"name": "Theirs", "type": "date"}]}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/teams", json=theirs))
    page.get_by_role("button", name="Show the steps").click()
    dialog = page.get_by_role("dialog", name="Somebody else has changed teams")
    expect(dialog.get_by_role("listitem")).to_have_text(["column Theirs was added"])
    assert violations(dialog) == []
    dialog.get_by_role("button", name="Continue with both").click()
    page.get_by_role("button", name="Show the steps").click()
    steps = page.get_by_role("dialog", name="Change teams")
    expect(steps.get_by_role("row").first).to_have_text("add column Mine of type string")
    # and once more, between the steps and their use
    changed = theirs | {"description": "All"}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/teams", json=changed))
    steps.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("listitem")).to_have_text(['description: not set → "All"'])
    dialog.get_by_role("button", name="Discard my change").click()
    expect(page.get_by_label("Description")).to_have_value("All")
    expect(page.get_by_role("button", name="Mine")).to_have_count(0)
    assert "Mine" not in str(definition(workspace, "tables/teams"))
    # another name: what was typed stays, and the way on is said
    page.get_by_label("Description").fill("Of mine")
    renamed = changed | {"name": "squads", "renamedFrom": "teams"}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/squads", json=renamed))
    page.get_by_role("button", name="Show the steps").click()
    missing = 'No such table: "teams". It may have been renamed or deleted.'
    expect(page.get_by_role("alert")).to_have_text(missing)
    expect(page.get_by_label("Description")).to_have_value("Of mine")
    page.get_by_role("link", name="Rows of teams").click()
    page.get_by_role("button", name="Discard", exact=True).click()
    expect(page.get_by_role("heading", name="The table cannot be shown")).to_be_visible()
    move(page, f"/console/w/{workspace.name}/define/tables/teams")
    expect(page.get_by_role("alert")).to_have_text(f"{missing} All tables")
    page.get_by_role("link", name="All tables").click()
    expect(page.get_by_role("link", name="squads")).to_be_visible()


@SQLITE
def test_a_table_of_390_columns_as_a_form_and_as_json(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    """On a narrow screen, too; errors of a text lead to their place in it."""
    columns = [{"name": f"Column_{number}", "type": "string"} for number in range(389)]
    page = open_page(ada, f"/console/w/{workspace.name}/define/tables", 360)
    page.get_by_text("JSON", exact=True).click()
    text = page.get_by_label("Definition as JSON")
    last = {"name": "Last", "type": "text"}
    wide = json.dumps({"name": "wide", "schemaDef": [*columns, last]})
    # Chromium lays out a text again for each line that is entered, so there are few
    text.fill(wide.replace(json.dumps(last), "\n" + json.dumps(last, indent=1)))
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("alert")).to_contain_text('unknown type "text"')
    page.get_by_role("button", name="/schemaDef/389/type").click()
    selected = "(area) => area.value.slice(area.selectionStart, area.selectionEnd)"
    expect(text).to_be_focused()
    assert text.evaluate(selected) == '"text"'
    page.keyboard.insert_text('"date"')
    page.get_by_text("Form", exact=True).click()
    items = page.get_by_role("list", name="Columns").locator("li")
    expect(items).to_have_count(390)
    items.nth(388).get_by_role("button", name="Column_388 string").click()
    page.get_by_label("Name", exact=True).fill("Renamed")
    expect(items.nth(388)).to_contain_text("Renamed")
    assert is_narrow(page)
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_text("This table has no rows yet")).to_be_visible()
    names = [each["name"] for each in definition(workspace, "tables/wide")["schemaDef"]]
    assert (len(names), names[-2:]) == (390, ["Renamed", "Last"])


@SQLITE
def test_a_table_that_is_used_is_not_deleted(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    workspace.create_table(TEAMS)
    view = {"name": "codes", "table": "teams", "columns": ["teams.Code"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    page = open_page(ada, f"/console/w/{workspace.name}/define/tables/teams")
    page.get_by_role("button", name="Delete table").click()
    dialog = page.get_by_role("dialog", name="Delete table teams?")
    expect(dialog.get_by_role("listitem")).to_have_text(["view codes"])
    expect(dialog.get_by_role("button", name="Delete", exact=True)).to_be_disabled()
    page.keyboard.press("Escape")
    move(page, f"/console/w/{workspace.name}/define/views/codes")
    page.get_by_role("button", name="Delete view").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("link", name="teams")).to_be_visible()
    expect(page.get_by_role("link", name="codes")).to_have_count(0)
    page.get_by_role("link", name="teams").click()
    page.get_by_role("link", name="Definition", exact=True).click()
    page.get_by_role("button", name="Delete table").click()
    expect(dialog.get_by_label("To confirm")).to_be_focused()
    assert violations(dialog) == []
    page.keyboard.type("teams")
    page.keyboard.press("Enter")
    expect(page.get_by_text("There is no table here yet")).to_be_visible()


@SQLITE
def test_a_view_is_built_with_a_preview(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    workspace.create_table(TEAMS)
    reference = {"table": "teams", "column": "Code"}
    players = [
        {"name": "Team", "type": "string", "reference": reference},
        {"name": "Goals", "type": "integer"},
    ]
    workspace.create_table({"name": "players", "schemaDef": players})
    for table, rows in (
        ("teams", [{"Code": code} for code in ("red", "blue", "grey")]),
        ("players", [{"Team": "red", "Goals": 2}, {"Team": "red", "Goals": 3}, {"Team": "blue", "Goals": 4}]),
    ):
        succeeded(workspace.admin.post(f"{workspace.path}/data/tables/{table}/bulk", json={"data": rows}))
    page = open_page(ada, f"/console/w/{workspace.name}/define/views", 360)
    page.get_by_label("Name of the view").fill("goals")
    page.get_by_role("list", name="Tables").get_by_role("button", name="players").click()
    page.get_by_label("Table", exact=True).select_option("teams")
    page.get_by_role("button", name="Join a table").click()
    # the reference is the likely match
    expect(page.get_by_label("Column of condition 1", exact=True)).to_have_value("players.Team")
    page.get_by_label("Shows").select_option("left")
    page.get_by_role("button", name="Add column").click()
    page.get_by_role("button", name="Add column").click()
    page.get_by_label("Of column").select_option("players.Goals")
    page.get_by_label("Shows").select_option("sum")
    page.get_by_label("Name in the view").fill("Goals")
    preview = page.get_by_role("table", name="Preview")
    expect(preview.get_by_role("row")).to_have_text(["CodeGoals", "blue4", "greynull", "red5"])
    page.get_by_label("Sort by another column").select_option("Goals")
    page.get_by_label("Order of Goals").select_option("desc")
    groups = page.get_by_role("group", name="Filter").nth(1)
    groups.get_by_role("button", name="Condition").click()
    groups.get_by_label("Column").select_option("Goals")
    groups.get_by_label("Operator").select_option("is not null")
    expect(preview.get_by_role("row")).to_have_text(["CodeGoals", "red5", "blue4"])
    assert is_narrow(page)
    assert violations(page) == []
    page.get_by_role("button", name="Create view").click()
    expect(cell(page, "red")).to_be_visible()
    made = definition(workspace, "views/goals")
    assert made["groupBy"] == ["teams.Code"]
    assert made["columns"] == ["teams.Code", {"expr": "sum(players.Goals)", "as": "Goals"}]
    chart = {"name": "Goals", "kind": "bar", "category": "Code", "aggregate": "sum", "value": "Goals"}
    succeeded(workspace.admin.post(f"{workspace.path}/views/goals/charts", json=chart | {"shared": True}))
    # what the preview refuses leads to its place
    move(page, f"/console/w/{workspace.name}/define/views/goals")
    page.get_by_role("button", name="Goals sum").click()
    page.get_by_label("Name in the view").fill("Code")
    expect(page.get_by_role("region", name="Preview").get_by_role("alert")).to_contain_text("Code")
    page.get_by_label("Name in the view").fill("Sum")
    expect(preview.get_by_role("columnheader", name="Sum")).to_be_visible()
    # the steps of a change are shown before it is made
    show = page.get_by_role("button", name="Show the steps")
    dialog = page.get_by_role("dialog", name="Change goals")
    show.click()
    lost = 'chart "Goals" of view goals can no longer be drawn'
    expect(dialog.get_by_role("row")).to_have_text(["change view goals", lost])
    page.keyboard.press("Escape")
    assert "Sum" not in str(definition(workspace, "views/goals"))
    succeeded(workspace.admin.put(f"{workspace.path}/views/goals", json=made | {"description": "Of teams"}))
    show.click()
    rival = page.get_by_role("dialog", name="Somebody else has changed goals")
    expect(rival.get_by_role("listitem")).to_have_text(['description: not set → "Of teams"'])
    rival.get_by_role("button", name="Continue with both changes").click()
    show.click()
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Of teams")).to_be_visible()
    expect(page.get_by_role("heading", name="goals", exact=True)).to_be_visible()
    assert definition(workspace, "views/goals")["sortBy"] == [{"field": "Sum", "order": "desc"}]


@SQLITE
def test_definitions_are_exported_and_imported(
    open_page: OpenPage, ada: Person, server: RowkeepServer, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create_table(TEAMS)
    page = open_page(ada, f"/console/w/{workspace.name}/tables")
    page.get_by_role("link", name="Definitions").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export definitions").click()
    exported = tmp_path / "all.json"
    downloading.value.save_as(exported)
    assert json.loads(exported.read_text()) == definition(workspace, "schema")
    assert violations(page) == []
    file = tmp_path / "players.json"
    file.write_text(json.dumps({"name": "players", "schemaDef": [{"name": "Name", "type": "string"}]}))
    page.locator("input[type=file]").set_input_files([file])
    expect(page.get_by_text("players.json: 1 table")).to_be_visible()
    page.get_by_role("button", name="Show the steps").click()
    dialog = page.get_by_role("dialog", name=f"Import into {workspace.name}")
    expect(dialog.get_by_role("row")).to_have_text(["create table players"])
    dialog.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("The definitions are imported.")).to_be_visible()
    assert {each["name"] for each in definition(workspace, "tables")["tables"]} == {"teams", "players"}
    # without what the file does not have
    page.locator("input[type=file]").set_input_files([exported])
    page.get_by_label("Keep what the files do not have").uncheck()
    page.get_by_role("button", name="Show the steps").click()
    expect(dialog.get_by_role("row")).to_have_text(["drop table players with all its rowsloses data"])
    dialog.get_by_label("To confirm").fill(workspace.name)
    dialog.get_by_label("To confirm").press("Enter")
    expect(page.get_by_text("The definitions are imported.")).to_be_visible()
    assert [each["name"] for each in definition(workspace, "tables")["tables"]] == ["teams"]


@SQLITE
def test_people_who_may_not_define_see_nothing_of_it(
    open_page: OpenPage, grace: Person, ada: Person, server: RowkeepServer, workspace: Workspace
) -> None:
    workspace.create_table(TEAMS)
    base = f"/console/w/{workspace.name}"
    page = open_page(grace, f"{base}/tables")
    expect(page.get_by_role("link", name="teams")).to_be_visible()
    expect(page.get_by_role("link", name="New table")).to_have_count(0)
    expect(page.get_by_role("link", name="Definitions")).to_have_count(0)
    page.get_by_role("link", name="teams").click()
    expect(page.get_by_text("This table has no rows yet")).to_be_visible()
    expect(page.get_by_role("link", name="Definition")).to_have_count(0)
    for path in ("define", "define/tables", "define/views", "define/tables/teams"):
        move(page, f"{base}/nowhere")  # so that each shows its own refusal
        expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
        move(page, f"{base}/{path}")
        expect(page.get_by_role("alert")).to_contain_text("Ask a manager of the workspace.")
    # what was typed is not lost with the right
    member = f"{workspace.path}/members/{grace.id}"
    succeeded(workspace.admin.put(member, json={"role": "manager"}))
    page.goto(f"{server.url}{base}/define/tables")
    page.get_by_label("Name of the table").fill("typed")
    succeeded(workspace.admin.put(member, json={"role": "viewer"}))
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("alert")).to_contain_text("role")
    expect(page.get_by_role("link", name="Definitions")).to_have_count(0)
    expect(page.get_by_label("Name of the table")).to_have_value("typed")
    # who may manage one table may change it, and create none
    share = {"right": "manage"}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/teams/shares/{grace.id}", json=share))
    page.goto(f"{server.url}{base}/define/tables/teams")
    page.get_by_label("Description").fill("Of all sports")
    page.get_by_role("button", name="Show the steps").click()
    page.get_by_role("dialog").get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Of all sports")).to_be_visible()


@SQLITE
def test_a_definition_on_a_narrow_dark_page_by_the_keyboard(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    workspace.create_table(TEAMS)
    page = open_page(ada, f"/console/w/{workspace.name}/define/tables/teams", 360, color_scheme="dark")
    page.get_by_role("button", name="Code string").click()
    page.get_by_role("button", name="Add index").press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.get_by_label("Delete rows when they are old").check()
    assert violations(page) == []
    assert is_narrow(page)
    # what was typed is not lost if the server has other files meanwhile, nor by a link
    page.route("**/assets/SearchDialog*", lambda route: route.abort())
    page.keyboard.press("Control+k")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Delete rows when they are old")).to_be_checked()
    page.get_by_role("link", name="Rows of teams").click()
    page.get_by_role("dialog").get_by_role("button", name="Continue editing").click()
    page.get_by_text("JSON", exact=True).click()
    expect(page.get_by_label("Definition as JSON")).to_be_visible()
    assert violations(page) == []
    assert is_narrow(page)
