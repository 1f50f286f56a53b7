"""PUT of a definition that encrypts and decrypts columns, and sets and lifts references, with stored rows."""

from __future__ import annotations

from typing import Any

import httpx
from answers import good, rows
from definitions import column, index, table
from test_schema_changes import ALLOW, DRY, own_cells, put, steps_of

from rowkeep.model.column_types import COLUMN_TYPES
from support.workspace import Workspace, succeeded


def refused(response: httpx.Response, code: str, pointer: str) -> dict[str, Any]:
    (told, *_) = response.json()["errors"]
    assert (response.status_code, told["code"], told.get("pointer")) == (409, code, pointer), response.text
    return told


def test_columns_of_all_types_are_encrypted_and_decrypted(workspace: Workspace) -> None:
    plain = [column(f"c_{name}", name) for name in COLUMN_TYPES]
    secret = [{**each, "isEncrypted": True} for each in plain]
    unique = index("u", "c_string", "c_integer", unique=True)
    workspace.create_table(table("t", *plain, indexes=(unique,)))
    bot = workspace.bot({"t": "rwd"})
    sent = [
        {f"c_{name}": entry.accepts[at % len(entry.accepts)][0] for name, entry in COLUMN_TYPES.items()}
        for at in range(6)
    ]
    # an encrypted decimal keeps its value, not its scale
    good(
        bot.bulk(
            "t", [*({**row, "c_integer": at, "c_decimal": f"{at}.5"} for at, row in enumerate(sent)), {}, {}]
        )
    )
    stored = rows(bot.query("t"))
    for form, word in ((secret, "encrypt"), (plain, "decrypt"), (secret, "encrypt")):
        wish = table("t", *form, indexes=(unique,))
        assert steps_of(put(workspace, wish, **DRY)) == [f"*{word} column c_{name}" for name in COLUMN_TYPES]
        succeeded(put(workspace, wish))
        assert rows(bot.query("t")) == stored
        assert bot.insert("t", own_cells(stored[2])).json()["code"] == "unique_violation"
        wanted = {"expressions": [{"field": "c_string", "operand": "=", "value": stored[0]["c_string"]}]}
        assert stored[0] in rows(bot.query("t", {"query": wanted}))
    # no value is shown of what is encrypted, before or after
    for wish, key in (
        (table("t", {**secret[0], "maxLength": 1}, *secret[1:], indexes=(unique,)), "maxLength"),
        (table("t", {**plain[0], "type": "boolean"}, *secret[1:], indexes=(unique,)), "type"),
        (table("t", *secret, indexes=(index("u", "c_boolean", unique=True),)), None),
    ):
        where = "/indexes/0" if key is None else f"/schemaDef/0/{key}"
        told = refused(put(workspace, wish, **ALLOW), "incompatible_rows", where)
        assert all(each["values"] == {} for each in told["sample"])
        assert len(told["sample"]) == told["count"]
    assert rows(bot.query("t")) == stored
    # another type and encrypted at once, and a rename
    renamed = {**column("S", renamedFrom="c_integer"), "isEncrypted": True}
    succeeded(put(workspace, table("t", *secret[:2], renamed, *secret[3:])))
    expected = [None if row["c_integer"] is None else str(row["c_integer"]) for row in stored]
    assert [row["S"] for row in rows(bot.query("t"))] == expected


