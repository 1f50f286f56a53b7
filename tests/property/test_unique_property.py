"""Random unique indexes: what would violate them, and only that, is refused, and then nothing is changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
from arena import Arena
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.filters import Record, matching
from oracle.random_requests import filters
from oracle.strategies import Table, changes, rows, tables
from oracle.uniqueness import is_violated


def with_unique_indexes(table: Table) -> Table:
    """The table with its indexes made unique, and at least one if it has a column for it. No index has a
    column that the server fills, for what that will hold cannot be told before."""
    found: list[dict[str, Any]] = []
    first = [column.name for column in table.columns if column.is_indexable][:1]
    for index in [*table.indexes, {"name": "by_first", "columns": [{"name": name} for name in first]}]:
        own = [part for part in index["columns"] if part["name"] in table.own]
        found += [index | {"isUnique": True, "columns": own}] if own else []
    return replace(table, indexes=found)


def is_refused(response: httpx.Response) -> bool:
    assert response.status_code in (200, 409), response.text[:1000]
    assert response.status_code == 200 or response.json()["code"] == "unique_violation"
    return response.status_code == 409


@examples(6)
@given(table=tables().map(with_unique_indexes), data=st.data())
def test_only_what_would_violate_is_refused(arena: Arena, table: Table, data: st.DataObject) -> None:
    with arena.example(table) as opened:
        state: list[Record] = []
        for row in data.draw(rows(table, 4, 8), label="one by one"):
            response = opened.bot.insert(opened.name, row)
            assert is_refused(response) is is_violated([*state, table.stored(row)], table.indexes, table.own)
            state += [] if is_refused(response) else [response.json()]
        for _ in range(2):
            several = data.draw(rows(table, 1, 3), label="bulk")
            response = opened.bot.bulk(opened.name, several)
            together = [*state, *map(table.stored, several)]
            assert is_refused(response) is is_violated(together, table.indexes, table.own)
            state += [] if is_refused(response) else response.json()["records"]
            assert opened.find() == state


@examples(6)
@given(table=tables().map(with_unique_indexes), data=st.data())
def test_an_update_is_refused_only_if_its_outcome_would_violate(
    arena: Arena, table: Table, data: st.DataObject
) -> None:
    with arena.example(table) as opened:
        for row in data.draw(rows(table, 4, 8), label="rows"):
            is_refused(opened.bot.insert(opened.name, row))
        state = opened.find()
        for _ in range(4):
            wish = data.draw(filters(table, state, bare_lists=False), label="filter")
            change = data.draw(changes(table), label="data")
            touched = {record["_id"] for record in matching(wish, state, table.own)}
            outcome = [row | table.changed(change) if row["_id"] in touched else row for row in state]
            response = opened.bot.update(opened.name, wish, change)
            assert is_refused(response) is is_violated(outcome, table.indexes, table.own)
            stored = opened.find()
            assert is_refused(response) is False or stored == state
            state = stored
