"""Backups: the system tables that a backup contains, and the statements that read and fill them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import sqlalchemy as sa
from msgspec import Meta

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import catalog_tables, workspace_tables

SystemTable: TypeAlias = sa.Table

NOT_IN_CATALOG = frozenset(
    {"sessions", "one_time_links", "failed_sign_ins", "rate_windows", "activity", "table_sizes"}
)
"""Users sign in again after a restore: a session that was ended since must not come back. What was counted is
of the store that it was counted in."""

NOT_IN_WORKSPACE = frozenset({"_rowkeep_row_quotas", "_rowkeep_history_state", "_rowkeep_operation_tables"})
"""The first is only a lock; the others follow from the records of changes and their operations."""

OF_ONE_DATABASE = frozenset({"xid", "only_table", "only_seq"})
"""The columns that mean nothing in another database."""


def backed_up_tables(namespace: str | None, *, is_catalog: bool) -> dict[str, sa.Table]:
    """The system tables of a database that are in a backup, by their names, sorted."""
    one = catalog_tables(namespace).workspaces if is_catalog else workspace_tables(namespace).workspace
    left_out = NOT_IN_CATALOG if is_catalog else NOT_IN_WORKSPACE
    tables = sorted(one.metadata.tables.values(), key=lambda table: table.name)
    return {table.name: _portable(table) for table in tables if table.name not in left_out}


def _portable(table: sa.Table) -> sa.Table:
    """A system table without the columns that a backup does not have."""
    if OF_ONE_DATABASE.isdisjoint(table.c.keys()):
        return table
    columns = [
        sa.Column(each.name, each.type, primary_key=each.primary_key, nullable=each.nullable)
        for each in table.c
        if each.name not in OF_ONE_DATABASE
    ]
    return sa.Table(table.name, sa.MetaData(schema=table.schema), *columns)


def binary_columns(table: sa.Table) -> tuple[int, ...]:
    """The places of the columns that contain bytes."""
    return tuple(at for at, column in enumerate(table.c) if isinstance(column.type, sa.LargeBinary))


CELL_TYPES: Sequence[tuple[type[sa.types.TypeEngine[Any]], Any]] = (
    (sa.Boolean, bool),
    (sa.BigInteger, Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]),
    (sa.Integer, Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]),
    (sa.LargeBinary, bytes),
    (sa.Text, str),
)
"""What a cell of each type is in a backup; bytes are base64 there."""


def system_cell_types(table: sa.Table) -> dict[str, Any]:
    """What the cells of each column of a system table are in a backup."""
    return {
        column.name: type_ | None if column.nullable else type_
        for column in table.c
        for type_ in [next(found for kind, found in CELL_TYPES if isinstance(column.type, kind))]
    }


def needed_columns(table: sa.Table) -> set[str]:
    """The columns that a backup of every version has: those without which no row can be stored."""
    return {each.name for each in table.c if not each.nullable and each.server_default is None}


def boolean_columns(table: sa.Table) -> tuple[int, ...]:
    """The places of the columns that SQLite returns as numbers."""
    return tuple(at for at, column in enumerate(table.c) if isinstance(column.type, sa.Boolean))


def all_rows(table: sa.Table, dialect: Dialect) -> Statement:
    return statement(sa.select(*table.c).order_by(*table.primary_key.columns), dialect)


def insert_rows(table: sa.Table, rows: Sequence[Mapping[str, Any]], dialect: Dialect) -> Statement:
    return statement(sa.insert(table).values(list(rows)), dialect)


def next_ids(table: sa.Table, dialect: Dialect) -> list[Statement]:
    """Let a table with numbered rows continue after its largest number, where the engine must be set to
    it."""
    if not dialect.has_concurrent_writers:
        return []
    place = dialect.compiler.identifier_preparer.format_table(table)
    (key,) = table.primary_key.columns
    return [
        Statement(
            f"SELECT setval(pg_get_serial_sequence('{place}', '{key.name}'), "  # noqa: S608 - our own name
            f"(SELECT max({key.name}) FROM {place}))"
        )
    ]
