"""Workspaces through the management API: created, listed, got, deleted; names; main is protected."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import MOMENT, good, problem

from support.engines import first_on_each
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

ENGINE_WORDS = [
    "public",
    "pg_catalog",
    "pg_toast",
    "pg_temp_1",
    "information_schema",
    "postgres",
    "template1",
    "sqlite_master",
    "temp",
    "catalog",
    "rowkeep",
    "user",
    "select",
    "CON",
]
"""Legal names here, though a database or a file system gives them a meaning."""


def test_a_workspace_lives_and_ends(admin: httpx.Client) -> None:
    created = admin.post("/workspaces", json={"name": "Fresh_One"})
    assert created.status_code == 201
    assert created.headers["content-type"].split(";")[0] == "application/json"
    workspace = created.json()
    assert workspace.keys() == {"name", "createdOn"}
    assert workspace["name"] == "Fresh_One"
    assert MOMENT.fullmatch(workspace["createdOn"])
    assert good(admin.get("/workspaces/Fresh_One")) == workspace
    listed = good(admin.get("/workspaces", params={"limit": 1000}))["workspaces"]
    assert workspace in listed
    deleted = admin.delete("/workspaces/Fresh_One")
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(admin.get("/workspaces/Fresh_One"), 404, "no_such_workspace")
    problem(admin.delete("/workspaces/Fresh_One"), 404, "no_such_workspace")
    assert workspace not in good(admin.get("/workspaces", params={"limit": 1000}))["workspaces"]


def test_main_is_there_from_the_start(admin: httpx.Client) -> None:
    assert good(admin.get("/workspaces/main"))["name"] == "main"
    assert good(admin.get("/workspaces/main/tables")).keys() == {"tables"}


@pytest.mark.parametrize("name", ["main", "MAIN"])
def test_main_cannot_be_deleted(admin: httpx.Client, name: str) -> None:
    assert admin.delete(f"/workspaces/{name}").status_code in ((409,) if name == "main" else (404, 409))
    assert good(admin.get("/workspaces/main"))["name"] == "main"


def test_deleting_main_says_why_not(admin: httpx.Client) -> None:
    problem(admin.delete("/workspaces/main"), 409, "delete_not_allowed")


@pytest.mark.parametrize("name", ["main", "Main", "MAIN"])
def test_main_is_taken(admin: httpx.Client, name: str) -> None:
    problem(admin.post("/workspaces", json={"name": name}), 409, "name_taken")


def test_names_are_unique_regardless_of_case(workspace: Workspace) -> None:
    for name in (workspace.name, workspace.name.upper(), workspace.name.capitalize()):
        problem(workspace.admin.post("/workspaces", json={"name": name}), 409, "name_taken")


@first_on_each(
    "name",
    [
        "",
        " ",
        "1a",
        "_a",
        "a-b",
        "a b",
        "a.b",
        "ä",
        "aä",
        "a" * 64,
        'a"b',
        "a'b",
        "a;b",
        "a/b",
        "a\x00",
        "a\n",
        "../a",
    ],
)
def test_bad_names(admin: httpx.Client, name: str) -> None:
    problem(admin.post("/workspaces", json={"name": name}), 400, "invalid_name", "/name")


@first_on_each("body", [{"name": 5}, {"name": None}, {"name": ["a"]}, {"name": {}}, {"name": True}, {}])
def test_names_are_strings(admin: httpx.Client, body: Any) -> None:
    refusal = problem(admin.post("/workspaces", json=body), 400, pointer="/name")
    assert refusal["code"] in ("invalid_body", "invalid_name")


@first_on_each("body", [b"[]", b'[{"name":"a"}]', b'"a"', b"5", b"null", b"true"])
def test_the_body_is_an_object(admin: httpx.Client, body: bytes) -> None:
    problem(admin.post("/workspaces", content=body), 400, "invalid_body")


def test_unknown_keys_are_errors(admin: httpx.Client) -> None:
    problem(admin.post("/workspaces", json={"name": "a", "Name": "b"}), 400, "unknown_key", "/Name")
    problem(admin.get("/workspaces/a"), 404, "no_such_workspace")


@pytest.mark.parametrize("name", ENGINE_WORDS)
def test_words_of_engines_are_good_names(server: RowkeepServer, name: str) -> None:
    workspace = Workspace(server, name)
    bot = workspace.bot_with([PEOPLE])
    good(bot.insert("people", {"First_Name": "Jane"}))
    workspace.delete()


def test_names_of_63_characters_that_differ_in_the_last(server: RowkeepServer) -> None:
    workspaces = [Workspace(server, "w" * 62 + last) for last in "abc"]
    bots = []
    for number, workspace in enumerate(workspaces):
        workspace.create_table(PEOPLE)
        bots.append(workspace.bot({"people": "rw"}))
        good(bots[-1].bulk("people", [{"Number": number}] * (number + 1)))
    assert [good(bot.query("people"))["total"] for bot in bots] == [1, 2, 3]
    workspaces[1].delete()
    assert [good(bots[at].query("people"))["total"] for at in (0, 2)] == [1, 3]
    workspaces[0].delete()
    workspaces[2].delete()


def test_a_name_used_again_starts_empty(server: RowkeepServer) -> None:
    first = Workspace(server, "again")
    first.create_table(PEOPLE)
    old = first.bot({"people": "rwd"})
    good(old.insert("people", {"First_Name": "Jane"}))
    first.delete()
    second = Workspace(server, "Again")
    assert good(second.admin.get(f"{second.path}/tables")) == {"tables": []}
    assert good(second.admin.get(f"{second.path}/apps")) == {"apps": []}
    second.create_table(PEOPLE)
    problem(old.query("people"), 401, "unauthenticated")
    new = second.bot({"people": "rwd"})
    assert good(new.query("people"))["total"] == 0
    second.delete()


def test_deleting_takes_tables_apps_and_grants_along(server: RowkeepServer) -> None:
    workspace = Workspace(server, "whole")
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    good(bot.query("people"))
    succeeded(server.admin().delete(workspace.path))
    problem(bot.query("people"), 401, "unauthenticated")
    for path in ("/tables", "/tables/people", "/apps", f"/apps/{bot.client_id}", "/tables/people/grants"):
        problem(workspace.admin.get(workspace.path + path), 404, "no_such_workspace")
    definition = workspace.admin.post(f"{workspace.path}/tables", json=PEOPLE)
    problem(definition, 404, "no_such_workspace")


@pytest.mark.parametrize("name", ["nowhere", "%6Dain2", "a%20b", "%FF", "a" * 3000, "%22;--"])
def test_unknown_workspaces(admin: httpx.Client, name: str) -> None:
    problem(admin.get(f"/workspaces/{name}"), 404, "no_such_workspace")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "POST"])
def test_workspaces_are_not_changed(admin: httpx.Client, method: str) -> None:
    response = admin.request(method, "/workspaces/main", json={"name": "other"})
    problem(response, 405, "method_not_allowed")
    assert {"GET", "DELETE"} <= {word.strip() for word in response.headers["Allow"].split(",")}
