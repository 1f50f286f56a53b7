"""Changes: the scripts that change a table to match a new definition, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import msgspec

from rowkeep.codec.stored_cells import StoredCells
from rowkeep.crypto.ciphers import ColumnCipher
from rowkeep.errors.catalogue import (
    Forbidden,
    IncompatibleRows,
    NameTaken,
    NoSuchTable,
    Problem,
    excerpt,
    preview,
)
from rowkeep.model.definitions.references import referred_columns, referred_names
from rowkeep.model.definitions.table_updates import former_name, read_redefinition
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.tables import ROW_KEY, Column, Table, name_key
from rowkeep.model.values.scalars import Misfit
from rowkeep.plan.table_changes.checks import Check
from rowkeep.plan.table_changes.conversions import converted
from rowkeep.plan.table_changes.diff import Change, plan_change, refuse_if_referred
from rowkeep.plan.table_changes.matching import RemainingColumn
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.table_changes import ChangeSql
from rowkeep.sql.table_checks import SAMPLE_ROWS, CheckSql
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.history_changes import HistoryChanges
from rowkeep.storage.scripts.steps import run
from rowkeep.storage.scripts.workspace import WorkspaceScripts

COLUMNS_AT_ONCE = 16
"""How many columns are converted in one pass over the rows. More would be faster, but meanwhile a row
contains the old and the new cells, and must fit into a page of PostgreSQL."""

ReadCell: TypeAlias = Callable[[Column, Any], Any]
"""Converts a cell of a column from what a statement returns to what a response contains."""


class Undone(Exception):
    """A dry run has succeeded; this error rolls it back."""


class Planned(msgspec.Struct, frozen=True):
    """A change, the version that it was planned at, and the tables that the changed one refers to, by id."""

    version: int
    change: Change
    referred: dict[str, Table]


class TableChanges:
    """The scripts that change the tables of one workspace. ``ciphers`` returns those of a table's encrypted
    columns, by name. Errors and descriptions name what is visible to the ``viewer``, a user; without one,
    everything is."""

    def __init__(
        self,
        scripts: WorkspaceScripts,
        ciphers: Callable[[Table], dict[str, ColumnCipher]],
        viewer: str | None = None,
    ) -> None:
        self._scripts = scripts
        self._viewer = viewer
        self._tables = scripts.tables
        self._ciphers = ciphers

    def plan(self, name: str, body: TableBody) -> Steps[Planned]:
        """Plan the change of the table with this name to a definition.

        Raises NoSuchTable, NameTaken, StillReferenced, and the errors of the definition.
        """
        version, before = yield from self._tables.find(name)
        former = former_name(body)
        if former is not None and name_key(former) != name_key(name):
            _, renamed = yield from self._tables.find(former)
            if renamed is None and before is None:
                raise NoSuchTable(f"No such table: {preview(former)}.", pointer="/renamedFrom")
            if renamed is not None and before is not None:
                raise NameTaken(
                    f"Cannot rename {renamed.name} to {before.name}: both exist. Remove renamedFrom.",
                    pointer="/name",
                )
            # if the former name is unknown, the table is renamed already: the same definition can be sent
            # again
            before = before or renamed
        if before is None:
            raise NoSuchTable(f"No such table: {preview(name)}.")
        named = yield from self._tables.by_name_keys(referred_names(body.schema_def))
        yield from self._check_references(before, body, named)
        key = yield from self._scripts.state.newest_key()
        change = plan_change(before, read_redefinition(body, name, before, named, key))
        others = [each for each in (yield from self._tables.referring(before.id)) if each[0].id != before.id]
        hidden = yield from self._scripts.rights.invisible(self._viewer, [each[0] for each in others])
        refuse_if_referred(change, others, hidden)
        if name_key(change.after.name) != name_key(before.name):
            yield from self._tables.check_name_is_free(change.after.name, before.id)
        yield from self._scripts.view_needs.check_change(before, change.after, self._viewer)
        return Planned(version, change, {table.id: table for table in named.values()})

    def _check_references(self, before: Table, body: TableBody, named: dict[str, Table]) -> Steps[None]:
        """References to tables that the viewer cannot see can stay as they are. Others would show which
        columns and values these have. Raises Forbidden."""
        others = {table.id: table for table in named.values() if table.id != before.id}
        hidden = yield from self._scripts.rights.invisible(self._viewer, others.values())
        kept = {
            (reference.table, there.name)
            for column in before.columns
            if (reference := column.reference) is not None and reference.table in hidden
            for there in others[reference.table].all_columns
            if there.id == reference.column
        }
        if any(
            table in hidden and (table, column) not in kept
            for table, column in referred_columns(body.schema_def, named)
        ):
            raise Forbidden(
                f"Table {before.name} references a table that is not visible to you. You can keep or remove "
                "its references to that table, but not add others."
            )

    def rehearse(self, name: str, body: TableBody) -> Steps[Planned]:
        """Like ``plan``, and check the stored rows. Raises IncompatibleRows too.

        The result of late checks is only known after a dry run.
        """
        planned = yield from self.plan(name, body)
        sql = self._sql(planned)
        problems = yield from self._check(planned, late=False)
        for pairs in _batches(planned.change):
            problems += yield from self._convert(planned.change, sql, pairs, writes=False)
        _raise_if_any(problems)
        return planned

    def broken_charts(self, planned: Planned) -> Steps[list[str]]:
        """Descriptions of the charts of the table, and of views over it, that can no longer be drawn after
        the change."""
        change, charts = planned.change, self._scripts.chart_changes
        sources = yield from charts.sources_around(change.before, change.after, self._viewer)
        return (yield from charts.broken(*sources))

    def make(
        self, name: str, body: TableBody, *, allow_data_loss: bool, undo: bool = False
    ) -> Steps[Planned]:
        """Change the table to match a definition. With ``undo``, roll this back and raise Undone.

        Raises the errors of ``rehearse``, and DataLoss unless that is allowed.
        """
        yield from self._scripts.state.raise_version()
        planned = yield from self.plan(name, body)
        change = planned.change
        if not allow_data_loss:
            change.refuse_loss()
        if not change.is_metadata:
            sql = self._sql(planned)
            new = StoredCells(change.after, self._ciphers(change.after))
            history = HistoryChanges(self._scripts.history, change, self._reader(change.before), new)
            yield from run(sql.lock())
            yield from history.before()
            yield from self._alter(planned, sql)
            yield from history.after()
        yield from self._tables.replace(change.after)
        if undo:
            raise Undone()
        return planned

    def _sql(self, planned: Planned) -> ChangeSql:
        return ChangeSql(planned.change, self._scripts.dialect, self._scripts.namespace, planned.referred)

    def _alter(self, planned: Planned, sql: ChangeSql) -> Steps[None]:
        change = planned.change
        problems = yield from self._check(planned, late=False)
        yield from run(sql.drop())
        for pairs in _batches(change):
            yield from run(sql.add_converted(pairs))
            problems += yield from self._convert(change, sql, pairs, writes=not problems)
            yield from run(sql.drop_converted(pairs))
        _raise_if_any(problems)
        yield from run(sql.finish())
        _raise_if_any((yield from self._check(planned, late=True)))
        yield from run(sql.make_indexes())

    # checks of stored rows

    def _check(self, planned: Planned, *, late: bool) -> Steps[list[Problem]]:
        problems: list[Problem] = []
        change = planned.change
        if not change.checks:
            return problems
        sql = CheckSql(change, self._scripts.dialect, self._scripts.namespace, planned.referred)
        for check in change.checks:
            if check.is_late is late:
                count, sample = sql.violations(check)
                found = int((yield count)[0][0])
                if found:
                    table = change.after if check.is_late else change.before
                    read = self._reader(table)
                    problems.append(_violation(check, found, (yield sample), sql.columns(check), read))
        return problems

    def _reader(self, table: Table) -> ReadCell:
        """The function that converts cells from what statements return to what responses contain."""
        return partial(_value, self._scripts.dialect, StoredCells(table, self._ciphers(table)))

    def _convert(
        self, change: Change, sql: ChangeSql, pairs: Sequence[RemainingColumn], *, writes: bool
    ) -> Steps[list[Problem]]:
        """Read all rows, some at a time, and write their converted cells until one does not fit."""
        page, write = sql.page(pairs), sql.write_converted(pairs)
        read = self._reader(change.before)
        new = StoredCells(change.after, self._ciphers(change.after))
        misfits = [Misfits(pair, read, new) for pair in pairs]
        after = ""
        while rows := (yield page.bind({"after": after})):
            after = rows[-1][0]
            cells = [
                [each.converted(row[0], cell) for each, cell in zip(misfits, row[1:], strict=True)]
                for row in rows
            ]
            if writes and not any(each.count for each in misfits):
                yield write.bind_many(
                    {"row": row[0]} | {f"v{at}": cell for at, cell in enumerate(stored)}
                    for row, stored in zip(rows, cells, strict=True)
                )
        return [each.problem() for each in misfits if each.count]


class Misfits:
    """The cells of one column that do not fit its new definition. ``read`` reads cells of the old column,
    ``new`` has the stored cells of the new one."""

    def __init__(self, pair: RemainingColumn, read: ReadCell, new: StoredCells) -> None:
        self.count = 0
        self._pair = pair
        self._read = read
        self._new = new
        self._rule = ""
        self._sample: list[dict[str, Any]] = []

    def converted(self, row: str, stored: Any) -> Any:
        """The cell as the new column stores it; None, and counted, if it does not fit."""
        before, after = self._pair.before, self._pair.after
        value = self._read(before, stored)
        try:
            return self._new.store_cell(after, converted(before, after, value))
        except Misfit as misfit:
            self.count += 1
            self._rule = self._rule or str(misfit)
            if len(self._sample) < SAMPLE_ROWS:
                is_secret = before.is_encrypted or after.is_encrypted
                self._sample.append(_sampled(row, {} if is_secret else {before.name: value}))
            return None

    def problem(self) -> Problem:
        was, now = self._pair.before, self._pair.after
        what, key = (f"type {now.type}", "type") if was.type != now.type else ("these limits", "maxLength")
        message = (
            f"Column {now.name} cannot have {what}: {{rows}} a value that does not fit. A value {self._rule}."
        )
        return _problem(message, f"{self._pair.where}/{key}", self.count, self._sample)


def _value(dialect: Dialect, stored_cells: StoredCells, column: Column, stored: Any) -> Any:
    """A cell as it is in a response."""
    if stored is None:
        return None
    decode = dialect.kinds[column.kind].decode
    if decode is not None:
        stored = decode(stored)
    if column.holds_sys_ids:
        # the statement returns it as it is in a response
        return stored
    return stored_cells.answer([(stored,)], (column.name,))[0][0]


def _sampled(row: str, values: dict[str, Any]) -> dict[str, Any]:
    return {ROW_KEY: row, "values": {name: _sample_value(value) for name, value in values.items()}}


def _sample_value(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        value = bytes(value).decode()
    return excerpt(value) if isinstance(value, str) else value


def _violation(
    check: Check, count: int, rows: Sequence[Row], columns: list[Column], read: ReadCell
) -> Problem:
    sample = [
        _sampled(
            row[0],
            {
                column.name: read(column, cell)
                for column, cell in zip(columns, row[1:], strict=True)
                if not column.is_encrypted
            },
        )
        for row in rows
    ]
    return _problem(check.message, check.where, count, sample)


def _problem(message: str, where: str, count: int, sample: list[dict[str, Any]]) -> Problem:
    rows = "1 row has" if count == 1 else f"{count} rows have"
    more = {"count": count, "sample": sample}
    return Problem(message.replace("{rows}", rows), IncompatibleRows.code, where, more)


def _raise_if_any(problems: list[Problem]) -> None:
    if problems:
        raise IncompatibleRows(problems[0].msg, problems=problems)


def _batches(change: Change) -> Iterator[list[RemainingColumn]]:
    pairs = (pair for pair in change.remaining if pair.converts)
    while batch := list(islice(pairs, COLUMNS_AT_ONCE)):
        yield batch
