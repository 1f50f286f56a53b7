"""The records of a table rebuild each of its earlier states, and a reader of them sees every change once, in
order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from workbench import Workbench, initialised, new_workspace, opened

from oracle.effort import examples
from rowkeep.codec.rows import encode
from rowkeep.model.history import ChangeKind, Operation
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.storage.contract import (
    DeleteRows,
    InsertRows,
    NotStored,
    Row,
    RowOperation,
    Store,
    UniqueConflict,
    UpdateRows,
    UpsertRows,
    WorkspaceDatabase,
)

DEFINITION: dict[str, Any] = {
    "name": "states",
    "schemaDef": [
        {"name": "Code", "type": "string", "isRequired": True},
        {"name": "Amount", "type": "decimal"},
        {"name": "Note", "type": "string", "isEncrypted": True},
        {"name": "Flag", "type": "boolean", "default": True},
        {"name": "Day", "type": "date"},
        {"name": "Data", "type": "json"},
    ],
    "indexes": [{"name": "by_code", "columns": [{"name": "Code"}], "isUnique": True}],
    "history": {"keepDays": 30},
}
NAMES = ("Code", "Amount", "Note", "Flag", "Day", "Data", "Updated_On", "Created_On", "Updated_By", "_id")
State = dict[str, bytes]

CODES = st.sampled_from("abcdef")
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "Amount": st.sampled_from(["1.50", "2", None]),
    "Note": st.sampled_from(["x", "y", None]),
    "Flag": st.booleans(),
    "Day": st.sampled_from(["2020-03-28T07:02:09.652Z", None]),
    "Data": st.sampled_from([{"a": [1, None]}, None]),
}
ROW = st.fixed_dictionaries({"Code": CODES}, optional=CELLS)
FOUND = st.builds(
    lambda codes: {"expressions": [{"field": "Code", "operand": "in", "value": codes}]},
    st.lists(CODES, max_size=3),
)
STEP = st.one_of(
    st.tuples(st.just("insert"), st.lists(ROW, min_size=1, max_size=3)),
    st.tuples(st.sampled_from(["update", "ignore"]), st.lists(ROW, min_size=1, max_size=3)),
    st.tuples(st.just("change"), FOUND, st.fixed_dictionaries({}, optional=CELLS)),
    st.tuples(st.just("delete"), FOUND),
)
STEPS = st.lists(st.one_of(STEP, st.lists(STEP, min_size=2, max_size=4)), max_size=12)
"""Writes, and lists of writes in one transaction."""


def planned(bench: Workbench, step: Sequence[Any], operation: Operation | None = None) -> RowOperation:
    """The operation of a step. Raises ValueError for an upsert of equal keys."""
    kind = step[0]
    if kind == "change":
        update = bench.update_plan(step[1], step[2] or {"Flag": False})
        return UpdateRows(bench.sql, with_operation(update, operation))
    if kind == "delete":
        return DeleteRows(bench.sql, with_operation(bench.delete_plan(step[1]), operation))
    rows = list({row["Code"]: row for row in step[1]}.values())
    if kind == "insert":
        return InsertRows(bench.sql, with_operation(bench.insert_plan(*rows), operation))
    return UpsertRows(bench.sql, with_operation(bench.upsert_plan(*rows, action=kind), operation))


def with_operation(plan: Any, operation: Operation | None) -> Any:
    return plan if operation is None else type(plan)(**{**_members(plan), "operation": operation})


def _members(plan: Any) -> dict[str, Any]:
    return {name: getattr(plan, name) for name in plan.__struct_fields__}


async def write(bench: Workbench, step: Any) -> None:
    """Do a step; a list of steps in one transaction. A conflict changes nothing."""
    steps = step if isinstance(step, list) else [step]
    operation = bench.operation()

    def script() -> Generator[RowOperation, Any, None]:
        for each in steps:
            yield planned(bench, each, operation)

    try:
        if isinstance(step, list):
            await bench.database.batch(script, bench.version)
            return
        wanted = planned(bench, step)
        call = {
            InsertRows: bench.database.insert,
            UpsertRows: bench.database.upsert,
            UpdateRows: bench.database.update,
            DeleteRows: bench.database.delete,
        }[type(wanted)]
        await call(wanted.sql, wanted.plan, bench.version)  # type: ignore[operator] # each with its own plan
    except (UniqueConflict, NotStored):
        pass


async def now(bench: Workbench) -> State:
    found = await bench.select({"fields": list(NAMES)})
    return {str(row[-1]): shown(bench, row) for row in found.rows}


def shown(bench: Workbench, row: Row) -> bytes:
    """The cells as they are answered."""
    return encode(bench.forms.answer([tuple(row)], NAMES)[0])


async def records(bench: Workbench, after: tuple[int, int] = (0, 0)) -> list[Row]:
    """Ordered records after a cursor: position, number, kind, row key, and the row before."""
    history = bench.scripts.history
    await bench.database.write(history.order_operations)

    def script() -> Generator[Statement, Sequence[Row], Sequence[Row]]:
        table = yield from history.table_of(bench.table)
        stored, operations = table.from_clause, workspace_tables(bench.database.namespace).operations
        place = (operations.c.position, stored.c.seq)
        found = (
            sa.select(*place, stored.c.kind, stored.c.row_key, *(table.answered(name) for name in NAMES))
            .select_from(stored.join(operations, operations.c.op == stored.c.op))
            .where(operations.c.position.is_not(None), sa.tuple_(*place) > sa.tuple_(*after))
            .order_by(*place)
        )
        return (yield statement(found, bench.database.dialect))

    return list(await bench.database.read(script))


def rebuilt(bench: Workbench, found: Sequence[Row], position: int, current: State) -> State:
    """The state after the operation at a position."""
    first: dict[str, Row] = {}
    for row in found:
        if row[0] > position:
            first.setdefault(row[3], row)
    state = {key: row for key, row in current.items() if key not in first}
    for key, row in first.items():
        if row[2] != ChangeKind.INSERT:
            state[key] = shown(bench, _decoded(bench, row[4:]))
    return state


def _decoded(bench: Workbench, row: Row) -> Row:
    kinds = [
        bench.database.dialect.kinds[next(c for c in bench.table.all_columns if c.name == n).kind]
        for n in NAMES
    ]
    return [
        cell if cell is None or kind.decode is None else kind.decode(cell)
        for cell, kind in zip(row, kinds, strict=True)
    ]


async def check_states(database: WorkspaceDatabase, steps: Sequence[Any]) -> None:
    bench = await Workbench.with_table(database, DEFINITION)
    begun = max((row[0] for row in await records(bench)), default=0)
    states: dict[int, State] = {begun: {}}
    try:
        for step in steps:
            await write(bench, step)
            last = await records(bench)
            # a write that changed nothing has no record
            states[max((row[0] for row in last), default=begun)] = await now(bench)
        found = await records(bench)
        current = await now(bench)
        for position, state in states.items():
            assert rebuilt(bench, found, position, current) == state
    finally:
        await database.write(lambda: bench.scripts.tables.drop(bench.table.name))


def test_each_earlier_state_is_rebuilt(url: str, portal: BlockingPortal) -> None:
    with portal.wrap_async_context_manager(opened(url)) as store:
        database = portal.call(initialised, store, new_workspace())

        @given(steps=STEPS)
        @settings(examples(25), suppress_health_check=list(HealthCheck))
        def check(steps: list[Any]) -> None:
            portal.call(check_states, database, steps)

        check()


@pytest.mark.anyio
async def test_concurrent_writers_and_a_reader(store: Store, database: WorkspaceDatabase) -> None:
    bench = await Workbench.with_table(database, DEFINITION)
    chance = random.Random(7)
    plans = [[drawn(chance) for _ in range(12)] for _ in range(8)]
    is_done = asyncio.Event()
    seen: list[Row] = []

    async def writer(steps: Sequence[Any]) -> None:
        for step in steps:
            await write(bench, step)

    async def reader() -> None:
        while True:
            ends = is_done.is_set()
            seen.extend(await records(bench, (seen[-1][0], seen[-1][1]) if seen else (0, 0)))
            if ends:
                return

    reading = asyncio.create_task(reader())
    await asyncio.gather(*map(writer, plans))
    is_done.set()
    await reading

    assert [row[:2] for row in seen] == [row[:2] for row in await records(bench)]
    current = await now(bench)
    rows: dict[str, list[Row]] = {}
    for row in seen:
        rows.setdefault(row[3], []).append(row)
    for key, changes in rows.items():
        assert [row[1] for row in changes] == sorted(row[1] for row in changes)
        kinds = [ChangeKind(row[2]) for row in changes]
        assert kinds[0] is ChangeKind.INSERT
        assert ChangeKind.INSERT not in kinds[1:]
        assert ChangeKind.DELETE not in kinds[:-1]
        assert (kinds[-1] is ChangeKind.DELETE) == (key not in current)
    assert rows.keys() >= current.keys()


def drawn(chance: random.Random) -> Any:
    """A random step."""
    code = chance.choice("abcdef")
    row: Mapping[str, Any] = {"Code": code, "Amount": str(chance.randrange(100))}
    where = {"expressions": [{"field": "Code", "operand": "in", "value": [code, chance.choice("abcdef")]}]}
    steps: list[Any] = [
        ("insert", [row]),
        ("update", [row]),
        ("update", [row, {"Code": chance.choice("ghi")}]),
        ("change", where, {"Flag": chance.random() < 0.5}),
        ("delete", where),
    ]
    return chance.choice([*steps, [chance.choice(steps), chance.choice(steps)]])
