"""``$inc`` and ``$append`` in upserts that update: in a row that is inserted, they start from nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, pointers, problem, rows
from definitions import Made, column, index, table

from support.bot import Bot

MAX_INTEGER = 2**63 - 1
OWN = ("Code", "Stock", "Amount", "Price", "Note", "Other")


@pytest.fixture
def bot(made: Made) -> Bot:
    return made(
        table(
            "stock",
            column("Code", isRequired=True),
            column("Stock", "integer", default=7),
            column("Amount", "number"),
            column("Price", "decimal"),
            column("Note", maxLength=9, default="new"),
            column("Other", isRequired=True),
            column("Secret", isEncrypted=True),
            column("Any", "json"),
            column("Rank", "integer"),
            indexes=(index("by_code", "Code", unique=True), index("by_rank", "Rank", unique=True)),
        )
    )


def upsert(bot: Bot, data: Any, action: str = "update", **kw: Any) -> httpx.Response:
    body = {"data": data, "onConflict": {"columns": ["Code"], "action": action}}
    return bot.request(
        "POST", "/api/public/tables/stock" + ("/bulk" if isinstance(data, list) else ""), json=body, **kw
    )


def own(records: list[dict[str, Any]]) -> list[list[Any]]:
    return [[record[name] for name in OWN] for record in records]


CHANGES = {
    "Stock": {"$inc": 2},
    "Amount": {"$inc": "0.5"},
    "Price": {"$inc": "1.50"},
    "Note": {"$append": "ab"},
}


@pytest.mark.parametrize("many", [False, True])
def test_starts_from_nothing_and_then_from_the_stored_row(bot: Bot, many: bool) -> None:
    row = {"Code": "a", "Other": "o", **CHANGES}
    data = [row, row | {"Code": "b"}] if many else row
    codes = ["a", "b"] if many else ["a"]
    for turn in range(1, 4):
        answer = good(upsert(bot, data))
        assert answer["outcomes"] == ["inserted" if turn == 1 else "updated"] * len(codes)
        price = f"{1.5 * turn:.2f}"
        expected = [[code, 2 * turn, turn * 0.5, price, "ab" * turn, "o"] for code in codes]
        assert own(answer["records"]) == expected
        assert rows(bot.query("stock")) == answer["records"]


def test_rows_that_set_change_and_lack_a_column_together(bot: Bot) -> None:
    data = [{"Code": code, "Stock": 10, "Note": "x", "Price": "1", "Other": "o"} for code in "abcd"]
    good(upsert(bot, data))
    data = [
        {"Code": "a", "Stock": {"$inc": 1}, "Other": "p"},
        {"Code": "b", "Stock": 5, "Note": {"$append": "y"}},
        {"Code": "c", "Price": {"$inc": "-0.1"}},
        {"Code": "new", "Stock": {"$inc": 3}, "Price": "2", "Other": "n"},
    ]
    answer = good(upsert(bot, data))
    assert answer["outcomes"] == ["updated", "updated", "updated", "inserted"]
    assert own(answer["records"]) == [
        ["a", 11, None, "1", "x", "p"],
        ["b", 5, None, "1", "xy", "o"],
        ["c", 10, None, "0.9", "x", "o"],
        ["new", 3, None, "2", "new", "n"],
    ]
    assert own(rows(bot.query("stock", {"sort": [{"field": "Code"}]})))[3] == ["d", 10, None, "1", "x", "o"]
    # the sort key of a decimal is that of the result
    assert rows(bot.query("stock", {"sort": [{"field": "Price"}]}))[0]["Code"] == "c"


def test_a_row_that_lacks_a_required_column_changes_a_stored_one(bot: Bot) -> None:
    problem(upsert(bot, {"Code": "a", "Stock": {"$inc": 1}}), 422, "missing_value", "/data/Other")
    good(upsert(bot, {"Code": "a", "Other": "o"}))
    (record,) = good(upsert(bot, {"Code": "a", "Stock": {"$inc": 1}}))["records"]
    assert record["Stock"] == 8
    assert good(upsert(bot, {"Code": "a", "Stock": {"$inc": 1}}, prefer="return=minimal"))["nUpdated"] == 1
    assert rows(bot.query("stock"))[0]["Stock"] == 9


def test_a_changed_required_column_is_brought(bot: Bot) -> None:
    for expected in ("o", "oo"):
        (record,) = good(upsert(bot, {"Code": "a", "Other": {"$append": "o"}}))["records"]
        assert record["Other"] == expected


def test_under_a_key_it_is_added_once(bot: Bot) -> None:
    for _ in range(3):
        good(upsert(bot, {"Code": "a", "Other": "o", "Stock": {"$inc": 1}}, headers={"Idempotency-Key": "k"}))
    assert rows(bot.query("stock"))[0]["Stock"] == 1


@pytest.mark.parametrize(
    ("name", "before", "change"),
    [
        ("Stock", MAX_INTEGER, {"$inc": 1}),
        ("Amount", 2**53 - 1, {"$inc": 1}),
        ("Price", "9" * 38, {"$inc": "0.1"}),
        ("Note", "12345678", {"$append": "90"}),
    ],
)
def test_a_result_that_does_not_fit_changes_nothing(bot: Bot, name: str, before: Any, change: Any) -> None:
    good(upsert(bot, [{"Code": "a", "Other": "o"}, {"Code": "b", "Other": "o", name: before}]))
    stored = rows(bot.query("stock"))
    found = problem(
        upsert(bot, {"Code": "b", "Other": "o", name: change}), 422, "invalid_value", f"/data/{name}"
    )
    assert stored[1]["_id"] in found["detail"]
    problem(upsert(bot, {"Code": "b", name: change}), 422, "invalid_value", f"/data/{name}")
    data = [
        {"Code": "x", "Other": "o"},
        {"Code": "a", "Other": "o"},
        {"Code": "b", "Other": "o", name: change},
    ]
    found = problem(upsert(bot, data), 422, "invalid_value", f"/data/2/{name}")
    assert found["detail"].startswith("Row 2: ")
    data = [{"Code": "a", "Other": "o"}, {"Code": "b", name: change}]
    problem(upsert(bot, data), 422, "invalid_value", f"/data/1/{name}")
    assert rows(bot.query("stock")) == stored


@pytest.mark.parametrize("action", ["ignore", "error"])
def test_only_for_the_action_update(bot: Bot, action: str) -> None:
    row = {"Code": "a", "Other": "o", "Stock": {"$inc": 1}}
    found = problem(upsert(bot, row, action), 422, "invalid_value", "/data/Stock")
    assert '"update"' in found["detail"]
    problem(upsert(bot, [row], action), 422, "invalid_value", "/data/0/Stock")


def test_conflict_columns_are_not_changed(bot: Bot) -> None:
    row = {"Code": {"$append": "a"}, "Other": "o"}
    assert "conflict column" in problem(upsert(bot, row), 422, "invalid_value", "/data/Code")["detail"]
    found = problem(
        upsert(bot, [{"Code": "a", "Other": "o"}, row, row]), 422, "invalid_value", "/data/1/Code"
    )
    assert pointers(found) == ["/data/1/Code", "/data/2/Code"]


def test_errors_of_changes(bot: Bot) -> None:
    data = [
        {"Code": "a", "Stock": {"$inc": "x"}},
        {"Code": "b", "Secret": {"$append": "x"}},
        {"Code": "c", "Note": {"$append": "0123456789"}},
        {"Code": "d", "Any": {"$inc": 1}},
    ]
    found = problem(upsert(bot, data), 422, "invalid_value", "/data/0/Stock")
    assert pointers(found) == ["/data/0/Stock", "/data/1/Secret", "/data/2/Note"]
    (record,) = good(upsert(bot, {"Code": "d", "Other": "o", "Any": {"$inc": 1}}))["records"]
    assert record["Any"] == {"$inc": 1}


@pytest.mark.parametrize("many", [False, True])
def test_another_unique_index(bot: Bot, many: bool) -> None:
    good(upsert(bot, [{"Code": "a", "Other": "o", "Rank": 1}, {"Code": "b", "Other": "o", "Rank": 2}]))
    before = rows(bot.query("stock"))
    row = {"Code": "a", "Other": "o", "Rank": {"$inc": 1}}
    problem(upsert(bot, [{"Code": "b", "Other": "p"}, row] if many else row), 409, "unique_violation")
    assert rows(bot.query("stock")) == before


def test_many_rows(bot: Bot) -> None:
    """More than are decoded at once."""
    count = 10_000
    data = [{"Code": f"c{at}", "Other": "o", "Stock": {"$inc": at}} for at in range(count)]
    assert good(upsert(bot, data[: count // 2], prefer="return=minimal"))["nInserted"] == count // 2
    answer = good(upsert(bot, data, prefer="return=minimal"))
    assert (answer["nInserted"], answer["nUpdated"]) == (count - count // 2, count // 2)
    for at in (0, 7, count // 2 - 1, count // 2, count - 1):
        query = {"expressions": [{"field": "Code", "operand": "=", "value": f"c{at}"}]}
        (row,) = rows(bot.query("stock", {"query": query}))
        assert row["Stock"] == (2 * at if at < count // 2 else at)
