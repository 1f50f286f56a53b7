"""Rows for administrators: the calls of the Data API under the path of a workspace, with an admin token."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import WRITER, good, problem

from rowkeep.http.data import DATA_ENDPOINTS
from support.bot import Bot
from support.engines import first_on_each
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

JANE = {"First_Name": "Jane", "Number": 263}


@pytest.fixture
def data(workspace: Workspace) -> str:
    """The path of the rows of a workspace with a table ``people``."""
    workspace.create_table(PEOPLE)
    return f"{workspace.path}/data"


@pytest.fixture
def token(admin: httpx.Client) -> Iterator[dict[str, Any]]:
    """An admin token of the test's own."""
    made = succeeded(admin.post("/admin-tokens", json={"name": "rows"}))
    yield made
    admin.delete(f"/admin-tokens/{made['id']}")


def with_token(server: RowkeepServer, token: dict[str, Any]) -> httpx.Client:
    client = server.admin()
    client.headers["Authorization"] = f"Bearer {token['token']}"
    return client


def test_every_call(workspace: Workspace, data: str) -> None:
    """The same bodies and answers as in the Data API."""
    admin, people = workspace.admin, f"{data}/tables/people"
    first = good(admin.post(people, json={"data": JANE}))
    assert {name: first[name] for name in JANE} == JANE
    assert list(first)[-6:] == ["Updated_On", "Created_On", "Updated_By", "Created_By", "sys_Id", "_id"]
    many = good(admin.post(people, json={"data": [{"Number": 1}, {"Number": 2}]}))["records"]
    bulk = good(admin.post(f"{people}/bulk", json={"data": [{"Number": 3}]}))["records"]
    assert [row["Number"] for row in many + bulk] == [1, 2, 3]
    query = {"query": {"expressions": [{"field": "number", "operand": "<", "value": 3}]}}
    page = good(admin.post(f"{people}/query", params={"sys_limit": 1}, json=query))
    assert (page["total"], page["hasMore"], page["queryResult"]) == (2, True, [many[0]])
    changed = good(admin.put(people, json=query | {"data": {"Gender": "x"}}))
    assert (changed["nModified"], {row["Gender"] for row in changed["records"]}) == (2, {"x"})
    minimal = admin.put(people, json=query | {"data": {"Gender": "y"}}, headers={"Prefer": "return=minimal"})
    assert good(minimal) == {"nModified": 2}
    assert good(admin.request("DELETE", people, json=query)) == {"nDeleted": 2}
    assert good(admin.post(f"{people}/delete", json={"query": {"all": True}})) == {"nDeleted": 2}
    assert good(admin.post(f"{people}/query"))["total"] == 0


def test_views(workspace: Workspace, data: str) -> None:
    view = {"name": "adults", "table": "people", "columns": ["people.First_Name"]}
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    good(workspace.admin.post(f"{data}/tables/people", json={"data": JANE}))
    page = good(workspace.admin.post(f"{data}/views/adults/query"))
    assert page["queryResult"] == [{"First_Name": "Jane"}]


def test_who_wrote(workspace: Workspace, data: str, server: RowkeepServer, token: dict[str, Any]) -> None:
    """Each administrator has an id of its own, which apps do not share."""
    bot = workspace.bot({"people": "rwd"})
    by_app = good(bot.insert("people", JANE))["Created_By"]
    by_first = good(workspace.admin.post(f"{data}/tables/people", json={"data": JANE}))["Created_By"]
    with with_token(server, token) as second:
        row = good(second.post(f"{data}/tables/people", json={"data": JANE}))
        assert row["Updated_By"] == row["Created_By"]
        again = good(second.post(f"{data}/tables/people", json={"data": JANE}))
        assert again["Created_By"] == row["Created_By"]
        current = good(second.get("/admin-tokens/current"))
        assert current == {
            "id": token["id"], "name": "rows", "createdOn": token["createdOn"], "writer": row["Created_By"],
        }  # fmt: skip
        everything = {"query": {"all": True}, "data": {"Gender": "x"}}
        changed = good(second.put(f"{data}/tables/people", json=everything))["records"]
    assert {each["Updated_By"] for each in changed} == {row["Created_By"]}
    assert [each["Created_By"] for each in changed] == [
        by_app,
        by_first,
        row["Created_By"],
        row["Created_By"],
    ]
    assert len({by_app, by_first, row["Created_By"]}) == 3
    assert all(WRITER.fullmatch(each["Created_By"]) for each in changed)


