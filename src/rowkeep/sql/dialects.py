"""Dialects: the differences between the engines, as facts: one entry for each engine, with one entry for each
kind.

Statements depend on these facts and never on an engine's name, so that another engine is another entry, or a
variation of an existing one (``dataclasses.replace``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg

from rowkeep.model.column_types import Kind
from rowkeep.model.values.scalars import MAX_EXACT
from rowkeep.sql.aggregates import (
    POSTGRES_DECIMAL,
    POSTGRES_DOUBLE,
    POSTGRES_INTEGER,
    SQLITE_DECIMAL,
    SQLITE_DOUBLE,
    SQLITE_INTEGER,
    Aggregations,
)
from rowkeep.sql.copied_cells import CopiedCells, copied_decimals, copied_moments
from rowkeep.sql.expressions import Expression
from rowkeep.sql.sums import (
    double_sum,
    postgres_decimal_sum,
    postgres_integer_sum,
    sqlite_decimal_sum,
    sqlite_integer_sum,
)
from rowkeep.sql.sys_ids import formatted_sys_id, joined_sys_id

FOLD = "_rowkeep_fold"
"""The SQL function that folds case: registered on each SQLite connection, created in PostgreSQL."""

DECIMAL_KEY = "_rowkeep_decimal_key"
"""The SQL function that computes the sort keys of decimals on SQLite, registered on each connection."""

CONTAINS = "_rowkeep_contains"
NEXT_MILLISECOND = "_rowkeep_next_millisecond"
"""The SQL function that searches for long texts on SQLite, registered on each connection."""

DIGEST = "_rowkeep_digest"
"""The SQL function that makes long cells short for comparisons on SQLite, registered on each connection."""

SHORT_NEEDLE_BYTES = 256
"""The longest text that SQLite's ``instr`` searches for: it compares the whole text at each character."""

REFUSE = "_rowkeep_refuse"
"""The SQL function that ends a statement with an error on SQLite, registered on each connection."""

Conversion: TypeAlias = Callable[[Expression], Expression]
Sum: TypeAlias = Callable[[Expression, Expression], Expression]


def _unchanged(expression: Expression) -> Expression:
    return expression


@dataclass(frozen=True)
class StoredKind:
    """How an engine stores, compares and returns the cells of one kind.

    ``answered`` returns a column as the expression for responses, ``bound`` a value (sent as ``parameter``)
    as the engine stores it. Where the engine cannot compare the cells themselves, ``key`` returns a sort key
    of a cell: it is stored next to the cell, and all comparisons and sorts use it.
    """

    type: Any
    """The type of the column."""
    parameter: Any
    """The type of the parameter that sends a value."""
    answered: Conversion = _unchanged
    bound: Conversion = _unchanged
    key: Conversion | None = None
    check: str = ""
    """A condition for every cell, where the type does not ensure it; ``{column}`` is a placeholder for the
    column."""
    aggregates: Aggregations = field(default_factory=dict)
    added: Sum | None = None
    """For numbers, the sum of a cell and a parameter, null if it is not in the range of the type."""
    decode: Callable[[Any], Any] | None = None
    """Converts what the driver returns to the cell of the response (None for null), where these differ."""
    copied: CopiedCells | None = None
    """What is written of cells, where the engine takes them in a form of its own: by COPY, and by parameters
    of the type ``native``."""
    native: Any = None
    is_long: bool = False
    """Whether cells can be so long that they are measured before a page is sent."""

    def open_parameter(self, name: str) -> sa.BindParameter[Any]:
        return sa.bindparam(name, type_=self.parameter)

    def native_parameter(self, name: str) -> Expression:
        """An open parameter as it is stored; it takes what ``copied`` makes of a cell, if there is that."""
        if self.copied is None:
            return self.bound(self.open_parameter(name))
        return sa.bindparam(name, type_=self.native)

    def compared(self, value: Expression) -> Expression:
        """A value as an expression that can be compared with cells of this kind."""
        return self.bound(value) if self.key is None else self.key(value)


