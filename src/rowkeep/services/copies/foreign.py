"""Foreign copies: tables of a database that is not Rowkeep's, copied into a workspace."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from itertools import repeat
from operator import add
from typing import Any

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.codec.foreign_rows import ForeignRows, RefusedCell
from rowkeep.errors.catalogue import InvalidValue, NoSuchWorkspace, SetupError, preview
from rowkeep.model.access import OPERATOR
from rowkeep.model.definitions.tables import TableBody, definition_of, read_table
from rowkeep.model.foreign_tables import ForeignTable
from rowkeep.model.ids import COUNTER_END, writer_of
from rowkeep.model.table_copies import CopiedTable, CopyState
from rowkeep.model.tables import Reference, Table, name_key, text_limits
from rowkeep.plan.foreign_tables.names import read_given_names, split_column
from rowkeep.plan.foreign_tables.tables import (
    CopyPlan,
    Note,
    PlannedTable,
    chosen_tables,
    names_of,
    plan_copy,
)
from rowkeep.services.copies.copier import Copier, CopyResult, Report, unfinished_copy
from rowkeep.services.copies.inputs import TableInput
from rowkeep.services.copies.targets import find_target
from rowkeep.settings import Settings
from rowkeep.storage.contract import Row
from rowkeep.storage.foreign_databases import ForeignDatabase
from rowkeep.storage.scripts.copies import Contents

SECOND = 0x1_0000_0000


class ForeignCopyRequest(msgspec.Struct, frozen=True):
    """What to copy (all tables, if ``tables`` is empty) into which workspace, with names for what cannot have
    its own (``TABLE=NAME``, ``TABLE.COLUMN=NAME``), and without some references (``TABLE.COLUMN``)."""

    source: str
    workspace: str
    tables: Sequence[str] = ()
    names: Sequence[str] = ()
    skipped_references: Sequence[str] = ()


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that was left out: its table, its key, the column that refused its cell, and why."""

    table: str
    key: dict[str, Any]
    column: str
    error: str
    row: dict[str, Any]


Reject = Callable[[RefusedRow], None]


class ForeignCopy:
    """A copy that is planned and can be run; nothing is written before. ``reject`` takes rows that do not
    fit; without it they stop the copy."""

    def __init__(self, catalog: Catalog, settings: Settings, database: ForeignDatabase) -> None:
        self._catalog = catalog
        self._settings = settings
        self._database = database
        self._request = ForeignCopyRequest("", "")
        self._plan = CopyPlan((), ())
        self._totals: dict[str, int] = {}

    async def plan(self, request: ForeignCopyRequest) -> CopyPlan:
        """What will be copied, and what does not map. Raises SetupError."""
        self._request = request
        schema = await self._database.schema()
        tables = chosen_tables(schema.tables, request.tables)
        if not tables:
            raise SetupError("The source has no tables.")
        notes: list[Note] = []
        measured: list[ForeignTable] = []
        for table in tables:
            self._totals[table.name], lengths = await self._database.measure(table)
            measured.append(_with_lengths(table, lengths, notes))
        given = read_given_names(request.names, tables)
        skipped: set[tuple[str, str]] = set()
        for each in request.skipped_references:
            column = split_column(each, names_of(tables))
            if column is None:
                raise SetupError(f"--skip-reference {preview(each)}: the source has no such TABLE.COLUMN.")
            skipped.add(column)
        plan = plan_copy(measured, given, await self._taken(request.workspace), skipped)
        # what is wrong with a definition is found before anything is written
        _tables_of(plan, {}, iter(map(str, range(len(tables)))).__next__, 1)
        views = () if request.tables else schema.views
        notes += [Note(name, None, "is a view, which is not copied") for name in views]
        self._plan = CopyPlan(plan.tables, (*plan.notes, *notes))
        return self._plan

    async def _taken(self, workspace: str) -> set[str]:
        """The keys of the names of a workspace."""
        opened = await find_target(self._catalog, workspace, create=False)
        if opened is None:
            return set()
        scripts = opened.scripts
        tables = await opened.database.read(partial(scripts.tables.page, "", None))
        views, _ = await opened.database.read(partial(scripts.views.page, "", None))
        return {name_key(table.name) for table in tables} | {name_key(view.name) for view in views}

    def definitions(self) -> list[dict[str, Any]]:
        """The definitions of the planned tables as JSON."""
        made = _tables_of(self._plan, {}, iter(map(str, range(len(self._plan.tables)))).__next__, 1)
        by_id = {table.id: table for table in made}
        return [definition_of(table, by_id) for table in made]

    def total(self, table: PlannedTable) -> int:
        """The number of rows of a table at the source."""
        return self._totals[table.source.name]

    async def run(self, report: Report, reject: Reject | None = None) -> list[CopyResult]:
        """Raises what :meth:`Copier.run` raises, and InvalidValue for a row that does not fit."""
        opened = await find_target(self._catalog, self._request.workspace, create=True)
        if opened is None:
            raise NoSuchWorkspace(f"No such workspace: {preview(self._request.workspace)}.")
        state = await unfinished_copy(opened)
        new_id = partial(secrets.token_hex, 8)
        tables = _tables_of(self._plan, _known_ids(state), new_id, opened.keys.newest)
        inputs = [
            ForeignInput(self._database, planned, table, self.total(planned), reject)
            for planned, table in zip(self._plan.tables, tables, strict=True)
        ]
        copier = Copier(self._settings, opened, self._request.source, report)
        return await copier.run(inputs, Contents(), _nothing)


