"""Quotas: the statements that count the rows of a table and measure a workspace."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.rows import TableSql
from rowkeep.sql.statements import Statement, Template, statement, template
from rowkeep.sql.system_tables import workspace_tables

CACHED_TABLES = 1024


@lru_cache(CACHED_TABLES)
def count_rows(sql: TableSql, most: int) -> Statement:
    """The number of rows of a table, counted up to ``most``."""
    column: sa.ColumnElement[int] = sa.literal_column("1").label("one")
    some = sa.select(column).select_from(sql.physical.from_clause).limit(most)
    return statement(sa.select(sa.func.count()).select_from(some.subquery()), sql.dialect)


def lock_table(dialect: Dialect, namespace: str | None, table_id: str) -> Statement:
    """Changes the row of a table, which locks it until the end of the transaction."""
    return _lock_template(dialect, namespace).bind({"quota_table_id": table_id})


@lru_cache(CACHED_TABLES)
def _lock_template(dialect: Dialect, namespace: str | None) -> Template:
    quotas = workspace_tables(namespace).row_quotas
    insert = dialect.upsert(quotas).values(
        table_id=sa.bindparam("quota_table_id", type_=sa.Text()), counts=sa.literal_column("1")
    )
    changed = {"counts": quotas.c.counts + sa.literal_column("1")}
    return template(insert.on_conflict_do_update(index_elements=["table_id"], set_=changed), dialect)


def workspace_bytes(dialect: Dialect, namespace: str | None) -> Statement:
    """How many bytes a workspace takes. On SQLite, pages that are free in the file do not count."""
    if namespace is None:
        return Statement(
            "SELECT (page_count - freelist_count) * page_size "
            "FROM pragma_page_count, pragma_freelist_count, pragma_page_size"
        )
    return _size_template(dialect).bind({"namespace": namespace})


@lru_cache(1)
def _size_template(dialect: Dialect) -> Template:
    tables, namespaces = (
        sa.table("pg_class", *map(sa.column, ("oid", "relnamespace", "relkind"))),
        sa.table("pg_namespace", *map(sa.column, ("oid", "nspname"))),
    )
    size = sa.func.sum(sa.func.pg_total_relation_size(tables.c.oid))
    sizes = (
        sa.select(sa.func.coalesce(size, sa.literal_column("0")))
        .select_from(tables.join(namespaces, namespaces.c.oid == tables.c.relnamespace))
        .where(
            namespaces.c.nspname == sa.bindparam("namespace", type_=sa.Text()),
            tables.c.relkind == sa.literal_column("'r'"),
        )
    )
    return template(sizes, dialect)
