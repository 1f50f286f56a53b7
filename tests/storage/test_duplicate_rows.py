"""The rows of a refused bulk that are duplicates, where the engine does not say which."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from test_unique_conflicts import ADDRESS, PLACES, codes, column, index
from workbench import Workbench

from rowkeep.storage.contract import WorkspaceDatabase
from rowkeep.storage.scripts.uniqueness import find_duplicates

pytestmark = pytest.mark.anyio


async def duplicates(
    things: Workbench, name: str, *rows: dict[str, Any], first: int = 0, limit: int = 100
) -> list[int]:
    unique = next(each for each in things.table.indexes if each.name == name)
    plan = things.insert_plan(*rows)
    return await things.database.read(partial(find_duplicates, things.sql, unique, plan.rows, first, limit))


async def test_stored_and_repeated_keys(database: WorkspaceDatabase) -> None:
    places = await Workbench.with_table(database, PLACES)
    await places.insert(*codes("a", "b"), ADDRESS)
    assert await duplicates(places, "by_code", *codes("x", "b", "x", "a", "y")) == [1, 2, 3]
    assert await duplicates(places, "by_code", *codes("x", "b", "x", "a", "y"), first=2) == [2, 3]
    assert await duplicates(places, "by_code", *codes("x", "b", "x", "a", "y"), limit=2) == [1, 2]
    assert await duplicates(places, "by_code", {}, {}, *codes("z")) == []
    new = {**ADDRESS, "Number": 8}
    assert await duplicates(places, "by_address", new, ADDRESS, {"Town": "Bern"}, new) == [1, 3]
    many = codes(*range(1700), "b", *range(100), "a")
    assert await duplicates(places, "by_code", *many) == [*range(1700, 1801), 1801][:100]
    assert await duplicates(places, "by_code", *codes(*range(1700)), *codes("b")) == [1700]


TYPES: dict[str, tuple[Any, Any, Any]] = {
    "string": ("a", "a", "A"),
    "number": (1, 1.0, 1.5),
    "integer": (7, 7, 8),
    "boolean": (True, True, False),
    "date": ("2020-03-28", "2020-03-28T00:00:00Z", "2020-03-29"),
    "decimal": ("1.50", "1.5", "1.51"),
}


@pytest.mark.parametrize("kind", TYPES)
async def test_keys_of_each_type(database: WorkspaceDatabase, kind: str) -> None:
    one, same, other = TYPES[kind]
    table = {
        "name": "keyed",
        "schemaDef": [column("Key", kind), column("Second", kind)],
        "indexes": [index("by_key", "Key"), index("by_both", "Second", "Key")],
    }
    keyed = await Workbench.with_table(database, table)
    await keyed.insert({"Key": one, "Second": one})
    rows = [{"Key": other}, {"Key": same}, {"Key": other}]
    assert await duplicates(keyed, "by_key", *rows) == [1, 2]
    both = [{"Key": same, "Second": other}, {"Key": same, "Second": same}, {"Key": same}]
    assert await duplicates(keyed, "by_both", *both) == [1]


async def test_encrypted_keys(database: WorkspaceDatabase) -> None:
    table = {
        "name": "keyed",
        "schemaDef": [column("Key") | {"isEncrypted": True}],
        "indexes": [index("by_key", "Key")],
    }
    keyed = await Workbench.with_table(database, table)
    await keyed.insert({"Key": "a"})
    assert await duplicates(keyed, "by_key", {"Key": "b"}, {"Key": "a"}, {"Key": "b"}) == [1, 2]


async def test_an_index_with_a_system_column(database: WorkspaceDatabase) -> None:
    table = {
        "name": "keyed",
        "schemaDef": [column("Key")],
        "indexes": [index("by_writer", "Key", "Created_By")],
    }
    keyed = await Workbench.with_table(database, table)
    assert await duplicates(keyed, "by_writer", {"Key": "a"}, {"Key": "a"}) == []
