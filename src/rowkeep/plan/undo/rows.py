"""Rows: the changes of one row are undone from the newest to the oldest.

An update sets the columns that it changed back to what they were, if they still hold what it left. An insert
is undone by a removal, a delete by inserting the row again. A change conflicts if the row is not as the
change left it; what was undone already does not conflict. After a conflict the steps continue as if it were
to be overridden, so that all conflicts of a row are found.

Cells are only compared here; storage copies them from the records, by the number of a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeAlias

import msgspec

from rowkeep.model.history import ChangeKind

Cells: TypeAlias = tuple[Any, ...]
"""The cells of the table's own columns, in their order, or texts that are equal for equal cells."""


class RecordedChange(msgspec.Struct, frozen=True):
    """A change of a row: the number of its record, its operation, and the row before and after it, None where
    there was none."""

    seq: int
    op: int
    kind: ChangeKind
    before: Cells | None
    after: Cells | None


class Action(Enum):
    """What a step does with a row."""

    RESTORE = "restore"
    """Insert the row before the change, as a whole."""
    REMOVE = "remove"
    SET = "set"
    """Set some columns to what they were before the change."""


class Step(msgspec.Struct, frozen=True):
    """One write. ``seq`` is the record whose row before the change is copied; ``columns`` are the places of
    the columns to be set."""

    action: Action
    seq: int
    columns: tuple[int, ...] = ()


class Effect(Enum):
    """What an undo does with a row, all of its steps together."""

    NOTHING = "nothing"
    RESTORED = "restored"
    CHANGED = "changed"
    REMOVED = "removed"


class Undone(msgspec.Struct, frozen=True):
    """The end of a row's steps. ``conflicts`` are the first operations that conflict, newest first, of
    ``n_conflicts``. ``effect`` is that of the steps, the overriding ones included. ``is_blocked`` says that
    something cannot be undone at all; ``has_useless_steps`` that there are steps, but the row is already as
    they would leave it."""

    effect: Effect
    conflicts: tuple[int, ...] = ()
    n_conflicts: int = 0
    is_blocked: bool = False
    has_useless_steps: bool = False


class RowUndo:
    """The steps of one row, whose ``current`` cells are None if it is not there. ``required`` are the places
    of the columns that cannot be null, ``most`` is how many conflicts are named."""

    def __init__(self, current: Cells | None, required: Sequence[int] = (), most: int = 100) -> None:
        self._original = current
        self._state = None if current is None else list(current)
        self._required = required
        self._conflicts: dict[int, None] = {}
        self._n_conflicts = 0
        self._most = most
        self._last_conflict: int | None = None
        self._n_while_gone = 0
        """How many of the last conflicts are updates of a row that is not there."""
        self._is_blocked = False
        self._has_steps = False

    def undo(self, change: RecordedChange) -> Step | None:
        """The write that undoes the change, which is older than those before; None if nothing is to do."""
        if change.kind is ChangeKind.INSERT:
            step = self._undo_insert(change)
        elif change.kind is ChangeKind.DELETE:
            step = self._undo_delete(change)
        else:
            step = self._undo_update(change)
        self._has_steps = self._has_steps or step is not None
        return step

    def end(self) -> Undone:
        """What the steps do together."""
        state = None if self._state is None else tuple(self._state)
        if state == self._original and not self._is_blocked:
            return Undone(Effect.NOTHING, has_useless_steps=self._has_steps)
        if self._original is None:
            effect = Effect.NOTHING if state is None else Effect.RESTORED
        elif state is None:
            effect = Effect.REMOVED
        else:
            effect = Effect.NOTHING if state == self._original else Effect.CHANGED
        return Undone(effect, tuple(self._conflicts), self._n_conflicts, self._is_blocked)

    def _undo_insert(self, change: RecordedChange) -> Step | None:
        self._is_blocked = False
        if self._state is None:
            # the row is gone, as it is to be: that updates of it cannot be undone does not matter
            self._forgive_gone()
            return None
        if tuple(self._state) != change.after:
            self._conflict(change)
        self._state = None
        return Step(Action.REMOVE, change.seq)

    def _undo_delete(self, change: RecordedChange) -> Step | None:
        before = change.before
        if before is None:
            raise AssertionError("a delete has a row before it")
        lacking = [at for at in self._required if before[at] is None]
        if self._state is not None:
            wanted = [at for at, cell in enumerate(before) if self._state[at] != cell]
            if wanted:
                self._conflict(change)
            return self._set(change, wanted)
        self._n_while_gone = 0
        if lacking:
            self._conflict(change)
            self._is_blocked = True
            return None
        self._is_blocked = False
        self._state = list(before)
        return Step(Action.RESTORE, change.seq)

    def _undo_update(self, change: RecordedChange) -> Step | None:
        before, after = change.before, change.after
        if before is None or after is None:
            # the row was deleted outside of Rowkeep, so that nobody knows what the update left
            self._conflict(change)
            self._is_blocked = True
            return None
        changed = [at for at, cell in enumerate(before) if cell != after[at]]
        if not changed:
            return None
        if self._state is None:
            self._conflict(change, is_gone=True)
            self._is_blocked = True
            return None
        state = self._state
        wanted = [at for at in changed if state[at] != before[at]]
        if any(state[at] != after[at] for at in wanted):
            self._conflict(change)
        return self._set(change, wanted)

    def _set(self, change: RecordedChange, wanted: Sequence[int]) -> Step | None:
        """Set columns of the row, except those whose old cell does not fit the table any more."""
        before, state = change.before, self._state
        if before is None or state is None:
            raise AssertionError("both rows are there")
        columns = tuple(at for at in wanted if before[at] is not None or at not in self._required)
        if len(columns) < len(wanted):
            self._conflict(change)
            self._is_blocked = True
        for at in columns:
            state[at] = before[at]
        return Step(Action.SET, change.seq, columns) if columns else None

    def _conflict(self, change: RecordedChange, *, is_gone: bool = False) -> None:
        """Note a conflict, each operation once."""
        if change.op == self._last_conflict:
            return
        self._last_conflict = change.op
        self._n_conflicts += 1
        self._n_while_gone = self._n_while_gone + 1 if is_gone else 0
        if len(self._conflicts) < self._most:
            self._conflicts[change.op] = None

    def _forgive_gone(self) -> None:
        self._n_conflicts -= self._n_while_gone
        while len(self._conflicts) > self._n_conflicts:
            self._conflicts.popitem()
        self._n_while_gone = 0
        self._last_conflict = None
