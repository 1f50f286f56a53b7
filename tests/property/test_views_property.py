"""Random views over random tables: what is answered is what plain Python makes of the same rows."""

from __future__ import annotations

import math
from itertools import count
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from oracle.effort import examples
from oracle.operands import OPERAND_TWINS
from oracle.views import Row, comparable, grouped, in_order, joined
from support.bot import Bot
from support.workspace import Workspace, succeeded

NUMBERS = count(1)
BIG = 2**63 - 1
POOLS: dict[str, list[Any]] = {
    "string": ["", "a", "B", "b", "é", "😀", "\uffff"],
    "integer": [0, 1, -1, BIG, -BIG - 1],
    "number": [0, 0.5, -3, 1024, 2**40],
    "decimal": ["0", "1.5", "1.50", "-0.25", "1" + "0" * 30, "0." + "0" * 24 + "7"],
    "boolean": [True, False],
    "date": ["0001-01-01T00:00:00.000Z", "2020-03-28T07:02:09.652Z", "9999-12-31T23:59:59.999Z"],
}
RESULTS = {"sum": {"integer": "decimal"}, "avg": {"integer": "number"}}
AGGREGATES = ["count", "count distinct", "sum", "avg", "min", "max"]
SOURCES = ("a", "b", "c")


def suits(function: str, kind: str) -> bool:
    if function in ("sum", "avg"):
        return kind in ("integer", "number", "decimal")
    return kind != "boolean" or function.startswith("count")


def expression(function: str, column: str) -> str:
    name, _, distinct = function.partition(" ")
    return f"{name}({distinct} {column})" if function else column


def table_rows() -> st.SearchStrategy[list[Row]]:
    cells = {kind: st.none() | st.sampled_from(pool) for kind, pool in POOLS.items()}
    return st.lists(st.fixed_dictionaries(cells), max_size=5)


class Drawn:
    """A view that is drawn: its definition, and what it must answer."""

    def __init__(self, data: st.DataObject, tables: dict[str, str], rows: dict[str, list[Row]]) -> None:
        self._data = data
        self.kinds = {f"a.{kind}": kind for kind in POOLS}
        first = self._pick(sorted(tables))
        found = [{f"a.{name}": cell for name, cell in row.items()} for row in rows[first]]
        joins = []
        for alias in SOURCES[1 : 1 + data.draw(st.integers(0, 2))]:
            other, kind = self._pick(sorted(tables)), self._pick(["inner", "left", "right"])
            before = [name for name in self.kinds if name.startswith(SOURCES[SOURCES.index(alias) - 1])]
            on = [self._condition(before, alias) for _ in range(data.draw(st.integers(1, 2)))]
            self.kinds |= {f"{alias}.{each}": each for each in POOLS}
            there = [{f"{alias}.{name}": cell for name, cell in row.items()} for row in rows[other]]
            found = joined(found, there, kind, on, self.kinds)
            said = [dict(zip(("left", "operand", "right"), each, strict=True)) for each in on]
            joins.append({"table": tables[other], "as": alias, "type": kind, "on": said})
        self.definition: dict[str, Any] = {"table": tables[first], "as": "a", "joins": joins}
        self.expected = self._columns(self._filtered(found))

    def _pick(self, given: list[Any]) -> Any:
        return self._data.draw(st.sampled_from(given))

    def _condition(self, before: list[str], alias: str) -> tuple[str, str, str]:
        left = self._pick(before)
        kind = self.kinds[left]
        operands = ["=", "=", "!="] if kind == "boolean" else ["=", "=", "!=", "<", "<=", ">", ">="]
        return left, self._pick(operands), f"{alias}.{kind}"

    def _filtered(self, found: list[Row]) -> list[Row]:
        name = self._pick([None, *self.kinds])
        if name is None:
            return found
        kind = self.kinds[name]
        operand, value = (
            self._pick(["=", "!="] if kind == "boolean" else ["=", "!=", "<", ">="]),
            self._pick(POOLS[kind]),
        )
        self.definition["filter"] = {"expressions": [{"field": name, "operand": operand, "value": value}]}
        test = OPERAND_TWINS[operand]
        return [row for row in found if test(comparable(kind, row[name]), comparable(kind, value))]

    def _columns(self, found: list[Row]) -> list[Row]:
        names = self._data.draw(
            st.lists(st.sampled_from(sorted(self.kinds)), min_size=1, max_size=4, unique=True)
        )
        by = self._data.draw(st.none() | st.lists(st.sampled_from(names), max_size=2, unique=True))
        columns: dict[str, tuple[str, str]] = {}
        self.types: dict[str, str] = {}
        for at, name in enumerate(names):
            kind = self.kinds[name]
            grouping = by is not None and name not in by
            function = self._pick([each for each in AGGREGATES if suits(each, kind)]) if grouping else ""
            columns[f"c{at}"] = (function, name)
            result = "integer" if function.startswith("count") else RESULTS.get(function, {}).get(kind, kind)
            self.types[f"c{at}"] = result
        self.definition["columns"] = [
            {"expr": expression(*each), "as": name} for name, each in columns.items()
        ]
        if by:
            self.definition["groupBy"] = by
        if by is None:
            return [{name: row[column] for name, (_, column) in columns.items()} for row in found]
        if not by and not any(function for function, _ in columns.values()):
            return [{name: row[column] for name, (_, column) in columns.items()} for row in found]
        return grouped(found, by, columns, self.kinds)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        return one == other or (None not in (one, other) and math.isclose(one, other, rel_tol=1e-12))
    return bool(one == other)


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    return workspace.bot({})


