"""Changes of stored cells: ``$inc`` and ``$append`` in the data of an update."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, pointers, problem, records, rows
from definitions import Made, column, index, table
from expressions import EVERYTHING, where

from support.bot import Bot
from support.engines import first_on_each

MAX_INTEGER, MAX_EXACT = 2**63 - 1, 2**53 - 1
MAX_DOUBLE = 1.7976931348623157e308
LONGEST_INDEXED = 2600
MIB = 1024 * 1024

COLUMNS = (
    column("Key", isRequired=True),
    column("Amount", "number"),
    column("Stock", "integer", default=7),
    column("Price", "decimal"),
    column("Note"),
    column("Tag", maxLength=5),
    column("Code"),
    column("Is_New", "boolean"),
    column("At", "date"),
    column("Any", "json"),
    column("Secret", isEncrypted=True),
    column("Secret_Count", "integer", isEncrypted=True),
)


@pytest.fixture
def bot(made: Made) -> Bot:
    indexes = (index("by_key", "Key", unique=True), index("by_code", "Code"))
    return made(table("goods", *COLUMNS, indexes=indexes))


def stored(bot: Bot, **cells: Any) -> dict[str, Any]:
    """A stored row with these cells."""
    record: dict[str, Any] = good(bot.insert("goods", {"Key": "a", **cells}))
    return record


def changed(bot: Bot, **changes: Any) -> dict[str, Any]:
    """The one row, changed; it must be as the update answers it."""
    (record,) = records(bot.update("goods", EVERYTHING, changes))
    assert rows(bot.query("goods")) == [record]
    return record


def refused(bot: Bot, change: Any, status: int, code: str, **where_: str) -> dict[str, Any]:
    """The refusal of a change of one column; nothing may be changed by it."""
    before = rows(bot.query("goods"))
    ((name, _),) = change.items()
    found = problem(bot.update("goods", EVERYTHING, change), status, code, where_.get("at", f"/data/{name}"))
    assert rows(bot.query("goods")) == before
    return found


@pytest.mark.parametrize(
    ("name", "before", "operand", "after"),
    [
        ("Stock", 5, 3, 8),
        ("Stock", 5, -8, -3),
        ("Stock", 5, "2", 7),
        ("Stock", 5, 1e2, 105),
        ("Stock", None, 4, 4),
        ("Stock", MAX_INTEGER - 1, 1, MAX_INTEGER),
        ("Stock", -MAX_INTEGER, -1, -MAX_INTEGER - 1),
        ("Stock", -MAX_INTEGER - 1, MAX_INTEGER, -1),
        ("Stock", MAX_INTEGER, -MAX_INTEGER - 1, -1),
        ("Amount", 5, 3, 8),
        ("Amount", 5, 0.5, 5.5),
        ("Amount", 5.5, -0.5, 5),
        ("Amount", 0.1, 0.2, 0.1 + 0.2),
        ("Amount", None, 2.5, 2.5),
        ("Amount", None, "-2", -2),
        ("Amount", MAX_EXACT - 1, 1, MAX_EXACT),
        ("Amount", 1e300, 1e300, 2e300),
        ("Amount", 1e300, 1, 1e300),
        ("Amount", MAX_DOUBLE, -MAX_DOUBLE, 0),
        ("Amount", MAX_DOUBLE, 1e290, MAX_DOUBLE),
        ("Amount", 5e-324, 5e-324, 1e-323),
        ("Amount", 5e-324, -5e-324, 0),
        ("Price", "1.50", "1.5", "3.00"),
        ("Price", "1.50", -1.5, "0.00"),
        ("Price", "1.5", "0.005", "1.505"),
        ("Price", None, "-0.10", "-0.10"),
        ("Price", "9" * 38, "1", "1" + "0" * 38),
        ("Price", "1" + "0" * 998, "1" + "0" * 998, "2" + "0" * 998),
        ("Price", "-5", "0.0", "-5.0"),
        ("Price", "0.0", "-0.0", "0.0"),
        ("Price", "0.1", 2, "2.1"),
        ("Note", "ab", "cd", "abcd"),
        ("Note", None, "x", "x"),
        ("Note", "x", "", "x"),
        ("Note", "", "😀'\"\n%", "😀'\"\n%"),
        ("Tag", "ab", "😀😀😀", "ab😀😀😀"),
        ("Code", "x" * (LONGEST_INDEXED - 1), "x", "x" * LONGEST_INDEXED),
    ],
)
def test_changes_a_cell(bot: Bot, name: str, before: Any, operand: Any, after: Any) -> None:
    stored(bot, **{name: before})
    change = "$append" if name in ("Note", "Tag", "Code") else "$inc"
    found = changed(bot, **{name: {change: operand}})[name]
    assert (found, type(found)) == (after, type(after))


def test_a_result_is_compared_and_sorted_like_any_other_value(bot: Bot) -> None:
    records(
        bot.bulk(
            "goods",
            [{"Key": key, "Price": price} for key, price in zip("abc", ("9", "-1", "1.0"), strict=True)],
        )
    )
    assert good(bot.update("goods", EVERYTHING, {"Price": {"$inc": "1.50"}}))["nModified"] == 3
    assert [row["Key"] for row in rows(bot.query("goods", {"sort": [{"field": "Price"}]}))] == ["b", "c", "a"]
    assert [row["Key"] for row in rows(bot.query("goods", {"query": where("Price", "=", 10.5)}))] == ["a"]


def test_several_changes_and_values_in_one_update(bot: Bot) -> None:
    records(
        bot.bulk("goods", [{"Key": "a", "Stock": 1, "Price": "1"}, {"Key": "b", "Stock": 10, "Note": "n"}])
    )
    data = {
        "stock": {"$inc": 1},
        "Price": {"$inc": "0.1"},
        "note": {"$append": "!"},
        "Amount": {"$inc": 1},
        "Tag": "set",
        "At": "2020-03-28",
        "Secret": "open",
    }
    found = records(bot.update("goods", EVERYTHING, data))
    assert [
        [row[name] for name in ("Stock", "Price", "Note", "Amount", "Tag", "Secret")] for row in found
    ] == [
        [2, "1.1", "!", 1, "set", "open"],
        [11, "0.1", "n!", 1, "set", "open"],
    ]
    assert rows(bot.query("goods")) == found


def test_null_counts_as_zero_and_not_as_the_default(bot: Bot) -> None:
    assert stored(bot, Stock=None)["Stock"] is None
    assert changed(bot, Stock={"$inc": 1})["Stock"] == 1


def test_a_required_column_is_changed(bot: Bot) -> None:
    stored(bot)
    assert changed(bot, Key={"$append": "b"})["Key"] == "ab"


def test_one_row_by_its_id(bot: Bot) -> None:
    first, second = records(bot.bulk("goods", [{"Key": "a", "Stock": 1}, {"Key": "b", "Stock": 1}]))
    (found,) = records(bot.update("goods", where("_id", "=", first["_id"]), {"Stock": {"$inc": 1}}))
    assert found["Stock"] == 2
    assert rows(bot.query("goods")) == [found, second]
    response = bot.update("goods", where("_id", "=", first["_id"]), {"Stock": {"$inc": MAX_INTEGER}})
    assert first["_id"] in problem(response, 422, "invalid_value", "/data/Stock")["detail"]


def test_the_filter_sees_the_row_as_it_was(bot: Bot) -> None:
    records(bot.bulk("goods", [{"Key": key, "Stock": at} for at, key in enumerate("abc")]))
    assert good(bot.update("goods", where("Stock", ">=", 1), {"Stock": {"$inc": -1}}))["nModified"] == 2
    assert [row["Stock"] for row in rows(bot.query("goods"))] == [0, 0, 1]


def test_minimal_and_no_row(bot: Bot) -> None:
    stored(bot, Stock=1)
    response = bot.update("goods", EVERYTHING, {"Stock": {"$inc": 1}}, prefer="return=minimal")
    assert good(response) == {"nModified": 1}
    assert good(bot.update("goods", where("Key", "=", "z"), {"Stock": {"$inc": MAX_INTEGER}})) == {
        "records": [],
        "nModified": 0,
    }
    assert rows(bot.query("goods"))[0]["Stock"] == 2


def test_a_bound_undoes_a_change(bot: Bot) -> None:
    records(bot.bulk("goods", [{"Key": key, "Stock": 1} for key in "abc"]))
    body = {"query": EVERYTHING, "data": {"Stock": {"$inc": 1}}, "maxAffected": 2}
    problem(bot.request("PUT", "/api/public/tables/goods", json=body), 409, "affected_out_of_bounds")
    assert [row["Stock"] for row in rows(bot.query("goods"))] == [1, 1, 1]


def test_a_repeated_request_under_a_key_adds_once(bot: Bot) -> None:
    stored(bot, Stock=1)
    key = {"Idempotency-Key": "k"}
    first = bot.update("goods", EVERYTHING, {"Stock": {"$inc": 1}}, headers=key)
    again = bot.update("goods", EVERYTHING, {"Stock": {"$inc": 1}}, headers=key)
    assert good(again) == good(first)
    assert rows(bot.query("goods"))[0]["Stock"] == 2


@pytest.mark.parametrize(
    ("name", "before", "operand"),
    [
        ("Stock", MAX_INTEGER, 1),
        ("Stock", -MAX_INTEGER - 1, -1),
        ("Stock", MAX_INTEGER - 6, 7),
        ("Stock", -MAX_INTEGER - 1, -MAX_INTEGER - 1),
        ("Amount", MAX_EXACT, 1),
        ("Amount", -MAX_EXACT, -1),
        ("Amount", MAX_DOUBLE, MAX_DOUBLE),
        ("Amount", -MAX_DOUBLE, -MAX_DOUBLE),
        ("Amount", MAX_DOUBLE, 1e300),
        ("Price", "9" * 38, "0.1"),
        ("Price", "1" + "0" * 998, "0." + "0" * 900 + "1"),
        ("Price", "9" + "0" * 999, "1" + "0" * 999),
        ("Tag", "abcde", "f"),
        ("Tag", "abc", "😀😀😀"),
        ("Code", "x" * LONGEST_INDEXED, "x"),
        ("Code", "é" * (LONGEST_INDEXED // 2), "é"),
    ],
)
def test_a_result_that_does_not_fit_changes_nothing(bot: Bot, name: str, before: Any, operand: Any) -> None:
    # the row that does not fit is not the first
    records(bot.bulk("goods", [{"Key": "a"}, {"Key": "b", name: before}, {"Key": "c"}]))
    change = "$append" if name in ("Tag", "Code") else "$inc"
    bad = rows(bot.query("goods"))[1]["_id"]
    found = refused(bot, {name: {change: operand}}, 422, "invalid_value")
    for part in (f"Column {name} must ", change, bad, "Nothing was changed."):
        assert part in found["detail"]
    # with another column, the same is named
    data = {"Stock" if name != "Stock" else "Amount": {"$inc": 1}, name: {change: operand}}
    problem(bot.update("goods", where("Key", "=", "b"), data), 422, "invalid_value", f"/data/{name}")
    # and the near name that was sent
    near = name.lower()
    response = bot.update("goods", where("Key", "=", "b"), {near: {change: operand}})
    problem(response, 422, "invalid_value", f"/data/{near}")


def test_an_operand_that_does_not_fit_the_column(bot: Bot) -> None:
    refused(bot, {"Tag": {"$append": "abcdef"}}, 422, "invalid_value")
    refused(bot, {"Stock": {"$inc": MAX_INTEGER + 1}}, 422, "invalid_value")
    refused(bot, {"Amount": {"$inc": MAX_EXACT + 1}}, 422, "invalid_value")
    refused(bot, {"Price": {"$inc": "1" * 39}}, 422, "invalid_value")


def test_texts_stop_at_the_size_of_a_row(bot: Bot) -> None:
    stored(bot, Note="x" * (5 * MIB))
    assert len(changed(bot, Note={"$append": "y" * (2 * MIB)})["Note"]) == 7 * MIB
    found = refused(bot, {"Note": {"$append": "z" * (2 * MIB)}}, 422, "invalid_value")
    assert "max_row_bytes" in found["detail"]


@first_on_each(
    ("change", "part"),
    [
        ({"Stock": {"$inc": 1.5}}, "must be a whole number"),
        ({"Stock": {"$inc": None}}, "must be a whole number"),
        ({"Stock": {"$inc": ""}}, "must be a whole number"),
        ({"Stock": {"$inc": True}}, "must be a whole number"),
        ({"Stock": {"$inc": [1]}}, "must be a whole number"),
        ({"Amount": {"$inc": "many"}}, 'got "many"'),
        ({"Amount": {"$inc": {"$inc": 1}}}, "must be a number"),
        ({"Price": {"$inc": None}}, "must be a decimal number"),
        ({"Price": {"$inc": "NaN"}}, "must be a decimal number"),
        ({"Note": {"$append": 5}}, "must be a string"),
        ({"Note": {"$append": None}}, "must be a string"),
        ({"Note": {"$append": "a\x00"}}, "U+0000"),
        ({"Note": {"$inc": 1}}, "is of type string"),
        ({"Stock": {"$append": "1"}}, "is of type integer"),
        ({"Is_New": {"$inc": 1}}, "is of type boolean"),
        ({"At": {"$inc": 1}}, "which is for number, integer or decimal."),
        ({"At": {"$append": "Z"}}, "which is for string."),
        ({"Stock": {"$inc": 1, "$append": "x"}}, "takes one change"),
        ({"Stock": {"$inc": 1, "by": "x"}}, "takes one change"),
        ({"Stock": {"by": "x", "$inc": 1}}, "takes one change"),
        ({"Stock": {"$dec": 1}}, '$inc or $append; got "$dec"'),
        ({"Stock": {"$": 1}}, '$inc or $append; got "$"'),
        ({"Stock": {"$INC": 1}}, '$inc or $append; got "$INC"'),
        ({"Stock": {"inc": 1}}, "got an object"),
        ({"Stock": {}}, "got an object"),
        ({"Secret": {"$foo": 1}}, "takes the changes"),
    ],
)
def test_changes_that_cannot_be_made(bot: Bot, change: dict[str, Any], part: str) -> None:
    stored(bot, Stock=1)
    assert part in refused(bot, change, 422, "invalid_value")["detail"]


@pytest.mark.parametrize("change", [{"Secret": {"$append": "x"}}, {"Secret_Count": {"$inc": 1}}])
def test_encrypted_columns_are_only_set(bot: Bot, change: dict[str, Any]) -> None:
    stored(bot, Secret="s", Secret_Count=1)
    assert "encrypted" in refused(bot, change, 400, "invalid_body")["detail"]


@pytest.mark.parametrize("value", [{"$inc": 1}, {"$append": "x"}, {"$foo": {"$inc": None}}])
def test_they_are_plain_values_in_a_json_column(bot: Bot, value: dict[str, Any]) -> None:
    assert stored(bot, Any=value)["Any"] == value
    assert changed(bot, Any=value)["Any"] == value


@pytest.mark.parametrize("name", ["_id", "Updated_On"])
def test_system_columns_cannot_be_changed(bot: Bot, name: str) -> None:
    stored(bot)
    refused(bot, {name: {"$append": "x"}}, 400, "system_column")


@pytest.mark.parametrize(
    "change", [{"Stock": {"$inc": 1}}, {"Note": {"$append": "x"}}, {"Price": {"$inc": 1}}]
)
def test_inserts_take_no_changes(bot: Bot, change: dict[str, Any]) -> None:
    ((name, _),) = change.items()
    found = problem(bot.insert("goods", {"Key": "a", **change}), 422, "invalid_value", f"/data/{name}")
    assert "only for updates and for upserts" in found["detail"]
    found = problem(
        bot.bulk("goods", [{"Key": "a"}, {"Key": "b", **change}]), 422, "invalid_value", f"/data/1/{name}"
    )
    assert found["detail"].startswith("Row 1: ")
    problem(bot.insert("goods", {"Key": "a", name: {"$foo": 1}}), 422, "invalid_value", f"/data/{name}")
    assert rows(bot.query("goods")) == []


def test_all_errors_of_changes_are_listed(bot: Bot) -> None:
    data = {"Stock": {"$inc": "x"}, "Secret": {"$append": "x"}, "Note": {"$inc": 1}, "Amount": {"$inc": 1}}
    found = problem(bot.update("goods", EVERYTHING, data), 422, "invalid_value", "/data/Stock")
    assert pointers(found) == ["/data/Stock", "/data/Secret", "/data/Note"]


def test_a_unique_key_that_another_row_has(bot: Bot) -> None:
    records(bot.bulk("goods", [{"Key": "a"}, {"Key": "ab"}]))
    before = rows(bot.query("goods"))
    response = bot.update("goods", where("Key", "=", "a"), {"Key": {"$append": "b"}})
    assert "During this update" in problem(response, 409, "unique_violation", "/data")["detail"]
    assert rows(bot.query("goods")) == before
    (found,) = records(bot.update("goods", where("Key", "=", "a"), {"Key": {"$append": "c"}}))
    assert found["Key"] == "ac"


@pytest.fixture
def family(made: Made) -> Bot:
    """Parents with unique codes and numbers, and children that refer to them."""
    keys = index("by_code", "Code", unique=True), index("by_number", "Number", unique=True)
    bot = made(
        table("parents", column("Code"), column("Number", "integer"), indexes=keys),
        table(
            "children",
            column("Parent", reference={"table": "parents", "column": "Code"}),
            column("Number", "integer", reference={"table": "parents", "column": "Number"}),
            column("Row", reference={"table": "parents", "column": "sys_Id"}),
        ),
    )
    records(bot.bulk("parents", [{"Code": "a", "Number": 1}, {"Code": "ab", "Number": 2}]))
    records(bot.bulk("children", [{"Parent": "a", "Number": 1}]))
    return bot


def test_a_reference_is_changed_if_the_result_exists(family: Bot) -> None:
    data = {"Parent": {"$append": "b"}, "Number": {"$inc": 1}}
    (found,) = records(family.update("children", EVERYTHING, data))
    assert (found["Parent"], found["Number"]) == ("ab", 2)


@pytest.mark.parametrize("change", [{"Parent": {"$append": "z"}}, {"Number": {"$inc": 7}}])
def test_a_reference_to_nothing_is_refused(family: Bot, change: dict[str, Any]) -> None:
    before = rows(family.query("children"))
    ((name, _),) = change.items()
    problem(family.update("children", EVERYTHING, change), 409, "reference_violation", f"/data/{name}")
    assert rows(family.query("children")) == before


@pytest.mark.parametrize("change", [{"Code": {"$append": "z"}}, {"Number": {"$inc": 7}}])
def test_a_key_that_rows_refer_to_is_not_changed(family: Bot, change: dict[str, Any]) -> None:
    before = rows(family.query("parents"))
    ((name, _),) = change.items()
    query = where("Code", "=", "a")
    problem(family.update("parents", query, change), 409, "still_referenced", f"/data/{name}")
    assert rows(family.query("parents")) == before


def test_a_reference_to_a_row_is_only_set(family: Bot) -> None:
    found = problem(family.update("children", EVERYTHING, {"Row": {"$append": "z"}}), 422, "invalid_value")
    assert "references sys_Id" in found["detail"]
