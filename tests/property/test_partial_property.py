"""Random partial bulks against the same rows inserted one by one into a table of the same kind."""

from __future__ import annotations

from typing import Any

from arena import Arena, OpenTable
from hypothesis import given, note
from hypothesis import strategies as st

from oracle.effort import examples

POOLS: dict[str, list[Any]] = {
    "string": ["a", "b", "A", "", 1],
    "integer": [1, 2, 2**60, 1.5, "2"],
    "number": [1, 2.5, -3, "1", "x"],
    "decimal": ["1", "1.0", "1.50", 2, "2.00"],
    "date": ["2020-03-28", "2020-03-28T00:00:00Z", "2020-03-28T00:00:00.000Z", 0, "never"],
}
"""Few values of each type, some of them equal, and some that no cell can hold."""

KINDS = st.sampled_from(sorted(POOLS))


@st.composite
def kinds_of_columns(draw: st.DrawFn) -> dict[str, str]:
    return {"Key": draw(KINDS), "Other": draw(KINDS), "Parent": draw(KINDS), "Plain": draw(KINDS)}


def parents(name: str, kinds: dict[str, str]) -> dict[str, Any]:
    return {
        "name": name,
        "schemaDef": [{"name": "Key", "type": kinds["Parent"]}],
        "indexes": [{"name": "by_key", "isUnique": True, "columns": [{"name": "Key"}]}],
    }


def children(name: str, kinds: dict[str, str], parent: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [{"name": each, "type": kind} for each, kind in kinds.items()]
    columns[2]["reference"] = {"table": parent, "column": "Key"}
    both = [{"name": "Other"}, {"name": "Plain"}]
    return {
        "name": name,
        "schemaDef": columns,
        "indexes": [
            {"name": "by_key", "isUnique": True, "columns": [{"name": "Key"}]},
            {"name": "by_both", "isUnique": True, "columns": both},
        ],
    }


def drawn_rows(data: st.DataObject, kinds: dict[str, str]) -> list[dict[str, Any]]:
    cells = {each: st.none() | st.sampled_from(POOLS[kind]) for each, kind in kinds.items()}
    rows = st.lists(st.fixed_dictionaries({}, optional=cells), min_size=1, max_size=12)
    return data.draw(rows, label="rows")


def own_cells(record: dict[str, Any] | None) -> list[Any] | None:
    return None if record is None else list(record.values())[:4]


def one_by_one(table: OpenTable, rows: list[dict[str, Any]]) -> tuple[list[Any], set[tuple[str, str]]]:
    """The cells of the records, None for rows that failed, and the errors: each place with its message."""
    stored: list[Any] = []
    errors: set[tuple[str, str]] = set()
    for number, row in enumerate(rows):
        response = table.bot.insert(table.name, row)
        answer = response.json()
        assert response.status_code in (200, 400, 409, 422), response.text
        stored.append(own_cells(answer) if response.status_code == 200 else None)
        for each in answer.get("errors", []):
            place = each["pointer"].replace("/data", f"/data/{number}", 1)
            errors.add((place, f"Row {number}: {each['msg']}"))
    return stored, errors


@examples(6)
@given(kinds=kinds_of_columns(), data=st.data())
def test_as_row_by_row(arena: Arena, kinds: dict[str, str], data: st.DataObject) -> None:
    names = [arena.fresh_name() for _ in range(3)]
    definitions = [parents(names[0], kinds), *(children(each, kinds, names[0]) for each in names[1:])]
    note(f"{definitions}")
    with arena.defined(definitions) as (parent, bulk, single):
        parent.bot.insert(parent.name, {"Key": POOLS[kinds["Parent"]][0]})
        for _ in range(2):
            rows = drawn_rows(data, kinds)
            expected, errors = one_by_one(single, rows)
            path = f"/api/public/tables/{bulk.name}/bulk"
            response = bulk.bot.request("POST", path, json={"data": rows, "mode": "partial"})
            answer = response.json()
            failed = sum(each is None for each in expected)
            assert response.status_code == (200 if not failed else 422 if failed == len(rows) else 207)
            assert (answer["nInserted"], answer["nFailed"]) == (len(rows) - failed, failed)
            if failed < len(rows):
                assert [own_cells(each) for each in answer["records"]] == expected
            found = {(each["pointer"], each["msg"]) for each in answer["errors"]}
            # an engine reports one violation of a row, a partial bulk all of them
            assert errors <= found
            assert {place.split("/")[2] for place, _ in found} == {
                str(number) for number, each in enumerate(expected) if each is None
            }
        assert [own_cells(each) for each in bulk.find()] == [own_cells(each) for each in single.find()]
