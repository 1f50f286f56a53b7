"""What happens to the records of a table when its definition changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from workbench import DATA_KEYS, Workbench, rows_of

from rowkeep.errors.catalogue import DataLoss
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Table
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.statements import Statement, statement
from rowkeep.storage.contract import Row, Steps, WorkspaceDatabase
from rowkeep.storage.scripts.history import HistoryScripts
from rowkeep.storage.scripts.table_changes import TableChanges

pytestmark = pytest.mark.anyio

BEFORE: dict[str, Any] = {
    "name": "people",
    "schemaDef": [
        {"name": "Name", "type": "string"},
        {"name": "Age", "type": "string"},
        {"name": "Secret", "type": "string"},
        {"name": "Gone", "type": "decimal"},
    ],
    "history": {"keepDays": 30},
}
ALL = {"all": True}


async def change(bench: Workbench, definition: Mapping[str, Any], *, loss: bool = False) -> Workbench:
    """The table after a change of its definition."""

    def ciphers(table: Table) -> dict[str, Any]:
        return {c.name: DATA_KEYS.cipher(table.id, c.id, [1]) for c in table.columns}

    changes = TableChanges(bench.scripts, ciphers)
    body = msgspec.convert(definition, TableBody)
    make = partial(changes.make, definition["name"], body, allow_data_loss=loss)
    planned = await bench.database.write(make)
    version = await bench.database.read(bench.scripts.state.version)
    return Workbench(bench.database, planned.change.after, version)


async def images(bench: Workbench, *names: str) -> list[tuple[ChangeKind, tuple[Any, ...]]]:
    """The kind of each change, and some cells of the row before it as they are answered."""
    scripts = HistoryScripts(bench.database.dialect, bench.database.namespace)

    def script() -> Steps[Sequence[Row]]:
        table: HistoryTable = yield from scripts.table_of(bench.table)
        cells = [table.answered(name) for name in names]
        found = sa.select(table.from_clause.c.kind, *cells).order_by(table.from_clause.c.seq)
        wanted: Statement = statement(found, bench.database.dialect)
        return (yield wanted)

    rows = await bench.database.read(script)
    return [(ChangeKind(row[0]), tuple(bench.forms.answer([row[1:]], names)[0])) for row in rows]


@pytest.fixture
async def people(database: WorkspaceDatabase) -> Workbench:
    bench = await Workbench.with_table(database, BEFORE)
    await bench.insert({"Name": "Jane", "Age": "41", "Secret": "s1", "Gone": "1.50"})
    await bench.update(ALL, {"Age": "old"})
    await bench.update(ALL, {"Age": "43"})
    return bench


AFTER: dict[str, Any] = {
    "name": "persons",
    "renamedFrom": "people",
    "schemaDef": [
        {"name": "FullName", "type": "string", "renamedFrom": "Name"},
        {"name": "Age", "type": "integer"},
        {"name": "Secret", "type": "string", "isEncrypted": True},
        {"name": "Price", "type": "decimal", "default": "2.5"},
    ],
    "history": {"keepDays": 60},
}


async def test_records_follow_a_change_of_the_definition(people: Workbench) -> None:
    await people.update(ALL, {"Name": "Joan"})
    after = await change(people, AFTER, loss=True)
    await after.update(ALL, {"FullName": "Jo"})

    assert await images(after, "FullName", "Age", "Secret", "Price") == [
        (ChangeKind.INSERT, (None, None, None, None)),
        (ChangeKind.UPDATE, ("Jane", 41, "s1", "2.5")),
        (ChangeKind.UPDATE, ("Jane", None, "s1", "2.5")),
        (ChangeKind.UPDATE, ("Jane", 43, "s1", "2.5")),
        (ChangeKind.UPDATE, ("Joan", 43, "s1", "2.5")),
    ]


async def test_the_values_of_a_dropped_column_stay(people: Workbench) -> None:
    after = await change(people, AFTER, loss=True)
    scripts = HistoryScripts(after.database.dialect, after.database.namespace)
    records = await after.database.read(partial(scripts.records_of, after.table.id))
    assert records is not None
    assert [(column.name, column.type) for column in records.dropped] == [("Gone", "decimal")]
    found = await rows_of(
        after.database,
        f'SELECT "{records.dropped[0].id}" FROM @_rowkeep_history_{after.table.id} ORDER BY seq',  # noqa: S608
    )
    assert [None if row[0] is None else str(row[0]) for row in found] == [None, "1.50", "1.50"]


async def test_the_history_is_deleted_only_if_that_is_allowed(people: Workbench) -> None:
    off = {name: value for name, value in BEFORE.items() if name != "history"}
    with pytest.raises(DataLoss, match="stop recording changes and delete the history"):
        await change(people, off)
    without = await change(people, off, loss=True)
    await without.insert({"Name": "Eve"})
    assert without.table.history is None
    again = await change(without, BEFORE)
    await again.insert({"Name": "Ann"})
    assert await images(again, "Name") == [(ChangeKind.INSERT, (None,))]


async def test_a_dropped_table_leaves_nothing(people: Workbench) -> None:
    await people.database.write(partial(people.scripts.tables.drop, "people"))
    assert not await rows_of(people.database, "SELECT table_id FROM @_rowkeep_histories")
    assert not await rows_of(people.database, "SELECT table_id FROM @_rowkeep_operation_tables")
    await Workbench.with_table(people.database, BEFORE)
