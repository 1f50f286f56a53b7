"""Cursors: bound to the table, the filter and the sort of their page, and refused when anything differs."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from planner import SIGNER, Outcome, Planner, good, problem

from cases.cursors import DEFINITION, GARBAGE, SORTS
from rowkeep.model.data_requests import RowRange
from rowkeep.model.filters import OPERATORS, Takes
from rowkeep.plan.rows.cursors import CursorSigner
from support.expressions import all_of, any_of, comparison, negated, where

NAMED_SORTS = {name: [] if sort is None else sort for name, sort in SORTS.items() if name != "sys_Id"}
"""The order by sys_Id is that of no sort at all."""


@pytest.fixture(scope="module")
def things() -> Planner:
    return Planner(DEFINITION)


def cursor_of(things: Planner, body: dict[str, Any], signer: CursorSigner = SIGNER) -> str:
    """A cursor of the page that this query finds, its last row empty but for its id."""
    plan = good(things.query(body))
    key = ["5e7ef671a3b2c4d5e6f70819" if name == "_id" else None for name, _ in plan.shape.sort]
    return signer.sign(plan.fingerprint, key)


def refused(outcome: Outcome) -> None:
    problem(outcome, 400, "invalid_cursor", "/cursor")


@pytest.mark.parametrize("sort", NAMED_SORTS.values(), ids=NAMED_SORTS)
def test_a_cursor_holds_the_values_of_its_sort(things: Planner, sort: Any) -> None:
    body = {"sort": sort, "query": where("Number", "<", 40)}
    plan = good(things.query({**body, "cursor": cursor_of(things, body)}))
    assert len(plan.after) == len(plan.shape.sort)
    assert plan.shape.after == tuple(cell is None for cell in plan.after)


def test_limit_count_and_fields_may_change_between_pages(things: Planner) -> None:
    cursor = cursor_of(things, {"fields": ["Name"]})
    good(things.query({"cursor": cursor, "count": "none", "fields": ["Number"]}, RowRange(3)))


@pytest.mark.parametrize("cursor", GARBAGE)
def test_garbage_is_refused(things: Planner, cursor: str) -> None:
    refused(things.query({"cursor": cursor}))


@pytest.mark.parametrize("cursor", [None, 5, True, [], {}, ["x"]])
def test_a_cursor_must_be_a_string(things: Planner, cursor: Any) -> None:
    problem(things.query({"cursor": cursor}), 400, "invalid_body", "/cursor")


def test_a_changed_character_is_refused(things: Planner) -> None:
    """All but the last one: of base64url's last character some bits may carry nothing."""
    body = {"sort": [{"field": "Group"}]}
    cursor = cursor_of(things, body)
    for at, character in enumerate(cursor[:-1]):
        changed = cursor[:at] + ("A" if character != "A" else "B") + cursor[at + 1 :]
        refused(things.query({**body, "cursor": changed}))


def test_a_cut_or_lengthened_cursor_is_refused(things: Planner) -> None:
    cursor = cursor_of(things, {})
    half = cursor[: len(cursor) // 2]
    for changed in (cursor[:-1], cursor[1:], half, cursor + "A", cursor * 2, " " + cursor):
        refused(things.query({"cursor": changed}))


def test_another_filter_is_refused(things: Planner) -> None:
    cursor = cursor_of(things, {"query": where("Number", "<", 40)})
    for other in (
        {},
        {"query": where("Number", "<", 41)},
        {"query": where("Number", "<=", 40)},
        {"query": where("Number", "!=", 40)},
        {"query": where("Group", "<", "40")},
        {"query": all_of(comparison("Number", "<", 40), comparison("Group", "=", "a"))},
        {"query": all_of({"not": comparison("Number", "<", 40)})},
    ):
        refused(things.query({**other, "cursor": cursor}))


def test_values_do_not_run_together(things: Planner) -> None:
    """Filters that would read alike if their parts were merely joined."""
    first = all_of(comparison("Name", "!=", "a"), comparison("Group", "!=", "bc"))
    second = all_of(comparison("Name", "!=", "ab"), comparison("Group", "!=", "c"))
    refused(things.query({"query": second, "cursor": cursor_of(things, {"query": first})}))


@pytest.mark.parametrize(("one", "other"), list(permutations(NAMED_SORTS, 2)))
def test_another_sort_is_refused(things: Planner, one: str, other: str) -> None:
    cursor = cursor_of(things, {"sort": NAMED_SORTS[one]})
    refused(things.query({"sort": NAMED_SORTS[other], "cursor": cursor}))


def test_another_table_is_refused(things: Planner) -> None:
    refused(Planner(DEFINITION, table_id="other").query({"cursor": cursor_of(things, {})}))


def test_another_key_is_refused_and_a_former_one_is_not(things: Planner) -> None:
    foreign = cursor_of(things, {}, CursorSigner(b"a key of another workspace"))
    refused(things.query({"cursor": foreign}))
    fingerprint = good(things.query({})).fingerprint
    rotated = CursorSigner(b"a newer key", b"a key of the tests")
    assert rotated.read(cursor_of(things, {}), fingerprint) == ["5e7ef671a3b2c4d5e6f70819"]


EACH_OPERAND = {
    Takes.NOTHING: (),
    Takes.ONE: ("a",),
    Takes.PAIR: (["a", "b"],),
    Takes.LIST: (["a", "b"],),
}


def test_a_cursor_is_valid_after_an_update(things: Planner) -> None:
    """Versions since 0.3.0 have these: a client that continues after an update sends them to the new one, and
    servers of both versions can run at the same time."""
    every = [comparison("Name", name, *EACH_OPERAND[each.takes]) for name, each in OPERATORS.items()]
    sort = [{"field": name, "order": "desc"} for name in ("Name", "Group", "Number")]
    body = {"query": all_of(*every, negated(comparison("Number", "<", 4)), any_of(*every[:2])), "sort": sort}
    assert good(things.query({})).fingerprint == "45bb6a2df963d388bc90cd09"
    assert good(things.query(body)).fingerprint == "15655e678bd0f0327bc71a39"


@pytest.mark.parametrize("value", [1, True])
def test_a_cursor_with_a_boolean_is_valid_on_both_engines(value: int) -> None:
    """SQLite has 1 for true, which PostgreSQL refuses after the store was restored there."""
    flags = Planner({"name": "flags", "schemaDef": [{"name": "Flag", "type": "boolean"}]})
    body = {"sort": [{"field": "Flag"}]}
    cursor = SIGNER.sign(good(flags.query(body)).fingerprint, [value, "5e7ef671a3b2c4d5e6f70819"])
    assert good(flags.query({**body, "cursor": cursor})).after[0] is True


@pytest.mark.parametrize("offset", [0, 5])
def test_a_cursor_does_not_go_with_an_offset(things: Planner, offset: int) -> None:
    refused(things.query({"cursor": cursor_of(things, {})}, RowRange(10, offset)))
