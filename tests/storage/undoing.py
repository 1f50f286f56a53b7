"""Undo as tests of the storage do it: a table with columns of all types, and undos of its changes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from workbench import DATA_KEYS, THINGS, Workbench, rows_of

from rowkeep.model.ids import wall_clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.undo.requests import UndoDone, UndoPlan
from rowkeep.storage.contract import BatchKind, RowScript
from rowkeep.storage.scripts.undo import UndoScript

UNDOER = "st-0a000000-6c2f-4a5e-9d5d-0f3f6a2b7c11"

COLUMNS = [
    *THINGS["schemaDef"],
    {"name": "Exact", "type": "decimal"},
    {"name": "Document", "type": "json"},
    {"name": "Secret", "type": "string", "isEncrypted": True},
]

RECORDED = THINGS | {
    "schemaDef": COLUMNS,
    "history": {"keepDays": 30},
    "indexes": [{"name": "ByText", "isUnique": True, "columns": [{"name": "Text"}]}],
}
"""A table with columns of all types, whose changes are recorded."""


class Undoing:
    """Undoes changes of the tables of a workbench. ``around`` changes the script of each undo."""

    def __init__(self, bench: Workbench, around: Callable[[RowScript[UndoDone]], Any] | None = None) -> None:
        self.bench = bench
        self._around = around

    async def __call__(self, *, dry_run: bool = False, **chosen: Any) -> UndoDone:
        bench = self.bench
        plan = UndoPlan(secrets.token_hex(12), UNDOER, canonical_date(wall_clock()), **chosen)
        script = UndoScript(bench.scripts.tables, bench.database.prepare, plan, lambda *_: None, DATA_KEYS)
        steps = script.steps if self._around is None else self._around(script.steps)
        done: UndoDone = await bench.database.batch(
            steps, bench.version, BatchKind(dry_run=dry_run, is_large=True)
        )
        self.last = plan.own
        self.writing = script.writing
        return done


def counts(done: UndoDone) -> tuple[int, int, int, int]:
    return done.n_restored, done.n_changed, done.n_removed, done.n_conflicts


async def last_operation(bench: Workbench) -> str:
    """The id of the newest operation."""
    found = await rows_of(bench.database, "SELECT id FROM @_rowkeep_operations ORDER BY op DESC LIMIT 1")
    return str(found[0][0])