async def _nothing() -> None:
    return None


def _known_ids(state: CopyState | None) -> dict[str, str]:
    return {} if state is None else {source: each.table.id for source, each in state.tables.items()}


def _with_lengths(table: ForeignTable, lengths: dict[str, int], notes: list[Note]) -> ForeignTable:
    """The table without the lengths that its own rows do not have."""
    columns = []
    for column in table.columns:
        longest = lengths.get(column.name, 0)
        if column.max_length is not None and longest > column.max_length:
            notes.append(
                Note(
                    table.name,
                    column.name,
                    f"its length {column.max_length} is left out: there is a text of {longest} characters",
                )
            )
            column = msgspec.structs.replace(column, max_length=None)  # noqa: PLW2901 - the same with less
        columns.append(column)
    return msgspec.structs.replace(table, columns=tuple(columns))


def _tables_of(plan: CopyPlan, ids: dict[str, str], new_id: Callable[[], str], key: int) -> list[Table]:
    """The tables of the definitions. References are set when all tables are known, because they can form
    circles."""
    tables: dict[str, Table] = {}
    for planned in plan.tables:
        table_id = ids.get(planned.source.name) or new_id()
        tables[planned.body.name] = read_table(_without_references(planned.body), table_id, {}, key)
    return [_with_references(tables[planned.body.name], planned.body, tables) for planned in plan.tables]


def _without_references(body: TableBody) -> TableBody:
    columns = [msgspec.structs.replace(column, reference=None) for column in body.schema_def]
    return msgspec.structs.replace(body, schema_def=columns)


def _with_references(table: Table, body: TableBody, tables: dict[str, Table]) -> Table:
    columns = list(table.columns)
    for at, sent in enumerate(body.schema_def):
        if sent.reference:
            there = tables[sent.reference["table"]]
            name = sent.reference["column"]
            to = next(column for column in there.columns if column.name == name)
            columns[at] = msgspec.structs.replace(columns[at], reference=Reference(there.id, to.id))
    limits = text_limits(tuple(columns), table.indexes)
    columns = [msgspec.structs.replace(each, max_bytes=limits.get(each.name)) for each in columns]
    return msgspec.structs.replace(table, columns=tuple(columns))


class ForeignInput(TableInput):
    """One foreign table. Its rows get ids by their places, so that they are the same when a copy is
    continued."""

    is_new = True

    def __init__(
        self,
        database: ForeignDatabase,
        planned: PlannedTable,
        table: Table,
        total: int,
        reject: Reject | None,
    ) -> None:
        self.name = planned.source.name
        self.table = table
        self.total = total
        self.width = len(table.columns)
        self.key = [table.columns[at].name for at in planned.key]
        self.plan = msgspec.json.encode((planned.source, planned.body)).decode()
        self._database = database
        self._planned = planned
        self._reject = reject
        self._rows = ForeignRows(table.columns, [column.family for column in planned.source.columns])
        self._writer = writer_of(OPERATOR.id)

    async def batches(self) -> AsyncIterator[Sequence[Row]]:
        self.left_out = 0
        async for raw in self._database.rows(self._planned.source):
            rows, refused = self._rows.read(raw)
            for each in refused:
                self._refuse(raw[each.row], each)
            yield rows

    def _refuse(self, raw: Row, refused: RefusedCell) -> None:
        columns = self._planned.source.columns
        key = {columns[at].name: raw[at] for at in self._planned.key}
        column = self._planned.source.columns[refused.column].name
        if self._reject is None:
            shown = ", ".join(f"{name}={preview(cell)}" for name, cell in key.items()) or "without a key"
            raise InvalidValue(
                f"Table {self.name}, row {shown}: column {column} {refused.rule}; got "
                f"{preview(_shown(raw[refused.column]))}. Change the row at the source, or leave out such "
                "rows with --rejects FILE."
            )
        self.left_out += 1
        row = {each.name: _shown(cell) for each, cell in zip(columns, raw, strict=True)}
        error = f"{refused.rule}; got {preview(_shown(raw[refused.column]))}"
        self._reject(RefusedRow(self.name, {n: _shown(c) for n, c in key.items()}, column, error, row))

    def stored(self, rows: Sequence[Row], first: int, copied: CopiedTable) -> Sequence[Row]:
        prefix, _, on = copied.ids.partition(" ")
        ids = ids_from(prefix, first, len(rows))
        system = zip(repeat(on), repeat(on), repeat(self._writer), repeat(self._writer), ids, strict=False)
        return list(map(add, rows, system))


def ids_from(prefix: str, first: int, count: int) -> list[str]:
    """The ids of rows by their places. ``prefix`` is a second and a process; when the numbers of a second are
    used up, those of the next one follow."""
    second, process = int(prefix[:8], 16), prefix[8:]
    return [
        f"{(second + at // COUNTER_END) % SECOND:08x}{process}{at % COUNTER_END:06x}"
        for at in range(first, first + count)
    ]


def _shown(cell: Any) -> Any:
    if isinstance(cell, bytes):
        return cell.hex()
    if isinstance(cell, str):
        return cell.encode("utf-8", "replace").decode()
    return cell
