"""References: foreign keys, from a definition to what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, good, problem, records
from definitions import AllAtOnce, column, index, table

from support.bot import Bot
from support.workspace import Workspace


def refers(to: str, name: str) -> dict[str, Any]:
    return {"reference": {"table": to, "column": name}}


KINDS: dict[str, list[Any]] = {
    "string": ["a", "b", "no such"],
    "number": [1, 2.5, 99],
    "integer": [2**60, -1, 99],
    "date": ["2020-03-28T00:00:00.000Z", "2021-03-28T00:00:00.000Z", "1999-01-01T00:00:00.000Z"],
    "decimal": ["1.50", "-2", "99.9"],
}


def by(name: str, value: Any) -> dict[str, Any]:
    return {"expressions": [{"field": name, "operand": "=", "value": value}]}


@pytest.fixture
def shop(workspace: Workspace) -> Bot:
    """Customers with a unique name, orders that refer to them, and people who refer to each other."""
    unique = (index("by_name", "Name", unique=True),)
    workspace.create_table(table("customers", column("Name"), column("City"), indexes=unique))
    workspace.create_table(
        table("orders", column("Customer", **refers("customers", "Name")), column("Total", "decimal"))
    )
    workspace.create_table(
        table("staff", column("Name"), column("Boss", **refers("staff", "Name")), indexes=unique)
    )
    return workspace.bot(dict.fromkeys(("customers", "orders", "staff"), "rwd"))


def test_what_is_not_there_is_refused_by_row_column_and_value(shop: Bot) -> None:
    good(shop.insert("customers", [{"Name": "Ann"}, {"Name": "Bob"}]))
    assert (
        len(records(shop.bulk("orders", [{"Customer": "Ann"}, {"Customer": None}, {"Customer": "Ann"}]))) == 3
    )
    rows = [{"Customer": "Bob"}, {"Customer": "Ann"}, {"Customer": "Cid"}]
    refusal = problem(shop.bulk("orders", rows), 409, "reference_violation", "/data/2/Customer")
    assert refusal["detail"] == 'Row 2: Customer "Cid" does not exist in customers.Name.'
    problem(shop.insert("orders", {"Customer": "ann"}), 409, "reference_violation", "/data/Customer")
    problem(
        shop.update("orders", by("Customer", "Ann"), {"Customer": "Cid"}),
        409,
        "reference_violation",
        "/data/Customer",
    )
    assert found(shop, "orders", {}, "Customer") == ["Ann", None, "Ann"]


def test_what_is_referred_to_stays(shop: Bot) -> None:
    good(shop.insert("customers", [{"Name": "Ann"}, {"Name": "Bob"}]))
    good(shop.insert("orders", {"Customer": "Ann"}))
    refusal = problem(shop.delete("customers", {"all": True}), 409, "still_referenced", "/query")
    assert "orders.Customer" in refusal["detail"]
    problem(
        shop.update("customers", by("Name", "Ann"), {"Name": "Anna"}), 409, "still_referenced", "/data/Name"
    )
    good(shop.update("customers", by("Name", "Ann"), {"City": "Aachen"}))
    good(shop.delete("customers", by("Name", "Bob")))
    good(shop.delete("orders", by("Customer", "Ann")))
    good(shop.update("customers", by("Name", "Ann"), {"Name": "Anna"}))
    assert found(shop, "customers", {}, "Name") == ["Anna"]


def test_an_app_does_not_learn_which_table_refers(workspace: Workspace, shop: Bot) -> None:
    good(shop.insert("customers", {"Name": "Ann"}))
    good(shop.insert("orders", {"Customer": "Ann"}))
    bot = workspace.bot({"customers": "rwd"})
    query, data = {"all": True}, {"Name": "Anna"}

    def batch(**operation: Any) -> Any:
        body = {"operations": [operation | {"table": "customers", "query": query}]}
        return bot.request("POST", "/api/public/batch", json=body)

    refused = [
        (bot.delete("customers", query), "/query"),
        (bot.update("customers", query, data), "/data/Name"),
        (batch(op="delete"), "/operations/0/query"),
        (batch(op="update", data=data), "/operations/0/data/Name"),
    ]
    for response, where in refused:
        refusal = problem(response, 409, "still_referenced", where)
        assert "their Name is referenced by rows of another table." in refusal["detail"]
        assert not any(name in response.text for name in ("orders", "Customer"))
    # any grant makes the table visible, and what is visible is named
    workspace.create_table(table("a", column("Customer", **refers("customers", "Name"))))
    good(shop.update("customers", query, {"City": "Aachen"}))
    good(workspace.admin.post(f"{workspace.path}/data/tables/a", json={"data": {"Customer": "Ann"}}))
    workspace.grant(bot.client_id, "orders", "w")
    refusal = problem(bot.delete("customers", query), 409, "still_referenced")
    assert "referenced by orders.Customer." in refusal["detail"]


def test_an_app_does_not_learn_to_which_table_its_rows_refer(workspace: Workspace) -> None:
    names, codes = index("by_name", "Name", unique=True), index("by_code", "Code", unique=True)
    workspace.create_table(table("customers", column("Name"), indexes=(names,)))
    orders = table("orders", column("Code"), column("Buyer", **refers("customers", "Name")), indexes=(codes,))
    workspace.create_table(orders)
    bot = workspace.bot({"orders": "rwd"})
    good(bot.insert("orders", {"Code": "1"}))
    row = {"Code": "2", "Buyer": "Cid"}
    upsert = {"data": [row], "onConflict": {"columns": ["Code"], "action": "update"}}
    bulk, batch = "/api/public/tables/orders/bulk", "/api/public/batch"
    lines = {"content": b'{"Code":"2","Buyer":"Cid"}\n', "headers": {"Content-Type": "application/x-ndjson"}}

    def refusals() -> list[tuple[Any, int]]:
        operations = [
            {"op": "insert", "table": "orders", "data": row},
            {"op": "bulk", "table": "orders", **upsert},
            {"op": "update", "table": "orders", "query": {"all": True}, "data": {"Buyer": "Cid"}},
        ]
        return [
            (bot.insert("orders", row), 409),
            (bot.bulk("orders", [{}, row]), 409),
            (bot.update("orders", {"all": True}, {"Buyer": "Cid"}), 409),
            (bot.request("POST", bulk, json=upsert), 409),
            (bot.request("POST", bulk, json={"data": [row], "mode": "partial"}), 422),
            (bot.request("POST", bulk, json=upsert | {"mode": "partial"}), 422),
            (bot.request("POST", bulk, **lines), 409),
            (bot.request("POST", f"{bulk}?onConflict=Code&action=update", **lines), 409),
            (bot.request("POST", f"{bulk}?mode=partial", **lines), 422),
            *((bot.request("POST", batch, json={"operations": [each]}), 409) for each in operations),
        ]

    for response, status in refusals():
        assert response.status_code == status, response.text
        error = response.json()["errors"][0]
        assert error["code"] == "reference_violation"
        assert error["msg"].endswith('Buyer "Cid" does not exist in the column that it references.')
        assert not any(name in response.text for name in ("customers", "Name"))
    # any grant makes the table visible, and what is visible is named
    workspace.grant(bot.client_id, "customers", "w")
    for response, _ in refusals():
        assert 'Buyer \\"Cid\\" does not exist in customers.Name.' in response.text


def test_rows_of_a_bulk_refer_to_each_other_in_any_order(shop: Bot) -> None:
    rows = [{"Name": "Cid", "Boss": "Ann"}, {"Name": "Ann", "Boss": "Ann"}, {"Name": "Bob", "Boss": "Cid"}]
    assert len(records(shop.bulk("staff", rows))) == 3
    refusal = problem(
        shop.bulk("staff", [{"Name": "Dan", "Boss": "Eve"}, {"Name": "Fay"}]), 409, "reference_violation"
    )
    assert refusal["errors"][0]["pointer"] == "/data/0/Boss"
    outdone = {"Name": "Bo", "Boss": "Bob"}
    problem(shop.update("staff", by("Name", "Bob"), outdone), 409, "reference_violation", "/data/Boss")
    problem(shop.delete("staff", by("Name", "Ann")), 409, "still_referenced")
    assert good(shop.delete("staff", {"all": True})) == {"nDeleted": 3}


def test_ids_are_referred_to(workspace: Workspace) -> None:
    workspace.create_table(table("things", column("Name")))
    workspace.create_table(
        table("notes", column("Thing", **refers("things", "sys_Id")), column("Id", **refers("things", "_id")))
    )
    bot = workspace.bot({"things": "rwd", "notes": "rwd"})
    one, two = records(bot.bulk("things", [{"Name": "one"}, {"Name": "two"}]))
    note = good(bot.insert("notes", {"Thing": one["sys_Id"], "Id": two["_id"]}))
    assert (note["Thing"], note["Id"]) == (one["sys_Id"], two["_id"])
    for operand, value in (
        ("=", one["sys_Id"]),
        ("in", [one["sys_Id"], "x"]),
        ("starts with", "sys-"),
        ("<=", one["sys_Id"]),
    ):
        wish = {"expressions": [{"field": "Thing", "operand": operand, "value": value}]}
        assert found(bot, "notes", wish, "Thing") == [one["sys_Id"]], operand
    sorted_rows = good(bot.query("notes", {"sort": [{"field": "Thing"}]}))["queryResult"]
    assert sorted_rows == [note]
    for bad in ("sys-00000000-0000-8000-8000-000000000000", "nonsense", two["_id"]):
        problem(bot.insert("notes", {"Thing": bad}), 409, "reference_violation", "/data/Thing")
    problem(bot.delete("things", by("Name", "one")), 409, "still_referenced")
    (moved,) = records(bot.update("notes", {"all": True}, {"Thing": two["sys_Id"]}))
    assert moved["Thing"] == two["sys_Id"]


@pytest.fixture(scope="module")
def of_each_type(all_at_once: AllAtOnce) -> Bot:
    """An app for two tables of each type, of which one refers to the other."""
    unique = (index("by_key", "Key", unique=True),)
    there = [table(f"there_{kind}", column("Key", kind), indexes=unique) for kind in KINDS]
    here = [table(f"here_{kind}", column("To", kind, **refers(f"there_{kind}", "Key"))) for kind in KINDS]
    return all_at_once([*there, *here])


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_each_type_refer(of_each_type: Bot, kind: str) -> None:
    one, two, never = KINDS[kind]
    bot, there, here = of_each_type, f"there_{kind}", f"here_{kind}"
    good(bot.insert(there, [{"Key": one}, {"Key": two}]))
    assert [row["To"] for row in records(bot.bulk(here, [{"To": two}, {"To": one}]))] == [two, one]
    problem(bot.bulk(here, [{"To": one}, {"To": never}]), 409, "reference_violation", "/data/1/To")
    problem(bot.delete(there, by("Key", one)), 409, "still_referenced")


def test_definitions_say_what_refers(workspace: Workspace, shop: Bot) -> None:
    answer = good(workspace.admin.get(f"{workspace.path}/tables/orders"))
    assert answer["schemaDef"][0]["reference"] == {"table": "customers", "column": "Name"}
    listed = good(workspace.admin.get(f"{workspace.path}/tables"))["tables"]
    assert {t["name"]: t["schemaDef"][-1]["reference"] for t in listed}["staff"] == {
        "table": "staff",
        "column": "Name",
    }
    refusal = problem(workspace.admin.delete(f"{workspace.path}/tables/customers"), 409, "still_referenced")
    assert "orders.Customer" in refusal["detail"]
    workspace.drop_table("orders")
    workspace.drop_table("customers")
    workspace.drop_table("staff")
    loose = table("t", column("A"), column("B", **refers("t", "A")))
    refusal = problem(
        workspace.admin.post(f"{workspace.path}/tables", json=loose),
        400,
        "invalid_definition",
        "/schemaDef/1/reference",
    )
    assert "no unique index on A alone" in refusal["detail"]
