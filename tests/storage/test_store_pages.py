"""Select: pages, their order, their keys, and the number of all rows, for every type and with empty cells."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any

import pytest
from workbench import ALL, SIGNER, THINGS, Workbench, by_cursor, initialised, new_workspace, where

from rowkeep.model.values.scalars import MAX_INTEGER, MIN_INTEGER
from rowkeep.storage.contract import Row, Selected, Store

pytestmark = pytest.mark.anyio

VALUES: dict[str, list[Any]] = {
    "Text": ["b", None, "a", "", "A", "ä", "a", None, "\U0010ffff", "\ue000", "\ud7ff", "Z", "a "],
    "Number": [1, None, 0.1, -1.5, 1e300, 263, -1, 0.1, None, 2.0**53, 5e-324, 0, 1],
    "Whole": [1, None, MAX_INTEGER, MIN_INTEGER, 0, MAX_INTEGER - 1, -1, 1, None, 2**53 + 1, 2**53, 7, 1],
    "Flag": [True, None, False, True, False, None, True, True, False, False, None, None, True],
    "Day": [f"20{at:02}-03-28T07:02:09.65{at % 10}Z" if at % 4 else None for at in (9, 4, 3, 8, 1, 9, 2, 3)]
    + ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", None, "1969-12-31T23:59:59.999Z", None],
}
"""For each column some values out of order, some of them twice, some empty."""

FIELDS = list(VALUES)
ROWS = [dict(zip(FIELDS, row, strict=True)) for row in zip(*VALUES.values(), strict=True)]
SYSTEM = ["_id", "sys_Id", "Created_On", "Updated_On", "Created_By", "Updated_By"]
Sort = Sequence[tuple[str, str]]

SORTS: list[Sort] = [
    *([(name, order)] for name in (*FIELDS, *SYSTEM) for order in ("asc", "desc")),
    [("Flag", "asc"), ("Text", "desc")],
    [("Flag", "desc"), ("Whole", "asc"), ("Number", "desc")],
    [("Text", "asc"), ("_id", "desc")],
    [("Created_By", "desc"), ("Day", "desc"), ("sys_Id", "desc")],
    [("_id", "asc"), ("Text", "asc")],
    [],
]
EVERY_SORT = pytest.mark.parametrize(
    "sort", SORTS, ids=lambda sort: " ".join(f"{name} {order}" for name, order in sort) or "none"
)


async def with_rows(things: Workbench) -> Workbench:
    """The rows, in three runs."""
    await things.insert(*ROWS[:6])
    await things.insert(ROWS[6])
    await things.insert(*ROWS[7:])
    return things


@pytest.fixture
async def changing(things: Workbench) -> Workbench:
    """The rows, in a table of the test's own."""
    return await with_rows(things)


@pytest.fixture(scope="module")
async def filled(store: Store) -> AsyncIterator[Workbench]:
    """The rows, in a table that the tests of this module only read."""
    workspace = new_workspace()
    yield await with_rows(await Workbench.with_table(await initialised(store, workspace), THINGS))
    await store.drop_workspace(workspace)


def in_order(records: Sequence[dict[str, Any]], sort: Sort) -> list[dict[str, Any]]:
    """What Python makes of a sort: empty cells first, then values; what is alike by ``_id``."""
    found = sorted(records, key=lambda record: record["_id"])
    for name, order in reversed(sort):
        found.sort(key=lambda record: _key(record[name]), reverse=order == "desc")
    return found


def _key(cell: Any) -> tuple[Any, ...]:
    return () if cell is None else (cell,)


def as_body(sort: Sort) -> dict[str, Any]:
    return {"sort": [{"field": name, "order": order} for name, order in sort]}


async def by_offset(things: Workbench, body: dict[str, Any], limit: int) -> list[Selected]:
    pages: list[Selected] = []
    for at in count():
        pages.append(await things.select(body, limit, at * limit))
        if pages[-1].next_key is None:
            return pages
    raise AssertionError


def rows_of_pages(pages: Sequence[Selected]) -> list[Row]:
    return [tuple(row) for page in pages for row in page.rows]


