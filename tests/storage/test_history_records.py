"""What is recorded of the changes of a table with a history: the row before each change, its operation."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from workbench import THINGS, WRITER, Workbench, rows_of, statement

from rowkeep.model.history import ChangeKind, Operation
from rowkeep.model.ids import Stamp
from rowkeep.storage.contract import Row, Steps, UniqueConflict, WorkspaceDatabase
from rowkeep.storage.scripts.history import HistoryScripts

pytestmark = pytest.mark.anyio

EACH = {"all": True}


@pytest.fixture
async def recorded(database: WorkspaceDatabase) -> Workbench:
    """An empty table whose changes are recorded."""
    index = {"name": "ByText", "isUnique": True, "columns": [{"name": "Text"}]}
    definition = THINGS | {"history": {"keepDays": 30}, "indexes": [index]}
    return await Workbench.with_table(database, definition)


async def records(bench: Workbench) -> list[dict[str, Any]]:
    """All records of the table, in the order of positions, with the operation of each."""
    scripts = HistoryScripts(bench.database.dialect, bench.database.namespace)
    await bench.database.write(scripts.order_operations)
    number = next(column.id for column in bench.table.columns if column.name == "Number")
    found = await rows_of(
        bench.database,
        f'SELECT o.position, o.id, o.writer, o.stamped, h.kind, h.row_key, h."{number}" '  # noqa: S608
        f"FROM @_rowkeep_history_{bench.table.id} h JOIN @_rowkeep_operations o ON o.op = h.op "
        "ORDER BY o.position, h.seq",
    )
    names = ("position", "operation", "writer", "stamped", "kind", "row", "number")
    return [dict(zip(names, row, strict=True)) for row in found]


def changes(found: Sequence[dict[str, Any]]) -> list[tuple[ChangeKind, Any]]:
    return [(ChangeKind(each["kind"]), each["number"]) for each in found]


@pytest.mark.new_workspace
async def test_each_kind_of_change_is_recorded_with_the_row_before_it(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a", "Number": 1})
    await recorded.insert({"Text": "b", "Number": 2}, {"Text": "c", "Number": 3})
    await recorded.update({"expressions": [{"field": "Number", "operand": "<", "value": 3}]}, {"Flag": True})
    plan = recorded.delete_plan({"expressions": [{"field": "Text", "operand": "=", "value": "a"}]})
    await recorded.database.delete(recorded.sql, plan, recorded.version)

    found = await records(recorded)

    assert changes(found) == [
        (ChangeKind.INSERT, None),
        (ChangeKind.INSERT, None),
        (ChangeKind.INSERT, None),
        (ChangeKind.UPDATE, 1),
        (ChangeKind.UPDATE, 2),
        (ChangeKind.DELETE, 1),
    ]
    assert [each["position"] for each in found] == [1, 2, 2, 3, 3, 4]
    assert len({each["operation"] for each in found}) == 4
    assert {each["writer"] for each in found} == {WRITER}
    assert [each["stamped"] for each in found] == sorted(each["stamped"] for each in found)


async def test_an_upsert_is_recorded_as_what_it_did(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a", "Number": 1})
    many = recorded.upsert_plan({"Text": "a", "Number": 5}, {"Text": "b", "Number": 6})
    await recorded.database.upsert(recorded.sql, many, recorded.version)
    one = recorded.upsert_plan({"Text": "b", "Number": 7})
    await recorded.database.upsert(recorded.sql, one, recorded.version)
    ignored = recorded.upsert_plan({"Text": "b", "Number": 8}, action="ignore")
    await recorded.database.upsert(recorded.sql, ignored, recorded.version)

    found = await records(recorded)

    assert changes(found)[:1] == [(ChangeKind.INSERT, None)]
    assert sorted(changes(found)[1:3], key=str) == sorted(
        [(ChangeKind.UPDATE, 1), (ChangeKind.INSERT, None)], key=str
    )
    assert changes(found)[3:] == [(ChangeKind.UPDATE, 6)]
    assert [each["operation"] for each in found[1:]] == [
        many.operation.id if many.operation else "",
        many.operation.id if many.operation else "",
        one.operation.id if one.operation else "",
    ]


@pytest.mark.new_workspace
async def test_a_large_bulk_is_recorded_and_so_is_what_follows(recorded: Workbench) -> None:
    await recorded.insert(*({"Text": f"row {at}"} for at in range(1000)))
    with pytest.raises(UniqueConflict):
        await recorded.insert(*({"Text": f"row {2000 - at}"} for at in range(1002)))
    await recorded.insert({"Text": "last"})
    found = await records(recorded)
    assert changes(found) == [(ChangeKind.INSERT, None)] * 1001
    assert len({each["row"] for each in found}) == 1001
    assert [each["position"] for each in found] == [1] * 1000 + [2]


async def test_a_dry_run_records_nothing(recorded: Workbench) -> None:
    await recorded.insert({"Text": "a", "Number": 1})
    plan = recorded.update_plan(EACH, {"Number": 2}, dry_run=True)
    await recorded.database.update(recorded.sql, plan, recorded.version)
    gone = recorded.delete_plan(EACH, dry_run=True)
    await recorded.database.delete(recorded.sql, gone, recorded.version)
    assert changes(await records(recorded)) == [(ChangeKind.INSERT, None)]


async def test_no_operation_is_stamped_at_or_before_a_moment_that_was_read(recorded: Workbench) -> None:
    scripts = HistoryScripts(recorded.database.dialect, recorded.database.namespace)
    await recorded.insert({"Text": "a"})
    later = "2999-01-01T00:00:00.000Z"
    await recorded.database.write(partial(scripts.order_operations, later))
    await recorded.insert({"Text": "b"})
    first, second = await records(recorded)
    assert first["stamped"] < later < second["stamped"] == "2999-01-01T00:00:00.001Z"


@pytest.mark.new_workspace
@pytest.mark.parametrize("is_restored", [False, True])
async def test_an_operation_that_changes_no_row_does_not_change_the_time_of_those_before(
    recorded: Workbench, is_restored: bool
) -> None:
    database = recorded.database
    await recorded.insert({"Text": "a"})
    plan = recorded.update_plan({"expressions": [{"field": "Text", "operand": "=", "value": "b"}]}, {})
    await database.update(recorded.sql, plan, recorded.version)
    assert plan.operation is not None
    later = "2999-01-01T00:00:00.000Z"
    empty = f"id = '{plan.operation.id}'"
    text = f"UPDATE @_rowkeep_operations SET stamped = '{later}' WHERE {empty} RETURNING op"  # noqa: S608
    assert len(await rows_of(database, text)) == 1
    if is_restored:

        def settle() -> Steps[None]:
            yield statement(database, "DELETE FROM @_rowkeep_operation_tables")
            yield from HistoryScripts(database.dialect, database.namespace).settle([recorded.table])

        await database.write(settle)
    (insert,) = await records(recorded)
    assert insert["stamped"] < later


async def test_a_table_without_history_has_no_operations(things: Workbench) -> None:
    await things.insert({"Text": "a"})
    found: Sequence[Row] = await rows_of(things.database, "SELECT id FROM @_rowkeep_operations")
    assert not found
    assert things.insert_plan({}).operation is None
    assert isinstance(Operation("a", "b"), Operation)


@pytest.mark.new_workspace
async def test_single_inserts_at_the_same_time_have_each_their_operation(recorded: Workbench) -> None:
    """Also those next to one that is refused."""
    texts = [str(at % 20) for at in range(21)]
    plans = [recorded.insert_plan({"Text": text}) for text in texts]
    inserts = (recorded.database.insert(recorded.sql, plan, recorded.version) for plan in plans)
    done = await asyncio.gather(*inserts, return_exceptions=True)

    stored = {
        (plan.operation.id, *stamp.ids())
        for plan, stamp in zip(plans, done, strict=True)
        if plan.operation is not None and isinstance(stamp, Stamp)
    }
    found = await records(recorded)
    assert {(each["operation"], each["row"]) for each in found} == stored
    assert [each["position"] for each in found] == list(range(1, 21))
    assert {each["kind"] for each in found} == {ChangeKind.INSERT}
    assert [type(each) for each in done if not isinstance(each, Stamp)] == [UniqueConflict]
