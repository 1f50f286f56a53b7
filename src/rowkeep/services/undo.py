"""Undo: recorded changes are undone, for apps, administrators and users (contract, section 12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import UNSET

from rowkeep.errors.catalogue import (
    Busy,
    Forbidden,
    HistoryOff,
    NoSuchTable,
    QueryTimeout,
    ReferenceViolation,
    StillReferenced,
    UniqueViolation,
    preview,
)
from rowkeep.metrics import ROWS_DELETED, ROWS_INSERTED, ROWS_UPDATED
from rowkeep.model.access import Right
from rowkeep.model.audit import AuditEntry, Outcome, actor_of
from rowkeep.model.ids import Clock
from rowkeep.model.tables import Table
from rowkeep.model.undo_requests import UndoBody, UndoChangesBody
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.undo.read import read_undo, read_undo_changes
from rowkeep.plan.undo.requests import UndoDone, UndoPlan
from rowkeep.plan.undo.rows import Action
from rowkeep.request_context import operation_id
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.audit import AuditLog, end_of
from rowkeep.services.idempotency import Idempotency, KeyedRequest, NeededRights, Replayed
from rowkeep.services.row_requests import ReadRequest
from rowkeep.services.timings import end_phase
from rowkeep.storage.contract import BatchKind, ReferenceConflict, UniqueConflict
from rowkeep.storage.scripts.undo import UndoScript, Writing

B = TypeVar("B", UndoBody, UndoChangesBody)

DONE = {Action.RESTORE: "restored", Action.SET: "set back", Action.REMOVE: "removed"}

TOO_LONG = (
    "The undo took too long (the setting max_query_seconds). Nothing was undone; undo fewer tables or a "
    "shorter time at once."
)


class Undone(msgspec.Struct, frozen=True):
    """The result of an undo. A dry run stores nothing."""

    done: UndoDone
    is_dry_run: bool


class Undos:
    """Undoes changes. Raises NoSuchOperation, UndoConflict, Forbidden, AffectedOutOfBounds, UniqueViolation,
    ReferenceViolation, StillReferenced, QuotaExceeded, and what reading the request raises."""

    def __init__(self, access: Access, keys: Idempotency, clock: Clock, audit: AuditLog) -> None:
        self._access = access
        self._audit = audit
        self._keys = keys
        self._clock = clock

    def own(
        self, credential: Credential, read: ReadRequest[UndoBody], keyed: KeyedRequest[Undone] | None = None
    ) -> Awaitable[Undone | Replayed]:
        """Undo an operation of the caller itself."""

        async def plan(caller: Caller, body: UndoBody, own: str, now: str) -> UndoPlan:
            return read_undo(body, own, caller.writer, now)

        return self._run(credential, read, keyed, plan)

    def changes(
        self,
        credential: Credential,
        read: ReadRequest[UndoChangesBody],
        keyed: KeyedRequest[Undone] | None = None,
        address: str = "",
    ) -> Awaitable[Undone | Replayed]:
        """Undo changes of anybody, for an administrator or user with this network address: of a user, those
        of the tables that this one can read. Raises NoSuchTable, HistoryOff."""

        async def plan(caller: Caller, body: UndoChangesBody, own: str, now: str) -> UndoPlan:
            planned = read_undo_changes(body, own, caller.writer, now)
            if body.tables is UNSET:
                return planned
            ids = [await _recorded_table(caller, name) for name in body.tables]
            return msgspec.structs.replace(planned, tables=frozenset(ids))

        def entry(caller: Caller, body: UndoChangesBody) -> AuditEntry:
            return self._entry(caller, body, address)

        return self._run(credential, read, keyed, plan, entry, is_of_anybody=True)

    def _entry(self, caller: Caller, body: UndoChangesBody, address: str) -> AuditEntry:
        """The entry in the audit log, without the result."""
        command = self._audit.command
        is_local = command is not None and (caller.actor is None or caller.actor.user is None)
        return self._audit.entry(
            actor_of(caller.actor, command if is_local else None),
            "rows.undo",
            workspace=caller.workspace.workspace.name,
            target=f"operation {operation_id(caller.request)}",
            address="" if command is not None else address,
            details=msgspec.to_builtins(body),
        )

    def _run(
        self,
        credential: Credential,
        read: ReadRequest[B],
        keyed: KeyedRequest[Undone] | None,
        make_plan: Callable[[Caller, B, str, str], Awaitable[UndoPlan]],
        entry_of: Callable[[Caller, B], AuditEntry] | None = None,
        *,
        is_of_anybody: bool = False,
    ) -> Awaitable[Undone | Replayed]:
        async def undo(caller: Caller) -> Undone:
            await caller.count()
            if keyed is not None:
                await keyed.read()
            body = await read()
            if keyed is not None and body.dry_run:
                keyed.ignore()
            own, now = operation_id(caller.request), canonical_date(self._clock())
            plan = await make_plan(caller, body, own, now)
            if caller.app is not None:
                plan = msgspec.structs.replace(plan, max_affected=caller.app.max_affected)
            end_phase("plan")
            script = partial(_script, caller, is_of_anybody=is_of_anybody)
            run = partial(self._undo, caller, plan, script, keyed, is_dry_run=body.dry_run)
            try:
                if entry_of is None or body.dry_run:
                    undone = await run()
                else:
                    undone = await self._recorded(run, entry_of(caller, body))
            except QueryTimeout as error:
                raise QueryTimeout(TOO_LONG) from error
            end_phase("db")
            return undone

        if keyed is None:
            return self._access.run(credential, undo)
        return self._access.run(credential, partial(self._keys.run, keyed, undo, check=_check_again))

    async def _recorded(self, run: Callable[[], Awaitable[Undone]], entry: AuditEntry) -> Undone:
        """Run an undo, and store its entry if it was done, or if nobody knows because it was cut off."""
        try:
            undone = await run()
        except BaseException as error:
            result, cause = end_of(error)
            if result is Outcome.STARTED:
                self._audit.add_later(msgspec.structs.replace(entry, cause=cause))
            raise
        done = undone.done
        counts = {"nRestored": done.n_restored, "nChanged": done.n_changed, "nRemoved": done.n_removed}
        details = {**entry.details, **counts}
        await self._audit.record_done(msgspec.structs.replace(entry, result=Outcome.SUCCESS, details=details))
        return undone

    async def _undo(
        self,
        caller: Caller,
        plan: UndoPlan,
        script_of: Callable[[UndoPlan], UndoScript],
        keyed: KeyedRequest[Undone] | None,
        *,
        is_dry_run: bool,
    ) -> Undone:
        workspace, version = caller.workspace, caller.snapshot.version
        history = workspace.scripts.history
        has_times = plan.since is not None or plan.until is not None
        if has_times and await workspace.database.read(history.has_unordered):
            # their times can still change
            await workspace.database.write(history.order_operations)
        script = script_of(plan)
        key = None
        if keyed is not None and not is_dry_run:
            key = self._keys.write_key(caller, keyed, partial(_undone, False), lambda done: done.needed)
        kind = BatchKind(dry_run=is_dry_run, is_large=True)
        try:
            with caller.slow.write("undo", lambda: "undo"):
                done = await workspace.database.batch(script.steps, version, kind, key)
        except (UniqueConflict, ReferenceConflict) as conflict:
            careful = script_of(msgspec.structs.replace(plan, is_careful=True))
            raise await _explained(caller, careful) from conflict
        if not is_dry_run:
            ROWS_INSERTED.add(done.n_restored)
            ROWS_UPDATED.add(done.n_changed)
            ROWS_DELETED.add(done.n_removed)
        return Undone(done, is_dry_run)


def _undone(is_dry_run: bool, done: UndoDone) -> Undone:
    return Undone(done, is_dry_run)


async def _recorded_table(caller: Caller, name: str) -> str:
    """The id of a table with a history. Raises NoSuchTable, HistoryOff."""
    compiled = await caller.workspace.table(caller.snapshot, name)
    hidden = caller.restricted_user_id is not None and compiled is not None
    if compiled is None or (hidden and not caller.may(compiled.table, Right.READ)):
        raise NoSuchTable(f"No such table: {preview(name)}.", pointer="/tables")
    if compiled.table.history is None:
        raise HistoryOff(
            f"Table {compiled.table.name} has no history, so that its changes cannot be undone.",
            pointer="/tables",
        )
    return compiled.table.id


async def _check_again(caller: Caller, needed: NeededRights) -> None:
    """The same rights are needed for the stored response. Tables that were deleted since have none. Raises
    Forbidden."""
    if caller.grants is None:
        return
    find = caller.workspace.scripts.tables.by_ids
    tables = await caller.workspace.database.read(partial(find, needed))
    for table_id, table in tables.items():
        _check_rights(caller, table, needed[table_id], "")


def _check_rights(
    caller: Caller, table: Table, rights: Sequence[Right], effect: str = " Nothing was undone."
) -> None:
    """Raises Forbidden; ``effect`` ends its message."""
    is_restricted = caller.restricted_user_id is not None
    is_visible = caller.may(table, Right.READ) if is_restricted else caller.sees(table)
    for right in rights:
        if caller.may(table, right):
            continue
        if not is_visible:
            who = "you" if is_restricted else "the app"
            raise Forbidden(f"The undo changes rows of a table that {who} cannot use.{effect}")
        raise Forbidden(
            f"The undo changes rows of {table.name}, which needs the right {right.value}.{effect}"
        )


def _script(caller: Caller, plan: UndoPlan, *, is_of_anybody: bool) -> UndoScript:
    def sees(table: Table) -> bool:
        return caller.may(table, Right.READ)

    def admit(table: Table, rights: Sequence[Right]) -> None:
        # readers of its changes are woken afterwards
        caller.operation(table)
        _check_rights(caller, table, rights)

    workspace = caller.workspace
    tables, prepare = workspace.scripts.tables, workspace.database.prepare
    chosen = sees if caller.restricted_user_id is not None and is_of_anybody else None
    return UndoScript(tables, prepare, plan, admit, workspace.keys, chosen)


async def _explained(caller: Caller, script: UndoScript) -> Exception:
    """The error for rows that do not fit: the undo is done again by a careful script, one row at a time, and
    not stored."""
    database, version = caller.workspace.database, caller.snapshot.version
    try:
        await database.batch(script.steps, version, BatchKind(dry_run=True, is_large=True))
    except UniqueConflict as conflict:
        return _unique_error(script.writing, conflict)
    except ReferenceConflict:
        return _reference_error(caller, script.writing)
    return Busy("Rows changed during the undo. Nothing was undone; try again.")


def _unique_error(writing: Writing, conflict: UniqueConflict) -> Exception:
    if conflict.index is None:
        return UniqueViolation(f"{_row(writing)} cannot be {_done(writing)}: its _id exists already.")
    names = " and ".join(part.name for part in conflict.index.columns)
    return UniqueViolation(
        f"{_row(writing)} cannot be {_done(writing)}: a row with the same {names} already exists, and the "
        f"index {conflict.index.name} is unique. Nothing was undone."
    )


def _reference_error(caller: Caller, writing: Writing) -> Exception:
    lacks = writing.lacks
    if lacks is not None:
        child, parent = lacks.table, lacks.parent
        referring = f"Row {lacks.row_key} of {child.name}" if caller.may(child, Right.READ) else "Another row"
        referred = "a row" if parent is None or not caller.sees(parent) else f"a row of {parent.name}"
        if lacks.is_written:
            return ReferenceViolation(
                f"{referring} would refer to {referred} that does not exist. Nothing was undone; restore "
                "that row first."
            )
        return StillReferenced(
            f"{referring} would refer to {referred} that does not exist. Nothing was "
            "undone; change or delete the referencing row first, or restore the referenced one."
        )
    if writing.action is Action.REMOVE:
        return StillReferenced(
            f"{_row(writing)} cannot be removed: other rows refer to it. Nothing was undone; change or "
            "delete the referencing rows first."
        )
    return ReferenceViolation(
        f"{_row(writing)} cannot be {_done(writing)}: it refers to a row that does not exist. Nothing was "
        "undone; restore that row first."
    )


def _row(writing: Writing) -> str:
    table = "" if writing.table is None else writing.table.name
    return f"Row {writing.row_keys[0] if writing.row_keys else ''} of {table}"


def _done(writing: Writing) -> str:
    return DONE[writing.action or Action.SET]
