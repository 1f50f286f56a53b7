"""Unique indexes over the Data API: what counts as the same, and how a violation is told."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, pointers, problem, records, rows, total
from definitions import Made, column, index, table
from expressions import EVERYTHING, where

from support.bot import Bot
from support.workspace import Workspace


def table_of(made: Made, *columns: dict[str, Any], keys: tuple[tuple[str, ...], ...]) -> Bot:
    """A table ``keyed`` with these columns and a unique index over each of ``keys``."""
    indexes = tuple(index(f"key_{i}", *names, unique=True) for i, names in enumerate(keys))
    return made(table("keyed", *columns, indexes=indexes))


SAME: list[tuple[str, Any, Any]] = [
    ("string", "a", "a"),
    ("string", "", ""),
    ("string", "😀", "😀"),
    ("number", 1, 1.0),
    ("number", 1, "1e0"),
    ("number", 0, -0.0),
    ("number", 0.1, "0.1"),
    ("number", 1e300, 1e300),
    ("integer", 2**63 - 1, str(2**63 - 1)),
    ("integer", 1000, 1e3),
    ("boolean", True, "TRUE"),
    ("boolean", False, False),
    ("date", "2020-01-01", "2020-01-01T01:00:00+01:00"),
    ("date", 0, "1970-01-01T00:00:00.0009Z"),
]

OTHER: list[tuple[str, Any, Any]] = [
    ("string", "a", "A"),
    ("string", "a", "a "),
    ("string", "é", "e\u0301"),
    ("string", "ß", "ẞ"),
    ("string", "1", "1.0"),
    ("string", "", " "),
    ("number", 0.1, 0.10000000000000002),
    ("number", 2**53 - 1, 2**53 - 2),
    ("number", 0, 5e-324),
    ("integer", 2**63 - 1, 2**63 - 2),
    ("integer", 2**53, 2**53 + 1),
    ("boolean", True, False),
    ("date", 0, 1),
]


@pytest.mark.parametrize(("kind", "one", "other"), SAME)
def test_the_same_key(made: Made, kind: str, one: Any, other: Any) -> None:
    bot = table_of(made, column("Key", kind), keys=(("Key",),))
    good(bot.insert("keyed", {"Key": one}))
    refusal = problem(bot.insert("keyed", {"Key": other}), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data")
    problem(bot.bulk("keyed", [{"Key": other}]), 409, "unique_violation")
    good(bot.insert("keyed", {}))
    problem(bot.update("keyed", where("Key", "is null"), {"Key": other}), 409, "unique_violation")
    assert total(bot, "keyed") == 2


def test_the_same_encrypted_decimal(made: Made) -> None:
    columns = column("Key", "decimal", isEncrypted=True), column("Code")
    bot = table_of(made, *columns, keys=(("Key",), ("Code",)))
    path = "/api/public/tables/keyed/bulk"
    rows_of = [{"Key": "1", "Code": "a"}, {"Key": "2.50", "Code": "b"}, {"Key": 2.5, "Code": "c"}]
    problem(bot.bulk("keyed", rows_of), 409, "unique_violation", "/data/2/Key")
    partial = bot.request("POST", path, json={"data": rows_of, "mode": "partial"})
    assert partial.status_code == 207, partial.text
    assert [error["pointer"] for error in partial.json()["errors"]] == ["/data/2/Key"]
    upsert = {"data": [{"Key": 3, "Code": "d"}, {"Key": "3.0", "Code": "e"}]}
    on_code = {"onConflict": {"columns": ["Code"], "action": "update"}}
    problem(bot.request("POST", path, json=upsert | on_code), 409, "unique_violation", "/data/1/Key")


@pytest.mark.parametrize(("kind", "one", "other"), OTHER)
def test_another_key(made: Made, kind: str, one: Any, other: Any) -> None:
    bot = table_of(made, column("Key", kind), keys=(("Key",),))
    assert len(records(bot.bulk("keyed", [{"Key": one}, {"Key": other}]))) == 2


@pytest.mark.parametrize("kind", ["string", "number", "integer", "boolean", "date"])
def test_any_number_of_empty_cells(made: Made, kind: str) -> None:
    bot = table_of(made, column("Key", kind), column("Note"), keys=(("Key",),))
    good(bot.insert("keyed", {}))
    good(bot.insert("keyed", {"Key": None}))
    records(bot.bulk("keyed", [{}, {"Key": None}, {}]))
    assert good(bot.update("keyed", EVERYTHING, {"Key": None, "Note": "x"}))["nModified"] == 5


@pytest.fixture
def pairs(made: Made) -> Bot:
    """Unique over Left and Right together, Right descending; and over Number alone."""
    columns = column("Left"), column("Right"), column("Number", "number")
    return table_of(made, *columns, keys=(("Left", "-Right"), ("Number",)))


def test_several_columns_are_one_key(pairs: Bot) -> None:
    for left, right in (("a", "b"), ("b", "a"), ("a", "a"), ("ab", ""), ("", "ab")):
        good(pairs.insert("keyed", {"Left": left, "Right": right}))
    problem(pairs.insert("keyed", {"Left": "a", "Right": "b"}), 409, "unique_violation")
    problem(pairs.update("keyed", where("Left", "=", "b"), {"Left": "a"}), 409, "unique_violation")
    assert total(pairs, "keyed") == 5


def test_a_key_with_an_empty_cell_never_conflicts(pairs: Bot) -> None:
    data = [{"Left": "a"}, {"Left": "a"}, {"Right": "a"}, {"Right": "a"}, {}, {}]
    assert len(records(pairs.bulk("keyed", data))) == 6


def test_each_of_two_indexes_holds(pairs: Bot) -> None:
    good(pairs.insert("keyed", {"Left": "a", "Right": "b", "Number": 1}))
    problem(pairs.insert("keyed", {"Left": "x", "Right": "y", "Number": 1}), 409, "unique_violation")
    problem(pairs.insert("keyed", {"Left": "a", "Right": "b", "Number": 2}), 409, "unique_violation")
    data = [{"Number": 5}, {"Number": 6}, {"Left": "a", "Right": "b"}, {"Number": 7}]
    refusal = problem(pairs.bulk("keyed", data), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/2")
    assert total(pairs, "keyed") == 1


def test_the_refusal_names_the_columns(pairs: Bot) -> None:
    good(pairs.insert("keyed", {"Number": 1}))
    assert "Number" in problem(pairs.insert("keyed", {"Number": 1}), 409, "unique_violation")["detail"]


def test_a_key_is_free_again_after_its_row_goes(pairs: Bot) -> None:
    good(pairs.insert("keyed", {"Number": 1}))
    good(pairs.delete("keyed", where("Number", "=", 1)))
    good(pairs.insert("keyed", {"Number": 1}))
    good(pairs.update("keyed", where("Number", "=", 1), {"Number": 2}))
    good(pairs.insert("keyed", {"Number": 1}))


def test_minimal_writes_are_refused_alike(pairs: Bot) -> None:
    good(pairs.insert("keyed", {"Number": 1}, prefer="return=minimal"))
    problem(pairs.insert("keyed", {"Number": 1}, prefer="return=minimal"), 409, "unique_violation")
    data = [{"Number": i} for i in (5, 4, 3, 2, 1, 0)]
    refusal = problem(pairs.bulk("keyed", data, prefer="return=minimal"), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/4")
    good(pairs.insert("keyed", {"Number": 2}, prefer="return=minimal"))
    problem(
        pairs.update("keyed", EVERYTHING, {"Number": 1}, prefer="return=minimal"), 409, "unique_violation"
    )
    assert [row["Number"] for row in rows(pairs.query("keyed"))] == [1, 2]


def test_the_first_violation_of_a_large_bulk_stores_nothing(pairs: Bot) -> None:
    data = [{"Number": i} for i in range(20_000)]
    data[19_999] = {"Number": 17}
    refusal = problem(pairs.bulk("keyed", data, prefer="return=minimal"), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/19999")
    assert total(pairs, "keyed") == 0


TAKEN = {"One": "a", "Two": 2, "Left": "c", "Right": "c", "Boss": "nobody"}
"""Cells that break one rule each: the keys of other rows in three indexes, and a missing row."""
FREE = {"One": "x", "Two": 9, "Left": "x", "Right": "x", "Boss": None}
BROKEN: list[tuple[tuple[str, ...], str, str, str]] = [
    (("One", "Two", "Left", "Right", "Boss"), "unique_violation", "/One", "key_0"),
    (("Two", "Left", "Right", "Boss"), "unique_violation", "/Two", "key_1"),
    (("Left", "Right", "Boss"), "unique_violation", "", "key_2"),
    (("Boss",), "reference_violation", "/Boss", "nobody"),
]


@pytest.fixture
def ruled(made: Made) -> Bot:
    bot = made(
        table(
            "ruled",
            column("Id"),
            column("One"),
            column("Two", "integer"),
            column("Left"),
            column("Right"),
            column("Boss", reference={"table": "ruled", "column": "Id"}),
            indexes=(
                index("key", "Id", unique=True),
                index("key_0", "One", unique=True),
                index("key_1", "Two", unique=True),
                index("key_2", "Left", "Right", unique=True),
            ),
        )
    )
    stored = [
        {"Id": id_, "One": id_, "Two": at, "Left": id_, "Right": id_}
        for at, id_ in enumerate(("a", "b", "c"), 1)
    ]
    good(bot.bulk("ruled", stored))
    return bot


@pytest.mark.parametrize(("names", "code", "pointer", "told"), BROKEN)
def test_a_row_that_breaks_several_rules(
    ruled: Bot, names: tuple[str, ...], code: str, pointer: str, told: str
) -> None:
    """The first of the unique indexes is named, in the order of the definition, then the reference."""
    row = FREE | {name: TAKEN[name] for name in names} | {"Id": "new"}
    other = FREE | {"Id": "other", "One": "y", "Two": 8, "Left": "y", "Right": "y"}
    keyed = {"onConflict": {"columns": ["Id"], "action": "update"}}
    ignoring = {"onConflict": {"columns": ["Id"], "action": "ignore"}}
    path = "/api/public/tables/ruled"
    for body in ({}, keyed, ignoring, {"dryRun": True}):
        refused = problem(ruled.request("POST", path, json={"data": row, **body}), 409, code)
        assert pointers(refused) == [f"/data{pointer}"]
        assert told in refused["detail"]
    operations = [{"op": "insert", "table": "ruled", "data": row}]
    refused = problem(ruled.request("POST", "/api/public/batch", json={"operations": operations}), 409, code)
    assert pointers(refused) == [f"/operations/0/data{pointer}"]
    for body in ({}, ignoring):
        refused = problem(
            ruled.request("POST", f"{path}/bulk", json={"data": [other, row], **body}), 409, code
        )
        assert pointers(refused) == [f"/data/1{pointer}"]
        assert told in refused["detail"]
    # the row that is updated keeps what the upsert does not bring
    brought = {name: row[name] for name in (*names, "Id")} | {"Id": "b"}
    problem(ruled.request("POST", path, json={"data": brought, **keyed}), 409, code)
    assert total(ruled, "ruled") == 3


def test_an_upsert_that_ignores_lists_all_conflicts_in_another_index(ruled: Bot) -> None:
    rows = [FREE | {"Id": f"new{at}", "One": f"new{at}", "Two": at} for at in (1, 5, 2)]
    body = {"data": rows, "onConflict": {"columns": ["Id"], "action": "ignore"}}
    refused = problem(ruled.request("POST", "/api/public/tables/ruled/bulk", json=body), 409)
    assert pointers(refused) == ["/data/0/Two", "/data/2/Two"]


def test_an_index_may_name_system_columns(workspace: Workspace) -> None:
    """Unique for each writer: two apps may hold one Code, one app may not hold it twice."""
    indexes = (index("by_writer", "Created_By", "Code", unique=True), index("newest", "-Created_On", "Code"))
    workspace.create_table(table("keyed", column("Code"), indexes=indexes))
    one, two = workspace.bot({"keyed": "rwd"}), workspace.bot({"keyed": "rwd"})
    good(one.insert("keyed", {"Code": "a"}))
    good(two.insert("keyed", {"Code": "a"}))
    problem(two.insert("keyed", {"Code": "a"}), 409, "unique_violation")
    assert len(rows(one.query("keyed", {"sort": [{"field": "Created_On", "order": "desc"}]}))) == 2


CHANGED: list[tuple[tuple[str, ...], str]] = [
    (("One", "Two", "Left"), "One"),
    (("Two", "Left"), "Two"),
    (("Left", "Two"), "Two"),
    (("Left",), "Left and Right"),
]


@pytest.mark.parametrize(("names", "told"), CHANGED)
@pytest.mark.parametrize("ids", [["b"], ["b", "c"]])
def test_an_update_that_breaks_several_indexes(
    made: Made, names: tuple[str, ...], told: str, ids: list[str]
) -> None:
    """The first one in the definition is named, however many rows it would change."""
    columns = [column("Id"), column("One"), column("Two", "integer"), column("Left"), column("Right")]
    bot = table_of(made, *columns, keys=(("One",), ("Two",), ("Left", "Right")))
    stored = [
        {"Id": id_, "One": id_, "Two": at, "Left": id_, "Right": "r"} for at, id_ in enumerate("abc", 1)
    ]
    good(bot.bulk("keyed", stored))
    data = {name: {"One": "a", "Two": 1, "Left": "a"}[name] for name in names}
    body = {"query": where("Id", "in", ids), "data": data}
    refused = problem(bot.request("PUT", "/api/public/tables/keyed", json=body), 409, "unique_violation")
    assert f"the same {told}," in refused["detail"]
    operation = {"op": "update", "table": "keyed", **body}
    refused = problem(bot.request("POST", "/api/public/batch", json={"operations": [operation]}), 409)
    assert f"the same {told}," in refused["detail"]


TYPED = {
    "Text": ("string", "x", "y"),
    "Whole": ("integer", 2**53 + 1, 7),
    "Number": ("number", 0.1, 7),
    "Exact": ("decimal", "1.50", "2"),
    "Is": ("boolean", True, False),
    "Day": ("date", "2020-01-01", "2021-01-01"),
    "Secret": ("string", "hidden", "other"),
}


def test_an_update_of_an_index_that_was_added_later(workspace: Workspace) -> None:
    """The engines look at it last, or first; it is the first of the definition. Each type is compared."""
    typed = [column(name, kind, isEncrypted=name == "Secret") for name, (kind, *_) in TYPED.items()]
    columns = [column("Id"), column("Two", "integer"), column("Kept"), *typed]
    later = index("by_two", "Two", unique=True)
    workspace.create_table(table("keyed", *columns, indexes=(later,)))
    indexes = (index("by_all", "Kept", *TYPED, unique=True), later)
    changed = table("keyed", *columns, indexes=indexes)
    good(workspace.admin.put(f"{workspace.path}/tables/keyed", json=changed))
    bot = workspace.bot({"keyed": "rwd"})
    one, other = ({name: each[at] for name, each in TYPED.items()} for at in (1, 2))
    good(bot.bulk("keyed", [{"Id": "a", "Two": 1, "Kept": "k", **one}, {"Id": "b", "Two": 2, "Kept": "k"}]))
    for cells, told in ((one, "by_all"), (other, "by_two"), (one | {"Day": None}, "by_two")):
        refused = problem(bot.update("keyed", where("Id", "=", "b"), {"Two": 1, **cells}), 409)
        assert f"the index {told} is unique" in refused["detail"]
