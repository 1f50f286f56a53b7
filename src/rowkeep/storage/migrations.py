"""Migrations: the numbered steps that bring our own tables to this version.

Each database counts the steps it has had. A step is never changed once released; a new one goes to the end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from rowkeep.errors.catalogue import SetupError, StorageReadOnly
from rowkeep.model.values.case_folding import folding_table
from rowkeep.sql.case_folding import fold_body
from rowkeep.sql.dialects import FOLD, Dialect
from rowkeep.sql.names import quoted
from rowkeep.sql.statements import Statement, ddl, statement
from rowkeep.sql.system_tables import CATALOG_SCHEMA, CatalogTables, WorkspaceTables
from rowkeep.storage.contract import Steps

Step = Callable[[Dialect, str | None], list[Statement]]


def _create_all(tables: Sequence[sa.Table], dialect: Dialect) -> list[Statement]:
    made: list[Statement] = []
    for table in tables:
        made.append(ddl(CreateTable(table), dialect))
        made += [
            ddl(CreateIndex(index), dialect) for index in sorted(table.indexes, key=lambda i: str(i.name))
        ]
    return made


def _with_key(table: sa.Table, dialect: Dialect) -> list[Statement]:
    """Give a table of one row, which had no primary key, its present form."""
    if not dialect.can_add_primary_keys:
        former = quoted(f"{table.name}_former")
        spell = dialect.compiler.identifier_preparer
        names = ", ".join(spell.format_column(column) for column in table.c if column is not table.c.id)
        return [
            Statement(f"ALTER TABLE {spell.format_table(table)} RENAME TO {spell.quote(former)}"),
            ddl(CreateTable(table), dialect),
            Statement(
                f"INSERT INTO {spell.format_table(table)} ({names}) "  # noqa: S608 - our own names
                f"SELECT {names} FROM {spell.quote(former)}"
            ),
            Statement(f"DROP TABLE {spell.quote(former)}"),
        ]
    alter = f"ALTER TABLE {dialect.compiler.identifier_preparer.format_table(table)}"
    # one after the other: a cluster adds no column together with its constraint
    return [
        Statement(f"{alter} ADD COLUMN id INTEGER DEFAULT 1 NOT NULL"),
        Statement(f"{alter} ADD CONSTRAINT {table.name}_pkey PRIMARY KEY (id)"),
    ]


def _without_key(table: sa.Table) -> sa.Table:
    """A table of one row as it was before it had a primary key."""
    others = (column for column in table.c if column is not table.c.id)
    columns = [sa.Column(column.name, column.type, nullable=False) for column in others]
    return sa.Table(table.name, sa.MetaData(schema=table.schema), *columns)


def _catalog_tables(dialect: Dialect, schema: str | None) -> list[Statement]:
    tables = CatalogTables(schema)
    installation = _without_key(tables.installation)
    return _create_all((installation, tables.workspaces, tables.clients, tables.admin_tokens), dialect)


def _fold_function(dialect: Dialect, _schema: str | None) -> list[Statement]:
    """Our table of simple case folding as a function, unless each connection registers it."""
    if not dialect.has_stored_functions:
        return []
    table = folding_table()
    source, target = "".join(map(chr, table)), "".join(map(chr, table.values()))
    body = (
        'SELECT CASE WHEN octet_length(t) = char_length(t) THEN lower(t COLLATE "C") '
        f"ELSE translate(lower(t COLLATE \"C\"), '{source}', '{target}') END"
    )
    return [
        Statement(
            f'CREATE FUNCTION {CATALOG_SCHEMA}."{FOLD}"(t text) RETURNS text LANGUAGE sql '
            f"IMMUTABLE STRICT PARALLEL SAFE AS $fold${body}$fold$"
        )
    ]


def _fold_what_is_there(dialect: Dialect, _schema: str | None) -> list[Statement]:
    """The same function, at a tenth of its time or less for texts beyond ASCII."""
    if not dialect.has_stored_functions:
        return []
    return [
        Statement(
            f'CREATE OR REPLACE FUNCTION {CATALOG_SCHEMA}."{FOLD}"(t text) RETURNS text LANGUAGE plpgsql '
            f"IMMUTABLE STRICT PARALLEL SAFE AS $fold${fold_body()}$fold$"
        )
    ]


def _workspace_tables(dialect: Dialect, schema: str | None) -> list[Statement]:
    tables = WorkspaceTables(schema)
    ours = (_without_key(tables.workspace), tables.data_keys, tables.tables, tables.apps, tables.grants)
    return _create_all(ours, dialect)


def _references(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _create_all((WorkspaceTables(schema).references,), dialect)


def _views(dialect: Dialect, schema: str | None) -> list[Statement]:
    tables = WorkspaceTables(schema)
    return _create_all((tables.views, tables.view_tables), dialect)


def _databases(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _create_all((CatalogTables(schema).databases,), dialect)


def _former_admin_tokens(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _create_all((CatalogTables(schema).former_admin_tokens,), dialect)


def _former_apps(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _create_all((WorkspaceTables(schema).former_apps,), dialect)


def _key_of_installation(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _with_key(CatalogTables(schema).installation, dialect)


def _key_of_workspace(dialect: Dialect, schema: str | None) -> list[Statement]:
    return _with_key(WorkspaceTables(schema).workspace, dialect)


CATALOG_STEPS: tuple[Step, ...] = (
    _catalog_tables,
    _fold_function,
    _databases,
    _former_admin_tokens,
    _fold_what_is_there,
    _key_of_installation,
)
DATABASES_STEP = 3
"""From this step on the catalog knows which databases were made."""

WORKSPACE_STEPS: tuple[Step, ...] = (
    _workspace_tables,
    _references,
    _views,
    _former_apps,
    _key_of_workspace,
)


def alone(dialect: Dialect, schema: str | None) -> Steps[None]:
    """Script: of several processes that come here at once, let one continue and the others wait for its
    end."""
    if dialect.has_concurrent_writers:
        lock = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"rowkeep:{schema}")))
        yield statement(lock, dialect)


def _is_there(table: sa.Table, dialect: Dialect) -> Steps[bool]:
    """Raises StorageReadOnly for a database that accepts no writes, such as a standby."""
    name = dialect.compiler.identifier_preparer.format_table(table)
    found = sa.func.to_regclass(name).is_not(None)
    rows = yield statement(sa.select(found, sa.func.current_setting("transaction_read_only")), dialect)
    is_there, read_only = rows[0]
    if read_only == "on":
        raise StorageReadOnly()
    return bool(is_there)


def _create_namespace(schema: str, dialect: Dialect) -> Steps[None]:
    if schema == CATALOG_SCHEMA:
        # a cluster that puts each new namespace on one of its nodes leaves this one on the coordinator
        yield Statement(
            "SELECT set_config(name, 'off', true) "
            "FROM (VALUES ('citus.enable_schema_based_sharding')) AS setting (name) "
            "WHERE current_setting(name, true) IS NOT NULL"
        )
    yield ddl(CreateSchema(quoted(schema), if_not_exists=True), dialect)


def migrate(steps: Sequence[Step], dialect: Dialect, schema: str | None) -> Steps[int]:
    """Script: bring one database to the last step; gives how many it had. Safe when several processes start
    at once.

    Raises SetupError for a database that a newer Rowkeep has written.
    """
    applied = sa.Table(
        "_rowkeep_steps",
        sa.MetaData(schema=quoted(schema) if schema else None),
        sa.Column("step", sa.Integer, primary_key=True, autoincrement=False),
    )
    yield from alone(dialect, schema)
    if schema is None:
        yield ddl(CreateTable(applied, if_not_exists=True), dialect)
    elif not (yield from _is_there(applied, dialect)):
        # only then: what creates is sent to all nodes of a cluster, and fails if one of them is down
        yield from _create_namespace(schema, dialect)
        yield ddl(CreateTable(applied, if_not_exists=True), dialect)
    rows = yield statement(sa.select(sa.func.coalesce(sa.func.max(applied.c.step), 0)), dialect)
    done = int(rows[0][0])
    if done > len(steps):
        raise SetupError(
            "The store was created by a newer version of Rowkeep. Use that version or a later one."
        )
    for number, step in enumerate(steps[done:], start=done + 1):
        for each in step(dialect, schema):  # noqa: UP028 - a list cannot be sent the rows
            yield each
        yield statement(sa.insert(applied).values(step=number), dialect)
    return done
