"""Rotation: scripts that replace the data key of a workspace, step by step, while it is in use.

From the first step on, all writes encrypt cells with the new key, and searches compare with both. Then all
rows are processed, one batch in each transaction. Completed steps are permanent: a rotation that was stopped
continues where it was. Definitions can change meanwhile: a table that was changed is begun again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.access import App
from rowkeep.model.tables import Column, Table
from rowkeep.sql.history_table import HistoryTable
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.storage.contract import Row, StaleCatalog, Steps
from rowkeep.storage.scripts.history import RecordsOf
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.workspace import WorkspaceScripts

BATCH_ROWS = 500

OVERTAKEN = (
    "Another rotation of these data keys was begun later, and completed what this one had begun. This one "
    "ends here."
)

Reencrypt: TypeAlias = Callable[[bytes], bytes | None]
"""Encrypts with the current key what was encrypted with an old one; None if it has the current key
already."""


class Batch(msgspec.Struct, frozen=True):
    """The progress of a rotation: the id of the last row (None at the end), and how many rows were in the
    batch."""

    after: str | int | None
    rows: int


class Rotation(WorkspaceSteps):
    """The scripts of one workspace."""

    def __init__(self, scripts: WorkspaceScripts) -> None:
        super().__init__(scripts.dialect, scripts.namespace)
        self._state = scripts.state
        self._tables = scripts.tables
        self._access = scripts.access
        self._history = scripts.history

    def begin(self, wrap: Callable[[int], bytes]) -> Steps[int]:
        """Add a data key, unless a rotation is running; returns the number of the newest key. ``wrap``
        returns a new key of that number, wrapped."""
        yield from self._state.raise_version()
        known = yield from self._state.data_keys()
        newest = max(known)
        if len(known) > 1:
            return newest
        yield from self._do(
            sa.insert(self._system.data_keys).values(number=newest + 1, wrapped=wrap(newest + 1))
        )
        return newest + 1

    def _continue(self, key: int) -> Steps[None]:
        """Before each change of a rotation to the data key of this number. Raises SetupError if it is not the
        newest key any more: what a later rotation encrypts must not lose its key."""
        yield from self._state.raise_version()
        if (yield from self._state.newest_key()) != key:
            raise SetupError(OVERTAKEN)

    def encrypted_tables(self) -> Steps[list[Table]]:
        """The tables that have encrypted columns."""
        tables = yield from self._tables.page("", None)
        return [table for table in tables if any(column.is_encrypted for column in table.columns)]

    def begin_table(self, table_id: str, key: int) -> Steps[Table | None]:
        """From now on, write a table with this key; None if it is missing or has no cells that need another
        key."""

        table = yield from self._change(table_id, key, partial(begun, key))
        if table is None or all(column.old_key is None for column in table.columns):
            return None
        return table

    def end_table(self, table_id: str, key: int) -> Steps[None]:
        """Record that everything in a table is encrypted with this key."""
        yield from self._change(table_id, key, ended)

    def _change(self, table_id: str, key: int, change: Callable[[Column], Column]) -> Steps[Table | None]:
        yield from self._continue(key)
        table = (yield from self._tables.by_ids({table_id})).get(table_id)
        if table is None:
            return None
        changed = msgspec.structs.replace(table, columns=tuple(map(change, table.columns)))
        if changed != table:
            yield from self._tables.store(changed)
        return changed

    def rows(self, table: Table, sql: RotationSql, after: str | int) -> Steps[Sequence[Row]]:
        """The ids and the encrypted cells of the next rows after the row ``after``. Raises StaleCatalog if
        the table was changed: a name can be that of another column by now."""
        rows = yield sql.batch(after, BATCH_ROWS)
        yield from self._check_unchanged(table)
        return rows

    def records(self, table: Table) -> Steps[HistoryTable]:
        """The records of the changes of a table. Raises StaleCatalog if it was changed."""
        records = yield from self._history.records_of(table.id)
        yield from self._check_unchanged(table)
        dropped = () if records is None else records.dropped
        return HistoryTable(table, self.dialect, self.namespace, dropped)

    def _check_unchanged(self, table: Table) -> Steps[None]:
        # after what depends on it was read: then it was the same before, too
        if (yield from self._tables.by_ids({table.id})).get(table.id) != table:
            raise StaleCatalog()

    def dropped_columns(self) -> Steps[list[tuple[Table, RecordsOf]]]:
        """The tables with encrypted columns that only the records of their changes still have."""
        found = []
        for table in (yield from self._tables.page("", None)):
            records = None if table.history is None else (yield from self._history.records_of(table.id))
            if records is not None and any(column.is_encrypted for column in records.dropped):
                found.append((table, records))
        return found

    def change_dropped(
        self, table_id: str, key: int, change: Callable[[Column], Column]
    ) -> Steps[list[Column]]:
        """Change the columns that only records have; returns those that are encrypted."""
        yield from self._continue(key)
        records = yield from self._history.records_of(table_id)
        if records is None:
            return []
        dropped = tuple(change(each) if each.is_encrypted else each for each in records.dropped)
        yield from self._history.store(table_id, msgspec.structs.replace(records, dropped=dropped))
        return [each for each in dropped if each.is_encrypted]

    def reencrypt_rows(
        self, sql: RotationSql, reencrypt: dict[str, Reencrypt], rows: Sequence[Row]
    ) -> Steps[Batch]:
        """Encrypt the cells of these rows with the new key, except those that changed meanwhile."""
        for row_id, *cells in rows:
            for (name, fresh_cell), cell in zip(reencrypt.items(), cells, strict=True):
                fresh = None if cell is None else fresh_cell(bytes(cell))
                if fresh is not None:
                    yield sql.replace(name, row_id, bytes(cell), fresh)
        return Batch(rows[-1][0] if len(rows) == BATCH_ROWS else None, len(rows))

    def count(self, sql: RotationSql) -> Steps[int]:
        rows = yield sql.count()
        return int(rows[0][0])

    def reencrypt_apps(self, key: int, reencrypt: Callable[[App], dict[str, bytes]]) -> Steps[None]:
        """Encrypt the secrets of all apps with the new key."""
        yield from self._continue(key)
        apps = self._system.apps
        for app in (yield from self._access.apps("", None)):
            encrypted = reencrypt(app)
            if encrypted:
                update = sa.update(apps).values(encrypted)
                yield from self._do(update.where(apps.c.client_id == app.client_id))

    def end(self, key: int) -> Steps[None]:
        """Delete all data keys except this one."""
        yield from self._continue(key)
        keys = self._system.data_keys
        yield from self._do(sa.delete(keys).where(keys.c.number != key))

    def rewrap(self, rewrap: Callable[[bytes], bytes], fresh: bytes) -> Steps[None]:
        """Wrap the data keys with another master key; a workspace that has none yet gets ``fresh``."""
        yield from self._state.initialise(fresh)
        keys = self._system.data_keys
        for number, wrapped in (yield from self._state.data_keys()).items():
            yield from self._do(
                sa.update(keys).values(wrapped=rewrap(wrapped)).where(keys.c.number == number)
            )


def begun(key: int, column: Column) -> Column:
    """The column when its cells are encrypted with a new key from now on."""
    if not column.is_encrypted or column.key == key:
        return column
    return msgspec.structs.replace(column, key=key, old_key=column.key)


def ended(column: Column) -> Column:
    """The column when no cell is encrypted with the old key any more."""
    return msgspec.structs.replace(column, old_key=None)


def reencrypt_with(keys: Any, table: Table, column: Column) -> Reencrypt:
    """Returns the function that encrypts the cells of one column with the current key. ``keys`` are the
    workspace's DataKeys."""
    fresh = keys.cipher(table.id, column.id, [column.key])
    any_key = keys.cipher(table.id, column.id, column.keys)

    def reencrypt(cell: bytes) -> bytes | None:
        encrypted: bytes = fresh.seal(any_key.open(cell))
        # the same text under the same key has the same bytes
        return None if encrypted == cell else encrypted

    return reencrypt