@examples(5)
@given(data=st.data(), one=table_rows(), two=table_rows())
def test_a_view_answers_what_the_oracle_makes_of_its_rows(
    workspace: Workspace, bot: Bot, data: st.DataObject, one: list[Row], two: list[Row]
) -> None:
    number = next(NUMBERS)
    tables, rows = {"x": f"x{number}", "y": f"y{number}"}, {"x": one, "y": two}
    for key, name in tables.items():
        workspace.create_table({"name": name, "schemaDef": [{"name": kind, "type": kind} for kind in POOLS]})
        workspace.grant(bot.client_id, name, "w")
        succeeded(bot.bulk(name, rows[key]))
    for turn in range(4):
        drawn = Drawn(data, tables, rows)
        view = f"v{number}_{turn}"
        note(f"definition: {drawn.definition}")
        path = f"{workspace.path}/views"
        succeeded(workspace.admin.post(path, json={"name": view, **drawn.definition}))
        succeeded(workspace.admin.put(f"{path}/{view}/grants/{bot.client_id}", json={"read": True}))
        sort = data.draw(
            st.lists(
                st.tuples(st.sampled_from(sorted(drawn.types)), st.booleans()),
                max_size=2,
                unique_by=lambda each: each[0],
            )
        )
        body = {"sort": [{"field": name, "order": "desc" if desc else "asc"} for name, desc in sort]}
        found: list[Row] = []
        while True:
            page = {"sys_limit": 4} | ({} if "cursor" in body else {"sys_offset": len(found)})
            answer = succeeded(bot.request("POST", f"/api/public/views/{view}/query", json=body, params=page))
            found += answer["queryResult"]
            assert answer["total"] == len(drawn.expected)
            if not answer["hasMore"]:
                break
            body |= {"cursor": answer["nextCursor"]} if "nextCursor" in answer else {}
        assert {each["name"]: each["type"] for each in answer["metaInfo"]} == drawn.types
        expected = in_order(drawn.expected, drawn.types, sort)
        pairs = zip(found, expected, strict=True)
        wrong = [(row, wanted) for row, wanted in pairs if not all(map(same, row.values(), wanted.values()))]
        assert wrong == []