@EVERY_SORT
async def test_every_sort_is_what_python_makes_of_it(filled: Workbench, sort: Sort) -> None:
    names = [column.name for column in filled.table.all_columns]
    records = [dict(zip(names, row, strict=True)) for row in (await filled.select()).rows]
    expected = [tuple(record.values()) for record in in_order(records, sort)]
    whole = await filled.select(as_body(sort))
    assert [tuple(row) for row in whole.rows] == expected
    assert (whole.total, whole.next_key) == (len(ROWS), None)
    for limit in (1, 3, 4, 5, len(ROWS) - 1, len(ROWS)):
        for pages in (
            await by_cursor(filled, as_body(sort), limit),
            await by_offset(filled, as_body(sort), limit),
        ):
            assert rows_of_pages(pages) == expected
            assert {page.total for page in pages} == {len(ROWS)}
            assert {len(page.rows) for page in pages[:-1]} <= {limit}
            assert len(pages) == -(-len(ROWS) // limit)


@EVERY_SORT
async def test_sort_columns_need_not_be_answered(filled: Workbench, sort: Sort) -> None:
    body = as_body(sort) | {"fields": ["Flag", "_id"]}
    whole = await filled.select(body)
    pages = await by_cursor(filled, body, 4)
    assert rows_of_pages(pages) == [tuple(row) for row in whole.rows]
    assert {len(row) for row in whole.rows} == {2}
    assert {type(row[0]) for row in whole.rows} == {bool, type(None)}


async def test_fields_come_in_the_order_asked(filled: Workbench) -> None:
    for fields in (["Day", "Text"], ["sys_Id"], ["Number", "_id", "Flag", "Whole"]):
        selected = await filled.select({"fields": fields}, 5)
        names = [column.name for column in filled.table.all_columns]
        whole = await filled.select(limit=5)
        expected = [tuple(row[names.index(field)] for field in fields) for row in whole.rows]
        assert [tuple(row) for row in selected.rows] == expected


async def test_the_total_is_that_of_the_whole_filter(filled: Workbench) -> None:
    body = {"query": where("Flag", "=", True)}
    pages = await by_cursor(filled, body, 2)
    assert [(len(page.rows), page.total) for page in pages] == [(2, 5), (2, 5), (1, 5)]
    beyond = await filled.select(body, 2, 100)
    assert (len(beyond.rows), beyond.total, beyond.next_key) == (0, 5, None)


async def test_uncounted_pages_have_no_total(filled: Workbench) -> None:
    body = {"count": "none", "sort": [{"field": "Number"}]}
    pages = await by_cursor(filled, body, 5)
    assert [(len(page.rows), page.total) for page in pages] == [(5, None), (5, None), (3, None)]


@pytest.mark.parametrize("counted", ["exact", "none"])
async def test_a_table_without_rows(things: Workbench, counted: str) -> None:
    for body in ({}, {"query": where("Text", "=", "a")}, {"sort": [{"field": "Day"}]}):
        selected = await things.select(body | {"count": counted})
        assert not selected.rows
        assert (selected.total, selected.next_key) == (0 if counted == "exact" else None, None)


@pytest.mark.parametrize("limit", [1, 13, 1000])
@pytest.mark.parametrize("offset", [None, 0, 12, 13, 14, 10**9, 2**63 - 1])
async def test_offsets_to_the_very_last(filled: Workbench, limit: int, offset: int | None) -> None:
    selected = await filled.select(limit=limit, offset=offset)
    left = max(len(ROWS) - (offset or 0), 0)
    assert len(selected.rows) == min(limit, left)
    assert (selected.next_key is not None) == (left > limit)
    assert selected.total == len(ROWS)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("field", FIELDS)
async def test_rows_that_stay_come_once_though_others_come_and_go(
    changing: Workbench, field: str, order: str
) -> None:
    body = {"sort": [{"field": field, "order": order}], "fields": ["_id"]}
    stayed = rows_of_pages([await changing.select(body)])
    newcomers: list[str] = []
    plan = changing.select_plan(body, 2)
    page = await changing.select(body, 2)
    found = rows_of_pages([page])
    for rounds in count():
        if page.next_key is None:
            break
        # those of the last round go, and, for some rounds, new ones with every value come
        if newcomers:
            await changing.delete(where("_id", "in", newcomers))
        newcomers = list((await changing.insert(*ROWS)).ids()) if rounds < 8 else []
        cursor = SIGNER.sign(plan.fingerprint, page.next_key)
        page = await changing.select(body | {"cursor": cursor}, 2)
        found += rows_of_pages([page])
    assert [row for row in found if row in set(stayed)] == stayed


async def test_a_cursor_outlives_its_row(changing: Workbench) -> None:
    body = {"sort": [{"field": "Text", "order": "desc"}], "fields": ["_id"]}
    whole = rows_of_pages([await changing.select(body)])
    page = await changing.select(body, 5)
    assert page.next_key is not None
    await changing.delete(where("_id", "=", whole[4][0]))
    cursor = SIGNER.sign(changing.select_plan(body).fingerprint, page.next_key)
    assert rows_of_pages([await changing.select(body | {"cursor": cursor})]) == whole[5:]


async def test_count_and_page_are_of_one_snapshot(changing: Workbench) -> None:
    await changing.delete(ALL)
    for at in range(30):
        await changing.insert({"Whole": at})
        selected = await changing.select(limit=1000)
        assert selected.total == len(selected.rows) == at + 1


REQUIRED = {
    "name": "required",
    "schemaDef": [column | {"isRequired": True} for column in THINGS["schemaDef"]],
    "indexes": [
        {"name": f"by_{name}", "columns": [{"name": name}, {"name": "_id"}]} for name in FIELDS
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
async def required(store: Store) -> AsyncIterator[Workbench]:
    """Rows without empty cells, every column of them required and indexed; they are only read."""
    workspace = new_workspace()
    required = await Workbench.with_table(await initialised(store, workspace), REQUIRED)
    await required.insert(*FULL_ROWS)
    yield required
    await store.drop_workspace(workspace)


@EVERY_SORT
async def test_sorts_of_required_and_indexed_columns(required: Workbench, sort: Sort) -> None:
    names = [column.name for column in required.table.all_columns]
    records = [dict(zip(names, row, strict=True)) for row in (await required.select()).rows]
    expected = [tuple(record.values()) for record in in_order(records, sort)]
    for limit in (1, 4, 100):
        assert rows_of_pages(await by_cursor(required, as_body(sort), limit)) == expected


FULL_ROWS = [
    {name: next(value for value in VALUES[name][at:] + VALUES[name] if value is not None) for name in FIELDS}
    for at in range(len(ROWS))
]
