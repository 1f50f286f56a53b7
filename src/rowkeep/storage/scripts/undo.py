"""Undo: a script that undoes recorded changes of rows in one transaction.

It goes through the changes twice, a page at a time: first row by row, to find conflicts and count; then from
the newest to the oldest change over all tables, to write. In this order each row fits unique indexes and
references as it did when it was changed. Where the order between tables is not recorded, references are
checked at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from rowkeep.crypto.ciphers import DataKeys
from rowkeep.errors.catalogue import (
    MAX_PROBLEMS,
    AffectedOutOfBounds,
    NoSuchOperation,
    Problem,
    UndoConflict,
    preview,
)
from rowkeep.model.access import Right
from rowkeep.model.history import ChangeKind, Operation
from rowkeep.model.tables import Table
from rowkeep.plan.undo.requests import Conflict, OnConflict, UndoDone, UndoPlan
from rowkeep.plan.undo.rows import Action, Cells, Effect, RecordedChange, RowUndo, Step, Undone
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.loads import id_at, unmatched_references
from rowkeep.sql.names import table_name
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.rows import TableSql
from rowkeep.sql.statements import statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.sql.undo import Chosen, UndoSql, changed_tables, undo_sql
from rowkeep.storage.contract import (
    InsertedRows,
    RecordedWrite,
    ReferencesWait,
    Row,
    RowSteps,
    StoredOperation,
)
from rowkeep.storage.scripts.tables import Tables
from rowkeep.storage.scripts.undo_keys import CurrentKeys

T = TypeVar("T")

CHANGES_AT_ONCE = 500
"""How many changes are read, and rows written, at a time."""

ROWS_AT_ONCE = 250
"""Of how many rows the changes are read at a time."""

KEYS_AT_ONCE = 20_000
"""How many row keys are read at a time: for each such part, all chosen changes are searched."""

MAX_LISTED = 1_000
"""How many conflicts are listed."""

MAX_LEFT = 100_000
"""The maximum number of rows that are left as they are because of conflicts: they must be known until the
end."""

LAST = 2**62
"""After the number of every record."""

Admit: TypeAlias = Callable[[Table, Sequence[Right]], None]
"""Raises Forbidden if somebody lacks rights to a table."""

IsChosen: TypeAlias = Callable[[Table], bool]
"""Whether the changes of a table are among those that somebody can choose."""

RIGHTS = {
    Effect.RESTORED: (Right.WRITE,),
    Effect.CHANGED: (Right.READ, Right.WRITE),
    Effect.REMOVED: (Right.READ, Right.DELETE),
}


class Lacking(msgspec.Struct, frozen=True):
    """A row of a table that would refer to a missing row of its ``parent``, if that table is known.
    ``is_written``: certainly because of what the undo writes to rows of the table, and not because it removes
    or changes rows of the parent."""

    table: Table
    row_key: str
    parent: Table | None
    is_written: bool


class Writing(msgspec.Struct):
    """What the script writes at the moment: the rows of a table, for the error if they do not fit. ``lacks``
    is the row that does not, where references are checked at the end."""

    table: Table | None = None
    action: Action | None = None
    row_keys: Sequence[str] = ()
    lacks: Lacking | None = None


class _Change(msgspec.Struct, frozen=True):
    """A change as it was read, with the row as it is now. The times are those of ``Updated_On``."""

    change: RecordedChange
    row_key: str
    current: Cells | None
    is_own: bool
    before_on: Any
    after_on: Any
    current_on: Any


class _TableUndo:
    """What is undone of one table."""

    def __init__(self, sql: UndoSql, rows: TableSql, keys: CurrentKeys) -> None:
        self.sql = sql
        self.rows = rows
        self.keys = keys
        self.effects = dict.fromkeys(Effect, 0)
        self.has_conflicts = False
        self.left: set[str] = set()
        """The rows that stay as they are."""

    @property
    def table(self) -> Table:
        return self.sql.table

    def read(self, row: Row) -> _Change:
        """A change from a row of a statement."""
        seq, op, kind, row_key, next_seq, present, is_own, *cells = row
        width = self.sql.width
        before, after, current = (tuple(cells[at : at + width]) for at in range(0, 3 * width + 3, width + 1))
        before_on, after_on, current_on = (cells[at + width] for at in range(0, 3 * width + 3, width + 1))
        made = ChangeKind(kind)
        is_there = present is not None
        if next_seq is None:
            after, after_on = current, current_on
        left_row = made is not ChangeKind.DELETE and (next_seq is not None or is_there)
        change = RecordedChange(
            seq, op, made, None if made is ChangeKind.INSERT else before, after if left_row else None
        )
        return _Change(
            change, row_key, current if is_there else None, bool(is_own), before_on, after_on, current_on
        )


class UndoScript:
    """One undo. Its steps can run several times, one run at a time."""

    def __init__(
        self,
        tables: Tables,
        prepare: Callable[[Table], TableSql],
        plan: UndoPlan,
        admit: Admit,
        keys: DataKeys,
        is_chosen: IsChosen | None = None,
    ) -> None:
        self._tables = tables
        self._dialect: Dialect = tables.dialect
        self._namespace = tables.namespace
        self._prepare = prepare
        self._plan = plan
        self._admit = admit
        self._keys = keys
        self._is_chosen = is_chosen
        self._operation = Operation(plan.own, plan.writer_of_undo)
        self._is_own = False
        self.writing = Writing()

    def steps(self) -> RowSteps[UndoDone]:
        """Raises NoSuchOperation, UndoConflict, Forbidden, AffectedOutOfBounds."""
        self.writing = Writing()
        self._conflicts: list[tuple[str, str, int]] = []
        self._n_conflicts = 0
        chosen = yield from self._chosen()
        found = yield from self._changed_tables(chosen)
        for each in found:
            yield from self._look(each, chosen)
        done = yield from self._checked(found)
        yield StoredOperation(self._operation)
        yield ReferencesWait(is_over=False)
        yield from _Writer(self._plan, self._operation, chosen, self.writing, found).steps()
        if self._plan.is_careful and not self._dialect.has_concurrent_writers:
            yield from self._find_unmatched(found)
        yield ReferencesWait(is_over=True)
        for each in found:
            if each.effects[Effect.RESTORED]:
                yield InsertedRows(each.rows, each.effects[Effect.RESTORED])
        return done

    def _chosen(self) -> RowSteps[Chosen]:
        plan = self._plan
        if plan.operation is not None:
            operations = workspace_tables(self._namespace).operations
            wanted = sa.select(operations.c.writer).where(operations.c.id == plan.operation).limit(1)
            rows = yield statement(wanted, self._dialect)
            self._is_own = bool(rows) and rows[0][0] == plan.writer_of_undo
            if not rows or (plan.only_own and not self._is_own):
                raise _unknown(plan.operation)
        return Chosen(plan.own, plan.operation, plan.writer, plan.since, plan.until)

    def _changed_tables(self, chosen: Chosen) -> RowSteps[list[_TableUndo]]:
        """The tables with chosen changes."""
        found = []
        ids: set[str] | None = None
        if self._dialect.has_concurrent_writers:
            changed = changed_tables(self._dialect, self._namespace, chosen.shape)
            ids = {row[0] for row in (yield changed.bind(chosen.values()))}
        for table in (yield from self._tables.page("", None)):
            if ids is not None and table.id not in ids:
                continue
            if table.history is None or (self._plan.tables is not None and table.id not in self._plan.tables):
                continue
            if self._is_chosen is not None and not self._is_chosen(table):
                continue
            sql = undo_sql(table, self._dialect, self._namespace, chosen.shape)
            if (yield sql.any.bind(chosen.values())):
                rows = self._prepare(table)
                keys = CurrentKeys(table, rows, self._dialect, self._namespace, self._keys)
                found.append(_TableUndo(sql, rows, keys))
        operation, is_hidden = self._plan.operation, self._is_chosen is not None and not self._is_own
        if operation is not None and is_hidden and not found:
            # it may have changed other tables, which must not be known
            raise _unknown(operation)
        return found

    # the first time: conflicts and counts

    def _look(self, each: _TableUndo, chosen: Chosen) -> RowSteps[None]:
        after, values = "", chosen.values()
        while True:
            rows = yield each.sql.keys.bind(values | {"after": after, "limit": KEYS_AT_ONCE})
            keys = [str(row[0]) for row in rows]
            for part in parts(keys, ROWS_AT_ONCE):
                yield from each.keys.encrypt(part)
                yield from self._look_at(each, values | {"keys": each.sql.listed(part)})
            if len(keys) < KEYS_AT_ONCE:
                return
            after = keys[-1]

    def _look_at(self, each: _TableUndo, values: dict[str, Any]) -> RowSteps[None]:
        row_key, before = "", 0
        undo: RowUndo | None = None
        while True:
            page = {"after": row_key, "before": before, "limit": CHANGES_AT_ONCE}
            rows = yield each.sql.of_rows.bind(values | page)
            for change in map(each.read, rows):
                if undo is None or change.row_key != row_key:
                    if undo is not None:
                        self._note(each, row_key, undo.end())
                    undo = RowUndo(change.current, each.sql.required)
                row_key, before = change.row_key, change.change.seq
                undo.undo(change.change)
            if len(rows) < CHANGES_AT_ONCE:
                break
        if undo is not None:
            self._note(each, row_key, undo.end())

    def _note(self, each: _TableUndo, row_key: str, end: Undone) -> None:
        self._n_conflicts += end.n_conflicts
        each.has_conflicts = each.has_conflicts or end.n_conflicts > 0
        for op in end.conflicts[: MAX_LISTED - len(self._conflicts)]:
            self._conflicts.append((each.table.name, row_key, op))
        is_left = end.n_conflicts > 0 and self._plan.on_conflict is not OnConflict.FORCE
        if not is_left:
            each.effects[end.effect] += 1
        if self._plan.on_conflict is OnConflict.FAIL and is_left:
            return
        if is_left and len(each.left) >= MAX_LEFT:
            raise UndoConflict(
                f"More than {MAX_LEFT} rows of {each.table.name} conflict. Nothing was undone; undo fewer "
                "tables or a shorter time at once."
            )
        if is_left or (end.has_useless_steps and len(each.left) < MAX_LEFT):
            each.left.add(row_key)

    def _checked(self, found: Sequence[_TableUndo]) -> RowSteps[UndoDone]:
        """The result, if the undo is allowed."""
        needed = {each.table.id: _needed(each) for each in found}
        for each in found:
            if needed[each.table.id]:
                self._admit(each.table, needed[each.table.id])
        restored, changed, removed = (
            sum(each.effects[effect] for each in found)
            for effect in (Effect.RESTORED, Effect.CHANGED, Effect.REMOVED)
        )
        conflicts = yield from self._named_conflicts()
        done = UndoDone(restored, changed, removed, conflicts, self._n_conflicts, needed)
        if done.n_conflicts and self._plan.on_conflict is OnConflict.FAIL:
            raise _refusal(done)
        most = self._plan.max_affected
        if most is not None and changed + removed > most:
            msg = (
                f"The undo would change or remove {changed + removed} rows, but the app may affect at most "
                f"{most} in one request. Nothing was undone."
            )
            problem = Problem(msg, AffectedOutOfBounds.code, None, {"nMatched": changed + removed})
            raise AffectedOutOfBounds(msg, problems=[problem])
        return done

    def _find_unmatched(self, found: Sequence[_TableUndo]) -> RowSteps[None]:
        """Find a row that would refer to a missing one."""
        changed = {each.table.id for each in found}
        tables = yield from self._tables.page("", None)
        for table in tables:
            referred = {column.reference.table for column in table.columns if column.reference is not None}
            if not referred or (table.id not in changed and referred.isdisjoint(changed)):
                continue
            physical = PhysicalTable(table, self._dialect, self._namespace)
            unmatched = yield unmatched_references(physical)
            for _, number, parent, *_ in unmatched:
                rows = yield id_at(physical).bind({"number": number})
                parents = {str(table_name(each)): each for each in tables}
                referred_to = parents.get(str(parent))
                is_written = _writes(found, table, Effect.RESTORED, Effect.CHANGED) and not _writes(
                    found, referred_to, Effect.REMOVED, Effect.CHANGED
                )
                self.writing.lacks = Lacking(table, str(rows[0][0]), referred_to, is_written)
                return

    def _named_conflicts(self) -> RowSteps[tuple[Conflict, ...]]:
        """The conflicts with the ids of their operations."""
        operations = workspace_tables(self._namespace).operations
        ids: dict[int, str] = {}
        for ops in parts(sorted({op for _, _, op in self._conflicts}), CHANGES_AT_ONCE):
            wanted = sa.select(operations.c.op, operations.c.id).where(operations.c.op.in_(ops))
            ids.update([(row[0], row[1]) for row in (yield statement(wanted, self._dialect))])
        return tuple(Conflict(table, row_key, ids[op]) for table, row_key, op in self._conflicts)


class _RowState(msgspec.Struct):
    """A row while the changes of a page are undone. ``is_restored``: the undo has inserted it."""

    undo: RowUndo
    is_restored: bool
    updated_on: Any


class _Group(msgspec.Struct, frozen=True):
    """What writes have in common that are done by one statement."""

    action: Action
    columns: tuple[int, ...]
    is_restored: bool


class _Cursor:
    """The changes of one table, newest first, a page at a time."""

    def __init__(self, each: _TableUndo) -> None:
        self.each = each
        self.page: list[_Change] = []
        self._before = LAST
        self._is_last = False

    @property
    def head(self) -> int:
        """The number of the next change; 0 if there is none."""
        return self.page[-1].change.seq if self.page else 0

    def fill(self, values: dict[str, Any]) -> RowSteps[dict[str, _RowState]]:
        """Read the next page; returns the states of its rows, which are read as they are now."""
        if self._is_last:
            return {}
        rows = yield self.each.sql.newest.bind(values | {"before": self._before, "limit": CHANGES_AT_ONCE})
        self._is_last = len(rows) < CHANGES_AT_ONCE
        self.page = [self.each.read(row) for row in reversed(rows)]
        if self.page:
            self._before = self.page[0].change.seq
        states: dict[str, _RowState] = {}
        for change in self.page:
            if change.row_key not in states:
                undo = RowUndo(change.current, self.each.sql.required, most=0)
                states[change.row_key] = _RowState(undo, change.is_own, change.current_on)
        return states

    def take(self, down_to: int) -> Iterator[_Change]:
        """The next changes, down to the change ``down_to`` of another table. (Changes of two tables have the
        same number only where the order between tables is not recorded.)"""
        while self.page and self.page[-1].change.seq >= down_to:
            yield self.page.pop()


class _Writer:
    """The second time: the steps are written."""

    def __init__(
        self,
        plan: UndoPlan,
        operation: Operation,
        chosen: Chosen,
        writing: Writing,
        tables: Sequence[_TableUndo],
    ) -> None:
        self._plan = plan
        self._operation = operation
        self._chosen = chosen.values()
        self._writing = writing
        self._cursors = [_Cursor(each) for each in tables if _has_effects(each)]
        self._states: dict[str, dict[str, _RowState]] = {}

    def steps(self) -> RowSteps[None]:
        values = self._chosen | {"own": self._plan.own}
        while True:
            for cursor in self._cursors:
                if not cursor.page:
                    self._states[cursor.each.table.id] = yield from cursor.fill(values)
            self._cursors = [cursor for cursor in self._cursors if cursor.page]
            if not self._cursors:
                return
            cursor = max(self._cursors, key=lambda each: each.head)
            others = max((each.head for each in self._cursors if each is not cursor), default=0)
            yield from self._write(cursor.each, cursor.take(others))

    def _write(self, each: _TableUndo, changes: Iterator[_Change]) -> RowSteps[None]:
        states = self._states[each.table.id]
        group: _Group | None = None
        written: dict[str, int] = {}
        for change in changes:
            if change.row_key in each.left:
                continue
            state = states[change.row_key]
            step = state.undo.undo(change.change)
            if step is None:
                continue
            wanted = _Group(step.action, step.columns, self._takes_old_time(state, step, change))
            if group is not None and (wanted != group or change.row_key in written):
                yield from self._write_group(each, group, written)
                written = {}
            group = wanted
            written[change.row_key] = step.seq
        if group is not None:
            yield from self._write_group(each, group, written)

    def _takes_old_time(self, state: _RowState, step: Step, change: _Change) -> bool:
        """Whether a row gets the time and writer that it had before the change."""
        if step.action is Action.RESTORE:
            state.is_restored, state.updated_on = True, change.before_on
        elif step.action is Action.REMOVE:
            state.is_restored = False
        elif state.is_restored and state.updated_on == change.after_on:
            state.updated_on = change.before_on
            return True
        return False

    def _write_group(self, each: _TableUndo, group: _Group, written: dict[str, int]) -> RowSteps[None]:
        sql, careful = each.sql, self._plan.is_careful
        keys, seqs = list(written), list(written.values())
        values: dict[str, Any] = {}
        if group.action is Action.REMOVE:
            form, name = sql.remove, "key"
        elif group.action is Action.RESTORE:
            form, name = sql.restore, "seq"
        else:
            form, name = sql.set(group.columns, group.is_restored), "seq"
            values = {"now": sql.native_time(self._plan.now), "writer": self._plan.writer_of_undo}
            careful = careful or sql.sets_keys(group.columns)
        items: Sequence[Any] = keys if group.action is Action.REMOVE else seqs
        size = 1 if self._plan.is_careful else len(items)
        for at in range(0, len(items), size):
            self._note(each.table, group.action, keys[at : at + size])
            wanted = sql.write(form, name, items[at : at + size], values, one_by_one=careful)
            yield RecordedWrite(each.rows, wanted, self._operation, group.action is Action.REMOVE)

    def _note(self, table: Table, action: Action, row_keys: Sequence[str]) -> None:
        self._writing.table, self._writing.action, self._writing.row_keys = table, action, row_keys


def _unknown(operation: str) -> NoSuchOperation:
    return NoSuchOperation(
        f"No such operation: {preview(operation)}. Operations are recorded for tables with a history, until "
        "keepDays."
    )


def _refusal(done: UndoDone) -> UndoConflict:
    """The error that lists the conflicts."""
    msg = (
        f"{done.n_conflicts} changes cannot be undone: their rows were changed later, are gone or are there "
        'again. Nothing was undone; "conflicts": "skip" leaves such rows as they are, "force" undoes '
        "later changes too."
    )
    problems = [
        Problem(
            f"Row {each.row_key} of {each.table} is not as operation {each.operation} left it.",
            UndoConflict.code,
            None,
            {"table": each.table, "_id": each.row_key, "operation": each.operation},
        )
        for each in done.conflicts[:MAX_PROBLEMS]
    ]
    return UndoConflict(msg, problems=problems, members=done.members())


def parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, so many at a time."""
    return (items[at : at + size] for at in range(0, len(items), size))


def _needed(each: _TableUndo) -> tuple[Right, ...]:
    """The rights to a table that its undo takes. The response names its rows that conflict."""
    wanted = [rights for effect, rights in RIGHTS.items() if each.effects[effect]]
    wanted += [(Right.READ,)] if each.has_conflicts else []
    return tuple(dict.fromkeys(right for rights in wanted for right in rights))


def _writes(found: Sequence[_TableUndo], table: Table | None, *effects: Effect) -> bool:
    """Whether the undo has one of these effects on rows of a table."""
    return any(
        each.effects[effect] > 0
        for each in found
        if table is not None and each.table.id == table.id
        for effect in effects
    )


def _has_effects(each: _TableUndo) -> bool:
    return any(count for effect, count in each.effects.items() if effect is not Effect.NOTHING)
