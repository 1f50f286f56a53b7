"""The order in which tables are dropped, changed and created, so that every reference is always valid and
every name is unique.

References that are removed come first, then dropped tables, then changed and new tables, referenced tables
before referencing ones. If references form a cycle, one is left out at first and added when all tables exist.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from rowkeep.model.definitions.columns import ColumnBody, is_set
from rowkeep.model.definitions.tables import TableBody, definition_of
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.plan.workspace_changes.actions import Action, ChangeTable, CreateTable, DropTable
from rowkeep.plan.workspace_changes.dependency_sort import in_order
from rowkeep.plan.workspace_changes.tables import (
    WantedTable,
    same_reference,
    unreferenceable_columns,
    without_references,
)


class TableOrder:
    """The actions on tables. ``touched`` has the tables that change."""

    def __init__(
        self, present: Sequence[Table], wanted: Sequence[WantedTable], touched: Collection[str]
    ) -> None:
        self._present = {table.id: table for table in present}
        self._wanted = wanted
        self._by_key = {each.key: each for each in wanted}
        self._touched = [each for each in wanted if each.key in touched]
        remaining = {each.before.id for each in wanted if each.before is not None}
        self._unreferenceable = {each.key: unreferenceable_columns(each) for each in self._touched}
        self._dropped = [table for table in present if table.id not in remaining]

    def actions(self) -> Iterator[Action]:
        """All actions, in order."""
        yield from self._let_go()
        yield from self._drop()
        yield from self._change()

    def _staying(self, column: ColumnBody, wanted: WantedTable) -> tuple[WantedTable, Column] | None:
        """The reference that a column keeps while the referenced table changes."""
        found = same_reference(column, wanted, self._by_key)
        if found is None or found[1].id in self._unreferenceable.get(found[0].key, ()):
            return None
        return found

    # references that are removed

    def _let_go(self) -> Iterator[Action]:
        """References to tables that are dropped or changed are removed first."""
        moving = {each.before.id for each in self._touched if each.before is not None}
        moving |= {table.id for table in self._dropped}
        for wanted in self._touched:
            before = wanted.before
            if before is None:
                continue
            staying = {
                column.id
                for body in wanted.body.schema_def
                if (column := wanted.columns.get(body.name)) is not None and self._staying(body, wanted)
            }
            loose = {
                column.name
                for column in before.columns
                if column.reference is not None
                and column.id not in staying
                and column.reference.table in moving - {before.id}
            }
            if loose:
                yield self._without(before, loose, wanted.where)

    def _without(self, table: Table, loose: Collection[str], where: str) -> ChangeTable:
        """The current table without some of its references."""
        body = msgspec.convert(definition_of(table, self._present), TableBody)
        return ChangeTable(
            table.name, without_references(body, lambda each: each.name in loose), where, is_whole=False
        )

    # tables that are dropped

    def _drop(self) -> Iterator[Action]:
        """Referencing tables come before referenced ones; in a cycle, the reference is removed first."""
        waiting = {table.id for table in self._dropped}
        referring: dict[str, set[str]] = {}
        for table in self._dropped:
            for target in _targets(table) & waiting - {table.id}:
                referring.setdefault(target, set()).add(table.id)
        for table_id in in_order([table.id for table in self._dropped], referring, {}):
            for other in sorted(referring.get(table_id, set()) & waiting):
                table = self._present[other]
                loose = {
                    column.name
                    for column in table.columns
                    if column.reference is not None and column.reference.table == table_id
                }
                yield self._without(table, loose, "/tables")
                self._present[other] = _without_references(table, loose)
            waiting.discard(table_id)
            yield DropTable(self._present[table_id].name)

    # tables that are changed and created

    def _change(self) -> Iterator[Action]:
        pending = {each.key: each for each in self._touched}
        bearers = {name_key(each.before.name): each.key for each in self._touched if each.before is not None}
        should = {key: self._targets(each) & pending.keys() for key, each in pending.items()}
        must = {key: bearer for key in pending if (bearer := bearers.get(key, key)) != key}
        deferred: list[WantedTable] = []
        for key in in_order(list(pending), should, must):
            wanted = pending.pop(key)
            body = self._current_body(wanted, pending)
            if self._defers(wanted, pending):
                deferred.append(wanted)
            yield _action(wanted, body)
        for wanted in deferred:
            yield ChangeTable(wanted.body.name, wanted.plain, wanted.where)

    def _targets(self, wanted: WantedTable) -> set[str]:
        """The keys of the new tables that a table references."""
        return {
            key
            for column in wanted.body.schema_def
            if (key := _target(column)) is not None and key in self._by_key
        }

    def _current_body(self, wanted: WantedTable, pending: Collection[str]) -> TableBody:
        """A definition with references by current names, without those to tables that do not exist yet."""
        columns = [
            self._current_column(column, wanted) if _target(column) in set(pending) - {wanted.key} else column
            for column in wanted.body.schema_def
        ]
        return replace(wanted.body, schema_def=columns)

    def _current_column(self, column: ColumnBody, wanted: WantedTable) -> ColumnBody:
        found = self._staying(column, wanted)
        if found is None or found[0].before is None:
            return replace(column, reference=None)
        return replace(column, reference={"table": found[0].before.name, "column": found[1].name})

    def _defers(self, wanted: WantedTable, pending: Collection[str]) -> bool:
        """Whether a reference is left out at first."""
        return any(
            _target(column) in pending and self._staying(column, wanted) is None
            for column in wanted.body.schema_def
        )


def _action(wanted: WantedTable, body: TableBody) -> Action:
    if wanted.before is None:
        return CreateTable(body, wanted.where)
    return ChangeTable(body.name, body, wanted.where)


def _target(column: ColumnBody) -> str | None:
    """The name key of the table that a column references in the new definition."""
    given_reference = column.reference
    if column.read_only is True or not is_set(given_reference) or not isinstance(given_reference, dict):
        return None
    name = given_reference.get("table")
    return name_key(name) if isinstance(name, str) else None


def _targets(table: Table) -> set[str]:
    """The ids of the tables that a table references."""
    return {column.reference.table for column in table.columns if column.reference is not None}


def _without_references(table: Table, loose: Collection[str]) -> Table:
    columns = tuple(
        replace(column, reference=None) if column.name in loose else column for column in table.columns
    )
    return replace(table, columns=columns)
