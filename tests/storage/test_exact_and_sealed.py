"""Decimals, JSON values and encrypted cells: kinds that are not stored as they are sent and answered."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import pytest
from plain_tool import Tool
from workbench import ALL, Workbench, by_cursor, where

from rowkeep.model.access import Workspace
from rowkeep.storage.contract import UniqueConflict, WorkspaceDatabase

pytestmark = pytest.mark.anyio

EXACT: dict[str, Any] = {
    "name": "exact",
    "schemaDef": [
        {"name": "Amount", "type": "decimal"},
        {"name": "Document", "type": "json"},
        {"name": "Secret", "type": "string", "isEncrypted": True},
        {"name": "Sum", "type": "decimal", "isEncrypted": True},
    ],
    "indexes": [
        {"name": "by_amount", "columns": [{"name": "Amount", "order": "desc"}]},
        {"name": "by_secret", "isUnique": True, "columns": [{"name": "Secret"}]},
        {"name": "by_sum", "isUnique": True, "columns": [{"name": "Sum"}, {"name": "Secret"}]},
    ],
}

IN_ORDER = [
    "-1" + "0" * 999, "-10.5", "-10", "-9.99", "-0." + "0" * 999 + "1", "0.00", "0." + "0" * 999 + "1",
    "0.1", "0.12345678901234567890123456789012345678", "9", "10.50", "9" * 38, "1" + "0" * 999,
]  # fmt: skip

EDGES: dict[str, list[Any]] = {
    "Amount": [*IN_ORDER, None],
    "Document": [{"b": [1.5, None], "a": {}}, [], "", "x" * 100_000, 0, False, 2**70, "\u0000", None],
    "Secret": ["", " ", "ŝ😀", "x" * 2000, "\U0010ffff", None],
    "Sum": [*(text for text in IN_ORDER if text not in ("0.00", "10.50")), "0", "10.5", None],
}
"""For each column, values as they are stored and answered."""


@pytest.fixture
async def exact(database: WorkspaceDatabase) -> Workbench:
    return await Workbench.with_table(database, EXACT)


def read(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value


async def answered(exact: Workbench, field: str, body: dict[str, Any] | None = None) -> list[Any]:
    """One column of the rows that a query finds, in the clear."""
    body = {**(body or {}), "fields": [field]}
    rows = exact.forms.answer((await exact.select(body)).rows, [field])
    return [read(row[0]) for row in rows]


async def test_cells_come_back_from_inserts_and_updates_and_are_found(exact: Workbench) -> None:
    for field, values in EDGES.items():
        at = list(EDGES).index(field)
        await exact.insert(*({field: value} for value in values))
        assert await answered(exact, field) == values, field
        await exact.delete(ALL)
        for value in values:
            await exact.insert({field: value})
        assert await answered(exact, field) == values, field
        for value in values if field != "Document" else ():
            assert await answered(exact, field, {"query": where(field, "=", value)}) == [value], field
            others = [other for other in values if other != value]
            assert await answered(exact, field, {"query": where(field, "!=", value)}) == others, field
            assert await answered(exact, field, {"query": where(field, "in", [value, "7"])}) == [value]
        assert await answered(exact, field, {"query": where(field, "is null")}) == [None]
        await exact.delete(ALL)
        await exact.insert({})
        for value in values:
            updated = await exact.update(ALL, {field: value})
            assert updated.rows is not None
            assert read(exact.forms.answer(updated.rows)[0][at]) == value, field
            assert await answered(exact, field) == [value], field
        await exact.delete(ALL)


async def test_decimals_sort_and_page_as_numbers(exact: Workbench) -> None:
    await exact.insert(*({"Amount": text} for text in [*IN_ORDER[::2], None, *IN_ORDER[1::2]]))
    for order, expected in (("asc", [None, *IN_ORDER]), ("desc", [*reversed(IN_ORDER), None])):
        body = {"sort": [{"field": "Amount", "order": order}], "fields": ["Amount"]}
        pages = await by_cursor(exact, body, 3)
        assert [row[0] for page in pages for row in page.rows] == expected
    for at, text in enumerate(IN_ORDER):
        less = await exact.column("Amount", {"query": where("Amount", "<", text)})
        assert sorted(less) == sorted(IN_ORDER[:at]), text
        between = await exact.column("Amount", {"query": where("Amount", "between", [text, IN_ORDER[-1]])})
        assert sorted(between) == sorted(IN_ORDER[at:]), text


async def test_equal_values_are_one_to_a_unique_index(exact: Workbench) -> None:
    await exact.insert({"Sum": "1.50", "Secret": "a"}, {"Sum": "1.5", "Secret": "b"}, {"Sum": "1.5"}, {})
    for rows, index, place in (
        ([{"Secret": "c"}, {"Secret": "a"}], "by_secret", 1),
        ([{"Secret": "d"}, {"Secret": "d"}], "by_secret", 1),
    ):
        with pytest.raises(UniqueConflict) as caught:
            await exact.insert(*rows)
        assert caught.value.index is not None
        assert (caught.value.index.name, caught.value.row) == (index, place)
    with pytest.raises(UniqueConflict):
        await exact.update(where("Sum", "=", "1.500"), {"Secret": "e"})
    assert await answered(exact, "Secret") == ["a", "b", None, None]
    assert await answered(exact, "Sum", {"query": where("Sum", "=", "1.500")}) == ["1.5"] * 3


TYPES = {
    "sqlite": (
        "SELECT name, type FROM pragma_table_info('exact')",
        {"Amount": "TEXT", "_key_Amount": "TEXT", "Document": "TEXT", "Secret": "BLOB", "Sum": "BLOB"},
    ),
    "postgresql": (
        "SELECT column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema AND table_name = 'exact'",
        {"Amount": "numeric", "Document": "json", "Secret": "bytea", "Sum": "bytea"},
    ),
}

SUMS = {
    "sqlite": """SELECT sum(CAST("Amount" AS real)), sum("Document" ->> '$.n') FROM exact""",
    "postgresql": """SELECT sum("Amount"), sum(("Document" ->> 'n')::int) FROM exact""",
}


async def test_what_another_tool_sees(exact: Workbench, url: str, workspace: Workspace) -> None:
    """Numbers that it can count with, documents that it can look into, and no word of what is encrypted."""
    tool = Tool(url, workspace)
    query, types = TYPES[tool.engine]
    found = {name: kind for name, kind in await tool.rows(query) if name in types}
    assert found == types
    await exact.insert(
        {"Amount": "1.50", "Document": {"n": 1}, "Secret": "Zwetschge", "Sum": "263.0"},
        {"Amount": "-20.25", "Document": {"n": 2}, "Secret": "Knödel", "Sum": "263"},
        {"Amount": "3"},
    )
    ((amounts, numbers),) = await tool.rows(SUMS[tool.engine])
    assert (float(amounts), numbers) == (-15.75, 3)
    written = await tool.rows("""SELECT CAST("Amount" AS text) FROM exact ORDER BY _id""")
    assert [tuple(row) for row in written] == [("1.50",), ("-20.25",), ("3",)]
    sealed = await tool.rows('SELECT "Secret", "Sum" FROM exact WHERE "Secret" IS NOT NULL ORDER BY _id')
    (secret, one), (other_secret, same) = sealed
    assert one == same
    assert secret != other_secret
    for cell in (secret, one, other_secret):
        assert isinstance(cell, bytes)
        assert b"263" not in cell
        assert b"Zwetschge" not in cell


async def test_what_another_tool_writes_is_read(exact: Workbench, url: str, workspace: Workspace) -> None:
    tool = Tool(url, workspace)
    await exact.insert({"Amount": "1", "Document": 1})
    # a text of the same value has the same key, so that SQLite's needs no change
    await tool.rows("""UPDATE exact SET "Amount" = '1.000', "Document" = '{"z": 1.10}'""")
    assert await exact.column("Amount", {"query": where("Amount", "=", 1)}) == ["1.000"]
    assert [bytes(row) for row in await raw(exact, "Document")] == [b'{"z": 1.10}']
    if tool.engine == "sqlite":
        with pytest.raises(sqlite3.IntegrityError):
            await tool.rows("""UPDATE exact SET "Secret" = 'in the clear'""")


async def raw(exact: Workbench, field: str) -> list[Any]:
    rows = exact.forms.answer((await exact.select({"fields": [field]})).rows, [field])
    return [row[0] for row in rows]
