"""Loads of a store: all rows of a stream in one transaction, and the places of conflicts, on both engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from workbench import Workbench

from rowkeep.model.data_requests import ConflictAction
from rowkeep.plan.rows.upserts import UpsertPlan
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.storage.contract import (
    KeyUsed,
    Load,
    Loaded,
    NotStored,
    PartRefused,
    ReferenceConflict,
    RowsRefused,
    StaleCatalog,
    Steps,
    StoredResponse,
    UniqueConflict,
    WorkspaceDatabase,
    WriteKey,
)
from rowkeep.storage.sqlite import loads

pytestmark = pytest.mark.anyio

NODES: dict[str, Any] = {
    "name": "nodes",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Text", "type": "string", "isRequired": True},
        {"name": "Whole", "type": "integer"},
        {"name": "Parent", "type": "string", "reference": {"table": "nodes", "column": "Code"}},
    ],
    "indexes": [
        {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]},
        {"name": "by_whole", "isUnique": True, "columns": [{"name": "Whole"}]},
    ],
}
LEAVES: dict[str, Any] = {**NODES, "name": "leaves", "schemaDef": NODES["schemaDef"][:3]}

Part = InsertPlan | UpsertPlan
Row = Mapping[str, Any]


@pytest.fixture
async def nodes(database: WorkspaceDatabase) -> Workbench:
    """A table whose rows can refer to each other."""
    return await Workbench.with_table(database, NODES)


@pytest.fixture(params=["with its indexes", "indexes afterwards"])
async def leaves(
    database: WorkspaceDatabase, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Workbench:
    """A table without references, into which SQLite loads in both ways; one row has the Code ``stored``."""
    leaves = await Workbench.with_table(database, LEAVES)
    await leaves.insert(node("stored", 0))
    if request.param == "indexes afterwards":
        monkeypatch.setattr(loads, "MIN_REBUILT", 1)
    return leaves


def node(code: str, whole: int | None = None, **more: Any) -> Row:
    return {"Code": code, "Text": "t", "Whole": whole, **more}


def inserts(nodes: Workbench, *parts: Sequence[Row]) -> list[Part]:
    return [nodes.insert_plan(*rows) for rows in parts]


def upserts(nodes: Workbench, *parts: Sequence[Row], action: ConflictAction = "update") -> list[Part]:
    return [nodes.upsert_plan(*rows, action=action) for rows in parts]


async def load(
    nodes: Workbench,
    parts: Sequence[Part],
    key: WriteKey | None = None,
    version: int | None = None,
    **more: Any,
) -> Loaded:
    count, is_upsert = (
        sum(len(part.rows) for part in parts),
        any(isinstance(part, UpsertPlan) for part in parts),
    )
    given = Load(lambda: iter(parts), count, is_upsert, **more)
    at = nodes.version if version is None else version
    return await nodes.database.load(nodes.sql, given, at, key)


async def places_of(nodes: Workbench, parts: Sequence[Part]) -> tuple[str | None, list[tuple[int, int]]]:
    """The index and the places that a load is refused for, having written nothing."""
    before = await nodes.select()
    with pytest.raises((PartRefused, RowsRefused)) as caught:
        await load(nodes, parts)
    assert await nodes.select() == before
    refused = caught.value
    if isinstance(refused, RowsRefused):
        return refused.index.name, list(refused.places)
    conflict = refused.refusal
    assert isinstance(conflict, UniqueConflict)
    assert conflict.index is not None
    # PostgreSQL does not say which row of an upsert it was
    return conflict.index.name, [] if conflict.row is None else [(refused.part, conflict.row)]


async def test_inserts(leaves: Workbench) -> None:
    parts = inserts(leaves, [node("c", 3), node("b", 2)], [node("a", 1)])
    assert await load(leaves, parts) == Loaded(3)
    assert await leaves.column("Code") == ["stored", "c", "b", "a"]
    ids = await leaves.column("_id")
    assert ids == sorted(set(ids))
    assert len(set((await leaves.column("Created_On"))[1:])) == 1
    # the indexes are there, also on SQLite, which can have made them again
    for row in (node("b"), node("d", 1)):
        with pytest.raises(UniqueConflict):
            await leaves.insert(row)


@pytest.mark.parametrize(
    ("parts", "index", "places"),
    [
        ([[node("a"), node("b")], [node("c"), node("stored")]], "by_code", [(1, 1)]),
        ([[node("a", 5), node("b", 6)], [node("c", 7)], [node("d", 5)]], "by_whole", [(2, 0)]),
        ([[node("a"), node("a")]], "by_code", [(0, 1)]),
    ],
    ids=["stored", "in an earlier part", "in one part"],
)
async def test_a_unique_conflict_names_its_place(
    leaves: Workbench, parts: list[list[Row]], index: str, places: list[tuple[int, int]]
) -> None:
    assert await places_of(leaves, inserts(leaves, *parts)) == (index, places)
    await load(leaves, inserts(leaves, [node("a", 5)]))


async def test_inserts_refer_to_each_other_in_any_order(nodes: Workbench) -> None:
    await nodes.insert(node("stored"))
    parts = inserts(
        nodes,
        [node("leaf", Parent="branch"), node("other", Parent="stored")],
        [node("branch", Parent="root")],
        [node("root", Parent="root")],
    )
    assert await load(nodes, parts) == Loaded(4)
    with pytest.raises((PartRefused, ReferenceConflict)) as caught:
        await load(nodes, inserts(nodes, [node("a")], [node("b", Parent="missing")]))
    if isinstance(caught.value, PartRefused):
        assert caught.value.part == 1
        assert isinstance(caught.value.refusal, ReferenceConflict)
    assert await nodes.count() == 5


@pytest.mark.parametrize("action", ["update", "ignore"])
async def test_upserts(nodes: Workbench, action: ConflictAction) -> None:
    await nodes.insert(node("stored", 1))
    parts = upserts(
        nodes,
        [node("stored", 2), node("new", 3, Parent="stored")],
        # what an earlier part has written is found
        [node("new", 4), node("last", Parent="new")],
        action=action,
    )
    assert await load(nodes, parts) == Loaded(2, 2)
    wholes = [2, 4, None] if action == "update" else [1, 3, None]
    assert await nodes.column("Whole") == wholes


async def test_refused_upserts(nodes: Workbench) -> None:
    await nodes.insert(node("stored", 1))
    good = [node("a", 5)]
    index, places = await places_of(nodes, upserts(nodes, good, [node("b", 6), node("c", 1)]))
    assert (index, places or [(1, 1)]) == ("by_whole", [(1, 1)])
    for bad, kind in (({"Code": "b"}, NotStored), (node("b", Parent="missing"), ReferenceConflict)):
        with pytest.raises(PartRefused) as caught:
            await load(nodes, upserts(nodes, good, [node("c"), bad]))
        refusal = caught.value.refusal
        assert caught.value.part == 1
        assert isinstance(refusal, kind)
        if isinstance(refusal, NotStored):
            assert list(refusal.places) == [1]
    assert await nodes.column("Code") == ["stored"]


async def test_nothing_is_written_with_an_old_version(nodes: Workbench) -> None:
    for parts in (inserts(nodes, [node("a")]), upserts(nodes, [node("a")]), []):
        with pytest.raises(StaleCatalog):
            await load(nodes, parts, version=nodes.version - 1)
    assert await nodes.count() == 0
    assert await load(nodes, []) == Loaded(0)


async def test_a_key_can_be_used_once(nodes: Workbench) -> None:
    def key() -> WriteKey:
        return WriteKey("st-one", "k", 0, 3600, lambda loaded: StoredResponse(200, 1, b"%r" % (loaded,)))

    # nothing is stored under the key of a load that is refused
    with pytest.raises(PartRefused):
        await load(nodes, inserts(nodes, [node("a"), node("a")]), key())
    assert await load(nodes, inserts(nodes, [node("a")], [node("b")]), key()) == Loaded(2)
    for parts in (inserts(nodes, [node("c")]), upserts(nodes, [node("c")])):
        with pytest.raises(KeyUsed) as used:
            await load(nodes, parts, key())
        assert used.value.stored == StoredResponse(200, 1, b"%r" % (Loaded(2),))
    assert await nodes.column("Code") == ["a", "b"]


async def test_a_dry_run_is_undone(leaves: Workbench) -> None:
    for parts in (inserts(leaves, [node("a")], [node("b")]), upserts(leaves, [node("a")], [node("b")])):
        assert await load(leaves, parts, is_dry_run=True) == Loaded(2)
    with pytest.raises((PartRefused, RowsRefused)):
        await load(leaves, inserts(leaves, [node("a")], [node("stored")]), is_dry_run=True)
    assert await leaves.column("Code") == ["stored"]
    with pytest.raises(UniqueConflict):
        await leaves.insert(node("stored"))


async def test_scripts_before_and_after_the_rows(leaves: Workbench) -> None:
    def rename() -> Steps[None]:
        yield leaves.statement("""UPDATE @leaves SET "Text" = 'changed'""")

    def refuse_many() -> Steps[None]:
        rows = yield leaves.statement("SELECT count(*) FROM @leaves")
        if rows[0][0] > 2:
            raise OverflowError

    assert await load(leaves, inserts(leaves, [node("a")]), first=rename, last=refuse_many) == Loaded(1)
    for parts in (inserts(leaves, [node("b")]), upserts(leaves, [node("b")])):
        with pytest.raises(OverflowError):
            await load(leaves, parts, first=rename, last=refuse_many)
    assert await leaves.column("Text") == ["changed", "t"]
