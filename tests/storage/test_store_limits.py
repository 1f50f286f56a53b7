"""The largest requests that pass the checks before storage: storage must be able to carry them out."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from workbench import THINGS, Workbench, by_cursor, where

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.model.filters import MAX_DEPTH, MAX_LIST, MAX_VALUES
from rowkeep.model.tables import MAX_COLUMNS, MAX_INDEX_BYTES, MAX_INDEX_COLUMNS, MAX_INDEXES
from rowkeep.settings import Settings
from rowkeep.sql import pages
from rowkeep.storage.contract import WorkspaceDatabase

pytestmark = pytest.mark.anyio

MAX_EXPRESSIONS = Settings().max_filter_expressions


async def test_a_list_of_all_lengths(things: Workbench) -> None:
    await things.insert(*({"Whole": at} for at in range(1100)))
    for length in (1, 2, 3, 999, MAX_LIST):
        query = where("Whole", "in", list(range(length)))
        assert (await things.select({"query": query}, 1)).total == length
        assert (await things.select({"query": {"expressions": [{"not": query}]}}, 1)).total == 1100 - length


@pytest.mark.parametrize(("operand", "operator"), [("in", "or"), ("not in", "and")])
async def test_the_longest_filter_of_the_longest_lists(
    things: Workbench, operand: str, operator: str
) -> None:
    await things.insert(*({"Whole": at} for at in range(3)))
    lists = [list(range(at * MAX_LIST, (at + 1) * MAX_LIST)) for at in range(MAX_VALUES // 1024)]
    query = {"operator": operator, "expressions": [where("Whole", operand, each) for each in lists]}
    expected = {"in": 3, "not in": 0}[operand]
    assert (await things.select({"query": query})).total == expected
    assert (await things.update(query, {"Text": "a"})).count == expected
    assert await things.delete(query) == expected


async def test_the_longest_filter(things: Workbench) -> None:
    await things.insert(*({"Text": f"{at:03}", "Whole": at} for at in range(300)))
    for operator, expected in (("or", MAX_EXPRESSIONS), ("and", 0)):
        parts = [where("Text", "starts with", f"{at:03}") for at in range(MAX_EXPRESSIONS)]
        query = {"operator": operator, "expressions": parts}
        assert (await things.select({"query": query}, 1)).total == expected


async def test_the_deepest_filter(things: Workbench) -> None:
    await things.insert(*({"Whole": at} for at in range(30)))
    query = where("Whole", "<", 5)
    for depth in range(1, MAX_DEPTH):
        other = {"field": "Whole", "operand": "=", "value": 4 + depth}
        query = {"operator": "or", "expressions": [query, other]}
    assert (await things.select({"query": query}, 1)).total == 5 + MAX_DEPTH - 1
    turned: dict[str, Any] = where("Whole", "<", 5)["expressions"][0]
    for _ in range(1, MAX_DEPTH):
        turned = {"not": turned}
    assert (await things.select({"query": {"expressions": [turned]}}, 1)).total == 25


WIDE = [f"Column_{at}_{'x' * 50}" for at in range(MAX_COLUMNS)]
VALUES = {"string": "x" * 26, "number": 1.5, "integer": 1, "boolean": True, "date": "2020-03-28"}
KINDS = dict(zip(WIDE, list(VALUES) * MAX_COLUMNS, strict=False))
WIDE_ROW = {name: VALUES[kind] for name, kind in KINDS.items()}


@pytest.fixture
async def wide(database: WorkspaceDatabase) -> Workbench:
    """A table of as many columns as there may be, with six full rows and two empty ones."""
    columns = [{"name": name, "type": kind} for name, kind in KINDS.items()]
    wide = await Workbench.with_table(database, {"name": "wide", "schemaDef": columns})
    for _ in range(2):
        await wide.insert(WIDE_ROW)
        await wide.insert(WIDE_ROW, {}, WIDE_ROW)
    return wide


async def test_the_widest_table(wide: Workbench) -> None:
    updated = await wide.update(where(WIDE[0], "is null"), WIDE_ROW)
    assert updated.count == 2
    parts = [where(name, "=", WIDE_ROW[name]) for name in WIDE[:MAX_EXPRESSIONS]]
    assert await wide.delete({"expressions": parts}) == 8


@pytest.fixture
def frames_of_pytest() -> Iterator[None]:
    """A statement is compiled as deep as it is nested. The frames that pytest adds to those of a server, and
    what measures coverage, do not count."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 100)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_the_longest_sort(wide: Workbench, frames_of_pytest: None, order: str) -> None:
    """As many columns as the plan takes: all of them, or up to a limit."""
    for length in (MAX_COLUMNS, 100, 64, 32, 16):
        body = {"sort": [{"field": name, "order": order} for name in WIDE[:length]]}
        with contextlib.suppress(RowkeepError):
            wide.select_plan(body)
            break
    found = [row[0] for page in await by_cursor(wide, body, 3) for row in page.rows]
    expected = [None] * 2 + [VALUES["string"]] * 6
    assert found == (expected if order == "asc" else expected[::-1])


