"""Apps, their grants and their code: an app is created, gets rights, and its code runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from browsing import SQLITE, OpenPage, move
from chromium import NODE
from playwright.sync_api import Page, Request, expect
from test_console_accessibility import violations
from test_console_dialogs import check

from support.person import Person
from support.server import RowkeepServer
from support.tokens import key_pair
from support.workspace import PEOPLE, Workspace, succeeded

PROGRAMS = {"curl": ["bash"], "Python": [sys.executable], "Node.js": [str(NODE / "node")]}
SUFFIXES = {"curl": ".sh", "Python": ".py", "Node.js": ".mjs"}


class Sent:
    """Everything that pages have sent."""

    def __init__(self, page: Page) -> None:
        self.text = ""
        page.on("request", self._sent)

    def _sent(self, request: Request) -> None:
        self.text += f"{request.url} {request.headers} {request.post_data or ''}\n"


def run(language: str, code: str, folder: Path, **environment: str) -> Any:
    """Run code of the console. Returns the JSON that it prints."""
    path = folder / f"code{SUFFIXES[language]}"
    path.write_text(code)
    done = subprocess.run(
        [*PROGRAMS[language], str(path)],
        env={**os.environ, "NO_PROXY": "*", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stderr}"
    return json.loads(done.stdout)


def code_of(page: Page, language: str, token: str = "") -> str:
    page.get_by_role("tab", name=language).click()
    if token:
        page.get_by_role("tabpanel", name=language).get_by_text(token, exact=True).click()
    return page.get_by_role("region", name=f"{language} code").inner_text()


def stored(page: Page) -> str:
    """What the browser stores, and the address."""
    return str(
        page.evaluate("JSON.stringify([localStorage, sessionStorage, location.href, document.cookie])")
    )


@SQLITE
def test_an_app_from_its_creation_to_its_end(
    open_page: OpenPage, ada: Person, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create_table(PEOPLE)
    page = open_page(ada, f"/console/w/{workspace.name}/apps")
    sent = Sent(page)
    page.get_by_role("button", name="New app").click()
    dialog = page.get_by_role("dialog", name="New app")
    dialog.get_by_role("textbox", name="Name", exact=True).fill("bot")
    dialog.get_by_role("button", name="Create app").click()
    note = page.get_by_role("alert").filter(has_text="Copy this now")
    secret = note.locator("code").inner_text()
    assert len(secret) == 43
    check(page)

    page.get_by_role("link", name="Change grants").click()
    page.get_by_role("checkbox", name="bot: read people").focus()
    for key in ("Space", "ArrowRight", "Space"):
        page.keyboard.press(key)
    expect(page.get_by_role("checkbox", name="bot: write people")).to_be_focused()
    expect(page.get_by_text("bot, people: may read, write")).to_be_visible()
    check(page)
    # nothing is stored before it is confirmed, and it is not lost by mistake
    page.get_by_role("link", name="Tables", exact=True).click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Store changes").click()
    expect(page.get_by_text("1 grant is changed.")).to_be_visible()
    expect(page.get_by_role("region", name="Changes")).to_have_count(0)

    page.get_by_role("link", name="Apps", exact=True).first.click()
    page.get_by_role("link", name="bot", exact=True).click()
    page.get_by_role("link", name="code for people").click()
    expect(page.get_by_text("It may read, write here.")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is valid until")).to_be_visible()
    page.get_by_label("Request").select_option("insert")
    for number, language in enumerate(PROGRAMS, 1):
        row = run(language, code_of(page, language), tmp_path)
        assert (row["First_Name"], row["Number"]) == ("Text", 1.5), number
    for number, language in enumerate(("Python", "Node.js"), 4):
        code = code_of(page, language, "Signs itself")
        assert run(language, code, tmp_path, CLIENT_SECRET=secret)["Number"] == 1.5, number
    page.get_by_label("Request").select_option("query")
    page.get_by_role("button", name="Send the request").click()
    tried = page.get_by_role("region", name="Try it")
    expect(tried.get_by_text("200 OK")).to_be_visible()
    expect(tried.get_by_role("region", name="Response body")).to_contain_text('"total": 5')
    tried.get_by_text("headers").click()
    expect(tried.get_by_role("table", name="Headers")).to_contain_text("application/json")
    check(page)
    # the secret is only in the page
    assert secret not in sent.text + stored(page)

    page.go_back()
    page.get_by_role("button", name="New secret").click()
    page.get_by_role("button", name="Replace the secret").click()
    expect(note.locator("code")).not_to_have_text(secret)
    page.get_by_role("button", name="Hide the secret").click()
    page.get_by_role("button", name="Disable").click()
    expect(page.get_by_text("disabled", exact=True)).to_be_visible()
    app = succeeded(ada.http.get(f"{workspace.path}/apps"))["apps"][0]
    assert app["enabled"] is False
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete bot?")
    expect(dialog.get_by_text("Its grant is deleted.")).to_be_visible()
    dialog.get_by_role("button", name="Delete the app").click()
    expect(page.get_by_text("There is no app yet.")).to_be_visible()


@SQLITE
def test_the_limits_of_an_app_and_a_key_that_is_shown_once(
    open_page: OpenPage, ada: Person, workspace: Workspace
) -> None:
    app = workspace.app("bot")
    page = open_page(ada, f"/console/w/{workspace.name}/apps/{app['clientId']}", 360)
    page.get_by_label("Rate limit").fill("often")
    page.get_by_label("Rows that one update or delete may affect").fill("100")
    page.get_by_label("Audience").fill("rows")
    for label in ("May update and delete all rows at once", "Each token is for one", "Tokens are encrypted"):
        page.get_by_label(label).click()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text('got "often"')
    page.get_by_label("Rate limit").fill("5/second")
    page.get_by_role("button", name="Save changes").click()
    key = page.get_by_role("alert").filter(has_text="JWE key").locator("code").inner_text()
    assert len(key) == 43
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert violations(page) == []
    changed = succeeded(ada.http.get(f"{workspace.path}/apps/{app['clientId']}"))
    wanted = {
        "rateLimit": "5/second",
        "maxAffected": 100,
        "audience": "rows",
        "allowAll": False,
        "requireJti": True,
        "requireJwe": True,
    }
    assert changed == changed | wanted
    page.get_by_role("button", name="Change the algorithm").click()
    page.get_by_label("Algorithm of its tokens").select_option("RS256")
    page.get_by_role("textbox", name="Public key").fill(key_pair().public)
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("region", name="Public key")).to_contain_text("BEGIN PUBLIC KEY")


@SQLITE
def test_code_of_apps_with_hardened_tokens(
    open_page: OpenPage, ada: Person, workspace: Workspace, tmp_path: Path
) -> None:
    workspace.create_table(PEOPLE)
    private = tmp_path / "private.pem"
    private.write_text(key_pair().private)
    apps = {}
    for algorithm in ("RS256", "HS512"):
        apps[algorithm] = app = workspace.app(f"bot {algorithm}", algorithm)
        limits = {"requireJti": True, "audience": "rows", "requireJwe": algorithm == "RS256"}
        path = f"{workspace.path}/apps/{app['clientId']}"
        app["jweKey"] = succeeded(ada.http.patch(path, json=limits)).get("jweKey", "")
        workspace.grant(app["clientId"], "people", "r")
    page = open_page(ada, f"/console/w/{workspace.name}/tables", 360)
    sent = Sent(page)
    for algorithm, app in apps.items():
        expect(page.get_by_role("heading", level=1, name="Tables")).to_be_visible()
        move(page, f"/console/w/{workspace.name}/tables/people/code?app={app['clientId']}")
        if algorithm == "RS256":
            secret = key_pair().private
            page.get_by_role("textbox", name="Private key of the app").fill(key_pair().public)
            page.get_by_label("JWE key of the app").fill(app["jweKey"])
            expect(page.get_by_role("alert")).to_contain_text("This is a public key")
            page.get_by_role("textbox", name="Private key of the app").fill(secret)
        else:
            secret = app["clientSecret"]
            page.get_by_label("Secret of the app").fill(secret)
        send = page.get_by_role("button", name="Send the request")
        for _ in range(2):  # each with a token of its own
            with page.expect_response("**/api/public/**") as response:
                send.click()
            assert response.value.status == 200
        expect(page.get_by_text("200 OK")).to_be_visible()
        assert run("curl", code_of(page, "curl"), tmp_path)["total"] == 0
        environment = {"CLIENT_SECRET": secret, "PRIVATE_KEY_FILE": str(private)}
        for language in ("Python", "Node.js"):
            code = code_of(page, language, "Signs itself")
            answer = run(language, code, tmp_path, JWE_KEY=app["jweKey"], **environment)
            assert answer["total"] == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        everywhere = sent.text + stored(page)
        assert secret.splitlines()[-2:][0] not in everywhere
        assert (app["jweKey"] or secret) not in everywhere
        move(page, f"/console/w/{workspace.name}/tables")


@SQLITE
def test_a_matrix_of_many_apps_and_tables(open_page: OpenPage, ada: Person, workspace: Workspace) -> None:
    column = {"name": "Name", "type": "string"}
    tables = [{"name": f"table_{number:03}", "schemaDef": [column]} for number in range(70)]
    succeeded(workspace.admin.put(f"{workspace.path}/schema", json={"tables": tables}))
    apps = [workspace.app(f"app {number:02}") for number in range(21)]
    page = open_page(ada, f"/console/w/{workspace.name}/grants", 360)
    grid = page.get_by_role("grid", name="Grants")
    expect(grid).to_have_attribute("aria-rowcount", "72")
    expect(page.get_by_text("The first 20 of 21 apps.")).to_be_visible()
    assert grid.get_by_role("row").count() < 60
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    first = page.get_by_role("checkbox", name="app 00: read table_000")
    first.focus()
    page.keyboard.press("Control+End")
    expect(page.get_by_role("checkbox", name="app 19: delete table_069")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Control+Home")
    expect(first).to_be_focused()
    # what is filtered is set at once
    page.get_by_role("textbox", name="Tables and views").fill("table_00")
    page.get_by_role("textbox", name="Apps").fill("app 20")
    every = page.get_by_role("button", name="app 20: read, all that are shown")
    every.press("Enter")
    expect(page.get_by_text("11 not stored yet")).to_be_visible()
    check(page)
    # somebody else grants something meanwhile, and a table is gone
    workspace.grant(apps[20]["clientId"], "table_003", "w")
    workspace.drop_table("table_004")
    page.get_by_role("button", name="Store changes").click()
    expect(page.get_by_text("10 grants are changed.")).to_be_visible()
    changes = page.get_by_role("region", name="Changes")
    expect(changes.get_by_role("alert")).to_contain_text("table_004")
    changes.get_by_role("button", name="Discard").click()
    grants = succeeded(ada.http.get(f"{workspace.path}/apps/{apps[20]['clientId']}/grants"))["grants"]
    rights = {each["table"]: (each["read"], each["write"]) for each in grants}
    assert rights == {f"table_{at:03}": (True, at == 3) for at in range(10) if at != 4}
    last = succeeded(ada.http.get(f"{workspace.path}/apps/{apps[19]['clientId']}/grants"))["grants"]
    assert [(each["table"], each["delete"]) for each in last] == [("table_069", True)]


@SQLITE
def test_people_who_do_not_manage_apps(
    open_page: OpenPage, grace: Person, server: RowkeepServer, workspace: Workspace
) -> None:
    workspace.create_table(PEOPLE)
    app = workspace.app("bot")
    workspace.grant(app["clientId"], "people", "r")
    page = open_page(grace, f"/console/w/{workspace.name}/tables/people")
    page.get_by_role("link", name="Code").click()
    page.get_by_label("Client id of the app").fill(app["clientId"])
    page.get_by_label("Secret of the app").fill("not the secret")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("401 Unauthorized")).to_be_visible()
    page.get_by_label("Secret of the app").fill(app["clientSecret"])
    expect(page.get_by_role("status").filter(has_text="is valid until")).to_be_visible()
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("200 OK")).to_be_visible()
    for name in ("Apps", "Admin tokens", "Audit log", "About"):
        expect(page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    for path, people in {
        "apps": "managers of the workspace",
        "admin-tokens": "administrators",
        "grants": "managers of the workspace",
        "audit": "administrators",
        f"apps/{app['clientId']}": "managers of the workspace",
        "about": "administrators",
    }.items():
        move(page, f"/console/w/{workspace.name}/{path}")
        expect(page.get_by_text(f"This page is for {people}.")).to_be_visible()
    # what was changed is not lost with the role
    member = f"{workspace.path}/members/{grace.id}"
    succeeded(workspace.admin.put(member, json={"role": "manager"}))
    page.goto(f"{server.url}/console/w/{workspace.name}/grants")
    page.get_by_role("checkbox", name="bot: write people").click()
    succeeded(workspace.admin.put(member, json={"role": "viewer"}))
    page.get_by_role("button", name="Store changes").click()
    changes = page.get_by_role("region", name="Changes", exact=True)
    expect(changes.get_by_role("alert")).to_contain_text("role")
    expect(page.get_by_role("link", name="Grants", exact=True)).to_have_count(0)
    expect(changes).to_contain_text("bot, people: may write")
