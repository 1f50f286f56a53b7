"""The audit log: who changed what, who signed in and who was refused, without secrets, for administrators."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import good, problem

from rowkeep.http.management.api import ENDPOINTS
from rowkeep.model.audit import ACTIONS
from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

PATIENCE = 30


def listed(admin: httpx.Client, **wanted: str | int) -> list[dict[str, Any]]:
    """Entries, the newest first."""
    found: list[dict[str, Any]] = good(admin.get("/audit", params=wanted))["entries"]
    return found


def found(admin: httpx.Client, is_it: Callable[[dict[str, Any]], bool], **wanted: str) -> dict[str, Any]:
    """The newest such entry; those of refused requests are stored a little later."""
    end = time.monotonic() + PATIENCE
    while True:
        for each in listed(admin, limit=1000, **wanted):
            if is_it(each):
                return each
        assert time.monotonic() < end, "there is no such entry"
        time.sleep(0.05)


def test_every_endpoint_that_changes_something_has_an_action() -> None:
    missing = {each.name for each in ENDPOINTS if each.method != "GET" and each.action is None}
    # their bodies say what is read: a definition, which is not stored, and a file
    assert missing == {"previewView", "inspectFile"}
    assert {each.action for each in ENDPOINTS if each.action is not None} <= ACTIONS.keys()


@pytest.mark.new_workspace
def test_changes_of_a_workspace(admin: httpx.Client, workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rw"})
    path = f"/workspaces/{workspace.name}"
    problem(admin.put(f"{path}/tables/people", json={"name": "people", "schemaDef": []}), 400)
    good(admin.post(f"{path}/apps/{bot.client_id}/secret"))
    entries = listed(admin, workspace=workspace.name)
    assert [each["action"] for each in reversed(entries)] == [
        "workspace.create",
        "table.create",
        "app.create",
        "grant.set",
        "table.change",
        "app.secret.rotate",
    ]
    created, table, app, grant, failed, rotated = reversed(entries)
    assert (created["result"], table["target"], app["target"]) == (
        "success",
        "table people",
        f"app {bot.client_id}",
    )
    assert grant["target"] == f"table people, app {bot.client_id}"
    assert grant["details"] == {"read": True, "write": True, "delete": False}
    assert failed["result"] == "failed"
    assert failed["cause"]
    assert rotated["actor"]["kind"] == "admin-token"
    assert rotated["actor"]["id"].startswith("at-")
    assert rotated["address"] == "127.0.0.1"
    assert bot.secret not in str(entries)


def test_a_dry_run_is_not_recorded(admin: httpx.Client, workspace: Workspace) -> None:
    recorded = PEOPLE | {"history": {"keepDays": 30}}
    workspace.create_table(recorded)
    before = listed(admin, workspace=workspace.name)
    definition = recorded | {"schemaDef": [*PEOPLE["schemaDef"], {"name": "More", "type": "string"}]}
    path = f"/workspaces/{workspace.name}/tables/people"
    good(admin.put(path, json=definition, params={"dryRun": "true"}))
    erased = {"column": "Last_Name", "value": "Doe", "dryRun": True}
    good(admin.post(f"{path}/history/erase", json=erased))
    assert listed(admin, workspace=workspace.name) == before


def test_users_and_sign_ins(server: RowkeepServer, admin: httpx.Client) -> None:
    ada = Person(server)
    mine = {"kind": "user", "id": ada.id, "name": ada.email}
    assert listed(admin, actor=ada.email)[0]["action"] == "session.sign-in"
    assert listed(admin, actor=ada.id)[0]["actor"] == mine
    created = found(admin, lambda each: each.get("target") == f"user {ada.id}", action="user.create")
    assert created["details"] == {"email": ada.email, "name": ada.name, "admin": False}
    wrong = {"email": ada.email, "password": "not the password"}
    problem(browser(server).post("/session", json=wrong), 401, "sign_in_failed")
    refused = found(
        admin,
        lambda each: (each["result"], each.get("target")) == ("refused", f"user {ada.id}"),
        action="session.sign-in",
    )
    assert (refused["actor"], refused["cause"]) == ({"kind": "unknown"}, "sign_in_failed")
    succeeded(ada.http.delete("/session"))
    ended = listed(admin, actor=ada.id)[0]
    assert (ended["action"], ended["actor"]) == ("session.end", mine)
    succeeded(ada.http.delete("/session"))
    assert listed(admin, actor=ada.id)[0] == ended
    succeeded(admin.delete(f"/users/{ada.id}"))
    deleted = listed(admin, action="user.delete")[0]
    assert (deleted["target"], deleted["result"]) == (f"user {ada.id}", "success")
    assert PASSWORD not in str(listed(admin, action="session", limit=1000))


def test_what_a_stranger_types_is_not_stored(server: RowkeepServer, admin: httpx.Client) -> None:
    typed = f"{uuid4().hex}@example.com"
    before = {each["id"] for each in listed(admin, action="session.sign-in", limit=1000)}
    problem(browser(server).post("/session", json={"email": typed, "password": PASSWORD}), 401)
    entry = found(admin, lambda each: each["id"] not in before, action="session.sign-in")
    assert (entry["result"], "target" in entry) == ("refused", False)
    assert typed not in str(listed(admin, limit=1000))


def test_admin_tokens(admin: httpx.Client) -> None:
    created = succeeded(admin.post("/admin-tokens", json={"name": "audited"}))
    succeeded(admin.delete(f"/admin-tokens/{created['id']}"))
    deleted, entry = listed(admin, action="admin-token", limit=2)
    assert entry["target"] == deleted["target"] == f"admin-token {created['id']}"
    assert entry["details"] == {"name": "audited"}
    assert created["token"] not in str([entry, deleted])
    assert listed(admin, action="admin-tok") == []


def test_refused_requests(server: RowkeepServer, admin: httpx.Client, workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "r"})
    problem(bot.insert("people", {"Number": 1}), 403, "forbidden")
    refused = found(admin, lambda each: each["action"] == "request.refused", actor=bot.client_id)
    assert refused["action"] == "request.refused"
    assert refused["target"] == "POST /api/public/tables/people"
    assert refused["cause"].startswith("forbidden: The app has no write grant")
    assert refused["result"] == "refused"


@pytest.fixture(scope="module")
def quiet(server: RowkeepServer) -> Iterator[RowkeepServer]:
    """Another process, which has recorded no refused requests yet: their number a minute is limited."""
    quiet = RowkeepServer(server.database_url, server.directory)
    quiet.start()
    yield quiet
    quiet.stop()


def test_changes_that_cannot_be_read(quiet: RowkeepServer, admin: httpx.Client, workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    path = f"/workspaces/{workspace.name}/tables/people"
    fred = Person(quiet)
    succeeded(admin.put(f"/workspaces/{workspace.name}/members/{fred.id}", json={"role": "manager"}))
    json = {"content-type": "application/json"}
    sent: list[tuple[str, dict[str, Any], int]] = [
        ("malformed_json", {"content": "{", "headers": json}, 400),
        ("invalid_body", {"json": {"name": 1, "schemaDef": []}}, 400),
        ("invalid_parameter", {"json": PEOPLE, "params": {"no": "such"}}, 400),
        ("unsupported_media_type", {"content": "{}", "headers": {"content-type": "text/plain"}}, 415),
    ]
    for code, request, status in sent:
        problem(fred.http.put(path, **request), status, code)
        entry = found(admin, lambda each, code=code: each.get("cause") == code, actor=fred.id)
        assert (entry["action"], entry["result"]) == ("table.change", "failed")
        assert (entry["workspace"], entry["target"]) == (workspace.name, "table people")
        assert "details" not in entry
    for _ in range(10):
        problem(fred.http.put(path, content="{", headers=json), 400)
    problem(fred.http.put(path, content="{", headers=json, params={"dryRun": "true"}), 400)
    problem(fred.http.post(f"{path}/query", content="{", headers=json), 404)
    stranger = Person(quiet)
    problem(stranger.http.put(path, json=PEOPLE), 404, "no_such_workspace")
    entry = found(admin, lambda each: each.get("cause") == "no_such_workspace", actor=stranger.id)
    assert (entry["action"], entry["result"], entry["target"]) == ("table.change", "failed", "table people")
    assert [each["cause"] for each in listed(admin, actor=fred.id, action="table")].count(
        "malformed_json"
    ) == 5
    before = listed(admin, action="table.change", limit=1)
    problem(browser(quiet).put(path, content="{", headers=json), 401)
    found(admin, lambda each: each["action"] == "request.refused")
    assert listed(admin, action="table.change", limit=1) == before


def test_only_administrators_read_it(server: RowkeepServer) -> None:
    ada = Person(server)
    problem(ada.http.get("/audit"), 403, "forbidden")
    problem(browser(server).get("/audit"), 401, "unauthenticated")


def test_pages_and_times(admin: httpx.Client) -> None:
    for name in ("one", "two", "three"):
        token = succeeded(admin.post("/admin-tokens", json={"name": name}))
        succeeded(admin.delete(f"/admin-tokens/{token['id']}"))
    newest = listed(admin, action="admin-token", limit=6)
    pages, parameters = [], {"action": "admin-token", "limit": 2}
    for _ in range(3):
        page = good(admin.get("/audit", params=parameters))
        pages += page["entries"]
        parameters["cursor"] = page.get("nextCursor", "")
    assert pages == newest
    assert [each["id"] for each in pages] == sorted((each["id"] for each in pages), reverse=True)
    at = newest[0]["time"]
    assert newest[0] in listed(admin, action="admin-token", since=at)
    assert newest[0] not in listed(admin, action="admin-token", until=at)
    assert listed(admin, since="9999-01-01") == []


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"since": "yesterday"}, "invalid_parameter"),
        ({"until": "2026-13-01"}, "invalid_parameter"),
        ({"actor": "a\x00"}, "invalid_parameter"),
        ({"who": "me"}, "invalid_parameter"),
        ({"cursor": "?"}, "invalid_cursor"),
    ],
)
def test_a_wrong_parameter(admin: httpx.Client, parameters: dict[str, str], code: str) -> None:
    problem(admin.get("/audit", params=parameters), 400, code)


def test_the_address_behind_a_proxy(admin: httpx.Client) -> None:
    """The server trusts this machine."""
    sent = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7"}
    token = succeeded(admin.post("/admin-tokens", json={"name": "far"}, headers=sent))
    assert listed(admin, action="admin-token.create")[0]["address"] == "203.0.113.7"
    succeeded(admin.delete(f"/admin-tokens/{token['id']}"))


def test_a_proxy_says_that_the_browser_uses_https(server: RowkeepServer) -> None:
    ada = Person(server)
    body = {"email": ada.email, "password": PASSWORD}
    secure = {"X-Forwarded-Proto": "https", "Origin": server.url.replace("http:", "https:")}
    assert "; Secure" in browser(server, **secure).post("/session", json=body).headers["set-cookie"]
    plain = browser(server).post("/session", json=body)
    assert "; Secure" not in plain.headers["set-cookie"]
    mixed = browser(server, **{"X-Forwarded-Proto": "https"})
    problem(mixed.post("/session", json=body), 403, "cross_origin")