async def test_the_heaviest_index_entries(database: WorkspaceDatabase) -> None:
    """Text that hardly compresses, so that the engines must store all of it."""
    names = [f"Column_{at}" for at in range(MAX_INDEX_COLUMNS)]
    heavy = await Workbench.with_table(
        database,
        {
            "name": "heavy",
            "schemaDef": [{"name": name, "type": "string"} for name in (*names, "Alone")],
            "indexes": [
                {"name": "of_all", "isUnique": True, "columns": [{"name": name} for name in names]},
                {"name": "of_one", "isUnique": True, "columns": [{"name": "Alone"}]},
            ],
        },
    )
    share = MAX_INDEX_BYTES // MAX_INDEX_COLUMNS
    row = {name: _noise(share, at) for at, name in enumerate(names)} | {"Alone": _noise(MAX_INDEX_BYTES, 99)}
    await heavy.insert(row)
    await heavy.insert({name: text[::-1] for name, text in row.items()}, {})
    assert (await heavy.select({"query": where("Alone", "=", row["Alone"])})).total == 1


def _noise(length: int, seed: int) -> str:
    return "".join(chr(33 + (at * at * 7919 + seed * 104729 + at // 7 * 31) % 90) for at in range(length))


async def test_as_many_indexes_as_there_may_be(database: WorkspaceDatabase) -> None:
    columns = [{"name": f"C{at}", "type": "integer"} for at in range(MAX_INDEXES)]
    indexes = [
        {"name": f"I{at}", "isUnique": at % 2 == 0, "columns": [{"name": f"C{at}"}]}
        for at in range(MAX_INDEXES)
    ]
    table = {"name": "indexed", "schemaDef": columns, "indexes": indexes}
    indexed = await Workbench.with_table(database, table)
    await indexed.insert(*({column["name"]: at for column in columns} for at in range(100)))
    assert await indexed.count() == 100


async def test_more_shapes_than_are_kept_compiled(
    database: WorkspaceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "CACHED_SHAPES", 20)
    # no other table shares its statements, with a cache that was there before
    things = await Workbench.with_table(database, THINGS | {"name": "shapes"})
    await things.insert({"Whole": 1})
    for at in range(pages.CACHED_SHAPES + 50):
        fields = [name for place, name in enumerate(("Text", "Number", "Flag", "Day")) if at >> place & 1]
        sort = [{"field": "Whole", "order": "desc" if at >> 4 & 1 else "asc"}]
        expressions = [where("Whole", "=", 1)] * (1 + at // 32)
        body = {"fields": ["Whole", *fields], "sort": sort, "query": {"expressions": expressions}}
        assert (await things.select(body)).rows[0][0] == 1
