"""The list of tables and views that an app, or an administrator, may use."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import good, problem

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

VIEW = {
    "name": "Adults",
    "description": "Who is 18 or older",
    "table": "people",
    "columns": ["people.Last_Name", {"expr": "count(people._id)", "as": "Many"}],
    "groupBy": ["people.Last_Name"],
}


def tables(bot: Bot, **kw: Any) -> httpx.Response:
    return bot.request("GET", "/api/public/tables", **kw)


def names(response: httpx.Response) -> list[str]:
    return [each["name"] for each in good(response)["tables"]]


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    """An app with grants on two of three tables, and on a view."""
    workspace.create_table(PEOPLE | {"description": "Those who wrote"})
    columns = [
        {"name": "B", "type": "decimal", "isRequired": True},
        {"name": "A", "type": "string", "isEncrypted": True},
        {"name": "C", "type": "json"},
    ]
    workspace.create_table({"name": "Zoo", "schemaDef": columns})
    workspace.create_table({"name": "aunts", "schemaDef": columns})
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=VIEW))
    bot = workspace.bot({"people": "rw", "Zoo": "d"})
    grant = f"{workspace.path}/views/Adults/grants/{bot.client_id}"
    succeeded(workspace.admin.put(grant, json={"read": True}))
    return bot


def test_what_an_app_may_use(bot: Bot) -> None:
    string = {"type": "string", "isRequired": False}
    assert good(tables(bot)) == {
        "tables": [
            {
                "name": "Adults",
                "description": "Who is 18 or older",
                "kind": "view",
                "columns": [
                    {"name": "Last_Name", **string},
                    {"name": "Many", "type": "integer", "isRequired": True},
                ],
                "rights": ["read"],
            },
            {
                "name": "people",
                "description": "Those who wrote",
                "kind": "table",
                "columns": [
                    {"name": "First_Name", **string},
                    {"name": "Last_Name", **string},
                    {"name": "Gender", **string},
                    {"name": "Number", "type": "number", "isRequired": False},
                ],
                "rights": ["read", "write"],
            },
            {
                "name": "Zoo",
                "description": "",
                "kind": "table",
                "columns": [
                    {"name": "B", "type": "decimal", "isRequired": True},
                    {"name": "A", "type": "string", "isRequired": False},
                    {"name": "C", "type": "json", "isRequired": False},
                ],
                "rights": ["delete"],
            },
        ]
    }


def test_an_administrator_may_use_everything(workspace: Workspace, bot: Bot) -> None:
    assert bot
    listed = good(workspace.admin.get(f"{workspace.path}/data/tables"))["tables"]
    everything = ["read", "write", "delete"]
    assert [(each["name"], each["kind"], each["rights"]) for each in listed] == [
        ("Adults", "view", ["read"]),
        ("aunts", "table", everything),
        ("people", "table", everything),
        ("Zoo", "table", everything),
    ]


def test_grants_count_at_once(workspace: Workspace, bot: Bot) -> None:
    workspace.grant(bot.client_id, "Zoo", "")
    assert names(tables(bot)) == ["Adults", "people"]
    workspace.grant(bot.client_id, "aunts", "r")
    assert names(tables(bot)) == ["Adults", "aunts", "people"]
    workspace.drop_table("aunts")
    assert names(tables(bot)) == ["Adults", "people"]
    succeeded(workspace.admin.delete(f"{workspace.path}/views/Adults"))
    renamed = PEOPLE | {"name": "folk", "renamedFrom": "people"}
    succeeded(workspace.admin.put(f"{workspace.path}/tables/folk", json=renamed))
    assert names(tables(bot)) == ["folk"]


def test_an_app_without_grants_sees_nothing(workspace: Workspace, bot: Bot) -> None:
    assert bot
    assert good(tables(workspace.bot())) == {"tables": []}


def test_apps_of_other_workspaces_see_nothing(server: RowkeepServer, bot: Bot) -> None:
    other = Workspace(server, f"other_{uuid4().hex[:12]}")
    try:
        other.create_table(PEOPLE | {"name": "theirs"})
        assert names(tables(other.bot({"theirs": "r"}))) == ["theirs"]
        assert "theirs" not in names(tables(bot))
        assert names(other.admin.get(f"{other.path}/data/tables")) == ["theirs"]
    finally:
        other.delete()


def test_tokens_that_are_refused(workspace: Workspace, bot: Bot, server: RowkeepServer) -> None:
    for token in ("", "x", "a.b.c", bot.token()[:-4], bot.token(exp=1), server.admin_token):
        problem(tables(bot, headers={"auth": token}), 401, "unauthenticated")
    path = f"{workspace.path}/apps/{bot.client_id}"
    succeeded(workspace.admin.patch(path, json={"enabled": False}))
    problem(tables(bot), 401, "unauthenticated")


def test_wrong_requests(bot: Bot) -> None:
    problem(tables(bot, params={"limit": "1"}), 400, "invalid_parameter")
    problem(tables(bot, json={}), 400, "invalid_body")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = bot.request(method, "/api/public/tables")
        problem(refused, 405, "method_not_allowed")
        assert refused.headers["Allow"] == "GET, HEAD"
    problem(bot.request("GET", "/api/public/tables/"), 404, "no_such_endpoint")


def test_many_tables(workspace: Workspace) -> None:
    """More than are encoded in one turn of the event loop, and in one order."""
    columns = [{"name": "c", "type": "string"}]
    schema = {"tables": [{"name": f"t{number}", "schemaDef": columns} for number in range(101)]}
    succeeded(workspace.admin.put(f"{workspace.path}/schema", json=schema))
    listed = names(workspace.admin.get(f"{workspace.path}/data/tables"))
    assert listed == sorted(f"t{number}" for number in range(101))


def test_references(workspace: Workspace, bot: Bot) -> None:
    """A reference is listed if the caller can use the table that it leads to."""
    columns = [
        {"name": "Code", "type": "string"},
        {"name": "Parent", "type": "string", "reference": {"table": "places", "column": "Code"}},
        {"name": "Aunt", "type": "string", "reference": {"table": "aunts", "column": "_id"}},
    ]
    index = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    workspace.create_table({"name": "places", "schemaDef": columns, "indexes": [index]})
    workspace.grant(bot.client_id, "places", "w")
    to_itself = {"table": "places", "column": "Code"}
    for rights, to_aunts in (("", None), ("r", {"table": "aunts", "column": "_id"})):
        workspace.grant(bot.client_id, "aunts", rights)
        listed = next(each for each in good(tables(bot))["tables"] if each["name"] == "places")
        assert [column.get("reference") for column in listed["columns"]] == [None, to_itself, to_aunts]