def every_writer(workspace: Workspace, limit: int) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    parameters: dict[str, str | int] = {"limit": limit}
    while True:
        page = good(workspace.admin.get(f"{workspace.path}/writers", params=parameters))
        assert len(page["writers"]) <= limit
        found += page["writers"]
        if "nextCursor" not in page:
            return found
        parameters["cursor"] = page["nextCursor"]


@pytest.mark.new_workspace
def test_writers_are_named(
    workspace: Workspace, data: str, server: RowkeepServer, token: dict[str, Any]
) -> None:
    """Also those that are deleted; each once, on pages of any size."""
    bots = [workspace.bot({"people": "rwd"}, name=name) for name in ("bot a", "bot b", "bot c")]
    ids = [good(bot.insert("people", JANE))["Created_By"] for bot in bots]
    with with_token(server, token) as client:
        by_token = good(client.post(f"{data}/tables/people", json={"data": JANE}))["Created_By"]
    succeeded(workspace.admin.delete(f"{workspace.path}/apps/{bots[1].client_id}"))
    succeeded(workspace.admin.delete(f"/admin-tokens/{token['id']}"))
    listed = every_writer(workspace, 1000)
    by_id = {each["id"]: (each["name"], each["kind"]) for each in listed}
    assert len(by_id) == len(listed)
    assert [by_id[each] for each in ids] == [("bot a", "app"), ("bot b", "app"), ("bot c", "app")]
    assert by_id[by_token] == ("rows", "administrator")
    assert [each["kind"] for each in listed].count("app") == 3
    assert every_writer(workspace, 1) == listed
    assert every_writer(workspace, 2) == listed


@pytest.mark.new_workspace
def test_an_app_that_comes_back_is_named_once(workspace: Workspace, data: str) -> None:
    body = {"name": "old", "clientId": f"cs-{uuid4()}", "clientSecret": "s" * 40}
    for name in ("old", "new"):
        succeeded(workspace.admin.post(f"{workspace.path}/apps", json=body | {"name": name}))
        succeeded(workspace.admin.delete(f"{workspace.path}/apps/{body['clientId']}"))
    succeeded(workspace.admin.post(f"{workspace.path}/apps", json=body | {"name": "now"}))
    apps = [each["name"] for each in every_writer(workspace, 100) if each["kind"] == "app"]
    assert apps == ["now"]


def test_a_revoked_token_stops_at_once(
    workspace: Workspace, data: str, server: RowkeepServer, token: dict[str, Any]
) -> None:
    with with_token(server, token) as client:
        path = f"{data}/tables/people"
        good(client.post(path, json={"data": JANE}))
        succeeded(workspace.admin.delete(f"/admin-tokens/{token['id']}"))
        for call in DATA_ENDPOINTS:
            path = call.admin_path.format(workspace=workspace.name, table="people", view="v", rowId="0" * 24)
            refused = client.request(call.method, server.url + path, json={"data": JANE})
            problem(refused, 401, "unauthenticated")
    assert good(workspace.admin.post(f"{data}/tables/people/query"))["total"] == 1


def test_tokens_belong_to_their_api(workspace: Workspace, data: str, server: RowkeepServer) -> None:
    bot = workspace.bot({"people": "rwd"})
    for call in DATA_ENDPOINTS:
        path = call.admin_path.format(workspace=workspace.name, table="people", view="v", rowId="0" * 24)
        for headers in ({"auth": bot.token()}, {"Authorization": f"Bearer {bot.token()}"}, {"auth": "x"}):
            problem(bot.request(call.method, path, headers=headers), 401, "unauthenticated")
        problem(bot.request(call.method, path, headers={"auth": server.admin_token}), 401, "unauthenticated")
        for name in ("auth", "Authorization"):
            value = server.admin_token if name == "auth" else f"Bearer {server.admin_token}"
            path = call.path.format(table="people", view="v", rowId="0" * 24)
            problem(bot.request(call.method, path, headers={name: value}), 401, "unauthenticated")


