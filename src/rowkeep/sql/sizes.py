"""Sizes of tables, without reading all of their rows.

A table of up to :data:`COUNTED` rows is counted; for a larger one, the figures that the engine has are an
estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.model.tables import COUNTED, Table, TableSize
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, statement

SAMPLED = 50
"""On SQLite: so many rows at each end of a table, whose mean size is taken for that of all."""


def size_query(table: Table, dialect: Dialect, namespace: str | None) -> Statement:
    """One row: the number of rows, counted up to a bound; an estimate of it; the bytes of all rows; and the
    bytes of a row. Of the last two one is null."""
    physical = PhysicalTable(table, dialect, namespace)
    from_clause = physical.from_clause
    some = sa.select(sa.literal_column("1")).select_from(from_clause).limit(COUNTED + 1).subquery()
    counted = sa.select(sa.func.count()).select_from(some).scalar_subquery()
    estimate = _postgres_estimate if namespace is not None else _sqlite_estimate
    return statement(estimate(from_clause, counted), dialect)


def table_size(row: Sequence[Any]) -> TableSize:
    """The size by a row of the query."""
    counted, estimated, total, row_bytes = row
    rows = counted if counted <= COUNTED else max(int(estimated or 0), counted)
    return TableSize(rows, int(total if total is not None else rows * (row_bytes or 0)))


def _sqlite_estimate(table: sa.Table, counted: Expression) -> sa.Select[Any]:
    # no name of a user begins with _, so no column has this name of the row id
    row_id: Expression = sa.literal_column("_rowid_")
    first = sa.select(sa.func.min(row_id)).select_from(table).scalar_subquery()
    last = sa.select(sa.func.max(row_id)).select_from(table).scalar_subquery()
    octets: Expression = sa.literal_column("0")
    for column in table.c:
        octets = octets + sa.func.coalesce(sa.func.octet_length(column), sa.literal_column("0"))
    ends = [
        sa.select(octets.label("octets")).select_from(table).order_by(order).limit(SAMPLED).subquery()
        for order in (row_id.asc(), row_id.desc())
    ]
    sample = sa.union_all(*(sa.select(end.c.octets) for end in ends)).subquery()
    mean = sa.select(sa.func.avg(sample.c.octets)).scalar_subquery()
    return sa.select(counted, last - first + sa.literal_column("1"), sa.null(), mean)


def _postgres_estimate(table: sa.Table, counted: Expression) -> sa.Select[Any]:
    """As the planner estimates: the rows of a page when the table was analysed last, times its pages now."""
    pg_class = sa.table(
        "pg_class",
        *(sa.column(name) for name in ("oid", "relname", "relnamespace", "reltuples", "relpages")),
        schema="pg_catalog",
    )
    pg_namespace = sa.table("pg_namespace", sa.column("oid"), sa.column("nspname"), schema="pg_catalog")
    catalog = sa.func.pg_catalog
    pages = catalog.pg_relation_size(pg_class.c.oid) / sa.cast(
        catalog.current_setting(sa.literal_column("'block_size'")), sa.BigInteger
    )
    estimated = pg_class.c.reltuples / sa.func.nullif(pg_class.c.relpages, sa.literal_column("0")) * pages
    there = sa.and_(pg_namespace.c.oid == pg_class.c.relnamespace, pg_namespace.c.nspname == table.schema)
    return (
        sa.select(
            counted,
            sa.cast(estimated, sa.BigInteger),
            catalog.pg_table_size(pg_class.c.oid),
            sa.null(),
        )
        .select_from(pg_class.join(pg_namespace, there))
        .where(pg_class.c.relname == table.name)
    )
