"""What an index can answer, it answers: equality, prefixes, sorts, cursors, on filled and analysed tables."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from workbench import SIGNER, Workbench, initialised, new_workspace, rows_of, where

from rowkeep.model.column_types import Kind
from rowkeep.model.values.scalars import canonical_date
from rowkeep.sql.binding import delete_values, select_values, update_values
from rowkeep.sql.copied_cells import copied_moment
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Store

pytestmark = pytest.mark.anyio

ROWS = 5_000
KINDS = {"Text": "string", "Number": "number", "Whole": "integer", "Day": "date"}
COUNTRY = {
    "name": "country",
    "schemaDef": [
        *({"name": name, "type": kind} for name, kind in KINDS.items()),
        *({"name": f"{name}_Needed", "type": kind, "isRequired": True} for name, kind in KINDS.items()),
        {"name": "Plain", "type": "string"},
    ],
    "indexes": [
        *({"name": f"by_{name}", "columns": [{"name": name}]} for name in KINDS),
        *({"name": f"by_{name}_Needed", "columns": [{"name": f"{name}_Needed"}]} for name in KINDS),
    ],
}
INDEXED = [index["columns"][0]["name"] for index in COUNTRY["indexes"]]  # type: ignore[index]
EVERY_INDEXED = pytest.mark.parametrize("name", INDEXED)


@pytest.fixture(scope="module")
async def country(store: Store) -> AsyncIterator[Workbench]:
    """A table with many rows, and an index on a column of each type, required and not."""
    workspace = new_workspace()
    country = await Workbench.with_table(await initialised(store, workspace), COUNTRY)
    drawn = random.Random(7)
    for _ in range(4):
        await country.insert(*(_row(drawn) for _ in range(ROWS // 4)))
    await rows_of(country.database, "ANALYZE @country" if country.database.namespace else "ANALYZE")
    yield country
    await store.drop_workspace(workspace)


def _row(drawn: random.Random) -> dict[str, Any]:
    number = drawn.randrange(10**6)
    values = {
        "Text": f"{number:06} street",
        "Number": number / 8,
        "Whole": number,
        "Day": f"20{number // 10**4:02}-03-{1 + number % 28:02}T07:02:09.{number % 1000:03}Z",
    }
    needed = {f"{name}_Needed": value for name, value in values.items()}
    return (values if drawn.random() < 0.95 else {}) | needed | {"Plain": values["Text"]}


async def plan_of(country: Workbench, statement: Statement) -> str:
    """How the engine goes about a statement, in its own words."""
    explain = "EXPLAIN (COSTS OFF)" if country.database.namespace else "EXPLAIN QUERY PLAN"
    rows = await rows_of(country.database, f"{explain} {statement.text}", *statement.parameters)
    return "\n".join(str(row[-1]) for row in rows)


async def plan_of_select(country: Workbench, body: dict[str, Any]) -> str:
    plan = country.select_plan(body | {"count": "none"}, 10)
    return await plan_of(country, country.sql.select(plan.shape).page.bind(select_values(plan)))


def uses_index(country: Workbench, plan: str, name: str) -> bool:
    at = INDEXED.index(name)
    return f"_ix_{country.table.id}_{at}" in plan


def looks_at_all(plan: str) -> bool:
    """Whether a plan reads the table from its first row to its last."""
    lines = [line for line in plan.splitlines() if "_rowkeep_workspace" not in line]
    return any("Seq Scan" in line or line.strip() == "SCAN country" for line in lines)


async def value_of(country: Workbench, name: str) -> Any:
    """A value in the middle of a column."""
    found = await country.select({"fields": [name], "sort": [{"field": name}]}, 1, ROWS // 2)
    return found.rows[0][0]


@EVERY_INDEXED
@pytest.mark.parametrize("operand", ["=", "in", "between", "in of several"])
async def test_equality_uses_an_index(country: Workbench, name: str, operand: str) -> None:
    value = await value_of(country, name)
    sent = {"=": value, "in": [value], "between": [value, value], "in of several": [value] * 3}[operand]
    plan = await plan_of_select(country, {"query": where(name, operand.removesuffix(" of several"), sent)})
    assert uses_index(country, plan, name), plan
    assert not looks_at_all(plan), plan


@pytest.mark.parametrize("name", ["_id", "sys_Id"])
@pytest.mark.parametrize("operand", ["=", "in"])
async def test_ids_use_the_key(country: Workbench, name: str, operand: str) -> None:
    value = await value_of(country, name)
    query = where(name, operand, value if operand == "=" else [value, value])
    plan = await plan_of_select(country, {"query": query})
    assert not looks_at_all(plan), plan
    assert f"_pk_{country.table.id}" in plan or "autoindex_country" in plan, plan


@pytest.mark.parametrize("name", ["Text", "Text_Needed"])
@pytest.mark.parametrize("prefix", ["0123", "01234", "0\U0010ffff", "\ud7ff"])
async def test_a_prefix_uses_an_index(country: Workbench, name: str, prefix: str) -> None:
    plan = await plan_of_select(country, {"query": where(name, "starts with", prefix)})
    assert uses_index(country, plan, name), plan
    assert not looks_at_all(plan), plan


@EVERY_INDEXED
@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_a_sort_uses_an_index(country: Workbench, name: str, order: str) -> None:
    plan = await plan_of_select(country, {"sort": [{"field": name, "order": order}]})
    assert uses_index(country, plan, name), plan
    assert not looks_at_all(plan), plan


@EVERY_INDEXED
@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("depth", [0.1, 0.5, 0.9])
async def test_a_cursor_uses_an_index(country: Workbench, name: str, order: str, depth: float) -> None:
    body = {"sort": [{"field": name, "order": order}]}
    page = await country.select(body, 1, int(ROWS * depth))
    cursor = SIGNER.sign(country.select_plan(body).fingerprint, page.next_key or [])
    plan = await plan_of_select(country, body | {"cursor": cursor})
    assert uses_index(country, plan, name), plan
    assert not looks_at_all(plan), plan
    if order == "asc" or name.endswith("_Needed"):
        # it even begins where the cursor stands; behind a descending value the empty cells still come
        assert "SEARCH" in plan or "Index Cond" in plan, plan


@pytest.mark.parametrize(
    "body", [{}, {"sort": [{"field": "_id", "order": "desc"}]}, {"sort": [{"field": "sys_Id"}]}]
)
async def test_the_order_of_ids_uses_the_key(country: Workbench, body: dict[str, Any]) -> None:
    page = await country.select(body, 1, ROWS // 2)
    cursor = SIGNER.sign(country.select_plan(body).fingerprint, page.next_key or [])
    for each in (body, body | {"cursor": cursor}):
        plan = await plan_of_select(country, each)
        assert not looks_at_all(plan), plan
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


@EVERY_INDEXED
async def test_updates_and_deletes_use_an_index(country: Workbench, name: str) -> None:
    query = where(name, "=", await value_of(country, name))
    update = country.update_plan(query, {"Plain": "x"})
    delete = country.delete_plan(query)
    version = {"version": country.version}
    written_on = datetime(2020, 3, 28, 7, 2, 9, 652000, UTC)
    is_native = country.sql.dialect.kinds[Kind.MOMENT].copied is not None
    now = copied_moment(written_on) if is_native else canonical_date(written_on)
    values = update_values(update, update.cells, now) | version
    for statement in (
        country.sql.update(update.shape).update.bind(values),
        country.sql.delete(delete.where.shape).bind(delete_values(delete) | version),
    ):
        plan = await plan_of(country, statement)
        assert uses_index(country, plan, name), plan
        assert not looks_at_all(plan), plan


async def test_without_an_index_every_row_is_looked_at(country: Workbench) -> None:
    """So that the tests above would notice."""
    for body in ({"query": where("Plain", "contains", "a")}, {"query": where("Plain", "=", "a")}):
        plan = await plan_of_select(country, body | {"sort": [{"field": "Text"}]})
        assert "SEARCH" not in plan
        assert "Index Cond" not in plan
    plan = await plan_of_select(country, {"sort": [{"field": "Plain"}]})
    assert looks_at_all(plan), plan
    assert "Sort" in plan or "TEMP B-TREE" in plan