def test_references_are_set_and_lifted(workspace: Workspace) -> None:
    for kind, there, values in (
        ("string", "Code", ["a", "b"]),
        ("decimal", "Price", ["1.5", "2.00"]),
        ("string", "sys_Id", None),
        ("string", "_id", None),
    ):
        parent, child = f"parent_{there}", f"child_{there}"
        by_key = () if values is None else (index("u", there, unique=True),)
        own = column("Code" if values is None else there, "string" if values is None else kind)
        workspace.create_table(table(parent, own, indexes=by_key))
        bot = workspace.bot({parent: "rwd"})
        parents = good(bot.bulk(parent, [{there: value} for value in values] if values else [{}, {}]))
        keys = [record[there] for record in parents["records"]]
        plain = table(child, column("Ref", kind), column("N", "integer"), indexes=(index("i", "N", "Ref"),))
        to = {"table": parent, "column": there}
        refers = table(
            child,
            column("N", "integer"),
            column("Ref", kind, reference=to),
            indexes=(index("i", "N", "Ref"),),
        )
        workspace.create_table(plain)
        workspace.grant(bot.client_id, child, "rwd")
        good(bot.bulk(child, [{"Ref": key, "N": 1} for key in keys] + [{"N": 2}]))
        stray = good(bot.insert(child, {"Ref": "7.5", "N": 3}))
        for params in (DRY, {}):
            told = refused(put(workspace, refers, **params), "incompatible_rows", "/schemaDef/1/reference")
            assert told["count"] == 1
            assert [each["_id"] for each in told["sample"]] == [stray["_id"]]
        good(bot.delete(child, {"expressions": [{"field": "N", "operand": "=", "value": 3}]}))
        stored = [own_cells(row) for row in rows(bot.query(child))]
        for _ in range(2):
            assert succeeded(put(workspace, refers))["schemaDef"][1]["reference"] == to
            assert [own_cells(row) for row in rows(bot.query(child))] == stored
            assert bot.insert(child, {"Ref": "7.5"}).json()["code"] == "reference_violation"
            gone = {"expressions": [{"field": there, "operand": "=", "value": keys[0]}]}
            assert bot.delete(parent, gone).status_code == 409
            required = table(child, column("N", "integer"), column("Ref", kind, reference=to))
            succeeded(put(workspace, required))
            succeeded(put(workspace, plain))
            assert bot.insert(child, {"Ref": "7.5", "N": 3}).status_code == 200
            good(bot.delete(child, {"expressions": [{"field": "N", "operand": "=", "value": 3}]}))
        succeeded(put(workspace, refers))
        # what is referred to stays as it is, but for its name
        if values is not None:
            for wish in (
                table(parent, column("X")),
                table(parent, own),
                table(parent, column(there, "json")),
            ):
                refused(put(workspace, wish, **ALLOW), "still_referenced", "/schemaDef")
            moved = table(
                f"new_{there}",
                column("Moved", kind, renamedFrom=there),
                indexes=(index("u", "Moved", unique=True),),
            )
            succeeded(put(workspace, moved | {"renamedFrom": parent}))
            found = succeeded(workspace.admin.get(f"{workspace.path}/tables/{child}"))
            assert found["schemaDef"][1]["reference"] == {"table": f"new_{there}", "column": "Moved"}
            assert bot.insert(child, {"Ref": "7.5"}).json()["code"] == "reference_violation"
            good(bot.insert(child, {"Ref": keys[0]}))


def test_a_table_refers_to_itself(workspace: Workspace) -> None:
    unique = index("u", "Name", unique=True)
    boss = {"table": "staff", "column": "Name"}
    workspace.create_table(table("staff", column("Name"), column("Boss")))
    bot = workspace.bot({"staff": "rwd"})
    good(bot.bulk("staff", [{"Name": "1"}, {"Name": "2", "Boss": "1"}, {"Name": "3", "Boss": "4"}]))
    refers = table("staff", column("Name"), column("Boss", reference=boss), indexes=(unique,))
    refused(put(workspace, refers), "incompatible_rows", "/schemaDef/1/reference")
    good(
        bot.update("staff", {"expressions": [{"field": "Name", "operand": "=", "value": "3"}]}, {"Boss": "3"})
    )
    succeeded(put(workspace, refers))
    # both take another type, another name, and the table a new one, at once
    renamed = table(
        "people",
        column("Head", "integer", renamedFrom="Boss", reference={"table": "people", "column": "Number"}),
        column("Number", "integer", renamedFrom="Name", isRequired=True),
        indexes=(index("u", "Number", unique=True),),
    )
    made = succeeded(put(workspace, renamed | {"renamedFrom": "staff"}))
    assert made["schemaDef"][0]["reference"] == {"table": "people", "column": "Number"}
    found = [own_cells(row) for row in rows(bot.query("people"))]
    assert found == [{"Head": None, "Number": 1}, {"Head": 1, "Number": 2}, {"Head": 3, "Number": 3}]
    assert bot.insert("people", {"Number": 5, "Head": 6}).json()["code"] == "reference_violation"
    good(bot.insert("people", {"Number": 5, "Head": 5}))
    # a new column that refers, with a default that is there, and one that is not
    third = column(
        "Deputy", "integer", default=5, isRequired=True, reference={"table": "people", "column": "Number"}
    )
    columns = [{key: c[key] for key in c if key != "renamedFrom"} for c in renamed["schemaDef"]]
    wish = table("people", *columns, third, indexes=(index("u", "Number", unique=True),))
    told = refused(
        put(workspace, {**wish, "schemaDef": [*columns, {**third, "default": 9}]}),
        "incompatible_rows",
        "/schemaDef/2/reference",
    )
    assert told["count"] == 4
    succeeded(put(workspace, wish))
    assert {row["Deputy"] for row in rows(bot.query("people"))} == {5}
    succeeded(put(workspace, table("people", columns[1]), **ALLOW))
