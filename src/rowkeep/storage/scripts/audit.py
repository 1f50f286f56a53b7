"""Audit: scripts over the entries of the audit log, in the catalog's database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec
import sqlalchemy as sa

from rowkeep.model.audit import ActorKind, AuditActor, AuditEntry, AuditFilter, Outcome
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS, Template, template
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps


class AuditScripts:
    """The scripts of one catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._entries = catalog_tables(namespace).audit_entries

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    def _insert(self) -> Any:
        parameters = {column.name: sa.bindparam(column.name, type_=column.type) for column in self._entries.c}
        return self._dialect.upsert(self._entries).values(parameters)

    @cached_property
    def _add(self) -> Template:
        return template(self._insert(), self._dialect)

    @cached_property
    def _add_missing(self) -> Template:
        return template(self._insert().on_conflict_do_nothing(index_elements=["id"]), self._dialect)

    @cached_property
    def _finish(self) -> Template:
        update = sa.update(self._entries).where(self._entries.c.id == sa.bindparam("entry"))
        ends: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in ("result", "cause", "target")}
        return template(update.values(ends), self._dialect)

    def add(self, entries: Sequence[AuditEntry]) -> Steps[None]:
        for each in entries:
            yield self._add.bind(_values(each))

    def add_missing(self, entries: Sequence[AuditEntry]) -> Steps[None]:
        """Add the entries that are not stored."""
        for each in entries:
            yield self._add_missing.bind(_values(each))

    def finish(self, entry: AuditEntry) -> Steps[None]:
        """Record how a started change has ended."""
        ends = {"new_result": entry.result.value, "new_cause": entry.cause, "new_target": entry.target}
        yield self._finish.bind({"entry": entry.id, **ends})

    def entries(self, wanted: AuditFilter, before: str, limit: int) -> Steps[list[AuditEntry]]:
        """Entries, the newest first; ``before`` is the time and the id after which the list continues."""
        entries = self._entries.c
        clause = sa.select(*self._entries.c).order_by(entries.time.desc(), entries.id.desc()).limit(limit)
        for condition in _conditions(wanted, entries):
            clause = clause.where(condition)
        if before:
            time, _, identity = before.partition(" ")
            is_same = sa.and_(entries.time == time, entries.id < identity)
            clause = clause.where(sa.or_(entries.time < time, is_same))
        return [_entry_of(row) for row in (yield from self._do(clause))]

    def has_older(self, time: str) -> Steps[bool]:
        """Whether there is something to delete."""
        entries = self._entries.c
        found = sa.select(entries.id).where(entries.time < time).limit(1)
        return bool((yield from self._do(found)))

    def delete_older(self, time: str, limit: int) -> Steps[None]:
        """Delete some entries from before this time."""
        entries = self._entries.c
        some = sa.select(entries.id).where(entries.time < time).limit(limit)
        yield from self._do(sa.delete(self._entries).where(entries.time < time, entries.id.in_(some)))


def _conditions(wanted: AuditFilter, entries: Any) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    if wanted.since:
        found.append(entries.time >= wanted.since)
    if wanted.until:
        found.append(entries.time < wanted.until)
    if wanted.actor:
        found.append(sa.or_(entries.actor_id == wanted.actor, entries.actor_name == wanted.actor))
    if wanted.action:
        # the character after the dot is the slash
        below = sa.and_(entries.action >= f"{wanted.action}.", entries.action < f"{wanted.action}/")
        found.append(sa.or_(entries.action == wanted.action, below))
    if wanted.workspace:
        found.append(entries.workspace == wanted.workspace)
    return found


def _values(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "time": entry.time,
        "actor_kind": entry.actor.kind.value,
        "actor_id": entry.actor.id,
        "actor_name": entry.actor.name,
        "action": entry.action,
        "result": entry.result.value,
        "workspace": entry.workspace,
        "target": entry.target,
        "cause": entry.cause,
        "request_id": entry.request_id,
        "address": entry.address,
        "details": msgspec.json.encode(entry.details).decode(),
    }


def _entry_of(row: Row) -> AuditEntry:
    identity, time, kind, actor_id, actor_name, action, result = row[:7]
    workspace, target, cause, request_id, address, details = row[7:]
    return AuditEntry(
        identity,
        time,
        AuditActor(ActorKind(kind), actor_id, actor_name),
        action,
        Outcome(result),
        workspace,
        target,
        cause,
        request_id,
        address,
        msgspec.json.decode(details),
    )
