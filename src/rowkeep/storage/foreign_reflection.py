"""Foreign reflection: the tables of a database as SQLAlchemy reports them."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine.reflection import Inspector

from rowkeep.model.foreign_tables import (
    Family,
    ForeignColumn,
    ForeignIndex,
    ForeignReference,
    ForeignSchema,
    ForeignTable,
)
from rowkeep.sql.foreign_tables import quoted_name

FAMILIES: tuple[tuple[type[Any], Family], ...] = (
    (sa.Boolean, Family.BOOLEAN),
    (sa.Enum, Family.TEXT),
    (sa.Integer, Family.INTEGER),
    (sa.Float, Family.DOUBLE),
    (sa.Numeric, Family.DECIMAL),
    (sa.JSON, Family.JSON),
    (sa.ARRAY, Family.ARRAY),
    (sa.LargeBinary, Family.BINARY),
    (sa.Date, Family.DAY),
    (sa.String, Family.TEXT),
)
"""What the first class that fits a type means."""

INDEX_COLUMNS = 'SELECT name, "desc" FROM pragma_index_xinfo(?) WHERE "key"'
REFERENCE_ACTIONS = 'SELECT "from", on_update, on_delete FROM pragma_foreign_key_list(?)'
KINDS = (
    "SELECT c.relname, c.relkind, c.relispartition FROM pg_catalog.pg_class AS c "
    "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
    "WHERE n.nspname = :schema AND c.relkind IN ('r', 'p')"
)


def reflected(connection: sa.Connection, schema: str | None) -> ForeignSchema:
    """The tables and views of a database, of one schema on PostgreSQL."""
    with warnings.catch_warnings():
        # a type that SQLAlchemy does not know is copied as text, and reported by us
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        return _reflected(connection, schema)


def _reflected(connection: sa.Connection, schema: str | None) -> ForeignSchema:
    inspector = sa.inspect(connection)
    partitioned: dict[str, bool] = {}
    names = inspector.get_table_names(schema=schema)
    if schema is not None:
        rows = connection.execute(sa.text(KINDS), {"schema": schema}).all()
        # pg_class has kinds as single bytes
        kinds = {row[0]: row[1] if isinstance(row[1], str) else bytes(row[1]).decode() for row in rows}
        partitioned = {name: kind == "p" for name, kind in kinds.items()}
        names = [name for name in names if name not in {row[0] for row in rows if row[2]}]
    details = _Details(inspector, schema)
    tables = [
        details.table(
            name, _has_rowid(connection, name) if schema is None else False, partitioned.get(name, False)
        )
        for name in sorted(names)
    ]
    views = inspector.get_view_names(schema=schema)
    return ForeignSchema(_with_targets(tables), tuple(sorted(views)))


class _Details:
    """What is known of all tables, read at once."""

    def __init__(self, inspector: Inspector, schema: str | None) -> None:
        self._schema = schema
        self._is_sqlite = schema is None
        at: Any = {"schema": schema}
        self._columns = inspector.get_multi_columns(**at)
        self._keys = inspector.get_multi_pk_constraint(**at)
        self._bind: Any = inspector.bind
        # SQLAlchemy finds unique constraints of SQLite in the text of the table, and not all of them; their
        # indexes it finds all
        self._unique: Any = {} if self._is_sqlite else inspector.get_multi_unique_constraints(**at)
        more: Any = {"include_auto_indexes": True} if self._is_sqlite else {}
        self._indexes = inspector.get_multi_indexes(**at, **more)
        self._references = inspector.get_multi_foreign_keys(**at)
        self._checks = inspector.get_multi_check_constraints(**at)
        self._comments: Any = {} if self._is_sqlite else inspector.get_multi_table_comment(**at)

    def table(self, name: str, has_row_numbers: bool, is_partitioned: bool) -> ForeignTable:
        at: Any = (self._schema, name)
        key = tuple(_found(self._keys, at).get("constrained_columns") or ())
        return ForeignTable(
            name=name,
            columns=tuple(_column(each, key, self._is_sqlite) for each in self._columns[at]),
            key=key,
            indexes=tuple(self._indexes_of(at, {each["name"] for each in self._columns[at]})),
            references=self._references_of(at),
            checks=self._checks_of(at),
            comment=str(_found(self._comments, at).get("text") or ""),
            has_row_numbers=has_row_numbers,
            is_partitioned=is_partitioned,
        )

    def _checks_of(self, at: Any) -> tuple[str, ...]:
        found = [str(each["name"] or each["sqltext"]) for each in self._checks.get(at) or ()]
        types = ((each["name"], each["type"]) for each in self._columns[at])
        found += [f"of the type {t.name} of {name}" for name, t in types if isinstance(t, postgresql.DOMAIN)]
        return tuple(found)

    def _references_of(self, at: Any) -> tuple[ForeignReference, ...]:
        actions: dict[Any, dict[str, str]] = {}
        if self._is_sqlite:
            # SQLAlchemy reads them from the text of the table, and not all of them
            rows = self._bind.exec_driver_sql(REFERENCE_ACTIONS, (at[1],)).all()
            actions = {row[0]: {"onupdate": row[1], "ondelete": row[2]} for row in rows}
        return tuple(
            _reference(
                each, self._schema, actions.get(each["constrained_columns"][0]) or each.get("options") or {}
            )
            for each in self._references.get(at) or ()
        )

    def _indexes_of(self, at: Any, columns: set[str]) -> list[ForeignIndex]:
        unique = [
            ForeignIndex(each["name"], tuple(each["column_names"]), True)
            for each in self._unique.get(at) or ()
        ]
        found = [_index(each, columns) for each in self._indexes.get(at) or ()]
        if self._is_sqlite:
            found = [_with_order(self._bind, each) for each in found]
        return unique + found


def _found(facts: Mapping[Any, Any], at: Any) -> dict[str, Any]:
    return facts.get(at) or {}


def _column(found: Any, key: Sequence[str], is_sqlite: bool) -> ForeignColumn:
    type_ = found["type"]
    is_domain = isinstance(type_, postgresql.DOMAIN)
    if isinstance(type_, postgresql.DOMAIN):
        type_ = type_.data_type
    family = _family(type_)
    length = (
        getattr(type_, "length", None) if family is Family.TEXT and not isinstance(type_, sa.Enum) else None
    )
    return ForeignColumn(
        name=found["name"],
        type=_type_name(found["type"]),
        family=family,
        max_length=length if isinstance(length, int) and length > 0 else None,
        is_required=not found["nullable"] or (is_domain and bool(getattr(found["type"], "not_null", False))),
        default=found.get("default"),
        made_by=_made_by(found, family, key, is_sqlite),
        values=tuple(map(str, type_.enums)) if isinstance(type_, sa.Enum) else (),
    )


def _family(type_: Any) -> Family:
    if isinstance(type_, sa.DateTime):
        return Family.MOMENT if type_.timezone else Family.LOCAL_MOMENT
    return next((family for kind, family in FAMILIES if isinstance(type_, kind)), Family.OTHER)


def _type_name(type_: Any) -> str:
    try:
        name = str(type_)
    except sa.exc.CompileError:
        name = type(type_).__name__
    return "" if name == "NULL" else name


def _made_by(found: Any, family: Family, key: Sequence[str], is_sqlite: bool) -> str | None:
    if found.get("computed"):
        return "computed by the database"
    if found.get("identity") or str(found.get("default") or "").startswith("nextval("):
        return "numbered by the database"
    if is_sqlite and family is Family.INTEGER and tuple(key) == (found["name"],):
        return "numbered by the database"
    return None


def _index(found: Any, columns: set[str]) -> ForeignIndex:
    names = tuple(name for name in found["column_names"] if name is not None)
    options = found.get("dialect_options") or {}
    obstacle = None
    if found.get("expressions") or len(names) < len(found["column_names"]) or not columns.issuperset(names):
        obstacle = "it is over an expression"
    elif any(str(name).endswith("_where") for name in options):
        obstacle = "it is over some rows only"
    elif options.get("postgresql_using") not in (None, "btree"):
        obstacle = f"it is of the kind {options['postgresql_using']}"
    sorting = found.get("column_sorting") or {}
    descending = frozenset(name for name, order in sorting.items() if "desc" in order)
    return ForeignIndex(found["name"], names, bool(found["unique"]), descending, obstacle)


def _with_order(connection: Any, index: ForeignIndex) -> ForeignIndex:
    """An index of SQLite with its descending columns; the index of a constraint without its name."""
    rows = connection.exec_driver_sql(INDEX_COLUMNS, (index.name,)).all()
    descending = frozenset(row[0] for row in rows if row[1])
    is_automatic = str(index.name).startswith("sqlite_autoindex_")
    return replace(index, name=None if is_automatic else index.name, descending=descending)


def _reference(found: Any, schema: str | None, options: Mapping[str, str]) -> ForeignReference:
    actions = [
        f"{event.upper()} {action}"
        for event in ("onupdate", "ondelete")
        if (action := options.get(event)) and action.upper() not in ("NO ACTION", "RESTRICT")
    ]
    return ForeignReference(
        tuple(found["constrained_columns"]),
        found["referred_table"],
        tuple(found["referred_columns"]),
        None if found["referred_schema"] == schema else found["referred_schema"],
        " and ".join(actions).replace("ONUPDATE", "ON UPDATE").replace("ONDELETE", "ON DELETE"),
    )


def _with_targets(tables: Sequence[ForeignTable]) -> tuple[ForeignTable, ...]:
    """References without columns are to the primary key."""
    keys: dict[str, tuple[str, ...]] = defaultdict(tuple, {table.name: table.key for table in tables})
    folded = {name.lower(): name for name in keys}

    def whole(reference: ForeignReference) -> ForeignReference:
        # SQLite finds tables without regard to case
        name = (
            reference.table
            if reference.table in keys
            else folded.get(reference.table.lower(), reference.table)
        )
        return replace(reference, table=name, to_columns=reference.to_columns or keys[name])

    return tuple(replace(table, references=tuple(map(whole, table.references))) for table in tables)


def _has_rowid(connection: sa.Connection, name: str) -> bool:
    """Whether a table of SQLite has numbered rows: one that is WITHOUT ROWID has none."""
    try:
        connection.exec_driver_sql(f"SELECT rowid FROM {quoted_name(name)} LIMIT 0").close()  # noqa: S608 - quoted
    except sa.exc.OperationalError:
        return False
    return True
