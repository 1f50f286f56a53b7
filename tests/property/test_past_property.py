"""Random tables and changes: a query of the past finds what was there, and an undo brings it back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from arena import Arena, OpenTable, good
from hypothesis import given, note
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.filters import Record, matching
from oracle.ordering import in_order
from oracle.random_requests import filters, sorts
from oracle.strategies import Table, changes, rows, tables

UPDATED = ("Updated_On", "Updated_By")


def moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def past(opened: OpenTable, at: str, body: dict[str, Any], limit: int) -> list[Record]:
    """All rows that a query of the past finds, page after page."""
    found: list[Record] = []
    cursor: dict[str, str] = {}
    while True:
        page = opened.page(body | {"asOf": at} | cursor, sys_limit=limit)
        found += page["queryResult"]
        if not page["hasMore"]:
            assert page["total"] == len(found)
            return found
        cursor = {"cursor": page["nextCursor"]}


def change(opened: OpenTable, table: Table, records: list[Record], data: st.DataObject) -> None:
    """Some random writes."""
    for kind in data.draw(st.lists(st.sampled_from("iuud"), min_size=1, max_size=5), label="writes"):
        if kind == "i":
            opened.bulk(data.draw(rows(table, 1, 3), label="rows"))
            continue
        wish = data.draw(filters(table, records, bare_lists=False), label="filter")
        if kind == "u":
            opened.update(wish, data.draw(changes(table), label="data"))
        else:
            opened.delete(wish)


def but_for_the_update(records: list[Record]) -> list[Record]:
    return [{name: cell for name, cell in record.items() if name not in UPDATED} for record in records]


@examples(4)
@given(table=tables(), data=st.data())
def test_the_past_is_found_and_comes_back(arena: Arena, table: Table, data: st.DataObject) -> None:
    definition = table.definition(arena.fresh_name()) | {"history": {"keepDays": 1}}
    note(f"definition: {definition}")
    with arena.defined([definition]) as (opened,):
        records = opened.bulk(data.draw(rows(table, 1, 10), label="rows"))
        at = moment()
        assert past(opened, at, {}, 1000) == records
        change(opened, table, records, data)
        for _ in range(3):
            wish = data.draw(filters(table, records), label="filter")
            sort = data.draw(sorts(table), label="sort")
            body = {"query": wish} | ({"sort": sort} if sort else {})
            limit = data.draw(st.integers(2, 12), label="limit")
            expected = in_order(matching(wish, records, table.own), sort, table.own)
            assert past(opened, at, body, limit) == expected
        now = opened.find()
        done = undo(arena, opened, {"since": after(at)})
        assert done["conflicts"] == []
        assert but_for_the_update(opened.find()) == but_for_the_update(records)
        if done["nRestored"] or done["nChanged"] or done["nRemoved"]:
            undo(arena, opened, {"operation": done["operation"]})
        assert but_for_the_update(opened.find()) == but_for_the_update(now)


def after(at: str) -> str:
    """One millisecond later."""
    return (datetime.fromisoformat(at) + timedelta(milliseconds=1)).isoformat(timespec="milliseconds")


def undo(arena: Arena, opened: OpenTable, chosen: dict[str, str]) -> dict[str, Any]:
    workspace = arena.workspace
    body = {"tables": [opened.name], **chosen}
    response = workspace.admin.post(f"{workspace.path}/undo", json=body)
    return good(response) | {"operation": response.headers["Operation-Id"]}
