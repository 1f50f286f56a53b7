"""Plain SQL tools: what they find in a workspace are tables with the users' own names and real types."""

from __future__ import annotations

import sqlite3

import asyncpg
import pytest
from plain_tool import Tool
from workbench import ALL, THINGS, Workbench, where

from rowkeep.model.access import Workspace
from rowkeep.storage.contract import UniqueConflict, WorkspaceDatabase

pytestmark = pytest.mark.anyio

ROW = {"Text": "Jane", "Number": 263, "Whole": 2**62, "Flag": True, "Day": "2020-03-28T07:02:09.652Z"}


@pytest.fixture
def tool(url: str, workspace: Workspace) -> Tool:
    return Tool(url, workspace)


async def test_tables_and_columns_have_the_users_names(things: Workbench, tool: Tool) -> None:
    await things.insert(ROW)
    stored = 'SELECT "Text", "Number", "Whole" FROM "things" WHERE "Text" = \'Jane\''
    assert await tool.rows(stored) == [("Jane", 263.0, 2**62)]
    system = await tool.rows('SELECT "_id", "Created_By", "Updated_By" FROM "things"')
    assert [list(row) for row in system] == [[(await things.column(name))[0] for name in SYSTEM]]


SYSTEM = ("_id", "Created_By", "Updated_By")

TYPES = {
    "sqlite": ("SELECT name, type FROM pragma_table_info('things')", "TEXT REAL INTEGER INTEGER TEXT"),
    "postgresql": (
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = 'things' ORDER BY ordinal_position",
        "text, double precision, bigint, boolean, timestamp with time zone",
    ),
}


async def test_columns_have_real_types(things: Workbench, tool: Tool) -> None:
    query, types = TYPES[tool.engine]
    found = [tuple(row) for row in await tool.rows(query)]
    separated = types.split(", ") if "," in types else types.split()
    assert found[:5] == list(zip(ROW, separated, strict=True))
    assert [name for name, _ in found[5:]] == ["Updated_On", "Created_On", "Updated_By", "Created_By", "_id"]


WRONG = {
    "sqlite": [
        """UPDATE things SET "Whole" = 'a'""",
        """UPDATE things SET "Number" = 'a'""",
        """UPDATE things SET "Flag" = 2""",
        """UPDATE things SET "Text" = x'00'""",
        'UPDATE things SET "_id" = NULL',
    ],
    "postgresql": [
        """UPDATE things SET "Whole" = 'a'""",
        """UPDATE things SET "Number" = 'a'""",
        'UPDATE things SET "Flag" = 2',
        """UPDATE things SET "Day" = 'a'""",
        'UPDATE things SET "_id" = NULL',
    ],
}


async def test_the_engine_itself_refuses_values_of_other_types(things: Workbench, tool: Tool) -> None:
    await things.insert(ROW)
    for text in WRONG[tool.engine]:
        with pytest.raises((sqlite3.IntegrityError, asyncpg.PostgresError)):
            await tool.rows(text)
    assert await things.column("Whole") == [2**62]


async def test_the_engine_itself_keeps_what_is_required_and_unique(
    database: WorkspaceDatabase, tool: Tool
) -> None:
    strict = {
        "name": "strict",
        "schemaDef": [{"name": "Code", "type": "string", "isRequired": True}],
        "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
    }
    table = await Workbench.with_table(database, strict)
    await table.insert({"Code": "a"}, {"Code": "b"})
    for text in ('UPDATE strict SET "Code" = NULL', """UPDATE strict SET "Code" = 'c'"""):
        with pytest.raises((sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)):
            await tool.rows(text)


async def test_dates_sort_and_compare_as_time(things: Workbench, tool: Tool) -> None:
    days = ["0001-01-01T00:00:00.000Z", "1969-12-31T23:59:59.999Z", "2020-03-28T07:02:09.652Z"]
    await things.insert(*({"Day": day} for day in (days[2], days[0], days[1])))
    found = await tool.rows('SELECT CAST("Day" AS text) FROM things ORDER BY "Day"')
    assert [row[0][:4] for row in found] == ["0001", "1969", "2020"]
    early = await tool.rows("""SELECT count(*) FROM things WHERE "Day" < '1970-01-01T00:00:00.000Z'""")
    assert early[0][0] == 2


async def test_what_a_tool_writes_is_answered(things: Workbench, tool: Tool) -> None:
    await things.insert(ROW)
    await tool.rows("""UPDATE things SET "Text" = 'Joe', "Number" = 1.5""")
    assert await things.column("Text") == ["Joe"]
    assert await things.column("Number") == [1.5]


NAMES = {
    "sqlite_master": "_qlite_master",
    "SQLite_x": "_QLite_x",
    "sqlite_" + "x" * 56: "_qlite_" + "x" * 56,
    "pg_class": "pg_class",
    "select": "select",
    "Order": "Order",
    "public": "public",
    "information_schema": "information_schema",
    "rowkeep_tables": "rowkeep_tables",
    "x" * 63: "x" * 63,
}
"""Legal names of tables that an engine might not like, and what they are called inside."""

COLUMNS = [
    "xmin", "xmax", "cmin", "cmax", "ctid", "tableoid", "oid", "rowid", "select", "from", "order",
    "table", "user", "current_user", "null", "true", "default", "x" * 63, "version", "total", "page",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
async def test_any_legal_name(database: WorkspaceDatabase, tool: Tool, name: str) -> None:
    definition = {
        "name": name,
        "schemaDef": [{"name": each, "type": "string"} for each in COLUMNS],
        "indexes": [
            {"name": each, "isUnique": True, "columns": [{"name": each, "order": "desc"}]} for each in COLUMNS
        ],
    }
    table = await Workbench.with_table(database, definition)
    row = {each: f"the {each}" for each in COLUMNS}
    await table.insert(row)
    await table.insert(*({each: f"{at} {each}" for each in COLUMNS} for at in range(3)))
    for each in COLUMNS:
        body = {"query": where(each, "=", f"the {each}"), "sort": [{"field": each}], "fields": [each]}
        assert (await table.select(body)).rows[0][0] == f"the {each}"
        assert (await table.update(where(each, "=", f"0 {each}"), {each: f"new {each}"})).count == 1
        with pytest.raises(UniqueConflict) as caught:
            await table.insert({each: f"new {each}"})
        assert caught.value.index is not None
        assert caught.value.index.name == each
    assert await table.delete(ALL) == 4
    assert await tool.rows('SELECT * FROM "the name"'.replace("the name", NAMES[name])) == []


async def test_long_names_that_are_almost_alike(database: WorkspaceDatabase) -> None:
    tables = []
    for name in ("sqlite_" + "x" * 56, "sqlite_" + "x" * 55 + "y", "x" * 63, "x" * 62 + "y"):
        tables.append(await Workbench.with_table(database, THINGS | {"name": name}))
        await tables[-1].insert({"Text": name})
    for table in tables:
        bench = Workbench(database, table.table, tables[-1].version)
        assert await bench.column("Text") == [table.table.name]


@pytest.mark.parametrize("name", ["Xmin", "CTID", "Tableoid"])
async def test_a_name_of_the_engines_in_other_case(database: WorkspaceDatabase, name: str) -> None:
    definition = {"name": "t", "schemaDef": [{"name": name, "type": "integer"}]}
    table = await Workbench.with_table(database, definition)
    await table.insert({name: 1}, {name: 2})
    assert await table.column(name, {"sort": [{"field": name, "order": "desc"}]}) == [2, 1]
