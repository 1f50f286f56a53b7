"""Random tables, rows, filters and sorts: the database's answer is that of plain Python."""

from __future__ import annotations

from itertools import count, cycle
from typing import Any

from arena import Arena, OpenTable
from hypothesis import given
from hypothesis import strategies as st

from oracle.columns import find_column
from oracle.effort import examples
from oracle.filters import Record, matching
from oracle.folding import fold_character
from oracle.ordering import in_order
from oracle.random_requests import fields, filters, sorts
from oracle.strategies import TRICKY, Column, Table, changes, rows, tables

MOST_ROWS = 12
NEW_ROWS = 5


def filled(opened: OpenTable, table: Table, data: st.DataObject) -> list[Record]:
    """Rows drawn and inserted, as they were answered: in ``_id`` order."""
    records = opened.bulk(data.draw(rows(table, 3, MOST_ROWS), label="rows"))
    assert records == sorted(records, key=lambda record: str(record["_id"]))
    return records


def but_for_the_stamp(record: Record) -> Record:
    return {column: cell for column, cell in record.items() if column != "Updated_On"}


@examples(6)
@given(table=tables(), data=st.data())
def test_a_query_finds_what_the_oracle_finds(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        records = filled(opened, table, data)
        assert opened.find() == records
        for _ in range(6):
            wish = data.draw(filters(table, records), label="filter")
            assert opened.find(wish) == matching(wish, records, table.own)


@examples(5)
@given(table=tables(), data=st.data())
def test_an_update_changes_what_the_oracle_finds(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        state = {record["_id"]: record for record in filled(opened, table, data)}
        for _ in range(3):
            wish = data.draw(filters(table, list(state.values()), bare_lists=False), label="filter")
            change = data.draw(changes(table), label="data")
            before = matching(wish, list(state.values()), table.own)
            expected = [but_for_the_stamp(record | table.changed(change)) for record in before]
            answered = opened.update(wish, change)
            assert [but_for_the_stamp(record) for record in answered] == expected
            assert all(record["Updated_On"] >= state[record["_id"]]["Updated_On"] for record in answered)
            state |= {record["_id"]: record for record in answered}
            assert opened.find() == list(state.values())


@examples(4)
@given(table=tables(), data=st.data())
def test_a_delete_removes_what_the_oracle_finds(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        records = filled(opened, table, data)
        for _ in range(3):
            wish = data.draw(filters(table, records, bare_lists=False), label="filter")
            gone = matching(wish, records, table.own)
            assert opened.delete(wish) == len(gone)
            records = [record for record in records if record not in gone]
            assert opened.find() == records


def projected(records: list[Record], asked: list[str] | None, table: Table) -> list[Record]:
    """The records with only the columns that are asked for, in the order asked."""
    if asked is None:
        return records
    names = [find_column(field, table.own) for field in asked]
    return [{name: record[name] for name in names} for record in records]


def in_order_of_keys(records: list[Record]) -> list[list[tuple[str, Any]]]:
    return [list(record.items()) for record in records]


def walk(opened: OpenTable, body: dict[str, Any], limits: list[int], total: int) -> list[Record]:
    """All rows, page after page by cursor, the limits taken in turn; each page says the same total."""
    found: list[Record] = []
    cursor: dict[str, str] = {}
    for limit in cycle(limits):
        answer = opened.page(body | cursor, sys_limit=limit)
        found += answer["queryResult"]
        assert answer["total"] == total
        assert answer["hasMore"] is ("nextCursor" in answer)
        if not answer["hasMore"]:
            break
        assert len(answer["queryResult"]) == limit
        cursor = {"cursor": answer["nextCursor"]}
    return found


@examples(6)
@given(table=tables(), data=st.data())
def test_pages_by_cursor_come_in_the_oracles_order(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        records = filled(opened, table, data)
        for _ in range(3):
            sort = data.draw(sorts(table), label="sort")
            wish = data.draw(st.none() | filters(table, records), label="filter")
            limits = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3), label="limits")
            asked = data.draw(st.none() | fields(table), label="fields")
            parts = {"sort": sort or None, "query": wish, "fields": asked}
            body = {key: part for key, part in parts.items() if part is not None}
            found = records if wish is None else matching(wish, records, table.own)
            expected = projected(in_order(found, sort, table.own), asked, table)
            walked = walk(opened, body, limits, len(expected))
            assert in_order_of_keys(walked) == in_order_of_keys(expected)


@examples(4)
@given(table=tables(), data=st.data())
def test_pages_by_offset_come_in_the_oracles_order(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        records = filled(opened, table, data)
        for _ in range(3):
            sort = data.draw(sorts(table), label="sort")
            offset, limit = data.draw(st.tuples(st.integers(0, MOST_ROWS + 1), st.integers(1, MOST_ROWS)))
            counted = data.draw(st.sampled_from(["exact", "none"]), label="count")
            body = {"count": counted} | ({"sort": sort} if sort else {})
            answer = opened.page(body, sys_limit=limit, sys_offset=offset)
            expected = in_order(records, sort, table.own)
            assert answer["queryResult"] == expected[offset : offset + limit]
            assert answer.get("total") == (len(records) if counted == "exact" else None)
            assert answer["hasMore"] is (offset + limit < len(records))


@examples(4)
@given(table=tables(), data=st.data())
def test_rows_that_stay_come_once_while_others_come_and_go(
    arena: Arena, table: Table, data: st.DataObject
) -> None:
    with arena.example(table) as opened:
        records = filled(opened, table, data)
        sort = data.draw(sorts(table).filter(bool), label="sort")
        expected, limit = in_order(records, sort, table.own), data.draw(st.integers(1, 4), label="limit")
        seen: list[Record] = []
        gone: set[str] = set()
        body: dict[str, Any] = {"sort": sort}
        for turn in count():
            answer = opened.page(body, sys_limit=limit)
            seen += answer["queryResult"]
            if "nextCursor" not in answer:
                break
            body = {"sort": sort, "cursor": answer["nextCursor"]}
            victim = data.draw(st.sampled_from(expected), label="deleted")["_id"]
            opened.delete({"expressions": [{"field": "_id", "operand": "=", "value": victim}]})
            gone.add(victim)
            # New rows sort anywhere, and the walk may meet them or not; it ends, for few turns make any.
            if turn < NEW_ROWS:
                opened.bulk(data.draw(rows(table, 1, 1), label="inserted"))
        stayed = [record for record in expected if record["_id"] not in gone]
        ids = {record["_id"] for record in stayed}
        assert [record for record in seen if record["_id"] in ids] == stayed


def test_case_is_ignored_as_the_oracle_ignores_it(arena: Arena) -> None:
    """Every tricky character against every other one, in the three places where it may stand."""
    table = Table((Column("Text", "string"),))
    cells = [f"{character}-{character}" for character in TRICKY]
    with arena.table(table) as opened:
        opened.bulk([{"Text": cell} for cell in cells])
        for character in TRICKY:
            alike = [cell for cell in cells if fold_character(cell[0]) == fold_character(character)]
            for operand, value in (("istarts with", f"{character}-"), ("iends with", f"-{character}")):
                wish = {"expressions": [{"field": "Text", "operand": operand, "value": value}]}
                found = [record["Text"] for record in opened.find(wish)]
                assert found == alike, (operand, character)