@dataclass(frozen=True, eq=False)
class Dialect:
    """One engine."""

    compiler: sa.Dialect
    upsert: Callable[[sa.Table], Any]
    """An INSERT that can have ON CONFLICT."""
    kinds: Mapping[Kind, StoredKind]
    fold: Conversion
    sys_id: Conversion
    """The ``sys_Id`` of the row with this ``_id``; null for null."""
    starts_with: Callable[[Expression, Expression], Expression]
    ends_with: Callable[[Expression, Expression], Expression]
    contains: Callable[[Expression, Expression], Expression]
    table_options: Mapping[str, Any]
    next_millisecond: Conversion
    """The moment one millisecond after a stored one."""
    has_arrays: bool
    """Whether a parameter can be an array, so that one statement searches for many keys; otherwise a
    statement is run for each key, without a round trip."""
    refused: Conversion
    """An expression that ends the statement with an error that contains this text, if it is calculated."""
    nulls_are_least: bool
    """Whether the engine sorts NULL before all values by default."""
    indexes_end_with_row_key: bool
    """Whether the columns of a non-unique index end with the row key, the default order of rows. Without it,
    PostgreSQL, which has no statistics of a new table, reads the whole table in that order to find a few
    rows."""
    has_concurrent_writers: bool
    """Whether transactions write at the same time, so that a script that must run alone takes a lock;
    otherwise the engine runs one writing transaction at a time."""
    joins_deletions: bool
    """Whether one statement can delete from several tables, each in a common table expression."""
    has_stored_functions: bool
    """Whether our SQL functions are created in the database; else each connection registers them."""
    can_add_primary_keys: bool
    """Whether an existing table can get a primary key; else it is made again with it."""
    can_add_foreign_keys: bool
    """Whether a foreign key can be added to an existing column; otherwise the column is replaced by a new one
    with the foreign key."""
    drops_columns_in_place: bool
    """Whether a column is dropped without a rewrite of the rows."""
    explain: str = "EXPLAIN"
    """What shows the plan of the statement after it."""


def _is_exact_integer(column: Expression, whole: Expression) -> Expression:
    return sa.and_(column == whole, sa.func.abs(column) <= sa.literal_column(f"{MAX_EXACT}.0"))


def _sqlite_number(column: Expression) -> Expression:
    whole = sa.cast(column, sa.Integer)
    return sa.case((_is_exact_integer(column, whole), whole), else_=column)


def _sqlite_contains(column: Expression, text: Expression) -> Expression:
    is_short = sa.func.octet_length(text) <= sa.literal_column(f"{SHORT_NEEDLE_BYTES}")
    found = sa.func.instr(column, text) > sa.literal_column("0")
    return sa.case((is_short, found), else_=getattr(sa.func, CONTAINS)(column, text))


def _sqlite_next_millisecond(moment: Expression) -> Expression:
    # SQLite's strftime makes each update that contains it ten times as expensive, even where it is not run
    next_: Expression = getattr(sa.func, NEXT_MILLISECOND)(moment)
    return next_


_BOOLEANS: dict[object, bool] = {0: False, 1: True}

SQLITE = Dialect(
    compiler=sqlite.dialect(paramstyle="qmark"),
    explain="EXPLAIN QUERY PLAN",
    upsert=sqlite.insert,
    kinds={
        Kind.TEXT: StoredKind(sa.Text(), sa.Text()),
        Kind.DOUBLE: StoredKind(
            sa.REAL(), sa.Double(), answered=_sqlite_number, aggregates=SQLITE_DOUBLE, added=double_sum
        ),
        Kind.INT64: StoredKind(
            sa.Integer(), sa.BigInteger(), aggregates=SQLITE_INTEGER, added=sqlite_integer_sum
        ),
        Kind.BOOLEAN: StoredKind(
            sa.Integer(), sa.Boolean(), check="{column} IN (0, 1)", decode=_BOOLEANS.get
        ),
        Kind.MOMENT: StoredKind(sa.Text(), sa.Text()),
        Kind.DECIMAL: StoredKind(
            sa.Text(),
            sa.Text(),
            key=getattr(sa.func, DECIMAL_KEY),
            aggregates=SQLITE_DECIMAL,
            added=sqlite_decimal_sum,
        ),
        Kind.DOCUMENT: StoredKind(sa.Text(), sa.Text()),
        Kind.SEALED: StoredKind(sa.BLOB(), sa.LargeBinary()),
    },
    fold=getattr(sa.func, FOLD),
    sys_id=formatted_sys_id,
    starts_with=lambda column, text: (
        sa.func.substr(column, sa.literal_column("1"), sa.func.length(text)) == text
    ),
    ends_with=lambda column, text: sa.func.substr(column, -sa.func.length(text)) == text,
    contains=_sqlite_contains,
    next_millisecond=_sqlite_next_millisecond,
    refused=getattr(sa.func, REFUSE),
    table_options={"sqlite_strict": True},
    has_arrays=False,
    nulls_are_least=True,
    indexes_end_with_row_key=False,
    has_concurrent_writers=False,
    joins_deletions=False,
    has_stored_functions=False,
    can_add_primary_keys=False,
    can_add_foreign_keys=False,
    drops_columns_in_place=False,
)


