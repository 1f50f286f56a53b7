"""Upserts: inserts that ignore or update the stored row with the same key (contract, section 7.2)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import SYSTEM_COLUMNS, good, pointers, problem, rows, total
from definitions import AllAtOnce, Made, column, index, table
from expressions import where

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace

ITEMS = table(
    "items",
    column("Code", "string"),
    column("Name", "string", isRequired=True),
    column("Amount", "integer"),
    column("Note", "string", default="none"),
    column("Mail", "string"),
    column("Text", "string"),
    indexes=(
        index("by_code", "Code", unique=True),
        index("by_mail", "Mail", unique=True),
        index("by_both", "Name", "Amount", unique=True),
        index("by_note", "Note"),
    ),
)
OWN = ("Code", "Name", "Amount", "Note", "Mail", "Text")
CREATED = ("Created_On", "Created_By", "_id", "sys_Id")


@pytest.fixture
def items(made: Made) -> Bot:
    return made(ITEMS)


def on(*columns: str, action: str = "update") -> dict[str, Any]:
    return {"onConflict": {"columns": list(columns), "action": action}}


def send(bot: Bot, data: Any, options: dict[str, Any], name: str = "items", **kw: Any) -> httpx.Response:
    path = f"/api/public/tables/{name}" + ("/bulk" if isinstance(data, list) else "")
    return bot.request("POST", path, json={"data": data, **options}, **kw)


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in SYSTEM_COLUMNS}


def stored(bot: Bot, name: str = "items") -> list[dict[str, Any]]:
    return rows(bot.query(name, {}, sys_limit=1000))


def item(code: str | None, name: str, amount: int | None = None, note: str | None = "none") -> dict[str, Any]:
    return {"Code": code, "Name": name, "Amount": amount, "Note": note, "Mail": None, "Text": None}


def test_a_row_is_inserted_then_updated(items: Bot) -> None:
    first = good(send(items, {"Code": "a", "Name": "A", "Amount": 1}, on("Code")))
    assert first["outcomes"] == ["inserted"]
    assert own(first["records"][0]) == item("a", "A", 1)
    assert first["records"] == stored(items)
    second = good(send(items, {"Code": "a", "Amount": 2}, on("Code")))
    assert list(second) == ["records", "outcomes"]
    assert second["outcomes"] == ["updated"]
    before, after = first["records"][0], second["records"][0]
    assert list(after) == [*OWN, *SYSTEM_COLUMNS]
    assert own(after) == item("a", "A", 2)
    assert [after[name] for name in CREATED] == [before[name] for name in CREATED]
    assert after["Updated_On"] > before["Updated_On"]
    assert second["records"] == stored(items)


@pytest.mark.parametrize("action", ["error", "ignore", "update"])
def test_a_single_row_and_an_array_have_the_same_response(items: Bot, action: str) -> None:
    one = good(send(items, {"Code": "a", "Name": "A"}, on("Code", action=action)))
    many = good(send(items, [{"Code": "b", "Name": "B"}], on("Code", action=action)))
    array = good(
        items.request(
            "POST",
            "/api/public/tables/items",
            json={"data": [{"Code": "c", "Name": "C"}], **on("Code", action=action)},
        )
    )
    for response in (one, many, array):
        assert list(response) == ["records", "outcomes"]
        assert response["outcomes"] == ["inserted"]
    assert one["records"] + many["records"] + array["records"] == stored(items)


@pytest.mark.parametrize("action", ["error", "ignore", "update"])
def test_minimal_responses_are_counts(items: Bot, action: str) -> None:
    minimal = "return=minimal"
    good(send(items, [{"Code": "a", "Name": "A"}], on("Code")))
    counts = {"error": (1, 0, 0), "ignore": (1, 0, 1), "update": (1, 1, 0)}[action]
    data = [{"Code": "b", "Name": "B"}] + ([{"Code": "a"}] if action != "error" else [])
    response = send(items, data, on("Code", action=action), prefer=minimal)
    assert good(response) == dict(zip(("nInserted", "nUpdated", "nIgnored"), counts, strict=True))
    assert response.headers["preference-applied"] == minimal
    if action != "error":
        alone = good(send(items, {"Code": "a"}, on("Code", action=action), prefer=minimal))
        assert alone == {
            "nInserted": 0,
            "nUpdated": int(action == "update"),
            "nIgnored": int(action == "ignore"),
        }


def test_a_bulk_keeps_the_order_of_the_request(items: Bot) -> None:
    good(send(items, [{"Code": code, "Name": code} for code in "bd"], on("Code")))
    data = [{"Code": code, "Name": code, "Amount": at} for at, code in enumerate("edcba")]
    response = good(send(items, data, on("Code")))
    assert response["outcomes"] == ["inserted", "updated", "inserted", "updated", "inserted"]
    assert [own(record) for record in response["records"]] == [
        item(code, code, at) for at, code in enumerate("edcba")
    ]
    assert sorted(response["records"], key=lambda record: record["_id"]) == stored(items)
    new = [
        record["_id"]
        for record, outcome in zip(response["records"], response["outcomes"], strict=True)
        if outcome == "inserted"
    ]
    assert new == sorted(new)


def test_rows_change_only_what_they_bring(items: Bot) -> None:
    good(send(items, [item(code, code, at, "old") for at, code in enumerate("abcde")], on("Code")))
    data = [
        {"Code": "a"},
        {"Code": "b", "Amount": 10},
        {"Code": "c", "Amount": None, "Note": "new"},
        {"Note": None, "Code": "d", "Name": "D"},
        {"Code": "f", "Name": "F"},
        {"Code": "g", "Name": "G", "Note": None},
    ]
    response = good(send(items, data, on("Code")))
    assert response["outcomes"] == ["updated"] * 4 + ["inserted"] * 2
    assert [own(record) for record in response["records"]] == [
        item("a", "a", 0, "old"),
        item("b", "b", 10, "old"),
        item("c", "c", None, "new"),
        item("d", "D", 3, None),
        item("f", "F", None, "none"),
        item("g", "G", None, None),
    ]
    assert [own(row) for row in stored(items)][4] == item("e", "e", 4, "old")


def test_values_are_read_as_in_inserts(items: Bot) -> None:
    good(send(items, [{"code": "a", "NAME": "A", "amount": "7"}, {"Code": "b", "Name": "B"}], on("code")))
    response = good(send(items, [{"code": "a", "amount": "8"}, {"Code": "b", "Amount": 9}], on("CODE")))
    assert [record["Amount"] for record in response["records"]] == [8, 9]
    assert good(send(items, {"c-ode": "a", "Amount": "9"}, on("Code")))["records"][0]["Amount"] == 9


# required columns


def test_a_row_without_a_required_column_can_update(items: Bot) -> None:
    good(send(items, {"Code": "a", "Name": "A"}, on("Code")))
    refusal = problem(send(items, {"Code": "b", "Amount": 1}, on("Code")), 422, "missing_value", "/data/Name")
    assert "Name is required" in refusal["detail"]
    data = [{"Code": "b", "Name": "B"}, {"Code": "x"}, {"Code": "a", "Amount": 1}, {"Code": None}, {}]
    refusal = problem(send(items, data, on("Code")), 422, "missing_value")
    assert pointers(refusal) == ["/data/1/Name", "/data/3/Name", "/data/4/Name"]
    assert total(items, "items") == 1
    mixed = [{"Code": "b", "Name": "B"}, {"Code": "a", "Amount": 1}]
    assert good(send(items, mixed, on("Code")))["outcomes"] == ["inserted", "updated"]
    assert good(send(items, {"Code": "a", "Amount": 2}, on("Code")))["outcomes"] == ["updated"]


def test_null_in_a_required_column_is_always_refused(items: Bot) -> None:
    good(send(items, {"Code": "a", "Name": "A"}, on("Code")))
    for action in ("update", "ignore"):
        options = on("Code", action=action)
        problem(send(items, {"Code": "a", "Name": None}, options), 422, "missing_value", "/data/Name")
        problem(send(items, [{"Code": "a", "Name": None}], options), 422, "missing_value", "/data/0/Name")


def test_ignore_of_a_stored_row_needs_no_required_column(items: Bot) -> None:
    before = good(send(items, {"Code": "a", "Name": "A"}, on("Code")))["records"]
    ignore = on("Code", action="ignore")
    assert good(send(items, {"Code": "a"}, ignore)) == {"records": before, "outcomes": ["ignored"]}
    problem(send(items, {"Code": "b"}, ignore), 422, "missing_value", "/data/Name")
    problem(send(items, [{"Code": "a"}, {"Code": "b"}], ignore), 422, "missing_value", "/data/1/Name")
    response = good(send(items, [{"Code": "b", "Name": "B"}, {"Code": "a"}], ignore))
    assert response["outcomes"] == ["inserted", "ignored"]
    assert response["records"][1] == before[0]
    assert good(send(items, [{"Code": "a"}], ignore, prefer="return=minimal"))["nIgnored"] == 1
    problem(send(items, [{"Code": "c"}], ignore, prefer="return=minimal"), 422, "missing_value")


# keys


def test_a_null_key_never_conflicts(items: Bot) -> None:
    data = [item(None, "A"), item(None, "A"), {"Name": "A"}]
    for action in ("update", "ignore"):
        assert good(send(items, data, on("Code", action=action)))["outcomes"] == ["inserted"] * 3
        assert good(send(items, data[0], on("Code", action=action)))["outcomes"] == ["inserted"]
        partly = [{"Name": "A", "Amount": None}, {"Name": "A"}]
        assert good(send(items, partly, on("Name", "Amount", action=action)))["outcomes"] == ["inserted"] * 2
    assert total(items, "items") == 12


def test_a_key_of_several_columns_in_any_order(items: Bot) -> None:
    data = {"Name": "A", "Amount": 1, "Note": "x"}
    assert good(send(items, data, on("Name", "Amount")))["outcomes"] == ["inserted"]
    response = good(send(items, data | {"Note": "y"}, on("Amount", "Name")))
    assert (response["outcomes"], response["records"][0]["Note"]) == (["updated"], "y")
    assert good(send(items, [data | {"Amount": 2}, data], on("Amount", "Name")))["outcomes"] == [
        "inserted",
        "updated",
    ]


@pytest.mark.parametrize(
    ("columns", "code", "pointer"),
    [
        (["Note"], "invalid_body", "/onConflict/columns"),
        (["Name"], "invalid_body", "/onConflict/columns"),
        (["Code", "Mail"], "invalid_body", "/onConflict/columns"),
        ([], "invalid_body", "/onConflict/columns"),
        (["Created_On"], "invalid_body", "/onConflict/columns"),
        (["_id"], "invalid_body", "/onConflict/columns/0"),
        (["Code", "sys_Id"], "invalid_body", "/onConflict/columns/1"),
        (["Code", "Kode"], "unknown_column", "/onConflict/columns/1"),
        (["Code", "code"], "duplicate_column", "/onConflict/columns/1"),
    ],
)
@first_on_each("action", ["error", "ignore", "update"])
def test_other_columns_are_refused(
    items: Bot, columns: list[str], code: str, pointer: str, action: str
) -> None:
    for data in ({"Code": "a", "Name": "A"}, []):
        refusal = problem(send(items, data, on(*columns, action=action)), 400, code, pointer)
        if code == "invalid_body":
            assert "by_code (Code), by_mail (Mail), by_both (Name, Amount)" in refusal["detail"]
    assert total(items, "items") == 0


def test_a_table_without_a_unique_index(workspace: Workspace) -> None:
    workspace.create_table(table("plain", column("Code", "string"), indexes=(index("i", "Code"),)))
    bot = workspace.bot({"plain": "rwd"})
    refusal = problem(
        send(bot, {"Code": "a"}, on("Code"), "plain"), 400, "invalid_body", "/onConflict/columns"
    )
    assert "has no unique index" in refusal["detail"]


@pytest.mark.parametrize("action", ["error", "ignore", "update"])
def test_two_rows_with_one_key_are_refused(items: Bot, action: str) -> None:
    data = [item(code, f"{code}{at}") for at, code in enumerate(["a", "b", "a", "c", "b", None, None, "a"])]
    refusal = problem(send(items, data, on("Code", action=action)), 422, "duplicate_key")
    assert pointers(refusal) == [f"/data/{at}/Code" for at in (0, 1, 2, 4, 7)]
    assert "Row 2" in refusal["detail"]
    both = [{"Name": "A", "Amount": 1}, {"Amount": 1, "Name": "A"}]
    refusal = problem(send(items, both, on("Name", "Amount", action=action)), 422, "duplicate_key")
    assert pointers(refusal) == ["/data/0", "/data/1"]
    assert total(items, "items") == 0


def test_keys_differ_by_case(items: Bot) -> None:
    data = [item("a", "A"), item("A", "A")]
    assert good(send(items, data, on("Code")))["outcomes"] == ["inserted"] * 2


SAME: list[tuple[str, Any, Any]] = [
    ("string", "😀", "😀"),
    ("number", 1, "1.0"),
    ("number", 0, -0.0),
    ("integer", 2**63 - 1, str(2**63 - 1)),
    ("decimal", "1.50", 1.5),
    ("decimal", "0", "-0.0"),
    ("boolean", True, "TRUE"),
    ("date", "2020-01-01", "2020-01-01T01:00:00+01:00"),
]


@pytest.fixture(scope="module")
def keyed_by_each_type(all_at_once: AllAtOnce) -> Bot:
    """An app for a table with a key of each type, as it is and encrypted."""
    return all_at_once(
        [
            table(
                f"{kind}_{encrypted}",
                column("Key", kind, isEncrypted=encrypted),
                column("N", "integer"),
                indexes=(index("k", "Key", unique=True),),
            )
            for kind in dict.fromkeys(kind for kind, *_ in SAME)
            for encrypted in (False, True)
        ]
    )


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_equal_keys_of_each_type(
    keyed_by_each_type: Bot, kind: str, one: Any, other: Any, encrypted: bool
) -> None:
    bot, keyed = keyed_by_each_type, f"{kind}_{encrypted}"
    good(bot.delete(keyed, {"all": True}))
    problem(send(bot, [{"Key": one}, {"Key": other}], on("Key"), keyed), 422, "duplicate_key")
    assert good(send(bot, {"Key": one, "N": 1}, on("Key"), keyed))["outcomes"] == ["inserted"]
    assert good(send(bot, {"Key": other, "N": 2}, on("Key"), keyed))["outcomes"] == ["updated"]
    again = good(send(bot, [{"Key": one}, {"N": 3}], on("Key"), keyed))
    assert again["outcomes"] == ["updated", "inserted"]
    assert again["records"][0]["N"] == 2
    ignored = good(send(bot, {"Key": other, "N": 5}, on("Key", action="ignore"), keyed))
    assert ignored == {"records": [again["records"][0]], "outcomes": ["ignored"]}
    assert stored(bot, keyed) == again["records"]


def test_the_scale_of_a_decimal_key_is_the_last_one(workspace: Workspace) -> None:
    workspace.create_table(
        table("keyed", column("Key", "decimal"), indexes=(index("k", "Key", unique=True),))
    )
    bot = workspace.bot({"keyed": "rwd"})
    for data in ({"Key": "1.50"}, [{"Key": "1.5"}], {"Key": "1.500"}):
        sent = data[0] if isinstance(data, list) else data
        assert [own(row) for row in good(send(bot, data, on("Key"), "keyed"))["records"]] == [sent]
    assert total(bot, "keyed") == 1


def test_a_default_in_the_key(workspace: Workspace) -> None:
    key = column("Key", "string", default="main")
    workspace.create_table(
        table("keyed", key, column("N", "integer"), indexes=(index("k", "Key", unique=True),))
    )
    bot = workspace.bot({"keyed": "rwd"})
    assert good(send(bot, {"N": 1}, on("Key"), "keyed"))["outcomes"] == ["inserted"]
    assert good(send(bot, {"N": 2}, on("Key"), "keyed"))["outcomes"] == ["updated"]
    assert good(send(bot, [{"Key": "x"}, {"N": 3}], on("Key"), "keyed"))["outcomes"] == [
        "inserted",
        "updated",
    ]
    problem(send(bot, [{"Key": "main"}, {"N": 3}], on("Key"), "keyed"), 422, "duplicate_key")
    assert [own(row) for row in stored(bot, "keyed")] == [{"Key": "main", "N": 3}, {"Key": "x", "N": None}]


def test_a_system_column_in_the_key(workspace: Workspace) -> None:
    indexes = (index("k", "Code", "Created_By", unique=True),)
    workspace.create_table(table("keyed", column("Code", "string"), column("N", "integer"), indexes=indexes))
    first, second = (workspace.bot({"keyed": "rwd"}) for _ in range(2))
    options = on("Created_By", "Code")
    for bot in (first, second):
        assert good(send(bot, {"Code": "a", "N": 1}, options, "keyed"))["outcomes"] == ["inserted"]
        assert good(send(bot, {"Code": "a", "N": 2}, options, "keyed"))["outcomes"] == ["updated"]
        both = good(send(bot, [{"Code": "b"}, {"Code": "a", "N": 3}], options, "keyed"))
        assert both["outcomes"] == ["inserted", "updated"]
    assert total(first, "keyed") == 4


@pytest.mark.parametrize("name", ["excluded", "Excluded", "written", "locked", "touched", "sqlite_x"])
def test_tables_and_columns_with_the_names_of_statements(workspace: Workspace, name: str) -> None:
    names = ("Key", "excluded", "written", "locked", "ctid", "oid", "version", "total")
    columns = [column(each, "string") for each in names]
    workspace.create_table(table(name, *columns, indexes=(index("k", "Key", unique=True),)))
    bot = workspace.bot({name: "rwd"})
    good(send(bot, dict.fromkeys(names, "a"), on("Key"), name))
    good(send(bot, {"Key": "a", "ctid": "b", "excluded": "c"}, on("Key"), name))
    data = [{"Key": "a", "oid": "d"}, {"Key": "b"}, {"Key": "c", "locked": "e"}]
    response = good(send(bot, data, on("Key"), name))
    assert response["outcomes"] == ["updated", "inserted", "inserted"]
    assert own(response["records"][0]) == dict.fromkeys(names, "a") | {
        "ctid": "b",
        "excluded": "c",
        "oid": "d",
    }


# other constraints


def test_a_conflict_on_another_unique_index(items: Bot) -> None:
    good(send(items, [{"Code": code, "Name": code, "Mail": f"{code}@x"} for code in "abc"], on("Code")))
    for options in (on("Code"), on("Code", action="ignore")):
        clash = {"Code": "d", "Name": "D", "Mail": "a@x"}
        problem(send(items, clash, options), 409, "unique_violation", "/data/Mail")
        data = [{"Code": "a", "Mail": "a@x"}, {"Code": "e", "Name": "E"}, clash]
        problem(send(items, data, options), 409, "unique_violation", "/data/2/Mail")
    problem(send(items, {"Code": "b", "Mail": "a@x"}, on("Code")), 409, "unique_violation", "/data/Mail")
    data = [{"Code": "a", "Mail": "a@x"}, {"Code": "b", "Mail": "c@x"}, {"Code": "z", "Name": "Z"}]
    refusal = problem(send(items, data, on("Code")), 409, "unique_violation", "/data/1/Mail")
    assert "by_mail" in refusal["detail"]
    new = [{"Code": code, "Name": code, "Mail": "new@x"} for code in "yz"]
    problem(send(items, new, on("Code")), 409, "unique_violation", "/data/1/Mail")
    assert total(items, "items") == 3
    # the same row has both keys
    same = good(send(items, {"Code": "a", "Mail": "a@x", "Amount": 5}, on("Mail")))
    assert same["outcomes"] == ["updated"]


@pytest.mark.parametrize("is_batch", [False, True])
def test_a_row_can_take_the_value_that_a_row_before_it_gives_up(items: Bot, is_batch: bool) -> None:
    """Rows are written in their order, those without a required column last."""
    good(send(items, [{"Code": code, "Name": code, "Mail": f"{code}@x"} for code in "abc"], on("Code")))

    def sent(*data: dict[str, Any]) -> httpx.Response:
        if not is_batch:
            return send(items, list(data), on("Code"))
        operation = {"op": "bulk", "table": "items", "data": data, **on("Code")}
        return items.request("POST", "/api/public/batch", json={"operations": [operation]})

    data = [
        {"Code": "a", "Name": "A", "Mail": "n@x"},
        {"Code": "b", "Name": "B", "Mail": "a@x"},
        {"Code": "d", "Name": "D", "Mail": "b@x"},
        {"Code": "c", "Amount": 5},
    ]
    place = "/operations/0" if is_batch else ""
    problem(sent(*reversed(data)), 409, "unique_violation", f"{place}/data/1/Mail")
    answer = good(sent(*data))
    answer = answer["results"][0] if is_batch else answer
    assert answer["outcomes"] == ["updated", "updated", "inserted", "updated"]
    assert [row["Mail"] for row in answer["records"]] == ["n@x", "a@x", "b@x", "c@x"]
    assert [row["Mail"] for row in stored(items)] == ["n@x", "a@x", "c@x", "b@x"]


def test_error_refuses_stored_keys(items: Bot) -> None:
    good(send(items, {"Code": "a", "Name": "A"}, on("Code")))
    options = on("Code", action="error")
    problem(send(items, {"Code": "a", "Name": "A"}, options), 409, "unique_violation", "/data/Code")
    problem(send(items, [item("b", "B"), item("a", "A")], options), 409, "unique_violation", "/data/1/Code")
    problem(send(items, {"Code": "b"}, options), 422, "missing_value", "/data/Name")
    assert total(items, "items") == 1


def test_references(workspace: Workspace) -> None:
    parents = table(
        "parents",
        column("Code", "string"),
        column("N", "integer"),
        indexes=(index("k", "Code", unique=True),),
    )
    workspace.create_table(parents)
    children = table(
        "children",
        column("Key", "string"),
        column("Parent", "string", reference={"table": "parents", "column": "Code"}),
        column("Up", "string", reference={"table": "children", "column": "Key"}),
        column("Row", "string", reference={"table": "parents", "column": "sys_Id"}),
        indexes=(index("k", "Key", unique=True), index("p", "Parent", unique=True)),
    )
    workspace.create_table(children)
    bot = workspace.bot({"parents": "rwd", "children": "rwd"})
    parent = good(send(bot, [{"Code": code} for code in "ab"], on("Code"), "parents"))["records"][0]
    name = "children"
    # rows of one request in any order, also to stored rows
    data = [{"Key": "x", "Up": "y", "Parent": "a"}, {"Key": "y", "Up": "x", "Row": parent["sys_Id"]}]
    for _ in range(2):
        response = good(send(bot, data, on("Key"), name))
    assert response["outcomes"] == ["updated"] * 2
    assert response["records"][1]["Row"] == parent["sys_Id"]
    problem(send(bot, {"Key": "x", "Up": "none"}, on("Key"), name), 409, "reference_violation", "/data/Up")
    problem(
        send(bot, {"Key": "z", "Parent": "none"}, on("Key"), name), 409, "reference_violation", "/data/Parent"
    )
    bad = [{"Key": "x"}, {"Key": "y", "Parent": "none"}]
    problem(send(bot, bad, on("Key"), name), 409, "reference_violation", "/data/1/Parent")
    # a column as the key that is a reference
    moved = good(send(bot, {"Parent": "a", "Key": "x", "Up": None}, on("Parent"), name))
    assert moved["outcomes"] == ["updated"]
    problem(send(bot, {"Parent": "a", "Key": "new"}, on("Parent"), name), 409, "still_referenced", "/data")
    assert good(send(bot, [{"Code": "a", "N": 1}], on("Code"), "parents"))["outcomes"] == ["updated"]


# rights


def test_rights(workspace: Workspace) -> None:
    workspace.create_table(ITEMS)
    full, writer, reader = (workspace.bot({"items": rights}) for rights in ("rw", "w", "r"))
    row = {"Code": "a", "Name": "A"}
    before = good(send(full, row, on("Code")))["records"]
    problem(send(writer, row, on("Code")), 403, "forbidden")
    problem(send(reader, row, on("Code")), 403, "forbidden")
    ignore = on("Code", action="ignore")
    problem(send(reader, row, ignore), 403, "forbidden")
    assert good(send(writer, row, ignore)) == {"records": [None], "outcomes": ["ignored"]}
    assert good(send(full, row, ignore)) == {"records": before, "outcomes": ["ignored"]}
    mixed = (
        good(send(writer, [row, {"Code": "b", "Name": "B"}, {"Code": "a"}], ignore))
        if False
        else good(send(writer, [row, {"Code": "b", "Name": "B"}], ignore))
    )
    assert mixed["outcomes"] == ["ignored", "inserted"]
    assert mixed["records"][0] is None
    assert own(mixed["records"][1]) == item("b", "B")
    assert good(send(writer, {"Code": "a"}, ignore)) == {"records": [None], "outcomes": ["ignored"]}
    problem(send(writer, {"Code": "zz"}, ignore), 422, "missing_value")
    assert good(send(writer, {"Code": "c", "Name": "C"}, on("Code", action="error")))["outcomes"] == [
        "inserted"
    ]


def test_created_by_stays(workspace: Workspace) -> None:
    workspace.create_table(ITEMS)
    first, second = (workspace.bot({"items": "rw"}) for _ in range(2))
    data = [item("a", "A"), item("b", "B")]
    before = good(send(first, data, on("Code")))["records"]
    after = good(send(second, data, on("Code")))["records"]
    for one, other in zip(before, after, strict=True):
        assert [other[name] for name in CREATED] == [one[name] for name in CREATED]
        assert other["Updated_By"] != one["Updated_By"]
        assert other["Updated_On"] > one["Updated_On"]


def test_updated_on_always_increases(items: Bot) -> None:
    moments = []
    for at in range(6):
        data: Any = {"Code": "a", "Name": "A"}
        response = send(items, [data, {"Code": "b", "Name": "B"}] if at % 2 else data, on("Code"))
        moments.append(good(response)["records"][0]["Updated_On"])
    assert moments == sorted(set(moments))


# retries and sizes


@pytest.mark.parametrize("action", ["error", "ignore", "update"])
@pytest.mark.parametrize("minimal", [False, True])
@pytest.mark.parametrize("many", [False, True])
def test_an_idempotency_key(items: Bot, action: str, minimal: bool, many: bool) -> None:
    if action != "error":
        good(send(items, {"Code": "a", "Name": "A"}, on("Code")))
    data: Any = {"Code": "a", "Name": "A", "Amount": 1}
    if many:
        data = [data, {"Code": "b", "Name": "B"}]
    headers = {"Idempotency-Key": f"once {action} {minimal} {many}"}
    prefer = "return=minimal" if minimal else None
    first, second = (
        send(items, data, on("Code", action=action), headers=headers, prefer=prefer) for _ in range(2)
    )
    assert good(first) == good(second)
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = send(items, {"Code": "b", "Name": "B"}, on("Code", action=action), headers=headers)
    problem(other, 422, "idempotency_key_reused")


def test_a_refused_upsert_leaves_its_key_free(items: Bot) -> None:
    headers = {"Idempotency-Key": "k"}
    problem(send(items, {"Code": "a"}, on("Code"), headers=headers), 422, "missing_value")
    problem(send(items, [{"Code": "a"}, {"Code": "b"}], on("Code"), headers=headers), 422, "missing_value")
    assert good(send(items, item("a", "A"), on("Code"), headers=headers))["outcomes"] == ["inserted"]


@pytest.mark.parametrize("key", [None, "large"])
def test_large_records_are_encoded_in_parts(items: Bot, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency-Key": key}
    data = [{"Code": str(at), "Name": "x", "Text": "x" * 20_000} for at in range(120)]
    assert good(send(items, data, on("Code")))["outcomes"] == ["inserted"] * 120
    more = {"Name": "y", "Text": "y" * 20_000}
    data = [{"Code": str(at), "Amount": at, **(more if at >= 120 else {})} for at in range(0, 240, 2)]
    response = good(send(items, data, on("Code"), headers=headers))
    assert response["outcomes"] == ["updated"] * 60 + ["inserted"] * 60
    assert [record["Amount"] for record in response["records"]] == list(range(0, 240, 2))
    if key is not None:
        replayed = good(send(items, data, on("Code"), headers=headers))
        assert replayed == {"nInserted": 60, "nUpdated": 60, "nIgnored": 0}


def test_many_rows_return_counts(items: Bot) -> None:
    data = [{"Code": str(at), "Name": "x", "Amount": at} for at in range(10_001)]
    assert good(send(items, data, on("Code"))) == {"nInserted": 10_001, "nUpdated": 0, "nIgnored": 0}
    assert good(send(items, data, on("Code", action="ignore")))["nIgnored"] == 10_001
    data[5000]["Amount"] = None
    del data[7000]["Name"]
    data.append({"Code": "new"})
    refusal = problem(send(items, data, on("Code")), 422, "missing_value")
    assert pointers(refusal) == ["/data/10001/Name"]
    problem(send(items, data, on("Code", action="ignore")), 422, "missing_value", "/data/10001/Name")
    data[-1]["Name"] = "new"
    assert good(send(items, data, on("Code"))) == {"nInserted": 1, "nUpdated": 10_001, "nIgnored": 0}
    assert total(items, "items", where("Amount", "is null")) == 2


def test_no_rows(items: Bot) -> None:
    for action in ("error", "ignore", "update"):
        assert good(send(items, [], on("Code", action=action))) == {"records": [], "outcomes": []}
        minimal = good(send(items, [], on("Code", action=action), prefer="return=minimal"))
        assert minimal == {"nInserted": 0, "nUpdated": 0, "nIgnored": 0}


def test_documents_and_moments_are_returned_as_stored(workspace: Workspace) -> None:
    columns = [
        column("Key", "string"),
        *(column(kind, kind) for kind in ("json", "date", "number", "decimal", "boolean")),
    ]
    workspace.create_table(table("kinds", *columns, indexes=(index("k", "Key", unique=True),)))
    bot = workspace.bot({"kinds": "rw"})
    values = {
        "json": {"a": [1.5, None]},
        "date": "2020-03-28T07:02:09.652Z",
        "number": 263,
        "decimal": "1.50",
        "boolean": True,
    }
    good(send(bot, [{"Key": "a", **values}, {"Key": "b"}], on("Key"), "kinds"))
    for data in (
        {"Key": "a"},
        [{"Key": "a"}],
        [{"Key": "b", **values}, {"Key": "a", "json": None}],
        {"Key": "b", **values},
    ):
        response = good(send(bot, data, on("Key"), "kinds"))
        assert own(response["records"][0]) == {"Key": response["records"][0]["Key"], **values}


def test_mode_is_only_for_arrays(items: Bot) -> None:
    row = {"Code": "a", "Name": "A"}
    for mode in ("atomic", "partial"):
        problem(send(items, row, {"mode": mode}), 400, "invalid_body", "/mode")
    assert good(send(items, [row], {"mode": "atomic", "dryRun": False, **on("Code")}))["outcomes"] == [
        "inserted"
    ]