def test_workspaces_are_apart(workspace: Workspace, data: str, server: RowkeepServer) -> None:
    other = Workspace(server, f"other_{uuid4().hex[:12]}")
    try:
        good(workspace.admin.post(f"{data}/tables/people", json={"data": JANE}))
        there = f"{other.path}/data/tables/people"
        problem(workspace.admin.post(f"{there}/query"), 404, "no_such_table")
        problem(workspace.admin.post(there, json={"data": JANE}), 404, "no_such_table")
        other.create_table(PEOPLE)
        assert good(workspace.admin.post(f"{there}/query"))["total"] == 0
        path = f"{other.path.upper().replace('WORKSPACES', 'workspaces')}/data/tables/people/query"
        assert good(workspace.admin.post(path))["total"] == 0
    finally:
        other.delete()
    problem(workspace.admin.post(f"{there}/query"), 404, "no_such_workspace")


@pytest.mark.parametrize("name", ["nowhere", "a%20b", "%2e%2e", "x" * 300, "%22"])
def test_unknown_workspaces(admin: httpx.Client, name: str) -> None:
    for call in DATA_ENDPOINTS:
        path = call.admin_path.removeprefix("/api/v1").format(
            workspace=name, table="people", view="v", rowId="0" * 24
        )
        problem(admin.request(call.method, path), 404, "no_such_workspace")


@first_on_each("end", ["", "/", "/tables/", "/tables//query", "/tables/people/rows", "/x/people"])
def test_other_paths_are_not_there(workspace: Workspace, data: str, end: str) -> None:
    problem(workspace.admin.post(data + end, json={}), 404, "no_such_endpoint")


def test_other_methods_are_refused(workspace: Workspace, data: str) -> None:
    refused = workspace.admin.patch(f"{data}/tables/people")
    problem(refused, 405, "method_not_allowed")
    assert refused.headers["Allow"] == "POST, PUT, DELETE"
    assert workspace.admin.post(f"{data}/tables").headers["Allow"] == "GET, HEAD"


def test_refusals_are_those_of_the_data_api(workspace: Workspace, data: str) -> None:
    admin, path = workspace.admin, f"{data}/tables/people"
    problem(admin.post(f"{path}/query", params={"limit": 1}), 400, "invalid_parameter")
    problem(admin.post(f"{path}/bulk", json={"data": JANE}), 400, "invalid_body", "/data")
    problem(admin.put(path, json={"data": JANE}), 400, "missing_filter")
    problem(admin.request("DELETE", path, json={"query": {}}), 400, "missing_filter")
    problem(admin.post(path, json={"data": {"Number": "x"}}), 422, "invalid_value", "/data/Number")
    problem(admin.post(path, json={"data": {"Created_By": "x"}}), 400, "system_column")
    problem(admin.post(path, json={"data": {"Nowhere": "x"}}), 400, "unknown_column")
    problem(admin.post(path, content=b"data=1", headers={"Content-Type": "text/plain"}), 415)


def test_definitions_change_under_it(workspace: Workspace, data: str) -> None:
    """A write that was planned with old definitions starts again with the new ones."""
    path = f"{data}/tables/people"
    bot = workspace.bot({"people": "rw"})

    def write(number: int) -> None:
        if number % 2:
            good(workspace.admin.post(path, json={"data": {"Number": number}}))
        else:
            good(bot.insert("people", {"Number": number}))

    def change(number: int) -> None:
        definition = PEOPLE | {"description": f"changed {number}"}
        succeeded(workspace.admin.put(f"{workspace.path}/tables/people", json=definition))

    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write, number) for number in range(40)]
        for number in range(10):
            change(number)
        for each in writes:
            each.result()
    assert good(workspace.admin.post(f"{path}/query"))["total"] == 40


def test_a_table_that_is_made_again(workspace: Workspace, data: str) -> None:
    path = f"{data}/tables/people"
    good(workspace.admin.post(path, json={"data": JANE}))
    workspace.drop_table("people")
    problem(workspace.admin.post(f"{path}/query"), 404, "no_such_table")
    workspace.create_table({"name": "People", "schemaDef": [{"name": "Age", "type": "integer"}]})
    assert good(workspace.admin.post(path, json={"data": {"Age": 5}}))["Age"] == 5


def test_a_bot_does_not_notice(workspace: Workspace, data: str) -> None:
    bot: Bot = workspace.bot({"people": "r"})
    good(workspace.admin.post(f"{data}/tables/people", json={"data": JANE}))
    assert good(bot.query("people"))["queryResult"][0]["First_Name"] == "Jane"
    problem(bot.insert("people", JANE), 403, "forbidden")
