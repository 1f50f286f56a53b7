"""Tables through the management API: created, got, listed, deleted, made anew; the canonical form."""

from __future__ import annotations

from typing import Any

import pytest
from answers import SYSTEM_COLUMNS, good, problem, rows
from definitions import column, index, table

from support.bot import Bot
from support.workspace import PEOPLE, Workspace, succeeded

PLAIN = {"isRequired": False, "isEncrypted": False, "reference": {}, "maxLength": "", "default": ""}


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app for tables that come and go."""
    return shared.bot()


def test_creating_answers_the_canonical_definition(workspace: Workspace) -> None:
    response = workspace.admin.post(f"{workspace.path}/tables", json=PEOPLE)
    assert response.status_code == 201
    expected = {
        "name": "people",
        "description": "",
        "schemaDef": [
            {"name": name, "type": kind, **PLAIN}
            for name, kind in (
                ("First_Name", "string"),
                ("Last_Name", "string"),
                ("Gender", "string"),
                ("Number", "number"),
            )
        ],
        "indexes": [
            {"name": "by_last_name", "isUnique": False, "columns": [{"name": "Last_Name", "order": "asc"}]},
            {"name": "by_number", "isUnique": False, "columns": [{"name": "Number", "order": "asc"}]},
        ],
    }
    assert response.json() == expected
    assert good(workspace.admin.get(f"{workspace.path}/tables/people")) == expected
    assert good(workspace.admin.get(f"{workspace.path}/tables")) == {"tables": [expected]}


def test_the_definition_of_the_contract(workspace: Workspace) -> None:
    definition = {
        "name": "customertable",
        "description": "Customers",
        "schemaDef": [
            {"name": "CustEmail", "type": "string", **PLAIN},
            {"name": "CustId", "type": "number", **PLAIN, "isRequired": True},
        ],
        "indexes": [
            {"name": "by_email", "isUnique": True, "columns": [{"name": "CustEmail", "order": "asc"}]}
        ],
    }
    assert workspace.create_table(definition) == definition
    bot = workspace.bot({"customertable": "rw"})
    problem(bot.insert("customertable", {"CustEmail": "a"}), 422, "missing_value", "/data/CustId")
    good(bot.insert("customertable", {"CustEmail": "a", "CustId": 1}))
    problem(bot.insert("customertable", {"CustEmail": "a", "CustId": 2}), 409, "unique_violation")


def test_what_was_answered_can_be_sent_again(workspace: Workspace) -> None:
    rich = table(
        "rich",
        column("A", isRequired=True, maxLength=5, default="abc"),
        column("B", "number", default=1.5),
        column("C", "integer", default=7),
        column("D", "boolean", default=False),
        column("E", "date", default="2020-03-28T07:02:09.652Z"),
        indexes=(index("i", "A", "-B", "_id", unique=True),),
    )
    first = workspace.create_table({**rich, "description": "Everything"})
    second = workspace.create_table({**first, "name": "rich_too"})
    assert second == {**first, "name": "rich_too"}


@pytest.mark.parametrize("nothing", ["", None, {}], ids=repr)
def test_all_spellings_of_not_set(shared: Workspace, nothing: Any) -> None:
    keys = ("isRequired", "isEncrypted", "reference", "maxLength", "default")
    made = shared.create_table(
        table("plain", {"name": "A", "type": "string", **dict.fromkeys(keys, nothing)})
    )
    assert made["schemaDef"] == [{"name": "A", "type": "string", **PLAIN}]
    shared.drop_table("plain")


@pytest.mark.parametrize("sent", [None, ""])
def test_description_not_set(shared: Workspace, sent: str | None) -> None:
    made = shared.create_table({**table("plain", column("A")), "description": sent})
    assert made["description"] == ""
    shared.drop_table("plain")


def test_indexes_not_set(workspace: Workspace) -> None:
    made = workspace.create_table({"name": "plain", "schemaDef": [column("A")], "indexes": None})
    assert made["indexes"] == []


def test_a_description_has_up_to_100_characters(workspace: Workspace) -> None:
    text = "é😀" * 50
    assert workspace.create_table({**PEOPLE, "description": text})["description"] == text


@pytest.mark.parametrize(
    ("kind", "sent", "kept"),
    [
        ("number", "263", 263),
        ("number", 263.0, 263),
        ("number", 0, 0),
        ("integer", "1e3", 1000),
        ("boolean", "TRUE", True),
        ("boolean", False, False),
        ("date", "2020-03-28", "2020-03-28T00:00:00.000Z"),
        ("date", 0, "1970-01-01T00:00:00.000Z"),
        ("string", " ", " "),
        ("string", "0", "0"),
    ],
)
def test_defaults_are_read_as_values_of_their_column(
    shared: Workspace, bot: Bot, kind: str, sent: Any, kept: Any
) -> None:
    made = shared.create_table(table("plain", column("A", kind, default=sent), column("B")))
    assert made["schemaDef"][0]["default"] == kept
    shared.grant(bot.client_id, "plain", "w")
    assert good(bot.insert("plain", {}))["A"] == kept
    assert good(bot.insert("plain", {"A": None}))["A"] is None
    shared.drop_table("plain")


@pytest.mark.parametrize("sent", [5, "5", "05", 5.0])
def test_max_length_may_be_digits(shared: Workspace, bot: Bot, sent: Any) -> None:
    made = shared.create_table(table("plain", column("A", maxLength=sent)))
    assert made["schemaDef"][0]["maxLength"] == 5
    shared.grant(bot.client_id, "plain", "w")
    good(bot.insert("plain", {"A": "12345"}))
    problem(bot.insert("plain", {"A": "123456"}), 422, "invalid_value", "/data/A")
    shared.drop_table("plain")


def test_system_columns_marked_read_only_are_skipped(workspace: Workspace) -> None:
    """As other systems export them."""
    system = [{**column(name, "date"), "readOnly": True} for name in SYSTEM_COLUMNS]
    made = workspace.create_table(
        {"name": "imported", "schemaDef": [*system, column("A"), column("B", readOnly=False)]}
    )
    assert [row["name"] for row in made["schemaDef"]] == ["A", "B"]


def test_names_of_tables_in_paths_match_regardless_of_case(workspace: Workspace) -> None:
    workspace.create_table({**PEOPLE, "name": "People"})
    for name in ("People", "people", "PEOPLE", "p%65ople"):
        assert good(workspace.admin.get(f"{workspace.path}/tables/{name}"))["name"] == "People"
    problem(workspace.admin.get(f"{workspace.path}/tables/Peo_ple"), 404, "no_such_table")
    assert workspace.admin.delete(f"{workspace.path}/tables/pEOPLE").status_code == 204
    problem(workspace.admin.get(f"{workspace.path}/tables/People"), 404, "no_such_table")


def test_names_of_tables_are_unique_regardless_of_case(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    for name in ("people", "People", "PEOPLE"):
        response = workspace.admin.post(f"{workspace.path}/tables", json={**PEOPLE, "name": name})
        problem(response, 409, "name_taken")
    assert len(good(workspace.admin.get(f"{workspace.path}/tables"))["tables"]) == 1


def test_deleting(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    deleted = workspace.admin.delete(f"{workspace.path}/tables/people")
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(workspace.admin.get(f"{workspace.path}/tables/people"), 404, "no_such_table")
    problem(workspace.admin.delete(f"{workspace.path}/tables/people"), 404, "no_such_table")
    assert good(workspace.admin.get(f"{workspace.path}/tables")) == {"tables": []}


def test_deleted_and_made_anew_with_other_columns(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    good(bot.insert("people", {"Number": 1}))
    workspace.drop_table("people")
    problem(bot.query("people"), 404, "no_such_table")
    workspace.create_table(
        table("people", column("Number", "string"), indexes=(index("by_number", "Number"),))
    )
    problem(bot.query("people"), 403, "forbidden")
    workspace.grant(bot.client_id, "people", "rwd")
    assert rows(bot.query("people")) == []
    assert good(bot.insert("people", {"Number": "one"}))["Number"] == "one"
    problem(bot.insert("people", {"First_Name": "Jane"}), 400, "unknown_column")


def test_made_and_deleted_many_times(workspace: Workspace) -> None:
    bot = workspace.bot()
    for kind, value in [
        ("string", "a"),
        ("number", 1),
        ("boolean", True),
        ("integer", 2),
        ("string", "b"),
    ] * 3:
        workspace.create_table(table("people", column("A", kind), indexes=(index("i", "A", unique=True),)))
        workspace.grant(bot.client_id, "people", "rw")
        good(bot.insert("people", {"A": value}))
        assert [row["A"] for row in rows(bot.query("people"))] == [value]
        workspace.drop_table("people")


def test_tables_of_a_workspace_that_is_not(workspace: Workspace) -> None:
    for method, path, body in (
        ("GET", "/tables", None),
        ("POST", "/tables", PEOPLE),
        ("GET", "/tables/people", None),
        ("DELETE", "/tables/people", None),
    ):
        problem(
            workspace.admin.request(method, "/workspaces/nowhere" + path, json=body), 404, "no_such_workspace"
        )


def test_a_table_as_wide_as_can_be(workspace: Workspace) -> None:
    columns = [column(f"C{number}") for number in range(400)]
    parts = [f"C{number}" for number in range(16)]
    indexes = [index(f"I{number}", *parts[number % 16 :], *parts[: number % 16]) for number in range(63)]
    succeeded(
        workspace.admin.post(f"{workspace.path}/tables", json=table("wide", *columns, indexes=tuple(indexes)))
    )
    bot = workspace.bot({"wide": "rw"})
    row = {f"C{number}": f"{number:04}" * (10 if number < 16 else 250) for number in range(400)}
    inserted = good(bot.insert("wide", row))
    assert {name: inserted[name] for name in row} == row
    assert rows(bot.query("wide")) == [inserted]


def test_a_reference_to_a_table_that_no_engine_can_look_for(workspace: Workspace) -> None:
    column = {"name": "A", "type": "string", "reference": {"table": "a\0", "column": "A"}}
    response = workspace.admin.post(f"{workspace.path}/tables", json={"name": "b", "schemaDef": [column]})
    assert response.status_code == 400, response.text
