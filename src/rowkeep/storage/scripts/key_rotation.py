"""Rotation: scripts that replace the data key of a workspace, step by step, while it is in use.

From the first step on, whoever writes a cell seals it under the new key, and whoever looks for one looks for
it under both. Then the rows are walked, a batch in a transaction. What is done stays done: a rotation that
was stopped goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa

from rowkeep.model.access import App
from rowkeep.model.tables import Column, Table
from rowkeep.sql.key_rotation import RotationSql
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.workspace import WorkspaceScripts

BATCH_ROWS = 500

Reseal: TypeAlias = Callable[[bytes], bytes | None]
"""Gives what was sealed under an old key under the present one; None for what is so already."""


class Batch(msgspec.Struct, frozen=True):
    """How far a walk has come: the last row's id (None at the end), and how many rows it took."""

    after: str | None
    rows: int


class Rotation(WorkspaceSteps):
    """The scripts of one workspace."""

    def __init__(self, scripts: WorkspaceScripts) -> None:
        super().__init__(scripts.dialect, scripts.schema)
        self._state = scripts.state
        self._tables = scripts.tables
        self._access = scripts.access

    def begin(self, wrap: Callable[[int], bytes]) -> Steps[int]:
        """Add a data key, unless a rotation is under way; gives the number of the newest. ``wrap`` gives a
        new key of that number, wrapped."""
        yield from self._state.raise_version()
        known = yield from self._state.data_keys()
        newest = max(known)
        if len(known) > 1:
            return newest
        yield from self._do(
            sa.insert(self._system.data_keys).values(number=newest + 1, wrapped=wrap(newest + 1))
        )
        return newest + 1

    def encrypted_tables(self) -> Steps[list[Table]]:
        """The tables that have encrypted columns."""
        tables = yield from self._tables.page("", None)
        return [table for table in tables if any(column.is_encrypted for column in table.columns)]

    def begin_table(self, table_id: str, key: int) -> Steps[Table | None]:
        """Have a table written under this key from now on; None if it is gone or has nothing left to be
        sealed anew."""

        def begun(column: Column) -> Column:
            if not column.is_encrypted or column.key == key:
                return column
            return msgspec.structs.replace(column, key=key, old_key=column.key)

        table = yield from self._change(table_id, begun)
        if table is None or all(column.old_key is None for column in table.columns):
            return None
        return table

    def end_table(self, table_id: str) -> Steps[None]:
        """Nothing of a table is sealed under the old key any more."""
        yield from self._change(table_id, lambda column: msgspec.structs.replace(column, old_key=None))

    def _change(self, table_id: str, change: Callable[[Column], Column]) -> Steps[Table | None]:
        yield from self._state.raise_version()
        table = (yield from self._tables.by_ids({table_id})).get(table_id)
        if table is None:
            return None
        changed = msgspec.structs.replace(table, columns=tuple(map(change, table.columns)))
        if changed != table:
            yield from self._tables.store(changed)
        return changed

    def rows(self, sql: RotationSql, names: Sequence[str], after: str) -> Steps[Sequence[Row]]:
        """The ids and the encrypted cells of the next rows after the row ``after``."""
        return (yield sql.batch(names, after, BATCH_ROWS))

    def reseal_rows(self, sql: RotationSql, reseal: dict[str, Reseal], rows: Sequence[Row]) -> Steps[Batch]:
        """Replace the cells of these rows by the same under the new key, unless they changed meanwhile."""
        for row_id, *cells in rows:
            for (name, fresh_cell), cell in zip(reseal.items(), cells, strict=True):
                fresh = None if cell is None else fresh_cell(bytes(cell))
                if fresh is not None:
                    yield sql.replace(name, row_id, bytes(cell), fresh)
        return Batch(rows[-1][0] if len(rows) == BATCH_ROWS else None, len(rows))

    def count(self, sql: RotationSql) -> Steps[int]:
        rows = yield sql.count()
        return int(rows[0][0])

    def reseal_apps(self, reseal: Callable[[App], bytes]) -> Steps[None]:
        """Seal the secrets of all apps anew."""
        yield from self._state.raise_version()
        apps = self._system.apps
        for app in (yield from self._access.apps("", None)):
            if app.secret is not None:
                update = sa.update(apps).values(secret=reseal(app))
                yield from self._do(update.where(apps.c.client_id == app.client_id))

    def end(self, key: int) -> Steps[None]:
        """Forget all data keys but this one."""
        yield from self._state.raise_version()
        keys = self._system.data_keys
        yield from self._do(sa.delete(keys).where(keys.c.number != key))

    def rewrap(self, rewrap: Callable[[bytes], bytes], fresh: bytes) -> Steps[None]:
        """Wrap the data keys anew; a workspace that has none yet gets ``fresh``."""
        yield from self._state.initialise(fresh)
        keys = self._system.data_keys
        for number, wrapped in (yield from self._state.data_keys()).items():
            yield from self._do(
                sa.update(keys).values(wrapped=rewrap(wrapped)).where(keys.c.number == number)
            )


def reseal_with(keys: Any, table: Table, column: Column) -> Reseal:
    """What seals the cells of one column anew. ``keys`` are the workspace's DataKeys."""
    fresh = keys.cipher(table.id, column.id, [column.key])
    any_key = keys.cipher(table.id, column.id, column.keys)

    def reseal(cell: bytes) -> bytes | None:
        sealed: bytes = fresh.seal(any_key.open(cell))
        # the same text under the same key is the same bytes
        return None if sealed == cell else sealed

    return reseal
