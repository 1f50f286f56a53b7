"""A whole workspace's definitions and grants: given out, compared, and made so in one step."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from answers import problem as refused
from answers import rows

from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, succeeded

Definition = dict[str, Any]


def column(name: str, type_: str = "string", **more: Any) -> Definition:
    return {"name": name, "type": type_} | more


def refers(name: str, table: str, there: str = "Code", **more: Any) -> Definition:
    return column(name, reference={"table": table, "column": there}, **more)


def coded(name: str, *columns: Definition, **more: Any) -> Definition:
    """A table that others can refer to."""
    by_code = {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}
    return {"name": name, "schemaDef": [column("Code"), *columns], "indexes": [by_code]} | more


CIRCLE = [
    coded("teams", refers("Lead", "members"), refers("Parent", "teams")),
    coded("members", refers("Team", "teams"), refers("Site", "sites", "_id")),
    coded("sites", refers("Host", "members", "sys_Id"), column("Price", "decimal", default="1.50")),
]
VIEW = {
    "name": "leads",
    "table": "teams",
    "joins": [{"table": "members", "on": [{"left": "teams.Lead", "operand": "=", "right": "members.Code"}]}],
    "columns": ["teams.Code", {"expr": "members.Site", "as": "Site"}],
}
GRANTS = [
    {"app": "Helpdesk bot", "view": "leads", "read": True},
    {"app": "Helpdesk bot", "table": "members", "read": True, "write": True},
    {"app": "nightly", "table": "teams", "delete": True},
]


@pytest.fixture
def other(server: RowkeepServer, workspace: Workspace) -> Iterator[Workspace]:
    """Another workspace with apps of the same names."""
    other = Workspace(server, f"{workspace.name}_other")
    for place in (workspace, other):
        place.app("Helpdesk bot")
        place.app("nightly")
    yield other
    other.delete()


def schema(place: Workspace) -> Definition:
    return succeeded(place.admin.get(f"{place.path}/schema"))


def put(place: Workspace, body: Any, **parameters: str) -> Any:
    return place.admin.put(f"{place.path}/schema", json=body, params=parameters)


def steps(place: Workspace, body: Any, **parameters: str) -> list[str]:
    """What is done, in words."""
    return [step["step"] for step in succeeded(put(place, body, **parameters))["steps"]]


def test_apply_export_apply_elsewhere(workspace: Workspace, other: Workspace) -> None:
    assert schema(workspace) == {"tables": [], "views": [], "grants": [], "charts": []}
    body = {"tables": CIRCLE, "views": [VIEW], "grants": GRANTS}
    told = steps(workspace, body, dryRun="true")
    assert schema(workspace)["tables"] == []
    assert steps(workspace, body) == told
    assert [step for step in told if step.startswith("create")] == [
        "create table teams", "create table members", "create table sites", "create view leads",
    ]  # fmt: skip
    assert told[-3:] == [
        'grant app "Helpdesk bot" read on view leads',
        'grant app "Helpdesk bot" read, write on table members',
        'grant app "nightly" delete on table teams',
    ]
    made = schema(workspace)
    assert [table["name"] for table in made["tables"]] == ["members", "sites", "teams"]
    assert made["tables"][2]["schemaDef"][1]["reference"] == {"table": "members", "column": "Code"}
    assert made["grants"][0] == {
        "app": "Helpdesk bot", "view": "leads", "read": True, "write": False, "delete": False,
    }  # fmt: skip
    # in the order of names it is another one in which the circle is broken
    assert steps(other, made) != told
    assert schema(other) == made
    for place in (workspace, other):
        for same in (body, made, {}, {"tables": None, "views": None}):
            assert steps(place, same) == []
            assert steps(place, same, dryRun="true") == []
    # references are foreign keys there too, and definitions that were referred to in a circle can go
    bot = other.bot({"teams": "rw", "members": "rw"})
    refused(bot.insert("teams", {"Code": "a", "Lead": "nobody"}), 409, "reference_violation")
    nothing: Definition = {"tables": [], "views": [], "grants": [], "charts": []}
    refused(put(other, nothing), 409, "data_loss")
    assert schema(other)["tables"] == made["tables"]
    gone = steps(other, nothing, allowDataLoss="true")
    assert gone[0] == "drop view leads"
    assert sorted(step for step in gone if step.startswith("drop table")) == [
        "drop table members with all its rows",
        "drop table sites with all its rows",
        "drop table teams with all its rows",
    ]
    assert schema(other) == nothing


def test_changes_with_rows(workspace: Workspace, other: Workspace) -> None:
    put(workspace, {"tables": CIRCLE, "views": [VIEW], "grants": GRANTS}).raise_for_status()
    bot = workspace.bot({"teams": "rw", "members": "rw"}, "bot")
    other.app("bot")
    for table, row in (
        ("members", {"Code": "ann"}),
        ("teams", {"Code": "7", "Lead": "ann", "Parent": "7"}),
    ):
        succeeded(bot.insert(table, row))
    everyone = {"all": True}
    succeeded(bot.update("members", everyone, {"Team": "7"}))
    wanted = schema(workspace)
    members, sites, teams = wanted["tables"]
    # teams becomes groups, its key a number, and what refers to that goes along
    teams.update(name="groups", renamedFrom="teams")
    teams["schemaDef"][0].update(name="Number", type="integer", renamedFrom="Code")
    teams["schemaDef"][2].update(type="integer", reference={"table": "groups", "column": "Number"})
    teams["indexes"][0]["columns"][0]["name"] = "Number"
    members["schemaDef"][1].update(
        name="Group", type="integer", renamedFrom="Team", reference={"table": "groups", "column": "Number"}
    )
    members["schemaDef"].append(column("Boss", "string", reference={"table": "managers", "column": "Code"}))
    view = wanted["views"][0]
    view.update(name="heads", renamedFrom="leads", table="groups", columns=["groups.Number", "members.Site"])
    view["joins"][0]["on"][0]["left"] = "groups.Lead"
    wanted["tables"] = [members, teams, coded("managers")]
    sites_host = sites["schemaDef"][1]
    assert sites_host["reference"] == {"table": "members", "column": "sys_Id"}
    members["schemaDef"] = [each for each in members["schemaDef"] if each["name"] != "Site"]
    wanted["grants"] = [
        given | ({"view": "heads"} if "view" in given else {}) | (
            {"table": "groups"} if given.get("table") == "teams" else {}
        )
        for given in wanted["grants"]
    ]  # fmt: skip
    refused(put(workspace, wanted), 400)
    view["columns"] = ["groups.Number", "members.Group"]
    answer = refused(put(workspace, wanted), 409, "data_loss")
    assert [error["pointer"] for error in answer["errors"]] == ["/tables", "/tables/0/schemaDef"]
    told = steps(workspace, wanted, dryRun="true")
    assert steps(workspace, wanted, allowDataLoss="true") == told
    assert "drop table sites with all its rows" in told
    assert "table groups: rename table teams to groups" in told
    assert "rename view leads to heads" in told
    assert not [step for step in told if step.startswith(("give", "take"))]
    assert [(row["Number"], row["Parent"]) for row in rows(bot.query("groups"))] == [(7, 7)]
    assert [row["Group"] for row in rows(bot.query("members"))] == [7]
    refused(bot.insert("members", {"Code": "bob", "Group": 8}), 409, "reference_violation")
    # former names stay in files, and say nothing any more, here or where nothing was ever called so
    assert steps(workspace, wanted) == []
    assert steps(other, wanted)
    assert schema(other) == schema(workspace)
    # another table takes the former name, which is no rename either
    wanted["tables"].append(coded("teams"))
    assert steps(workspace, wanted) == ["create table teams"]
    assert steps(workspace, wanted) == []


def test_a_chain_of_names(workspace: Workspace) -> None:
    put(workspace, {"tables": [coded("a", column("x")), coded("b", refers("A", "a"))]}).raise_for_status()
    bot = workspace.bot({"a": "rw", "b": "rw"})
    succeeded(bot.insert("a", {"Code": "from a"}))
    wanted = {
        "tables": [
            coded("b", column("y", renamedFrom="x"), renamedFrom="a"),
            coded("c", refers("A", "b"), renamedFrom="b"),
            coded("a", refers("C", "c")),
        ]
    }
    assert steps(workspace, wanted) == [
        "table c: rename table b to c",
        "table b: rename table a to b",
        "table b: rename column x to y",
        "create table a",
    ]
    assert rows(bot.query("b"))[0]["Code"] == "from a"
    assert steps(workspace, wanted) == []
    # where both names are there, and nobody wants the former one, it is not guessed which is meant
    wanted["tables"] = [coded("b"), coded("c", refers("A", "b"), renamedFrom="a")]
    refused(put(workspace, wanted), 409, "name_taken", "/tables/1/renamedFrom")
    wanted["tables"] = [coded("b", column("y"), column("x")), coded("c"), coded("a")]
    assert "table b: add column x of type string" in steps(workspace, wanted, allowDataLoss="true")
    wanted["tables"][0] = coded("b", column("y", renamedFrom="x"))
    refused(put(workspace, wanted), 400, "invalid_definition", "/tables/0/schemaDef/1/renamedFrom")
    # swapped names are refused too: the same definition, applied again, would swap them again
    swapped = coded("b", column("y", renamedFrom="x"), column("x", renamedFrom="y"))
    wanted["tables"][0] = swapped
    refused(put(workspace, wanted), 400, "invalid_definition", "/tables/0/schemaDef/1/renamedFrom")
    wanted["tables"] = [coded("b", renamedFrom="c"), coded("c", renamedFrom="b"), coded("a")]
    refused(put(workspace, wanted), 409, "name_taken", "/tables/0/renamedFrom")


def test_all_or_nothing(workspace: Workspace, other: Workspace) -> None:
    put(workspace, {"tables": [PEOPLE, coded("teams")], "views": [], "grants": []}).raise_for_status()
    bot = workspace.bot({"people": "rw"})
    succeeded(bot.insert("people", {"First_Name": "Ada", "Number": 1}))
    before = schema(workspace)
    people = copy.deepcopy(PEOPLE)
    people["schemaDef"][0]["maxLength"] = "2"
    wanted = {"tables": [coded("first"), people, coded("last")], "grants": GRANTS[:1]}
    for parameters in ({}, {"dryRun": "true"}, {"allowDataLoss": "true"}):
        answer = refused(put(workspace, wanted | {"grants": []}, **parameters), 409, "incompatible_rows")
        assert answer["errors"][0]["pointer"] == "/tables/1/schemaDef/0/maxLength"
        assert answer["errors"][0]["count"] == 1
        assert schema(workspace) == before
    assert [row["First_Name"] for row in rows(bot.query("people"))] == ["Ada"]
    refusals: list[tuple[Any, int, str, str]] = [
        ({"tables": [coded("x"), {"name": "y", "schemaDef": [column("a", "blob"), column("_b")]}]},
         400, "invalid_definition", "/tables/1/schemaDef/0/type"),
        ({"tables": [coded("x"), coded("X")]}, 409, "name_taken", "/tables/1/name"),
        ({"tables": [coded("x"), coded("y", refers("r", "z"))]},
         400, "invalid_definition", "/tables/1/schemaDef/1/reference/table"),
        ({"views": [VIEW]}, 400, "invalid_definition", "/views/0/joins/0/table"),
        ({"grants": [{"app": "nobody", "table": "people", "read": True}]},
         404, "no_such_app", "/grants/0/app"),
        ({"grants": [{"app": "nightly", "table": "pets", "read": True}]},
         400, "invalid_definition", "/grants/0/table"),
        ({"tables": [{"name": "x", "schemaDef": [], "colour": 1}]}, 400, "unknown_key", "/tables/0/colour"),
    ]  # fmt: skip
    for body, status, code, pointer in refusals:
        answer = refused(put(workspace, body, allowDataLoss="true"), status, code)
        assert answer["errors"][0].get("pointer") == pointer, body
        assert schema(workspace) == before
    refused(workspace.admin.put("/workspaces/no_such/schema", json={}), 404, "no_such_workspace")
    refused(workspace.admin.get("/workspaces/no_such/schema"), 404, "no_such_workspace")


REFERENCE_EXPORT = {
    "name": "customertable",
    "description": "Customers",
    "schemaDef": [
        {"name": "_id", "type": "string", "readOnly": True, "isRequired": False, "isEncrypted": False,
         "reference": {}, "maxLength": "", "default": ""},
        {"name": "CustEmail", "type": "string", "isRequired": False, "isEncrypted": False, "reference": {},
         "maxLength": "5", "default": ""},
        {"name": "CustId", "type": "number", "isRequired": True, "isEncrypted": False, "reference": {},
         "maxLength": "", "default": ""},
        *({"name": name, "type": "date", "readOnly": True} for name in ("Created_On", "Updated_On")),
        *({"name": name, "type": "string", "readOnly": True} for name in ("Created_By", "Updated_By")),
        {"name": "sys_Id", "type": "string", "readOnly": True},
    ],
    "indexes": {},
}  # fmt: skip


def test_definitions_under_other_names(workspace: Workspace) -> None:
    tables = f"{workspace.path}/tables"
    imported = succeeded(workspace.admin.post(tables, json=REFERENCE_EXPORT))
    assert [each["name"] for each in imported["schemaDef"]] == ["CustEmail", "CustId"]
    assert imported["schemaDef"][0]["maxLength"] == 5
    assert steps(workspace, {"tables": [REFERENCE_EXPORT]}) == []
    workspace.create_table(coded("teams", refers("Parent", "Teams"), refers("Other", "customertable", "_id")))
    exported = succeeded(workspace.admin.get(f"{tables}/TEAMS/definition"))
    assert exported == succeeded(workspace.admin.get(f"{tables}/teams"))
    copied = succeeded(workspace.admin.post(tables, json=exported, params={"name": "groups"}))
    assert copied["name"] == "groups"
    references = [each["reference"] for each in copied["schemaDef"]]
    assert references == [
        {}, {"table": "groups", "column": "Code"}, {"table": "customertable", "column": "_id"},
    ]  # fmt: skip
    refused(workspace.admin.post(tables, json=exported), 409, "name_taken")
    refused(workspace.admin.post(tables, json=exported, params={"name": "no name"}), 400, "invalid_name")
    refused(workspace.admin.get(f"{tables}/nothing/definition"), 404, "no_such_table")
    views = f"{workspace.path}/views"
    view = {"name": "codes", "table": "groups", "columns": ["groups.Code"]}
    made = succeeded(workspace.admin.post(views, json=view))
    assert succeeded(workspace.admin.get(f"{views}/codes/definition")) == made
    again = succeeded(workspace.admin.post(views, json=made, params={"name": "codes_too"}))
    assert again == made | {"name": "codes_too"}
