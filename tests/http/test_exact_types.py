"""Decimals and JSON values: exact on the way in, in the database, and on the way out."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, good, problem, records
from definitions import column, index, table

from support.bot import Bot
from support.workspace import Workspace

JSON = {"content-type": "application/json"}
TABLE = "/api/public/tables/exact"
DIGITS = "0.1234567890123456789012345678901234567"

IN_ORDER = [
    "-1" + "0" * 999, "-99999999999999999999999999999999999999", "-123", "-12.5", "-12", "-1.50", "-0.001",
    "0.00", "0." + "0" * 999 + "1", "0.1", "0.12", "1", "9.99", "10", "1" + "0" * 999,
]  # fmt: skip


@pytest.fixture
def exact(workspace: Workspace) -> Bot:
    unique = (index("by_key", "Key", unique=True), index("by_amount", "Amount"))
    workspace.create_table(
        table("exact", column("Label"), column("Amount", "decimal"), column("Key", "decimal"),
              column("Document", "json"), indexes=unique)
    )  # fmt: skip
    return workspace.bot({"exact": "rwd"})


def wish(operand: str, *value: Any) -> dict[str, Any]:
    return {"expressions": [{"field": "Amount", "operand": operand} | ({"value": value[0]} if value else {})]}


def test_decimals_compare_and_sort_as_numbers(exact: Bot) -> None:
    shuffled = IN_ORDER[::2] + IN_ORDER[1::2]
    good(exact.bulk("exact", [{"Amount": text} for text in shuffled] + [{}]))
    for order, expected in (("asc", [None, *IN_ORDER]), ("desc", [*reversed(IN_ORDER), None])):
        body = {"sort": [{"field": "Amount", "order": order}], "fields": ["Amount"]}
        seen, cursor = [], {}
        while True:
            page = good(exact.query("exact", body | cursor, sys_limit=4))
            seen += [row["Amount"] for row in page["queryResult"]]
            if not page["hasMore"]:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert seen == expected
    for at, text in enumerate(IN_ORDER):
        assert sorted(found(exact, "exact", wish("<", text), "Amount")) == sorted(IN_ORDER[:at])
        assert sorted(found(exact, "exact", wish(">=", text), "Amount")) == sorted(IN_ORDER[at:])
    assert found(exact, "exact", wish("=", 0), "Amount") == ["0.00"]
    assert found(exact, "exact", wish("in", [-1.5, "1e1"]), "Amount") == ["-1.50", "10"]
    assert len(found(exact, "exact", wish("between", [-12.5, 1]), "Amount")) == 9
    assert found(exact, "exact", wish("is null"), "Amount") == [None]


def test_decimals_are_unique_by_value_and_keep_their_scale(exact: Bot) -> None:
    assert good(exact.insert("exact", {"Key": "1.50"}))["Key"] == "1.50"
    problem(exact.insert("exact", {"Key": 1.5}), 409, "unique_violation", "/data/Key")
    problem(exact.bulk("exact", [{"Key": 7}, {"Key": "7.0"}]), 409, "unique_violation", "/data/1/Key")
    (row,) = records(exact.update("exact", {"all": True}, {"Key": "1.500"}))
    assert row["Key"] == "1.500"


def test_a_number_is_read_digit_by_digit(exact: Bot) -> None:
    row = f'{{"Amount": {DIGITS}, "Document": [1.10, 12345678901234567890123, 1e400]}}'
    sent = f'{{"data": [{row}]}}'
    answer = exact.request("POST", TABLE, content=sent, headers=JSON)
    assert f'"Amount":"{DIGITS}"' in answer.text
    for text in (answer.text, exact.query("exact").text):
        assert "1.10" in text
        assert "12345678901234567890123" in text
    query = f'{{"query":{{"expressions":[{{"field":"Amount","operand":"=","value":{DIGITS}}}]}}}}'
    found = exact.request("POST", f"{TABLE}/query", content=query, headers=JSON)
    assert good(found)["total"] == 1
    update = f'{{"query":{{"all":true}},"data":{{"Amount":-{DIGITS},"Document":{{"z":1,"a":2}}}}}}'
    changed = exact.request("PUT", TABLE, content=update, headers=JSON)
    assert f'"-{DIGITS}"' in changed.text
    assert '{"z":1,"a":2}' in changed.text


def test_json_values_come_back(exact: Bot) -> None:
    values: list[Any] = [
        {"$inc": 1},
        [],
        {},
        "",
        "text",
        0,
        False,
        {"deep": [[[[{"a": None}]]]]},
        "ŝ😀\u0000",
        None,
    ]
    answered = records(exact.bulk("exact", [{"Document": value} for value in values]))
    assert [row["Document"] for row in answered] == values
    assert [row["Document"] for row in good(exact.query("exact", sys_limit=100))["queryResult"]] == values
    for operand, count in (("is null", 1), ("is not null", len(values) - 1)):
        body = {"query": {"expressions": [{"field": "Document", "operand": operand}]}}
        assert good(exact.query("exact", body))["total"] == count
    for operand, value in (("=", {}), ("in", []), ("<", 1), ("contains", "a")):
        body = {"query": {"expressions": [{"field": "Document", "operand": operand, "value": value}]}}
        problem(exact.query("exact", body), 400, "invalid_filter", "/query/expressions/0/operand")
    problem(exact.query("exact", {"sort": [{"field": "Document"}]}), 400, "invalid_body", "/sort/0/field")
    problem(exact.insert("exact", {"Document": "x" * 1024 * 1024}), 422, "invalid_value", "/data/Document")
    twice = '{"data":{"Document":{"a":1,"a":2}}}'
    problem(
        exact.request("POST", TABLE, content=twice, headers=JSON),
        400,
        "repeated_key",
    )


def test_halves_and_wrong_bytes_are_refused(exact: Bot) -> None:
    for content in (
        b'{"data":{"Document":"\xff"}}',
        b'{"data":{"Document":"\\ud800"}}',
        b'{"data":{"Document":[1,}}',
        b'{"data":{"Amount":"\xff"}}',
    ):
        answer = exact.request("POST", TABLE, content=content, headers=JSON)
        assert answer.status_code in (400, 422), answer.text
    assert good(exact.query("exact"))["total"] == 0


def test_an_index_on_json_is_refused(workspace: Workspace) -> None:
    definition = table("bad", column("D", "json"), indexes=(index("by_d", "D"),))
    answer = workspace.admin.post(f"{workspace.path}/tables", json=definition)
    problem(answer, 400, "invalid_definition", "/indexes/0/columns/0/name")
