"""Shared tables: a table has the statements that it would have if they were compiled for it alone."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rowkeep.model.changes import Change
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.filters import Match, Negation, Shape, Test
from rowkeep.model.tables import Table
from rowkeep.plan.rows.select import SelectShape
from rowkeep.plan.rows.upserts import UpsertShape
from rowkeep.plan.rows.writes import UpdateShape
from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.rows import PostgresTableSql, SqliteTableSql
from rowkeep.sql.shared_tables import (
    ANY_NAME,
    ANY_TABLE,
    SharedPostgresTable,
    SharedSqliteTable,
    create_table,
    form_of,
)
from rowkeep.sql.statements import in_order

TYPES = ("string", "number", "integer", "decimal", "boolean", "date", "json")
DEFINITION: dict[str, Any] = {
    "name": "all_types",
    "schemaDef": [
        *({"name": f"A_{each}", "type": each} for each in TYPES),
        {"name": "Code", "type": "string", "isRequired": True, "maxLength": 20},
        {"name": "Sealed", "type": "string", "isEncrypted": True},
        {"name": "Other", "type": "string", "reference": {"table": "parents", "column": "sys_Id"}},
        {"name": "any_workspace", "type": "string", "default": "x"},
    ],
    "indexes": [{"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]}],
}
PARENTS = Table(id="parents", name="parents", columns=())
FILTERS: tuple[Shape | None, ...] = (
    None,
    Match("Code", Test.EQUAL, 1),
    Match("A_decimal", Test.IN, 3),
    Negation(Match("Other", Test.EQUAL, 1)),
)
SORT = (("A_date", True), ("_id", False))


def table_of(definition: dict[str, Any], table_id: str = "0123456789abcdef") -> Table:
    return read_table(msgspec.convert(definition, TableBody), table_id, {"parents": PARENTS}, 1)


def selects(where: Shape | None) -> list[SelectShape]:
    return [
        SelectShape(None, where, SORT, is_counted=True),
        SelectShape(("Code", "sys_Id"), where, (("_id", False),), is_counted=False, after=(False,)),
    ]


@pytest.mark.parametrize("history", [None, {"keepDays": 30}])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_the_statements_are_the_same(engine: str, history: dict[str, Any] | None) -> None:
    table = table_of(DEFINITION | ({} if history is None else {"history": history}))
    alone: Any
    shared: Any
    if engine == "sqlite":
        alone, shared = SqliteTableSql(table, None), SharedSqliteTable(table, None)
    else:
        alone, shared = PostgresTableSql(table, "w7_some"), SharedPostgresTable(table, "w7_some")
    for where in FILTERS:
        for shape in selects(where):
            assert shared.select(shape) == alone.select(shape)
            assert shared.limited(shape, 10) == alone.limited(shape, 10)
            assert shared.stream(shape, True) == alone.stream(shape, True)
            if engine == "postgresql":
                assert shared.cut(shape) == alone.cut(shape)
                assert shared.whole(shape, 10) == alone.whole(shape, 10)
        for returns in (True, False):
            for changes in ((), (Change.INCREMENT, Change.APPEND)):
                update = UpdateShape(("A_decimal", "Code"), where, returns, changes)
                assert shared.update(update) == alone.update(update)
        assert shared.delete(where) == alone.delete(where)
    assert shared.insert == alone.insert
    upsert = UpsertShape(("Code",), "update", ("A_decimal", "Code"), ("A_decimal",), returns=True)
    assert shared.upsert(upsert) == alone.upsert(upsert)
    for name in ("keyed", "copied", "columns", "kinds", "names", "refers_to_itself"):
        assert getattr(shared, name) == getattr(alone, name)
    if engine == "postgresql":
        for name in ("version", "keyed_insert", "by_ids"):
            assert getattr(shared, name) == getattr(alone, name)
        if history is not None:
            assert shared.recorded_insert == alone.recorded_insert
            assert shared.recorded_keyed_insert == alone.recorded_keyed_insert


@pytest.mark.parametrize(("dialect", "namespace"), [(SQLITE, None), (POSTGRES, "w7_some")])
@pytest.mark.parametrize("parents", [True, False])
def test_what_creates_a_table(dialect: Dialect, namespace: str | None, parents: bool) -> None:
    columns = [each for each in DEFINITION["schemaDef"] if parents or each["name"] != "Other"]
    referred = {"parents": PARENTS}
    for name in ("all_types", "sqlite_types"):
        table = table_of(DEFINITION | {"name": name, "schemaDef": columns})
        created = create_table(table, dialect, namespace, referred)
        assert created == in_order(PhysicalTable(table, dialect, namespace, referred).create())
        assert ANY_TABLE not in created.text
        assert ANY_NAME not in created.text


def test_what_changes_no_statement_is_compiled_once() -> None:
    one = table_of(DEFINITION)
    columns = [each | {"default": ""} for each in DEFINITION["schemaDef"]]
    other = table_of(DEFINITION | {"description": "other", "schemaDef": columns}, "fedcba9876543210")
    assert one != other
    assert form_of(one) == form_of(other)
    shape = selects(None)[0]
    assert SharedSqliteTable(one, None).select(shape) is SharedSqliteTable(other, None).select(shape)


def test_what_changes_a_statement_is_another_form() -> None:
    one = form_of(table_of(DEFINITION))
    for changed in (
        {"name": "other"},
        {"indexes": []},
        {"history": {"keepDays": 1}},
        {"schemaDef": DEFINITION["schemaDef"][1:]},
        {"schemaDef": [DEFINITION["schemaDef"][0] | {"isRequired": True}, *DEFINITION["schemaDef"][1:]]},
        {"schemaDef": [DEFINITION["schemaDef"][0] | {"maxLength": 9}, *DEFINITION["schemaDef"][1:]]},
    ):
        assert form_of(table_of(DEFINITION | changed)) != one