CANONICAL_FORM = 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'


def _postgres_number(column: Expression) -> Expression:
    # JSON, because one column returns integers for whole numbers, which the driver decodes as integers
    whole = sa.and_(column == sa.func.trunc(column), sa.func.abs(column) <= sa.literal_column(f"{MAX_EXACT}"))
    return sa.case((whole, sa.func.to_json(sa.cast(column, sa.BigInteger))), else_=sa.func.to_json(column))


def _postgres_moment(column: Expression) -> Expression:
    in_utc = sa.func.timezone(sa.literal_column("'UTC'"), column)
    return sa.func.to_char(in_utc, sa.literal_column(f"'{CANONICAL_FORM}'"))


def _postgres_next_millisecond(moment: Expression) -> Expression:
    # in UTC, because the sum of a moment with a zone depends on settings of the connection
    utc: Expression = sa.literal_column("'UTC'")
    step: Expression = sa.literal_column("INTERVAL '1 millisecond'")
    return sa.func.timezone(utc, sa.func.timezone(utc, moment).op("+")(step))


def _as_text(column: Expression) -> Expression:
    return sa.cast(column, sa.Text())


def _cast_to(type_: Any) -> Conversion:
    """For a value that is sent as text and is not text in the database."""
    return lambda value: sa.cast(value, type_)


POSTGRES = Dialect(
    compiler=asyncpg.dialect(),  # type: ignore[no-untyped-call]
    upsert=postgresql.insert,
    kinds={
        Kind.TEXT: StoredKind(sa.Text(collation="C"), sa.Text(), is_long=True),
        Kind.DOUBLE: StoredKind(
            sa.Double(),
            sa.Double(),
            answered=_postgres_number,
            aggregates=POSTGRES_DOUBLE,
            added=double_sum,
        ),
        Kind.INT64: StoredKind(
            sa.BigInteger(), sa.BigInteger(), aggregates=POSTGRES_INTEGER, added=postgres_integer_sum
        ),
        Kind.BOOLEAN: StoredKind(sa.Boolean(), sa.Boolean()),
        Kind.MOMENT: StoredKind(
            postgresql.TIMESTAMP(timezone=True, precision=3),
            sa.Text(),
            answered=_postgres_moment,
            bound=_cast_to(postgresql.TIMESTAMP(timezone=True)),
            copied=copied_moments,
            native=postgresql.TIMESTAMP(timezone=True),
        ),
        Kind.DECIMAL: StoredKind(
            sa.Numeric(),
            sa.Text(),
            answered=_as_text,
            bound=_cast_to(sa.Numeric()),
            copied=copied_decimals,
            native=sa.Numeric(),
            aggregates=POSTGRES_DECIMAL,
            added=postgres_decimal_sum,
        ),
        Kind.DOCUMENT: StoredKind(
            postgresql.JSON(),
            sa.Text(),
            answered=_as_text,
            bound=_cast_to(postgresql.JSON()),
            is_long=True,
        ),
        Kind.SEALED: StoredKind(postgresql.BYTEA(), sa.LargeBinary(), is_long=True),
    },
    fold=getattr(sa.func.rowkeep, FOLD),
    sys_id=joined_sys_id,
    starts_with=sa.func.starts_with,
    ends_with=lambda column, text: sa.func.right(column, sa.func.length(text)) == text,
    contains=lambda column, text: sa.func.strpos(column, text) > sa.literal_column("0"),
    next_millisecond=_postgres_next_millisecond,
    # the error of a text that is not a number contains the text
    refused=_cast_to(sa.BigInteger()),
    table_options={},
    has_arrays=True,
    nulls_are_least=False,
    indexes_end_with_row_key=True,
    has_concurrent_writers=True,
    joins_deletions=True,
    has_stored_functions=True,
    can_add_primary_keys=True,
    can_add_foreign_keys=True,
    drops_columns_in_place=True,
)
