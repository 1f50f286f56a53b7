"""Partial inserts: the rows that can be stored are, in one transaction, and the others are named."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from workbench import ALL, WRITER, Workbench, rows_of, where

from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.storage.contract import (
    KeyUsed,
    PartlyInserted,
    StaleCatalog,
    StoredResponse,
    UniqueConflict,
    WorkspaceDatabase,
    WriteKey,
)
from rowkeep.storage.scripts.sifting import sift

pytestmark = pytest.mark.anyio


def index(name: str, *columns: str) -> dict[str, Any]:
    return {"name": name, "isUnique": True, "columns": [{"name": each} for each in columns]}


PEOPLE = {
    "name": "people",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Secret", "type": "string", "isEncrypted": True},
        {"name": "Price", "type": "decimal"},
        {"name": "Day", "type": "date"},
        {"name": "Flag", "type": "boolean"},
        {"name": "Number", "type": "number"},
        {"name": "Boss", "type": "string", "reference": {"table": "people", "column": "Code"}},
        {"name": "Above", "type": "string", "reference": {"table": "people", "column": "sys_Id"}},
    ],
    "indexes": [
        index("by_code", "Code"),
        index("by_secret", "Secret"),
        index("by_price", "Price"),
        index("by_rest", "Day", "Flag", "Number"),
        index("by_id", "_id", "Code"),
    ],
}


@pytest.fixture
async def people(database: WorkspaceDatabase) -> Workbench:
    return await Workbench.with_table(database, PEOPLE)


async def insert_partly(
    bench: Workbench,
    *rows: Mapping[str, Any],
    version: int | None = None,
    key: WriteKey | None = None,
    is_dry_run: bool = False,
) -> PartlyInserted:
    plan = bench.insert_plan(*rows)
    plan = InsertPlan(plan.rows, WRITER, plan.rekeyed, is_dry_run)
    at = bench.version if version is None else version
    script = partial(sift, bench.scripts, bench.sql, plan, at)
    return await bench.database.insert_partly(bench.sql, plan, script, at, key)


def refused(inserted: PartlyInserted) -> dict[int, tuple[list[str], list[str]]]:
    """The refused rows, with the names of their indexes and columns."""
    return {
        each.row: ([index.name for index in each.indexes], [missing.column.name for missing in each.missing])
        for each in inserted.sifted.refused
    }


def key(name: str = "k") -> WriteKey:
    return WriteKey(
        "st-one", name, 0, 3600, lambda result: StoredResponse(207, 1, b"%d" % result.stamp.count)
    )


DATE = "2020-03-28T07:02:09.652Z"


async def test_rows_that_are_stored_already(people: Workbench) -> None:
    taken = {"Code": "a", "Secret": "s", "Price": "1.50", "Day": DATE, "Flag": True, "Number": 2.5}
    await people.insert(taken, {"Day": DATE, "Flag": True})
    inserted = await insert_partly(
        people,
        {"Code": "b"},
        {"Code": "a"},
        {"Secret": "s"},
        {"Price": "1.5"},
        {"Day": DATE, "Flag": True, "Number": 2.5},
        {"Day": DATE, "Flag": True},
        {"Day": DATE, "Flag": False, "Number": 2.5},
        taken,
    )
    assert inserted.sifted.accepted == [0, 5, 6]
    assert refused(inserted) == {
        1: (["by_code"], []),
        2: (["by_secret"], []),
        3: (["by_price"], []),
        4: (["by_rest"], []),
        7: (["by_code", "by_secret", "by_price", "by_rest"], []),
    }
    assert await people.column("_id") == [*await people.column("_id")][:2] + list(inserted.stamp.ids())
    assert await people.column("Code") == ["a", None, "b", None, None]


async def test_rows_that_are_equal_to_each_other(people: Workbench) -> None:
    inserted = await insert_partly(
        people,
        {"Price": "2"},
        {"Price": "2.00"},
        {"Secret": "x"},
        {"Secret": "x"},
        {"Number": 1, "Day": DATE, "Flag": True},
        {"Number": 1.0, "Day": "2020-03-28T08:02:09.652+01:00", "Flag": "true"},
    )
    assert inserted.sifted.accepted == [0, 2, 4]
    assert await people.count() == 3


async def test_references(people: Workbench) -> None:
    await people.insert({"Code": "stored"})
    (sys_id,) = await people.column("sys_Id")
    inserted = await insert_partly(
        people,
        {"Code": "1", "Boss": "2"},
        {"Code": "2", "Boss": "stored"},
        {"Code": "3", "Boss": "4"},
        {"Code": "4", "Boss": "nobody"},
        {"Code": "5", "Above": sys_id},
        {"Code": "6", "Above": "sys-00000000-0000-8000-8000-000000000000"},
        {"Code": "7", "Boss": "7"},
    )
    assert inserted.sifted.accepted == [0, 1, 4, 6]
    assert refused(inserted) == {2: ([], ["Boss"]), 3: ([], ["Boss"]), 5: ([], ["Above"])}
    assert await people.column("Code") == ["stored", "1", "2", "5", "7"]


async def test_many_keys(people: Workbench) -> None:
    await people.insert(*({"Code": str(at)} for at in range(0, 25_000, 10)))
    inserted = await insert_partly(people, *({"Code": str(at), "Boss": str(at)} for at in range(25_000)))
    assert len(inserted.sifted.accepted) == 22_500
    assert [each.row for each in inserted.sifted.refused] == list(range(0, 25_000, 10))
    assert await people.count() == 25_000


async def test_nothing_is_accepted(people: Workbench) -> None:
    await people.insert({"Code": "a"})
    inserted = await insert_partly(people, {"Code": "a"}, key=key())
    assert (inserted.stamp.count, inserted.sifted.accepted) == (0, [])
    # not even the key is stored
    assert (await insert_partly(people, {"Code": "b"}, key=key())).stamp.count == 1


async def test_no_rows(people: Workbench) -> None:
    assert (await insert_partly(people, key=key())).stamp.count == 0
    with pytest.raises(KeyUsed):
        await insert_partly(people, key=key())


async def test_the_response_is_stored_with_the_rows(people: Workbench) -> None:
    await people.insert({"Code": "a"})
    await insert_partly(people, {"Code": "a"}, {"Code": "b"}, {"Code": "c"}, key=key())
    with pytest.raises(KeyUsed) as caught:
        await insert_partly(people, {"Code": "d"}, key=key())
    assert caught.value.stored == StoredResponse(207, 1, b"2")
    assert await people.column("Code") == ["a", "b", "c"]


async def test_definitions_have_changed(people: Workbench) -> None:
    for rows in ([{"Code": "a"}], [{"Code": "a"}, {"Code": "a"}], []):
        with pytest.raises(StaleCatalog):
            await insert_partly(people, *rows, version=people.version + 1)
    assert await people.count() == 0


async def test_a_dry_run(people: Workbench) -> None:
    inserted = await insert_partly(people, {"Code": "a"}, {"Code": "a"}, is_dry_run=True)
    assert inserted.sifted.accepted == [0]
    assert await people.count() == 0


MOMENTS = {
    "name": "moments",
    "schemaDef": [{"name": "Code", "type": "string"}],
    "indexes": [index("by_writer", "Code", "Created_By"), index("by_moment", "Created_On", "Updated_By")],
}


async def test_indexes_with_system_columns(database: WorkspaceDatabase) -> None:
    moments = await Workbench.with_table(database, MOMENTS)
    # all rows of a request have the same moment
    inserted = await insert_partly(moments, {"Code": "a"}, {"Code": "b"})
    assert refused(inserted) == {1: (["by_moment"], [])}
    await asyncio.sleep(0.005)
    inserted = await insert_partly(moments, {"Code": "a"}, {"Code": "c"})
    assert refused(inserted) == {0: (["by_writer", "by_moment"], [])}
    assert await moments.column("Code") == ["a", "c"]


async def test_several_at_once(people: Workbench) -> None:
    rows = [{"Code": str(at)} for at in range(200)]
    bulks = [insert_partly(people, *rows[at * 20 :], *rows[: at * 20]) for at in range(8)]
    inserted = await asyncio.gather(*bulks)
    assert sum(each.stamp.count for each in inserted) == 200
    assert sorted(await people.column("Code"), key=int) == [row["Code"] for row in rows]


# dry runs of the other writes


async def test_dry_runs_store_nothing(things: Workbench) -> None:
    await things.insert({"Text": "a", "Whole": 1}, {"Text": "b", "Whole": 2})
    before = await things.select()
    database, sql, version = things.database, things.sql, things.version
    for rows in ([{"Text": "c"}], [{"Text": "c"}, {"Text": "d"}], []):
        plan = InsertPlan(things.insert_plan(*rows).rows, WRITER, is_dry_run=True)
        assert (await database.insert(sql, plan, version)).count == len(rows)
    update = things.update_plan(where("Whole", "=", 1), {"Text": "z"}, dry_run=True)
    assert (await database.update(sql, update, version)).count == 1
    assert await database.delete(sql, things.delete_plan(ALL, dry_run=True), version) == 2
    assert await things.select() == before


async def test_dry_runs_do_not_disturb_other_writes(people: Workbench) -> None:
    await people.insert({"Code": "taken"})

    def tried(code: str) -> Any:
        plan = InsertPlan(people.insert_plan({"Code": code}).rows, WRITER, is_dry_run=True)
        return people.database.insert(people.sql, plan, people.version)

    writes = [people.insert({"Code": str(at)}) for at in range(20)]
    tries = [tried(str(at)) for at in range(100, 120)]
    conflicts = [tried("taken") for _ in range(5)]
    mixed = [each for some in zip(writes, tries, strict=True) for each in some]
    results = await asyncio.gather(*mixed, *conflicts, return_exceptions=True)
    assert [type(each) for each in results[40:]] == [UniqueConflict] * 5
    assert not any(isinstance(each, BaseException) for each in results[:40])
    assert await people.count() == 21


async def test_the_rows_of_a_dry_run_are_gone(people: Workbench) -> None:
    await people.insert({"Code": "a"})
    plan = people.delete_plan(ALL, dry_run=True)
    assert await people.database.delete(people.sql, plan, people.version) == 1
    (found,) = await rows_of(people.database, "SELECT count(*) FROM @people")
    assert found[0] == 1
