"""Batches: several operations in one transaction (contract, section 8)."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import ANY

import httpx
import pytest
from answers import good, problem, records, rows, total
from definitions import Made, column, index, table
from expressions import EVERYTHING, all_of, comparison, where

from support.batches import BATCH, bulk, delete, insert, query, ref, run, update
from support.bot import Bot
from support.engines import first_on_each
from support.workspace import PEOPLE, Workspace

PARENTS = table(
    "parents",
    column("Code"),
    column("Name"),
    column("Amount", "integer"),
    column("Doc", "json"),
    column("Price", "decimal"),
    column("Day", "date"),
    column("Secret", isEncrypted=True),
    indexes=(index("by_code", "Code", unique=True),),
)
CHILDREN = table(
    "children",
    column("Parent", reference={"table": "parents", "column": "_id"}),
    column("ParentCode", reference={"table": "parents", "column": "Code"}),
    column("Name"),
    column("Number", "number"),
    column("Notes", "json"),
)
FAMILY = {"parents": "rwd", "children": "rwd"}


@pytest.fixture
def family(made: Made) -> Bot:
    """An app with all rights to two empty tables, of which one refers to the other."""
    return made(PARENTS, CHILDREN)


def results(response: httpx.Response) -> list[Any]:
    answer = good(response)
    assert list(answer) == ["results"]
    found: list[Any] = answer["results"]
    return found


def refused(response: httpx.Response, status: int, code: str, pointer: str) -> dict[str, Any]:
    """A refusal whose pointers all begin with the operation."""
    body = problem(response, status, code, pointer)
    number = pointer.split("/")[2]
    for error in body["errors"]:
        assert error["pointer"].split("/")[:3] == ["", "operations", number]
        assert error["msg"].startswith(f"Operation {number}: ")
    return body


def state(bot: Bot, *tables: str) -> list[list[dict[str, Any]]]:
    return [rows(bot.query(name, sys_limit=1000)) for name in tables or FAMILY]


def test_each_operation_answers_as_its_own_call(family: Bot) -> None:
    one, many, changed, found, gone = results(
        run(
            family,
            insert("parents", {"Code": "a", "Amount": "5"}),
            bulk("parents", {"Code": "b"}, {"Code": "c"}),
            update("parents", where("Code", "=", "a"), {"Name": "A"}),
            query("parents", sort=[{"field": "Code", "order": "desc"}], limit=2, count="none"),
            delete("parents", where("Code", "in", ["b", "c"])),
        )
    )
    assert one["Amount"] == 5
    assert [record["Code"] for record in many["records"]] == ["b", "c"]
    assert changed["nModified"] == 1
    assert changed["records"][0]["_id"] == one["_id"]
    assert changed["records"][0]["Updated_On"] > one["Updated_On"]
    assert [record["Code"] for record in found["queryResult"]] == ["c", "b"]
    assert found["hasMore"] is True
    assert "total" not in found
    following = {
        "sort": [{"field": "Code", "order": "desc"}],
        "cursor": found["nextCursor"],
        "fields": ["Code"],
    }
    assert rows(family.query("parents", following)) == [{"Code": "a"}]
    assert gone == {"nDeleted": 2}
    assert state(family, "parents") == [changed["records"]]
    ids = [one["_id"], *(record["_id"] for record in many["records"])]
    assert sorted(set(ids)) == ids


def test_a_single_operation_is_the_same_as_its_call(family: Bot) -> None:
    stored = records(family.bulk("parents", [{"Code": code} for code in "abc"]))
    alone = good(family.query("parents", {"fields": ["Code"]}, sys_limit=2))
    assert results(run(family, query("parents", fields=["Code"], limit=2))) == [alone]
    assert results(run(family, query("parents", offset=2))) == [
        good(family.query("parents", sys_limit=10, sys_offset=2))
    ]
    assert results(run(family, insert("parents", [{"Code": "d"}])))[0]["records"][0]["Code"] == "d"
    assert results(run(family, bulk("parents"))) == [{"records": []}]
    assert [record["Code"] for record in stored] == ["a", "b", "c"]


def test_no_operations(family: Bot) -> None:
    assert results(run(family)) == []
    assert results(run(family, headers={"Idempotency-Key": "k"})) == []
    assert results(run(family, headers={"Idempotency-Key": "k"})) == []


def test_as_many_operations_as_there_may_be(family: Bot) -> None:
    one = insert("parents", {})
    assert len(results(run(family, *[one] * 1000, prefer="return=minimal"))) == 1000
    assert total(family, "parents") == 1000
    refusal = problem(run(family, *[one] * 1001), 422, "too_many_operations", "/operations")
    assert "1001" in refusal["detail"]
    assert total(family, "parents") == 1000


def test_counts_only(family: Bot) -> None:
    response = run(
        family,
        insert("parents", {"Code": "a"}),
        bulk("children", {"Parent": ref("/0/_id")}, {"Parent": ref("/0/_id")}),
        update("children", EVERYTHING, {"Number": 1}),
        insert("children", {"Name": ref("/2/records/1/_id"), "Number": ref("/2/nModified")}),
        delete("children", where("Number", "=", 1)),
        query("parents", fields=["Code"]),
        prefer="return=minimal",
    )
    assert response.headers["Preference-Applied"] == "return=minimal"
    assert results(response)[:5] == [
        {"nInserted": 1},
        {"nInserted": 2},
        {"nModified": 2},
        {"nInserted": 1},
        {"nDeleted": 2},
    ]
    assert results(response)[5]["queryResult"] == [{"Code": "a"}]
    ((child,),) = state(family, "children")
    assert child["Number"] == 2
    assert len(child["Name"]) == 24


# all or nothing


OPERATIONS: list[dict[str, Any]] = [
    insert("parents", {"Code": "n"}),
    bulk("parents", {"Code": "m"}, {"Code": "o"}),
    update("parents", where("Code", "=", "stored"), {"Amount": 7}),
    delete("parents", where("Code", "=", "other")),
    query("parents"),
]
FAULTS: list[tuple[dict[str, Any], int, str, str]] = [
    (insert("parents", {"Code": "stored"}), 409, "unique_violation", "/data/Code"),
    (bulk("parents", {"Code": "x"}, {"Code": "stored"}), 409, "unique_violation", "/data/1/Code"),
    (bulk("parents", {"Code": "x"}, {"Code": "x"}), 409, "unique_violation", "/data/1/Code"),
    (update("parents", where("Code", "=", "kept"), {"Code": "stored"}), 409, "unique_violation", "/data"),
    (
        update("parents", where("Code", "=", "kept"), {"Amount": 1}, maxAffected=0),
        409,
        "affected_out_of_bounds",
        "/maxAffected",
    ),
    (
        delete("parents", where("Code", "=", "kept"), minAffected=2),
        409,
        "affected_out_of_bounds",
        "/minAffected",
    ),
    (insert("children", {"Parent": "0" * 24}), 409, "reference_violation", "/data/Parent"),
    (
        bulk("children", {"ParentCode": "stored"}, {"ParentCode": "x"}),
        409,
        "reference_violation",
        "/data/1/ParentCode",
    ),
    (delete("parents", where("Code", "=", "referenced")), 409, "still_referenced", "/query"),
    (
        update("parents", where("Code", "=", "referenced"), {"Code": "y"}),
        409,
        "still_referenced",
        "/data/Code",
    ),
    (insert("parents", {"Amount": "many"}), 422, "invalid_value", "/data/Amount"),
    (bulk("parents", {"Name": "a"}, {"Nam": "b", "Code": 1}), 400, "unknown_column", "/data/1/Nam"),
    (update("parents", {"expressions": []}, {"Name": "b"}), 400, "missing_filter", "/query"),
    (delete("parents", where("Cod", "=", 1)), 400, "unknown_column", "/query/expressions/0/field"),
    (query("parents", sort=[{"field": "Doc"}]), 400, "invalid_body", "/sort/0/field"),
    (query("parents", query=where("Amount", "=", "x")), 422, "invalid_value", "/query/expressions/0/value"),
    (query("parents", limit=1001), 400, "invalid_body", "/limit"),
    (query("parents", cursor="AAAA"), 400, "invalid_cursor", "/cursor"),
    (insert("nowhere", {}), 404, "no_such_table", ""),
    (insert("no\0where", {}), 404, "no_such_table", ""),
]


@pytest.mark.parametrize("position", range(len(OPERATIONS) + 1))
def test_the_first_failure_undoes_all(family: Bot, position: int) -> None:
    stored = [{"Code": code} for code in ("stored", "other", "kept", "referenced")]
    records(family.bulk("parents", stored))
    good(family.insert("children", {"ParentCode": "referenced"}))
    before = state(family)
    for fault, status, code, pointer in FAULTS:
        operations = [*OPERATIONS[:position], fault, *OPERATIONS[position:]]
        refused(run(family, *operations), status, code, f"/operations/{position}{pointer}")
    assert state(family) == before


def test_an_update_by_a_reference_that_does_not_exist(family: Bot) -> None:
    good(family.insert("children", {"Name": "c"}))
    fault = update("children", EVERYTHING, {"ParentCode": "x"})
    refused(
        run(family, query("children"), fault), 409, "reference_violation", "/operations/1/data/ParentCode"
    )


def test_errors_are_explained_by_what_the_batch_wrote_before(family: Bot) -> None:
    """The rows that the batch inserts count as stored in its later operations."""
    batch = [
        bulk("parents", {"Code": "a"}, {"Code": "b"}),
        bulk("children", {"ParentCode": "a"}, {"ParentCode": "b"}, {"ParentCode": "c"}),
    ]
    refused(run(family, *batch), 409, "reference_violation", "/operations/1/data/2/ParentCode")
    batch[1] = bulk("parents", {"Code": "c"}, {"Code": "b"}, {"Code": "d"}, {"Code": "a"}, {"Code": "d"})
    refusal = refused(run(family, *batch), 409, "unique_violation", "/operations/1/data/1/Code")
    assert [error["pointer"] for error in refusal["errors"]] == [
        f"/operations/1/data/{row}/Code" for row in (1, 3, 4)
    ]
    batch[1:] = [insert("children", {"ParentCode": "b"}), delete("parents", where("Code", "=", "b"))]
    refused(run(family, *batch), 409, "still_referenced", "/operations/2/query")
    assert state(family) == [[], []]


def test_of_several_failures_the_first_decides(family: Bot) -> None:
    wrong = [insert("parents", {"Amount": "x"}), insert("parents", {"Nam": 1})]
    refused(run(family, *wrong), 422, "invalid_value", "/operations/0/data/Amount")
    refused(run(family, *reversed(wrong)), 400, "unknown_column", "/operations/0/data/Nam")
    refused(run(family, wrong[0], {"op": "x"}), 400, "invalid_body", "/operations/1/op")


def test_all_problems_of_an_operation_are_listed(family: Bot) -> None:
    fault = bulk("parents", {"Amount": "x"}, {"Nam": 1}, {"_id": "a"})
    refusal = refused(
        run(family, query("parents"), fault), 422, "invalid_value", "/operations/1/data/0/Amount"
    )
    assert [error["pointer"] for error in refusal["errors"]] == [
        "/operations/1/data/0/Amount",
        "/operations/1/data/1/Nam",
        "/operations/1/data/2/_id",
    ]


# references to earlier results


def test_a_parent_and_its_children(family: Bot) -> None:
    parent, children = results(
        run(
            family,
            insert("parents", {"Code": "a"}),
            bulk(
                "children",
                {"Parent": ref("/0/_id"), "Name": "x"},
                {"parent": ref("/0/_id"), "ParentCode": ref("/0/Code")},
            ),
        )
    )
    assert [child["Parent"] for child in children["records"]] == [parent["_id"]] * 2
    assert children["records"][1]["ParentCode"] == "a"


def test_references_to_values_of_every_type(family: Bot) -> None:
    values = {
        "Code": "a/b~c",
        "Name": 'ä\u2028"',
        "Amount": 9007199254740993,
        "Doc": {"a/b": [1, {"": "deep", "~x": True}], "null": None},
        "Price": "12345678901234567890.123456789",
        "Day": "2020-03-28T07:02:09.652Z",
        "Secret": "s3cret",
    }
    first, second, *_ = results(
        run(
            family,
            insert("parents", values),
            insert(
                "parents",
                {"Name": ref("/0/Name"), "Amount": ref("/0/Amount"), "Price": ref("/0/Price")}
                | {"Day": ref("/0/Day"), "Secret": ref("/0/Secret"), "Code": ref("/0/sys_Id")},
            ),
            insert("children", {"Name": ref("/0/Doc/a~1b/1/"), "Number": ref("/0/Doc/a~1b/0")}),
            insert("children", {"Name": ref("/0/Doc/null"), "Notes": ref("/0/Name")}),
            insert("children", {"Name": ref("/1/Code")}),
        )
    )
    for name in ("Name", "Amount", "Price", "Day", "Secret"):
        assert second[name] == first[name] == values[name]
    assert second["Code"] == first["sys_Id"]
    ((deep, plain, code),) = state(family, "children")
    assert (deep["Name"], deep["Number"]) == ("deep", 1)
    # in a json column it is a plain value
    assert (plain["Name"], plain["Notes"]) == (None, {"$ref": "/0/Name"})
    assert code["Name"] == first["sys_Id"]


def test_references_in_filters(family: Bot) -> None:
    first, second = records(family.bulk("parents", [{"Code": "a", "Amount": 1}, {"Code": "b", "Amount": 5}]))
    found = results(
        run(
            family,
            query("parents", query=where("Code", "=", "a")),
            query("parents", query=where("_id", "=", ref("/0/queryResult/0/_id")), fields=["Code"]),
            query("parents", query=where("Code", "in", ["x", ref("/0/queryResult/0/Code")]), fields=["Code"]),
            query("parents", query=where("Amount", "between", [ref("/0/total"), 5]), fields=["Code"]),
            query(
                "parents",
                query=all_of({"not": comparison("_id", "=", ref("/0/queryResult/0/_id"))}),
                fields=["Code"],
            ),
            update(
                "parents",
                where("_id", "=", ref("/0/queryResult/0/_id")),
                {"Name": ref("/4/queryResult/0/Code")},
            ),
            delete("parents", where("_id", "=", ref("/5/records/0/_id")), minAffected=1),
        )
    )
    codes = [[row["Code"] for row in page["queryResult"]] for page in found[:5]]
    assert codes == [["a"], ["a"], ["a"], ["a", "b"], ["b"]]
    assert found[5]["records"][0]["Name"] == "b"
    assert state(family, "parents") == [[second]]
    assert first["_id"] == found[5]["records"][0]["_id"]


def scalars(value: Any, pointer: str = "") -> list[tuple[str, Any]]:
    """Every single value in a document, with its JSON Pointer."""
    if isinstance(value, dict):
        parts = [(str(key).replace("~", "~0").replace("/", "~1"), part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [(str(at), part) for at, part in enumerate(value)]
    else:
        return [(pointer, value)]
    return [found for key, part in parts for found in scalars(part, f"{pointer}/{key}")]


def test_every_value_of_every_result_can_be_referred_to(family: Bot) -> None:
    records(
        family.bulk("parents", [{"Code": str(at), "Doc": [{"x/y": at}], "Amount": at} for at in range(4)])
    )
    batch = [
        insert("parents", {"Code": "a", "Doc": {"list": [1, 2.5, "x"]}}),
        insert("parents", [{"Code": "b"}]),
        bulk("parents", {"Code": "c", "Secret": "hidden"}, {"Code": "d"}),
        update("parents", where("Amount", ">", 1), {"Name": "n"}),
        delete("parents", where("Code", "=", "0")),
        query("parents", limit=2, fields=["Code", "Doc", "_id"], sort=[{"field": "Code"}]),
        query("parents", limit=1),
    ]
    pointers = [pointer for pointer, _ in scalars(results(run(family, *batch, more=None)))]
    good(family.delete("parents", where("Code", "in", list("abcd"))))
    good(family.insert("parents", {"Code": "0", "Doc": [{"x/y": 0}], "Amount": 0}))
    copied = [{"Name": ref(pointer)} for pointer in pointers]
    kinds: dict[type, str] = {str: "Name", int: "Number", float: "Number", bool: "Flag", type(None): "Name"}
    answers = results(run(family, *batch))
    values = dict(scalars(answers))
    assert sorted(values) == sorted(pointers)
    good(family.delete("parents", where("Code", "in", list("abcd"))))
    # text and numbers, each in a column of its type; true and false in filters
    rows_ = [
        {kinds[type(value)]: ref(pointer)} for pointer, value in values.items() if not isinstance(value, bool)
    ]
    assert len(copied) > 80
    *again, copies = results(run(family, *batch[:3], *batch[3:], bulk("children", *rows_)))
    wanted = [value for value in dict(scalars(again)).values() if not isinstance(value, bool)]
    got = [row["Name"] if row["Name"] is not None else row["Number"] for row in copies["records"]]
    assert got == wanted


WRONG: list[tuple[Any, str]] = [
    (ref("/0"), "object"),
    (ref("/0/Doc"), "object"),
    (ref("/0/Doc/list"), "array"),
    (ref("/0/Nothing"), "does not exist"),
    (ref("/0/Code/x"), "does not exist"),
    (ref("/0/Doc/list/3"), "does not exist"),
    (ref("/0/Doc/list/-"), "does not exist"),
    (ref("/0/Doc/list/01"), "does not exist"),
    (ref("/0/records/0/Code"), "does not exist"),
    (ref("/1/nDeleted/x"), "does not exist"),
    (ref("/2/_id"), "earlier"),
    (ref("/3/_id"), "earlier"),
    (ref("/999999999999/_id"), "earlier"),
    (ref("0/_id"), "not a valid reference"),
    (ref(""), "not a valid reference"),
    (ref("/"), "not a valid reference"),
    (ref("/x/_id"), "not a valid reference"),
    (ref("/00/_id"), "not a valid reference"),
    (ref("/-1/_id"), "not a valid reference"),
    (ref("/0/a~2"), "not a valid reference"),
    (ref("#/0/_id"), "not a valid reference"),
    (ref("/0/" + "a/" * 100_000), "not a valid reference"),
    (ref("/0/" + "a/" * 4_000), "does not exist"),
    ({"$ref": 0}, "must be a string"),
    ({"$ref": None}, "must be a string"),
    ({"$ref": {"$ref": "/0/_id"}}, "must be a string"),
    ({"$ref": "/0/_id", "x": 1}, "no other keys"),
]


@first_on_each(("value", "reason"), WRONG, ids=lambda each: str(each)[:40])
def test_wrong_references(family: Bot, value: Any, reason: str) -> None:
    first = insert("parents", {"Code": "a", "Doc": {"list": [1, 2, 3]}})
    second = delete("parents", where("Code", "=", "b"))
    places = {
        "/data/Name": insert("children", {"Name": value}),
        "/data/1/Name": bulk("children", {}, {"Name": value}),
        "/query/expressions/0/value": delete("children", where("Name", "=", value)),
        "/query/expressions/0/not/value/1": query(
            "children", query=all_of({"not": comparison("Name", "in", ["a", value])})
        ),
    }
    for place, operation in places.items():
        refusal = refused(
            run(family, first, second, operation), 422, "invalid_result_reference", f"/operations/2{place}"
        )
        assert reason in refusal["detail"]
        assert len(refusal["detail"]) < 400
    assert state(family) == [[], []]


def test_a_value_that_does_not_fit_is_refused_at_its_place(family: Bot) -> None:
    first = insert("parents", {"Code": "a"})
    refused(
        run(family, first, insert("children", {"Number": ref("/0/Code")})),
        422,
        "invalid_value",
        "/operations/1/data/Number",
    )
    wrong = query("children", query=where("Number", "=", ref("/0/Code")))
    refused(run(family, first, wrong), 422, "invalid_value", "/operations/1/query/expressions/0/value")
    assert state(family) == [[], []]


def test_references_outside_batches_are_plain_values(family: Bot) -> None:
    problem(family.insert("children", {"Name": ref("/0/_id")}), 422, "invalid_value", "/data/Name")
    assert good(family.insert("children", {"Notes": ref("/0/_id")}))["Notes"] == ref("/0/_id")


# rights


def test_rights_are_those_of_each_call(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    needs = {
        "insert": (insert("people", {}), "w"),
        "bulk": (bulk("people"), "w"),
        "update": (update("people", EVERYTHING, {}), "rw"),
        "delete": (delete("people", EVERYTHING), "rd"),
        "query": (query("people"), "r"),
    }
    for rights in ("r", "w", "d", "rw", "rd", "wd", "rwd"):
        bot = workspace.bot({"people": rights})
        for operation, needed in needs.values():
            response = run(bot, operation)
            if set(needed) <= set(rights):
                good(response)
            else:
                refused(response, 403, "forbidden", "/operations/0")
    without = workspace.bot({})
    refused(run(without, insert("people", {"x": 1})), 403, "forbidden", "/operations/0")
    writer = workspace.bot({"people": "w"})
    batch = run(writer, insert("people", {}), query("people"), insert("people", {"x": 1}))
    refused(batch, 403, "forbidden", "/operations/1")
    assert run(writer, headers={"auth": "x"}).status_code == 401


def test_limits_of_an_app(family: Bot, workspace: Workspace) -> None:
    records(family.bulk("parents", [{"Code": "a"}, {"Code": "b"}]))
    path = f"{workspace.path}/apps/{family.client_id}"
    good(workspace.admin.patch(path, json={"maxAffected": 1, "allowAll": False}))
    refused(
        run(family, delete("parents", where("Code", "in", ["a", "b"]))),
        409,
        "affected_out_of_bounds",
        "/operations/0",
    )
    refused(run(family, delete("parents", EVERYTHING)), 403, "forbidden", "/operations/0/query/all")
    each = [delete("parents", where("Code", "=", code)) for code in "ab"]
    together = problem(run(family, *each), 409, "affected_out_of_bounds", "/operations/1")
    assert together["errors"][0]["nMatched"] == 2
    assert total(family, "parents") == 2
    assert results(run(family, each[0], insert("parents", {"Code": "c"}))) == [{"nDeleted": 1}, ANY]


def test_administrators(family: Bot, workspace: Workspace) -> None:
    body = {"operations": [insert("parents", {"Code": "a"}), query("parents", fields=["Code"])]}
    response = workspace.admin.post(f"{workspace.path}/data/batch", json=body)
    inserted, found = results(response)
    assert found["queryResult"] == [{"Code": "a"}]
    assert inserted["Created_By"].startswith("st-")
    assert state(family, "parents") == [[inserted]]
    problem(workspace.admin.post("/workspaces/nowhere/data/batch", json=body), 404, "no_such_workspace")


def test_a_batch_sees_its_own_workspace_only(server: Any, family: Bot) -> None:
    other = Workspace(server, "another_one")
    other.create_table(PEOPLE)
    refused(run(family, insert("people", {})), 404, "no_such_table", "/operations/0")
    other.delete()


# the body


BODIES: list[tuple[Any, int, str, str]] = [
    ({}, 400, "invalid_body", "/operations"),
    ({"operations": {}}, 400, "invalid_body", "/operations"),
    ({"operations": None}, 400, "invalid_body", "/operations"),
    ({"operations": [], "x": 1}, 400, "unknown_key", "/x"),
    ({"operations": [], "mode": "atomic"}, 400, "unknown_key", "/mode"),
    ({"operations": [], "dryRun": 1}, 400, "invalid_body", "/dryRun"),
    ([], 400, "invalid_body", ""),
]


@first_on_each(("body", "status", "code", "pointer"), BODIES, ids=str)
def test_wrong_bodies(family: Bot, body: Any, status: int, code: str, pointer: str) -> None:
    problem(family.request("POST", BATCH, json=body), status, code, pointer)


WRONG_OPERATIONS: list[tuple[Any, str, str]] = [
    (1, "invalid_body", ""),
    ([], "invalid_body", ""),
    ("insert", "invalid_body", ""),
    (None, "invalid_body", ""),
    ({}, "invalid_body", "/op"),
    ({"op": "upsert", "table": "parents"}, "invalid_body", "/op"),
    ({"op": "INSERT", "table": "parents"}, "invalid_body", "/op"),
    ({"op": None, "table": "parents"}, "invalid_body", "/op"),
    ({"op": ["insert"], "table": "parents"}, "invalid_body", "/op"),
    ({"op": "insert", "data": {}}, "invalid_body", "/table"),
    ({"op": "insert", "table": 1, "data": {}}, "invalid_body", "/table"),
    ({"op": "insert", "view": "parents", "data": {}}, "invalid_body", "/table"),
    ({"op": "insert", "table": "parents"}, "invalid_body", "/data"),
    (insert("parents", 1), "invalid_body", "/data"),
    (insert("parents", {}, mode="partial"), "invalid_body", "/mode"),
    (insert("parents", [{}], mode="atomic"), "invalid_body", "/mode"),
    (insert("parents", {}, dryRun=True), "invalid_body", "/dryRun"),
    (insert("parents", {}, query={}), "unknown_key", "/query"),
    (insert("parents", {}, limit=1), "unknown_key", "/limit"),
    ({"op": "bulk", "table": "parents", "data": {}}, "invalid_body", "/data"),
    (update("parents", EVERYTHING, {}, limit=1), "unknown_key", "/limit"),
    (update("parents", EVERYTHING, []), "invalid_body", "/data"),
    (update("parents", EVERYTHING, {}, minAffected=2, maxAffected=1), "invalid_body", "/minAffected"),
    (delete("parents", EVERYTHING, data={}), "unknown_key", "/data"),
    ({"op": "delete", "table": "parents"}, "missing_filter", "/query"),
    (query("parents", data={"Name": ref("/0/_id")}), "unknown_key", "/data"),
    (query("parents", view="x"), "invalid_body", "/view"),
    (query("parents", limit=0), "invalid_body", "/limit"),
    (query("parents", limit="5"), "invalid_body", "/limit"),
    (query("parents", limit=1.5), "invalid_body", "/limit"),
    (query("parents", limit=True), "invalid_body", "/limit"),
    (query("parents", offset=-1), "invalid_body", "/offset"),
    (query("parents", offset=2**63), "invalid_body", "/offset"),
    (query("parents", offset=0, cursor="x"), "invalid_body", "/cursor"),
    (query("parents", sys_limit=5), "unknown_key", "/sys_limit"),
    (query("parents", fields=[]), "invalid_body", "/fields"),
]


@first_on_each(("operation", "code", "pointer"), WRONG_OPERATIONS, ids=str)
def test_wrong_operations(family: Bot, operation: Any, code: str, pointer: str) -> None:
    response = run(family, insert("parents", {"Code": "a"}), operation)
    refused(response, 400, code, f"/operations/1{pointer}")
    assert state(family) == [[], []]


def test_numbers_that_are_too_large(family: Bot) -> None:
    for number in ("1e400", "-" + "9" * 5000):
        for member in ("op", "table", "limit", "offset"):
            text = {"op": '"query"', "table": '"parents"'} | {member: number}
            operation = ",".join(f'"{key}":{value}' for key, value in text.items())
            response = family.request("POST", BATCH, content=f'{{"operations":[{{{operation}}}]}}')
            refusal = problem(response, 400, "invalid_body", f"/operations/0/{member}")
            assert refusal["detail"].startswith(f'Operation 0: "{member}" must be ')
        problem(
            family.request("POST", BATCH, content=f'{{"operations":[{number}]}}'),
            400,
            "invalid_body",
            "/operations/0",
        )


def test_repeated_keys_are_refused(family: Bot) -> None:
    def send(text: str) -> httpx.Response:
        return family.request("POST", BATCH, content=text, headers={"Content-Type": "application/json"})

    start = '{"operations":[{"op":"query","table":"parents"},'
    double = {
        '{"op":"insert","op":"insert","table":"parents","data":{}}]}': "/operations/1/op",
        '{"op":"insert","table":"parents","data":{"Name":"a","Name":"b"}}]}': "/operations/1/data/Name",
        '{"op":"insert","table":"parents","data":{"Doc":{"a":1,"a":2}}}]}': "/operations/1/data/Doc/a",
        '{"op":"insert","table":"parents","data":{"Name":{"$ref":"/0/total","$ref":""}}}]}': (
            "/operations/1/data/Name/$ref"
        ),
    }
    for text, pointer in double.items():
        problem(send(start + text), 400, "repeated_key", pointer)
    problem(send('{"operations":[],"operations":[]}'), 400, "repeated_key", "/operations")
    for text in ("", "{", '{"operations":[{]}', "\xff"):
        problem(send(text), 400, "malformed_json")


def test_escaped_references(family: Bot) -> None:
    text = json.dumps(
        {"operations": [insert("parents", {"Code": "a"}), insert("children", {"Parent": ref("/0/_id")})]}
    )
    for escaped in ('"\\u0024ref"', '"$\\u0072ef"'):
        body = text.replace('"$ref"', escaped).replace('"a"', json.dumps(f"a{escaped}"))
        content = {"Content-Type": "application/json"}
        parent, child = results(family.request("POST", BATCH, content=body, headers=content))
        assert child["Parent"] == parent["_id"]


def test_parameters_methods_and_paths(family: Bot) -> None:
    problem(family.request("POST", f"{BATCH}?sys_limit=1", json={"operations": []}), 400, "invalid_parameter")
    assert problem(family.request("GET", BATCH), 405, "method_not_allowed")
    problem(family.request("POST", f"{BATCH}/", json={"operations": []}), 404)
    problem(family.request("POST", f"{BATCH}/x", json={"operations": []}), 404)
    headers = {"Content-Type": "text/csv"}
    problem(family.request("POST", BATCH, content="a", headers=headers), 415, "unsupported_media_type")


# views


def test_views_can_be_queried(family: Bot, workspace: Workspace) -> None:
    view = {"name": "codes", "table": "parents", "columns": ["parents.Code"]}
    response = workspace.admin.post(f"{workspace.path}/views", json=view)
    assert response.status_code == 201, response.text
    read = {"op": "query", "view": "codes"}
    refused(run(family, read), 403, "forbidden", "/operations/0")
    grant = f"{workspace.path}/views/codes/grants/{family.client_id}"
    good(workspace.admin.put(grant, json={"read": True}))
    found = results(run(family, insert("parents", {"Code": "a"}), read))[1]
    assert found["queryResult"] == [{"Code": "a"}]
    assert results(run(family, read)) == [found]
    refused(run(family, read | {"view": "none"}), 404, "no_such_view", "/operations/0")
    refused(run(family, {"op": "query", "table": "codes"}), 404, "no_such_table", "/operations/0")
    assert (
        results(run(family, read, insert("parents", {"Name": ref("/0/queryResult/0/Code")})))[1]["Name"]
        == "a"
    )


# dry runs and keys


def test_a_dry_run_stores_nothing(family: Bot) -> None:
    stored = records(family.bulk("parents", [{"Code": "a"}, {"Code": "b"}]))
    batch = [
        insert("parents", {"Code": "c"}),
        bulk("children", {"Parent": ref("/0/_id")}, {}),
        update("parents", EVERYTHING, {"Amount": 1}),
        delete("parents", where("Code", "=", ref("/2/records/0/Code"))),
        query("parents", limit=1),
    ]
    answer = good(run(family, *batch, more={"dryRun": True}))
    counts = [{"nInserted": 1}, {"nInserted": 2}, {"nModified": 3}, {"nDeleted": 1}]
    assert answer == {"dryRun": True, "results": [*counts, {"hasMore": True, "total": 2}]}
    assert state(family) == [stored, []]
    fault = insert("parents", {"Code": "b"})
    refused(
        run(family, *batch, fault, more={"dryRun": True}), 409, "unique_violation", "/operations/5/data/Code"
    )
    assert good(run(family, query("parents"), more={"dryRun": True}))["results"] == [
        {"hasMore": False, "total": 2}
    ]
    assert results(run(family, *batch, more={"dryRun": False}))[3] == {"nDeleted": 1}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_a_batch_that_is_sent_twice_is_done_once(family: Bot, workspace: Workspace) -> None:
    batch = [insert("parents", {"Code": "a"}), bulk("children", {"Parent": ref("/0/_id")}), query("parents")]
    first, second = (run(family, *batch, headers=keyed("k")) for _ in range(2))
    assert results(first) == results(second)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert [len(each) for each in state(family)] == [1, 1]
    problem(run(family, batch[1], headers=keyed("k")), 422)
    problem(run(family, query("parents"), headers=keyed("k")), 422, "idempotency_key_reused")
    # grants are checked again
    workspace.grant(family.client_id, "parents", "rd")
    refused(run(family, *batch, headers=keyed("k")), 403, "forbidden", "/operations/0")


def test_refused_batches_and_dry_runs_do_not_use_up_a_key(family: Bot) -> None:
    good(family.insert("parents", {"Code": "a"}))
    fault = [insert("children", {}), insert("parents", {"Code": "a"})]
    refused(run(family, *fault, headers=keyed("refused")), 409, "unique_violation", "/operations/1/data/Code")
    dry = good(run(family, fault[0], headers=keyed("refused"), more={"dryRun": True}))
    assert dry == {"dryRun": True, "results": [{"nInserted": 1}]}
    good(run(family, fault[0], headers=keyed("refused")))
    # a dry run does not look at the key either
    good(run(family, fault[0], headers=keyed("refused"), more={"dryRun": True}))
    refused(
        run(family, *fault, headers=keyed("refused"), more={"dryRun": True}),
        409,
        "unique_violation",
        "/operations/1/data/Code",
    )
    assert total(family, "children") == 1


def test_large_results_are_stored_as_counts(family: Bot) -> None:
    batch = [
        bulk("children", *({"Name": "x" * 1000} for _ in range(2000))),
        update("children", EVERYTHING, {"Number": 1}),
        query("children", limit=1000),
        delete("children", EVERYTHING),
    ]
    first, second = (run(family, *batch, headers=keyed("large")) for _ in range(2))
    assert [len(each.get("records", ())) for each in results(first)] == [2000, 2000, 0, 0]
    assert results(second) == [
        {"nInserted": 2000},
        {"nModified": 2000},
        {"hasMore": True, "total": 2000},
        {"nDeleted": 2000},
    ]


def test_updated_on_increases_with_every_operation(family: Bot) -> None:
    first, *changed = results(
        run(
            family,
            insert("parents", {"Code": "a"}),
            *[update("parents", where("Code", "=", "a"), {"Amount": at}) for at in range(20)],
        )
    )
    moments = [first["Updated_On"], *(each["records"][0]["Updated_On"] for each in changed)]
    assert sorted(set(moments)) == moments
    assert {each["records"][0]["Created_On"] for each in changed} == {first["Created_On"]}


# upserts


def upsert(table_name: str, data: Any, action: str = "update") -> dict[str, Any]:
    op = "bulk" if isinstance(data, list) else "insert"
    conflict = {"columns": ["Code"], "action": action}
    return {"op": op, "table": table_name, "data": data, "onConflict": conflict}


def test_upserts_in_a_batch(family: Bot) -> None:
    (stored,) = records(family.bulk("parents", [{"Code": "a", "Name": "A", "Amount": 1}]))
    batch = [
        upsert("parents", [{"Code": "a", "Amount": 2}, {"Code": "b"}]),
        upsert("parents", {"Code": "b", "Amount": 3}),
        upsert("parents", {"Code": "a", "Amount": 9}, "ignore"),
        upsert("parents", [{"Code": "b"}, {"Code": "c"}], "ignore"),
        upsert("parents", {"Code": "d"}, "error"),
        upsert("parents", [{"Code": "d"}, {"Code": "e"}]),
        bulk(
            "children",
            {"Parent": ref("/0/records/1/_id"), "Name": ref("/0/outcomes/0")},
            {"Parent": ref("/4/records/0/_id"), "Name": ref("/4/outcomes/0")},
        ),
    ]
    found = results(run(family, *batch))
    assert [each["outcomes"] for each in found[:6]] == [
        ["updated", "inserted"],
        ["updated"],
        ["ignored"],
        ["ignored", "inserted"],
        ["inserted"],
        ["updated", "inserted"],
    ]
    assert found[0]["records"][0]["_id"] == stored["_id"]
    assert (found[0]["records"][0]["Name"], found[0]["records"][0]["Amount"]) == ("A", 2)
    parents, children = state(family)
    assert [(row["Code"], row["Amount"]) for row in parents] == [
        ("a", 2), ("b", 3), ("c", None), ("d", None), ("e", None)
    ]  # fmt: skip
    assert [row["Name"] for row in children] == ["updated", "inserted"]
    counts = results(run(family, *batch[:4], prefer="return=minimal"))
    assert counts[0] == {"nInserted": 0, "nUpdated": 2, "nIgnored": 0}
    assert counts[3] == {"nInserted": 0, "nUpdated": 0, "nIgnored": 2}
    dry = good(run(family, *batch[:1], more={"dryRun": True}))
    assert dry["results"] == [{"nInserted": 0, "nUpdated": 2, "nIgnored": 0}]


def test_refused_upserts_in_a_batch(family: Bot, workspace: Workspace) -> None:
    first = insert("parents", {"Code": "a"})
    refused(
        run(family, first, upsert("parents", [{"Code": "x"}, {"Code": "x"}])),
        422,
        "duplicate_key",
        "/operations/1/data/0/Code",
    )
    wrong = upsert("parents", {"Code": "x"}) | {"onConflict": {"columns": ["Name"], "action": "update"}}
    refused(run(family, first, wrong), 400, "invalid_body", "/operations/1/onConflict/columns")
    wrong["onConflict"] = {"columns": [1], "action": "update"}
    answer = run(family, first, wrong)
    refused(answer, 400, "invalid_body", "/operations/1/onConflict/columns/0")
    assert '"onConflict.columns[0]" must be a string; got a number.' in answer.json()["errors"][0]["msg"]
    refused(
        run(family, first, upsert("parents", {"Code": "a"}, "error")),
        409,
        "unique_violation",
        "/operations/1/data/Code",
    )
    writer = workspace.bot({"parents": "w"})
    refused(run(writer, first, upsert("parents", {"Code": "a"})), 403, "forbidden", "/operations/1")
    assert results(run(writer, upsert("parents", {"Code": "a"}, "ignore")))[0]["outcomes"] == ["inserted"]
    assert results(run(writer, upsert("parents", {"Code": "a"}, "ignore")))[0]["records"] == [None]
    assert total(family, "parents") == 1
