"""Names that an engine or a language keeps for itself, and as many and as long ones as there may be."""

from __future__ import annotations

from typing import Any

import pytest
from answers import found, good, pointers, problem, records, rows
from definitions import AllAtOnce, column, index, table
from expressions import all_of, comparison, where

from support.bot import Bot
from support.workspace import Workspace

TABLES = [
    "sqlite_master",
    "sqlite_sequence",
    "sqlite_x",
    "public",
    "pg_class",
    "pg_catalog",
    "information_schema",
    "select",
    "table",
]
TABLES += [
    "user",
    "order",
    "bulk",
    "query",
    "delete",
    "main",
    "temp",
    "x",
    "T" * 63,
    "t_" + "0" * 61,
    "catalog",
    "rows",
    "meta",
]
COLUMNS = [
    "xmin",
    "xmax",
    "ctid",
    "tableoid",
    "oid",
    "cmin",
    "rowid",
    "select",
    "order",
    "group",
    "from",
    "null",
    "default",
    "index",
]
COLUMNS += [
    "class",
    "def",
    "None",
    "True",
    "self",
    "data",
    "field",
    "value",
    "all",
    "not",
    "and",
    "id",
    "ID_",
    "C" * 63,
    "c_" + "9" * 61,
]
COLUMNS += [
    "unique",
    "primary",
    "current_user",
    "count",
    "msgspec",
    "x",
    "keys",
    "items",
    "limit",
    "offset",
    "excluded",
    "strict",
]


@pytest.fixture(scope="module")
def bot_of_tables(all_at_once: AllAtOnce) -> Bot:
    """An app for tables with all of these names."""
    return all_at_once(
        [table(name, column("Code"), indexes=(index(name, "Code", unique=True),)) for name in TABLES]
    )


@pytest.mark.parametrize("name", TABLES)
def test_tables_may_bear_names_that_an_engine_keeps(bot_of_tables: Bot, name: str) -> None:
    bot = bot_of_tables
    good(bot.insert(name, {"Code": "a"}))
    records(bot.bulk(name, [{"Code": "b"}, {"Code": "c"}]))
    problem(bot.insert(name, {"Code": "a"}), 409, "unique_violation")
    assert len(records(bot.update(name, where("Code", "=", "a"), {"Code": "d"}))) == 1
    assert good(bot.delete(name, where("Code", "=", "b"))) == {"nDeleted": 1}
    assert found(bot, name, {}, "Code") == ["d", "c"]


def test_tables_with_such_names_come_and_go(workspace: Workspace) -> None:
    for name in TABLES:
        workspace.create_table(table(name, column("Code")))
    for name in TABLES:
        workspace.drop_table(name)
    assert good(workspace.admin.get(f"{workspace.path}/tables"))["tables"] == []


def test_columns_may_bear_names_that_an_engine_or_a_language_keeps(workspace: Workspace) -> None:
    indexes = tuple(index(name, name, unique=True) for name in COLUMNS[:40])
    workspace.create_table(table("odd", *(column(name) for name in COLUMNS), indexes=indexes))
    bot = workspace.bot({"odd": "rwd"})
    first = {name: f"1 {name}" for name in COLUMNS}
    stored = good(bot.insert("odd", first))
    assert {name: stored[name] for name in COLUMNS} == first
    (second,) = records(bot.bulk("odd", [{name: f"2 {name}" for name in COLUMNS}]))
    assert second["rowid"] == "2 rowid"
    for name in COLUMNS:
        assert found(bot, "odd", where(name, "=", f"1 {name}"), name) == [f"1 {name}"]
        answer = rows(bot.query("odd", {"sort": [{"field": name, "order": "desc"}], "fields": [name]}))
        assert answer == [{name: f"2 {name}"}, {name: f"1 {name}"}]
    query = all_of(*(comparison(name, "starts with", "1") for name in COLUMNS))
    (changed,) = records(bot.update("odd", query, {name: f"3 {name}" for name in COLUMNS}))
    assert {name: changed[name] for name in COLUMNS} == {name: f"3 {name}" for name in COLUMNS}
    assert good(bot.delete("odd", where("ctid", "=", "3 ctid"))) == {"nDeleted": 1}
    refusal = problem(bot.insert("odd", dict.fromkeys(COLUMNS, 5)), 422, "invalid_value")
    assert pointers(refusal) == [f"/data/{name}" for name in COLUMNS]


def test_four_hundred_columns(workspace: Workspace) -> None:
    kinds = ("string", "number", "integer", "boolean", "date")
    columns = [column(f"Column_{i:03d}_{'x' * 52}", kinds[i % 5]) for i in range(400)]
    workspace.create_table(table("wide", *columns))
    bot = workspace.bot({"wide": "rwd"})
    values: dict[str, Any] = {
        "string": "s",
        "number": 0.5,
        "integer": -1,
        "boolean": True,
        "date": "2020-01-01",
    }
    row = {c["name"]: values[c["type"]] for c in columns}
    stored = good(bot.insert("wide", row))
    answer = records(bot.bulk("wide", [row] * 50))
    names = [c["name"] for c in columns]
    assert list(stored)[:400] == list(answer[49])[:400] == names
    assert {name: stored[name] for name in names} == {name: answer[49][name] for name in names}
    assert len(records(bot.update("wide", {"all": True}, row))) == 51
    sort = [{"field": name, "order": "desc"} for name in names[:50]]
    query = all_of(*(comparison(name, "=", row[name]) for name in names[:200]))
    answer = good(bot.query("wide", {"query": query, "sort": sort, "fields": names[::-1]}))
    assert answer["total"] == 51
    assert list(answer["queryResult"][0]) == names[::-1]
    problem(bot.insert("wide", {name: [] for name in names}), 422, "invalid_value")


def test_a_cursor_over_many_sort_columns(workspace: Workspace) -> None:
    names = [f"Column_{i:03d}" for i in range(400)]
    workspace.create_table(table("wide", *(column(name) for name in names)))
    bot = workspace.bot({"wide": "rwd"})
    # rows that differ in the last column alone, and empty cells among them
    common = {name: None if i % 3 == 0 else name for i, name in enumerate(names[:-1])}
    stored = records(bot.bulk("wide", [{**common, names[-1]: str(i)} for i in range(5)]))
    for count in (20, 64):
        sort = [{"field": name, "order": "desc" if i % 2 else "asc"} for i, name in enumerate(names[-count:])]
        expected = stored[::-1]
        body: dict[str, Any] = {"sort": sort}
        for start in (0, 2, 4):
            answer = good(bot.query("wide", body, sys_limit=2))
            assert answer["queryResult"] == expected[start : start + 2]
            body = {"sort": sort, "cursor": answer.get("nextCursor")}
