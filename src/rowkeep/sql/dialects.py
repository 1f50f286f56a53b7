"""Dialects: what differs between the engines, as two rows of facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg

from rowkeep.model.column_types import Kind
from rowkeep.model.values.scalars import MAX_EXACT

Expression = sa.ColumnElement[Any]

FOLD = "_rowkeep_fold"
"""The SQL function that folds case: registered on each SQLite connection, created in PostgreSQL."""

DECIMAL_KEY = "_rowkeep_decimal_key"
"""The SQL function that makes SQLite's sortable keys of decimals, registered on each connection."""


CONTAINS = "_rowkeep_contains"
"""The SQL function that looks for long texts on SQLite, registered on each connection."""

SHORT_NEEDLE_BYTES = 256
"""The longest text that SQLite's ``instr`` looks for: it compares the whole of it at each character."""


@dataclass(frozen=True)
class Dialect:
    """One engine. ``answered`` gives a column as it is answered, ``bound`` a parameter as it is compared,
    ``written`` one as it is stored. Kinds that are ``keyed`` are compared and sorted by a key that is stored
    beside each cell."""

    name: str
    compiler: sa.Dialect
    types: dict[Kind, Any]
    answered: Callable[[Kind, Expression], Expression]
    bound: Callable[[Kind, sa.BindParameter[Any]], Expression]
    written: Callable[[Kind, sa.BindParameter[Any]], Expression]
    keyed: frozenset[Kind]
    fold: Callable[[Expression], Expression]
    starts_with: Callable[[Expression, Expression], Expression]
    ends_with: Callable[[Expression, Expression], Expression]
    contains: Callable[[Expression, Expression], Expression]
    table_options: dict[str, Any]
    nulls_are_least: bool
    """Whether the engine sorts NULL as the least of all by itself."""


def _is_exact_integer(column: Expression, whole: Expression) -> Expression:
    return sa.and_(column == whole, sa.func.abs(column) <= sa.literal_column(f"{MAX_EXACT}.0"))


def _sqlite_answered(kind: Kind, column: Expression) -> Expression:
    if kind is not Kind.DOUBLE:
        return column
    whole = sa.cast(column, sa.Integer)
    return sa.case((_is_exact_integer(column, whole), whole), else_=column)


def _sqlite_bound(kind: Kind, parameter: sa.BindParameter[Any]) -> Expression:
    return getattr(sa.func, DECIMAL_KEY)(parameter) if kind is Kind.DECIMAL else parameter


def _sqlite_contains(column: Expression, text: Expression) -> Expression:
    is_short = sa.func.octet_length(text) <= sa.literal_column(f"{SHORT_NEEDLE_BYTES}")
    found = sa.func.instr(column, text) > sa.literal_column("0")
    return sa.case((is_short, found), else_=getattr(sa.func, CONTAINS)(column, text))


SQLITE = Dialect(
    name="sqlite",
    compiler=sqlite.dialect(paramstyle="qmark"),
    types={
        Kind.TEXT: sa.Text(),
        Kind.DOUBLE: sa.REAL(),
        Kind.INT64: sa.Integer(),
        Kind.BOOLEAN: sa.Integer(),
        Kind.MOMENT: sa.Text(),
        Kind.DECIMAL: sa.Text(),
        Kind.DOCUMENT: sa.Text(),
        Kind.SEALED: sa.BLOB(),
    },
    answered=_sqlite_answered,
    bound=_sqlite_bound,
    written=lambda _kind, parameter: parameter,
    keyed=frozenset({Kind.DECIMAL}),
    fold=getattr(sa.func, FOLD),
    starts_with=lambda column, text: (
        sa.func.substr(column, sa.literal_column("1"), sa.func.length(text)) == text
    ),
    ends_with=lambda column, text: sa.func.substr(column, -sa.func.length(text)) == text,
    contains=_sqlite_contains,
    table_options={"sqlite_strict": True},
    nulls_are_least=True,
)


CANONICAL_FORM = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def _postgres_answered(kind: Kind, column: Expression) -> Expression:
    if kind is Kind.DOUBLE:
        # as JSON, because one column gives integers where whole, which the driver decodes as they are
        whole = sa.and_(
            column == sa.func.trunc(column), sa.func.abs(column) <= sa.literal_column(f"{MAX_EXACT}")
        )
        return sa.case(
            (whole, sa.func.to_json(sa.cast(column, sa.BigInteger))), else_=sa.func.to_json(column)
        )
    if kind is Kind.MOMENT:
        in_utc = sa.func.timezone(sa.literal_column("'UTC'"), column)
        return sa.func.to_char(in_utc, sa.literal_column(f"'{CANONICAL_FORM}'"))
    return sa.cast(column, sa.Text()) if kind in (Kind.DECIMAL, Kind.DOCUMENT) else column


_POSTGRES_CASTS: dict[Kind, Any] = {
    Kind.MOMENT: postgresql.TIMESTAMP(timezone=True),
    Kind.DECIMAL: sa.Numeric(),
    Kind.DOCUMENT: postgresql.JSON(),
}
"""What is handed over as text, and is not text in the database."""


def _postgres_bound(kind: Kind, parameter: sa.BindParameter[Any]) -> Expression:
    return sa.cast(parameter, _POSTGRES_CASTS[kind]) if kind in _POSTGRES_CASTS else parameter


POSTGRES = Dialect(
    name="postgresql",
    compiler=asyncpg.dialect(),  # type: ignore[no-untyped-call]
    types={
        Kind.TEXT: sa.Text(collation="C"),
        Kind.DOUBLE: sa.Double(),
        Kind.INT64: sa.BigInteger(),
        Kind.BOOLEAN: sa.Boolean(),
        Kind.MOMENT: postgresql.TIMESTAMP(timezone=True, precision=3),
        Kind.DECIMAL: sa.Numeric(),
        Kind.DOCUMENT: postgresql.JSON(),
        Kind.SEALED: postgresql.BYTEA(),
    },
    answered=_postgres_answered,
    bound=_postgres_bound,
    written=_postgres_bound,
    keyed=frozenset(),
    fold=getattr(sa.func.rowkeep, FOLD),
    starts_with=sa.func.starts_with,
    ends_with=lambda column, text: sa.func.right(column, sa.func.length(text)) == text,
    contains=lambda column, text: sa.func.strpos(column, text) > sa.literal_column("0"),
    table_options={},
    nulls_are_least=False,
)

PARAMETER_TYPES: dict[Kind, Any] = {
    Kind.TEXT: sa.Text(),
    Kind.DOUBLE: sa.Double(),
    Kind.INT64: sa.BigInteger(),
    Kind.BOOLEAN: sa.Boolean(),
    Kind.MOMENT: sa.Text(),
    Kind.DECIMAL: sa.Text(),
    Kind.DOCUMENT: sa.Text(),
    Kind.SEALED: sa.LargeBinary(),
}
"""As which type a value is handed over; dates, decimals and JSON go as their text."""
