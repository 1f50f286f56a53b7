"""Random batches: a batch does the same as its operations one by one, on a copy of the table, or nothing."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
from arena import Arena, OpenTable
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.filters import Record
from oracle.random_requests import filters
from oracle.strategies import Table, changes, rows, tables
from support import batches

SYSTEM = {"_id", "sys_Id", "Updated_On", "Created_On", "Updated_By", "Created_By"}
BY_WHAT_ROWS_HAVE = ("insert", "bulk", "update", "delete", "query")


def own(records: list[Record]) -> list[Record]:
    """The cells that do not differ between two copies."""
    return [{name: cell for name, cell in record.items() if name not in SYSTEM} for record in records]


def _folded(text: str) -> str:
    """Names in any spelling that a request may use."""
    return re.sub("[ _-]", "", text).lower()


@st.composite
def operations(draw: st.DrawFn, table: Table, state: list[Record]) -> dict[str, Any]:
    """One operation, without its table. Filters use no ids and times: they differ between copies."""
    op = draw(st.sampled_from(BY_WHAT_ROWS_HAVE))
    if op == "insert":
        return {"op": op, "data": draw(rows(table, 1, 1))[0]}
    if op == "bulk":
        return {"op": op, "data": draw(rows(table, 0, 3))}
    wish = draw(filters(table, state, bare_lists=False))
    if any(f'"{_folded(name)}"' in _folded(json.dumps(wish)) for name in SYSTEM):
        wish = {"all": True}
    if op == "update":
        return {"op": op, "query": wish, "data": draw(changes(table))}
    return {"op": op, "query": wish}


def alone(table: OpenTable, operation: dict[str, Any]) -> httpx.Response:
    """The call of its own for an operation."""
    body = {name: value for name, value in operation.items() if name != "op"}
    path = f"/api/public/tables/{table.name}"
    method, end = {
        "insert": ("POST", ""),
        "bulk": ("POST", "/bulk"),
        "update": ("PUT", ""),
        "delete": ("DELETE", ""),
        "query": ("POST", "/query"),
    }[operation["op"]]
    return table.bot.request(method, path + end, json=body)


@examples(5)
@given(table=tables(), data=st.data())
def test_a_batch_does_the_same_as_its_operations_one_by_one(
    arena: Arena, table: Table, data: st.DataObject
) -> None:
    with arena.table(table) as one, arena.table(table) as other:
        stored = data.draw(rows(table, 0, 5), label="rows")
        one.bulk(stored)
        state = other.bulk(stored)
        drawn = [data.draw(operations(table, state), label="operation") for _ in range(3)]
        before = one.find()
        response = batches.run(one.bot, *({**each, "table": one.name} for each in drawn))
        refusals = [each for each in (alone(other, each) for each in drawn) if each.status_code != 200]
        if response.status_code == 200:
            assert refusals == []
            assert own(one.find()) == own(other.find())
        else:
            assert response.status_code in {each.status_code for each in refusals}, response.text
            assert one.find() == before
