"""Random tables that refer to each other and to themselves: what would leave a cell without what it refers
to, and only that, is refused, and then nothing is changed."""

from __future__ import annotations

from typing import Any

import httpx
from arena import Arena, OpenTable
from hypothesis import given, note
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.filters import Filter, Record, matching
from oracle.references import Referring, State, refusals
from oracle.values import canonical

POOLS: dict[str, list[Any]] = {
    "string": ["a", "b", "A", ""],
    "integer": [1, 2, 2**60],
    "number": [1, 2.5, -3],
    "decimal": ["1", "1.0", "1.50", 2],
    "date": ["2020-03-28", "2020-03-28T00:00:00Z", 0],
}
"""Few values of each type that can be referred to, some of them equal."""

STEPS = 7


@st.composite
def referring_tables(draw: st.DrawFn, names: list[str]) -> list[Referring]:
    """One table a name; each refers to some before it or to itself, by key or by id."""
    tables: list[Referring] = []
    for name in names:
        own, to = {"Key": draw(st.sampled_from(sorted(POOLS)))}, {}
        kinds = {table.name: table.own["Key"] for table in tables} | {name: own["Key"]}
        for number in range(draw(st.integers(1, 2))):
            there = draw(st.sampled_from(["Key", "Key", "_id", "sys_Id"]))
            target = draw(st.sampled_from(list(kinds)))
            own[f"To{number}"] = kinds[target] if there == "Key" else "string"
            to[f"To{number}"] = (target, there)
        tables.append(Referring(name, own, to))
    return tables


class Play:
    """The tables as they should be, beside the tables as they are."""

    def __init__(self, tables: list[Referring], opened: list[OpenTable], data: st.DataObject) -> None:
        self._tables = tables
        self._opened = {each.name: each for each in opened}
        self._data = data
        self._state: State = {table.name: [] for table in tables}

    def _cells(self, table: Referring) -> dict[str, Any]:
        """Cells to write: keys from the pools, references to what is there or may be."""
        chosen = [name for name in table.own if self._data.draw(st.sampled_from([True, True, False]))]
        return {name: self._data.draw(self._values(table, name), label=name) for name in chosen}

    def _values(self, table: Referring, name: str) -> st.SearchStrategy[Any]:
        target, there = table.to.get(name, (table.name, name))
        if there == "Key":
            return st.none() | st.sampled_from(POOLS[table.own[name]])
        ids = [row[there] for row in self._state[target]]
        return st.none() | st.sampled_from([*ids, *ids, "nowhere"])

    def _wish(self, table: Referring) -> Filter:
        key = st.sampled_from(POOLS[table.own["Key"]])
        some = {
            "field": "Key",
            "operand": "in",
            "value": self._data.draw(st.lists(key, min_size=1, max_size=2)),
        }
        return self._data.draw(st.sampled_from([{"expressions": [some]}] * 4 + [{"all": True}]), label="wish")

    def insert(self, table: Referring) -> None:
        rows = [self._cells(table) for _ in range(self._data.draw(st.integers(1, 3)))]
        stored = [{name: canonical(kind, row.get(name)) for name, kind in table.own.items()} for row in rows]
        expected = self._state | {table.name: [*self._state[table.name], *stored]}
        response = self._opened[table.name].bot.bulk(table.name, rows)
        if not self._is_refused(response, expected, {table.name: stored}):
            records = response.json()["records"]
            assert [{name: record[name] for name in table.own} for record in records] == stored
            self._state[table.name] += records

    def update(self, table: Referring) -> None:
        wish, change = self._wish(table), self._cells(table)
        written = {name: canonical(table.own[name], value) for name, value in change.items()}
        rows = self._state[table.name]
        touched = self._touched(table, wish)
        outcome = [row | written if row["_id"] in touched else row for row in rows]
        response = self._opened[table.name].bot.update(table.name, wish, change)
        if not self._is_refused(response, self._state | {table.name: outcome}, {table.name: [written]}):
            answered = {record["_id"]: record for record in response.json()["records"]}
            assert set(answered) == touched
            self._state[table.name] = [
                row | {"Updated_On": answered[row["_id"]]["Updated_On"]} if row["_id"] in touched else row
                for row in outcome
            ]

    def delete(self, table: Referring) -> None:
        wish = self._wish(table)
        touched = self._touched(table, wish)
        left = [row for row in self._state[table.name] if row["_id"] not in touched]
        response = self._opened[table.name].bot.delete(table.name, wish)
        if not self._is_refused(response, self._state | {table.name: left}, {}):
            assert response.json() == {"nDeleted": len(touched)}
            self._state[table.name] = left

    def check(self) -> None:
        for name, opened in self._opened.items():
            assert opened.find() == self._state[name]

    def _touched(self, table: Referring, wish: Filter) -> set[str]:
        rows = self._state[table.name]
        return {str(row["_id"]) for row in (rows if "all" in wish else matching(wish, rows, table.own))}

    def _is_refused(self, response: httpx.Response, outcome: State, written: dict[str, list[Record]]) -> bool:
        codes = refusals(self._tables, outcome, written)
        note(f"{response.status_code} {response.text[:300]} {codes}")
        if not codes:
            assert response.status_code == 200
            return False
        assert response.status_code == 409
        assert response.json()["code"] in codes
        return True


@examples(6)
@given(data=st.data())
def test_only_what_would_dangle_is_refused(arena: Arena, data: st.DataObject) -> None:
    names = [arena.fresh_name() for _ in range(data.draw(st.integers(2, 3)))]
    tables = data.draw(referring_tables(names))
    for table in tables:
        note(str(table.definition()))
    with arena.defined([table.definition() for table in tables]) as opened:
        play = Play(tables, opened, data)
        for _ in range(STEPS):
            table = data.draw(st.sampled_from(tables))
            step = data.draw(st.sampled_from([play.insert, play.insert, play.update, play.delete]))
            step(table)
            play.check()
