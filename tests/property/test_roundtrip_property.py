"""What is inserted comes back equal: from the insert, from a query, after an update; to each type's edge."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from arena import Arena, OpenTable, good
from hypothesis import given
from hypothesis import strategies as st

from oracle.columns import SYSTEM_COLUMNS
from oracle.edges import HELD, MONSTERS, NEVER_ANOTHER, REFUSED
from oracle.effort import examples
from oracle.filters import Record
from oracle.random_requests import OPERANDS
from oracle.strategies import Column, Table, rows, tables
from oracle.values import comparable
from support.engines import first_on_each

JSON = {"Content-Type": "application/json"}
TYPES = sorted(HELD)


COMPARED = [type_name for type_name in TYPES if "=" in OPERANDS[type_name]]


class Literal(str):
    """A JSON number as its digits stand in the answer."""

    def __repr__(self) -> str:
        return f"Literal({self})"


def literally(response: httpx.Response) -> Any:
    """The JSON of an answer that must be 200, its numbers as they are spelt."""
    good(response)
    return spelt(response.content)


def spelt(raw: str | bytes) -> Any:
    return json.loads(raw, parse_int=Literal, parse_float=Literal)


def same_spelling(type_name: str, got: Any, want: str) -> bool:
    """Whether an answered cell is what raw JSON says: whole numbers by their digits, others as doubles; but
    JSON values to each digit, with their keys in order."""
    if type_name == "json":
        return repr(got) == repr(spelt(want))
    if not isinstance(got, Literal):
        return bool(got == json.loads(want)) and isinstance(got, bool) is (want in ("true", "false"))
    if want.lstrip("-").isdigit():
        return got == Literal(want)
    return float(got) == float(want) and len(got) <= len(repr(float(want)))


def send(opened: OpenTable, method: str, body: str, suffix: str = "") -> httpx.Response:
    path = f"/api/public/tables/{opened.name}{suffix}"
    return opened.bot.request(method, path, content=body.encode(), headers=JSON)


def row(raw: str) -> str:
    return f'{{"Cell": {raw}}}'


def by_id(record: Record) -> str:
    wish = {"expressions": [{"field": "_id", "operand": "=", "value": record["_id"]}]}
    return json.dumps(wish)


def single_column(type_name: str) -> Table:
    return Table((Column("Cell", type_name),))


@pytest.mark.parametrize("type_name", TYPES)
def test_edges_come_back_from_a_bulk_and_a_query(arena: Arena, type_name: str) -> None:
    with arena.table(single_column(type_name)) as opened:
        body = f'{{"data": [{", ".join(map(row, HELD[type_name]))}]}}'
        answered = literally(send(opened, "POST", body, "/bulk"))["records"]
        stored = HELD[type_name].values()
        for record, want in zip(answered, stored, strict=True):
            assert same_spelling(type_name, record["Cell"], want), (str(record["Cell"])[:80], want[:80])
        found = literally(opened.bot.query(opened.name, sys_limit=1000))
        assert found["queryResult"] == answered


@pytest.mark.parametrize("type_name", TYPES)
def test_edges_come_back_from_single_inserts_and_updates(arena: Arena, type_name: str) -> None:
    with arena.table(single_column(type_name)) as opened:
        other = good(opened.bot.insert(opened.name, {}))
        for sent, want in HELD[type_name].items():
            inserted = literally(send(opened, "POST", f'{{"data": {row(sent)}}}'))
            assert same_spelling(type_name, inserted["Cell"], want), (str(inserted["Cell"])[:80], want[:80])
            update = f'{{"query": {by_id(other)}, "data": {row(sent)}}}'
            (updated,) = literally(send(opened, "PUT", update))["records"]
            assert same_spelling(type_name, updated["Cell"], want), (str(updated["Cell"])[:80], want[:80])
            assert updated["_id"] == other["_id"]


@pytest.mark.parametrize("type_name", COMPARED)
def test_an_edge_is_found_by_itself(arena: Arena, type_name: str) -> None:
    """A filter value is read as a cell is."""
    with arena.table(single_column(type_name)) as opened:
        send(opened, "POST", f'{{"data": [{", ".join(map(row, HELD[type_name]))}]}}', "/bulk")
        for sent, want in HELD[type_name].items():
            wish = f'{{"expressions": [{{"field": "Cell", "operand": "=", "value": {sent}}}]}}'
            found = literally(send(opened, "POST", f'{{"query": {wish}}}', "/query?sys_limit=1000"))
            alike = [each for each in HELD[type_name].values() if is_equal(type_name, each, want)]
            assert found["total"] == Literal(len(alike)), sent[:80]
            for record, each in zip(found["queryResult"], alike, strict=True):
                assert same_spelling(type_name, record["Cell"], each), (sent[:80], each[:80])


def is_equal(type_name: str, one: str, other: str) -> bool:
    """Whether two values, in raw JSON, are the same to a column."""
    return bool(comparable(type_name, json.loads(one)) == comparable(type_name, json.loads(other)))


@first_on_each("type_name", TYPES)
def test_what_lies_beyond_the_edge_is_refused(arena: Arena, type_name: str) -> None:
    with arena.table(single_column(type_name)) as opened:
        for sent in REFUSED[type_name]:
            refused(send(opened, "POST", f'{{"data": {row(sent)}}}'), sent, "/data/Cell")
        body = f'{{"data": [{", ".join(map(row, REFUSED[type_name]))}]}}'
        answer = send(opened, "POST", body, "/bulk")
        pointers = [problem["pointer"] for problem in answer.json()["errors"]]
        assert pointers == [f"/data/{number}/Cell" for number in range(len(REFUSED[type_name]))]
        assert opened.find() == []


def refused(response: httpx.Response, sent: str, pointer: str) -> None:
    assert response.status_code == 422, (sent[:80], response.text[:500])
    assert [(each["code"], each["pointer"]) for each in response.json()["errors"]] == [
        ("invalid_value", pointer)
    ]


@pytest.mark.parametrize("type_name", TYPES)
def test_what_no_double_holds_is_exact_or_refused(arena: Arena, type_name: str) -> None:
    with arena.table(single_column(type_name)) as opened:
        for sent, exact in NEVER_ANOTHER.get(type_name, {}).items():
            answer = send(opened, "POST", f'{{"data": {row(sent)}}}')
            if answer.status_code == 200:
                assert literally(answer)["Cell"] == Literal(exact), sent[:80]
            else:
                refused(answer, sent, "/data/Cell")
        for sent in MONSTERS[type_name]:
            assert send(opened, "POST", f'{{"data": {row(sent)}}}').status_code in (400, 422), sent[:80]
            bulk = f'{{"data": [{{}}, {row(sent)}]}}'
            assert send(opened, "POST", bulk, "/bulk").status_code in (400, 422), sent[:80]


def same_cell(type_name: str, got: Any, want: Any) -> bool:
    """Equal and of one type; a number may be whole without being an integer only beyond what is exact. JSON
    values are equal as texts."""
    if type_name == "json":
        return json.dumps(got) == json.dumps(want)
    if isinstance(want, float):
        return isinstance(got, int | float) and not isinstance(got, bool) and got == want
    return type(got) is type(want) and bool(got == want)


def check(record: Record, table: Table, sent: dict[str, Any]) -> None:
    assert list(record) == [*table.own, *SYSTEM_COLUMNS]
    for column, want in table.stored(sent).items():
        assert same_cell(table.own[column], record[column], want), (column, record[column], want)


@examples(6)
@given(table=tables(), data=st.data())
def test_any_row_comes_back_as_it_was_sent(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        sent = data.draw(rows(table, 1, 8), label="rows")
        records = opened.bulk(sent)
        assert len(records) == len(sent)
        for record, each in zip(records, sent, strict=True):
            check(record, table, each)
        single = opened.insert(sent[0])
        check(single, table, sent[0])
        assert opened.find() == [*records, single]
        # Each of the bulk's rows takes all the cells of another
        for record, each in zip(records, reversed(sent), strict=True):
            whole = table.stored(each)
            wish = {"expressions": [{"field": "_id", "operand": "=", "value": record["_id"]}]}
            (updated,) = opened.update(wish, whole)
            check(updated, table, whole)
            assert {
                updated[name] == record[name] for name in ("_id", "sys_Id", "Created_On", "Created_By")
            } == {True}


@examples(5)
@given(table=tables(), data=st.data())
def test_minimal_answers_count_and_store_the_same(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        sent = data.draw(rows(table, 0, 8), label="rows")
        answer = good(opened.bot.bulk(opened.name, sent, prefer="return=minimal"))
        assert answer == {"nInserted": len(sent)}
        for record, each in zip(opened.find(), sent, strict=True):
            check(record, table, each)
