"""Undo of the changes of one row: the rules, and a model."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oracle.effort import examples
from rowkeep.model.history import ChangeKind
from rowkeep.plan.undo.rows import Action, Cells, Effect, RecordedChange, RowUndo, Step, Undone

INSERT, UPDATE, DELETE = ChangeKind

Row = Cells | None


def history(*states: Row, first: int = 1) -> list[RecordedChange]:
    """The changes between these states of a row, each by an operation of its own, oldest first."""
    return [
        RecordedChange(seq, seq, kind_of(before, after), before, after)
        for seq, (before, after) in enumerate(pairwise(states), first)
    ]


def kind_of(before: Row, after: Row) -> ChangeKind:
    if before is None:
        return INSERT
    return DELETE if after is None else UPDATE


def undone(
    current: Row, changes: Sequence[RecordedChange], required: Sequence[int] = ()
) -> tuple[Row, Undone]:
    """The row after all steps, as storage runs them, and their end. ``changes`` are oldest first."""
    states, end = steps_of(current, changes, required)
    return states[-1], end


def steps_of(
    current: Row, changes: Sequence[RecordedChange], required: Sequence[int] = ()
) -> tuple[list[Row], Undone]:
    row, plan, states = current, RowUndo(current, required), [current]
    befores = {change.seq: change.before for change in changes}
    for change in reversed(changes):
        step = plan.undo(change)
        if step is not None:
            row = run(row, step, befores[step.seq])
            states.append(row)
    return states, plan.end()


def run(row: Row, step: Step, image: Row) -> Row:
    if step.action is Action.REMOVE:
        assert row is not None
        return None
    assert image is not None
    if step.action is Action.RESTORE:
        assert row is None
        return image
    assert row is not None
    assert step.columns
    cells = list(row)
    for at in step.columns:
        assert cells[at] != image[at]
        cells[at] = image[at]
    return tuple(cells)


@pytest.mark.parametrize(
    ("states", "effect"),
    [
        ([("a", 1), ("a", 2)], Effect.CHANGED),
        ([("a", 1), ("a", 2), ("b", 2)], Effect.CHANGED),
        ([None, ("a", 1)], Effect.REMOVED),
        ([("a", 1), None], Effect.RESTORED),
        ([("a", 1), ("b", 1), None], Effect.RESTORED),
        ([None, ("a", 1), ("b", 1)], Effect.REMOVED),
        ([None, ("a", 1), None], Effect.NOTHING),
        ([("a", 1), None, ("a", 1)], Effect.NOTHING),
        ([("a", 1), ("a", 2), ("a", 1)], Effect.NOTHING),
        ([("a", 1), ("a", 1)], Effect.NOTHING),
    ],
)
def test_the_row_is_as_it_was(states: list[Row], effect: Effect) -> None:
    row, end = undone(states[-1], history(*states))
    assert row == states[0]
    assert (end.effect, end.n_conflicts) == (effect, 0)


def test_other_columns_stay_as_others_left_them() -> None:
    row, end = undone(("a", 9), history(("b", 1), ("a", 1)))
    assert (row, end.effect, end.n_conflicts) == (("b", 9), Effect.CHANGED, 0)


@pytest.mark.parametrize(
    ("current", "states", "forced", "effect"),
    [
        (("a", 3), [("a", 1), ("a", 2)], ("a", 1), Effect.CHANGED),
        (("a", 3), [None, ("a", 2)], None, Effect.REMOVED),
        (("a", 3), [("a", 2), None], ("a", 2), Effect.CHANGED),
        (None, [("a", 1), ("a", 2)], None, Effect.NOTHING),
        (("c", 3), [("a", 1), ("b", 1), None], ("a", 1), Effect.CHANGED),
    ],
)
def test_a_row_that_was_changed_since_conflicts(
    current: Row, states: list[Row], forced: Row, effect: Effect
) -> None:
    changes = history(*states)
    row, end = undone(current, changes)
    assert row == forced
    assert end.effect == effect
    assert end.n_conflicts >= 1
    assert changes[-1].op in end.conflicts


@pytest.mark.parametrize(
    ("current", "states"),
    [
        (("a", 1), [("a", 1), ("a", 2)]),
        (None, [None, ("a", 2)]),
        (("a", 2), [("a", 2), None]),
        (None, [None, ("a", 1), ("a", 2)]),
        (("a", 1), [("a", 1), ("a", 2), None]),
        (("a", 1), [("a", 1), ("a", 2), ("a", 3)]),
    ],
)
def test_what_was_undone_already_is_no_conflict(current: Row, states: list[Row]) -> None:
    _, end = undone(current, history(*states))
    assert (end.effect, end.n_conflicts, end.is_blocked) == (Effect.NOTHING, 0, False)


def test_a_row_that_is_gone_cannot_be_set_back() -> None:
    _, end = undone(None, history(("a", 1), ("a", 2)))
    assert end == Undone(Effect.NOTHING, (1,), 1, True)


def test_an_old_row_that_does_not_fit_the_table_is_not_restored() -> None:
    row, end = undone(None, history((None, 1), None), required=[0])
    assert (row, end) == (None, Undone(Effect.NOTHING, (1,), 1, True))


def test_an_old_cell_that_does_not_fit_the_table_is_not_set_back() -> None:
    row, end = undone(("a", 2), history((None, 1), ("a", 2)), required=[0])
    assert (row, end) == (("a", 1), Undone(Effect.CHANGED, (1,), 1, True))


def test_conflicts_are_counted_but_not_all_are_named() -> None:
    states = [(at,) for at in range(12)]
    plan = RowUndo((99,), most=3)
    for change in reversed(history(*states)[::2]):
        plan.undo(change)
    end = plan.end()
    assert end.conflicts == (11, 9, 7)
    assert end.n_conflicts == 6


def test_an_operation_with_several_changes_of_a_row_conflicts_once() -> None:
    changes = [RecordedChange(seq, 7, UPDATE, (seq,), (seq + 1,)) for seq in (1, 2)]
    plan = RowUndo((9,))
    for change in reversed(changes):
        plan.undo(change)
    assert (plan.end().conflicts, plan.end().n_conflicts) == ((7,), 1)


rows = st.none() | st.tuples(st.integers(0, 2), st.integers(0, 2))


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """The states of a row, one after the other; a row that is not there stays so at most for one."""
    states: list[Row] = [draw(rows)]
    for _ in range(draw(st.integers(1, 8))):
        here = draw(st.tuples(st.integers(0, 2), st.integers(0, 2))) if states[-1] is None else draw(rows)
        states.append(here)
    return states


@examples(200)
@given(histories(), st.data())
def test_all_changes_since_a_moment_are_undone_without_a_conflict(
    states: list[Row], data: st.DataObject
) -> None:
    since = data.draw(st.integers(0, len(states) - 1))
    row, end = undone(states[-1], history(*states)[since:])
    assert row == states[since]
    assert end.n_conflicts == 0


@examples(200)
@given(histories(), st.data())
def test_an_undo_that_is_repeated_does_nothing(states: list[Row], data: st.DataObject) -> None:
    changes = [change for change in history(*states) if data.draw(st.booleans())]
    row, end = undone(states[-1], changes)
    again, ends_again = undone(row, changes)
    if not end.is_blocked:
        assert again == row
        assert (ends_again.effect, ends_again.n_conflicts) == (Effect.NOTHING, 0)


@examples(200)
@given(histories(), st.data())
def test_an_undo_can_be_undone(states: list[Row], data: st.DataObject) -> None:
    changes = [change for change in history(*states) if data.draw(st.booleans())]
    done, _ = steps_of(states[-1], changes)
    row, end = undone(done[-1], history(*done, first=100))
    assert row == states[-1]
    assert end.n_conflicts == 0


@examples(200)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1)), min_size=1, max_size=8))
def test_updates_of_others_stay(updates: list[tuple[bool, int]]) -> None:
    """Each update writes a value that no other one writes, so that the row says which were undone."""
    states: list[Cells] = [(0, 0)]
    others = [0, 0]
    for value, (is_undone, at) in enumerate(updates, 1):
        cells = list(states[-1])
        cells[at] = value
        states.append(tuple(cells))
        if not is_undone:
            others[at] = value
    changes = history(*states)
    chosen = [change for change, (is_undone, _) in zip(changes, updates, strict=True) if is_undone]
    row, end = undone(states[-1], chosen)
    is_overwritten = any(
        is_undone and (False, at) in updates[place + 1 :] for place, (is_undone, at) in enumerate(updates)
    )
    if is_overwritten:
        assert end.n_conflicts
    else:
        assert row == tuple(others)
        assert end.n_conflicts == 0
