"""Migrations: the numbered steps that bring the system tables to this version.

Each database counts its completed steps. A step never changes after its release; a new step is added at the
end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import msgspec
import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateSchema, CreateSequence, CreateTable

from rowkeep.errors.catalogue import NewerStore, StorageReadOnly
from rowkeep.model.values.case_folding import folding_table
from rowkeep.sql.case_folding import fold_body
from rowkeep.sql.dialects import FOLD, Dialect
from rowkeep.sql.history_table import UNLESS_RECORDED, history_sequence
from rowkeep.sql.names import quoted
from rowkeep.sql.statements import STATEMENTS, Statement, command, ddl, in_order, statement
from rowkeep.sql.system_tables import (
    ANY_WORKSPACE,
    CATALOG_NAMESPACE,
    catalog_tables,
    in_workspace,
    next_number,
    workspace_tables,
)
from rowkeep.storage.contract import Steps

Step = Callable[[Dialect, str | None], list[Statement]]


def _create_all(tables: Sequence[sa.Table], dialect: Dialect) -> list[Statement]:
    created: list[Statement] = []
    for table in tables:
        created.append(ddl(CreateTable(table), dialect))
        created += [
            ddl(CreateIndex(index), dialect) for index in sorted(table.indexes, key=lambda i: str(i.name))
        ]
    return created


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


def _catalog_tables(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = catalog_tables(namespace)
    installation = _without_key(tables.installation)
    return _create_all((installation, tables.workspaces, tables.clients, tables.admin_tokens), dialect)


def _fold_function(dialect: Dialect, _namespace: str | None) -> list[Statement]:
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
            f'CREATE FUNCTION {CATALOG_NAMESPACE}."{FOLD}"(t text) RETURNS text LANGUAGE sql '
            f"IMMUTABLE STRICT PARALLEL SAFE AS $fold${body}$fold$"
        )
    ]


def _faster_fold_function(dialect: Dialect, _namespace: str | None) -> list[Statement]:
    """The same function, in at most a tenth of the time for texts beyond ASCII."""
    if not dialect.has_stored_functions:
        return []
    return [
        Statement(
            f'CREATE OR REPLACE FUNCTION {CATALOG_NAMESPACE}."{FOLD}"(t text) RETURNS text LANGUAGE plpgsql '
            f"IMMUTABLE STRICT PARALLEL SAFE AS $fold${fold_body()}$fold$"
        )
    ]


def _workspace_tables(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = workspace_tables(namespace)
    apps = _without(tables.apps, (*GUARDS_OF_APPS, *LIMITS_OF_APPS))
    ours = (_without_key(tables.workspace), tables.data_keys, tables.tables, apps, tables.grants)
    return _create_all(ours, dialect)


def _references(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((workspace_tables(namespace).references,), dialect)


def _views(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = workspace_tables(namespace)
    return _create_all((tables.views, tables.view_tables), dialect)


def _databases(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).databases,), dialect)


def _former_admin_tokens(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).former_admin_tokens,), dialect)


def _former_apps(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((workspace_tables(namespace).former_apps,), dialect)


def _key_of_installation(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_key(catalog_tables(namespace).installation, dialect)


def _key_of_workspace(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_key(workspace_tables(namespace).workspace, dialect)


GUARDS_OF_APPS = ("max_affected", "allow_all")
LIMITS_OF_APPS = ("rate_limit", "require_jti", "audience", "jwe_key")


def _without(table: sa.Table, names: Sequence[str]) -> sa.Table:
    """A table as it was before it had these columns."""
    columns = [
        sa.Column(
            each.name,
            each.type,
            primary_key=each.primary_key,
            nullable=each.nullable,
            unique=each.unique,
            index=each.index,
        )
        for each in table.c
        if each.name not in names
    ]
    return sa.Table(table.name, sa.MetaData(schema=table.schema), *columns)


def _guards_of_apps(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_columns(workspace_tables(namespace).apps, GUARDS_OF_APPS, dialect)


def _limits_of_apps(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_columns(workspace_tables(namespace).apps, LIMITS_OF_APPS, dialect)


def _with_columns(table: sa.Table, names: Sequence[str], dialect: Dialect) -> list[Statement]:
    """Add columns to a table."""
    alter = f"ALTER TABLE {dialect.compiler.identifier_preparer.format_table(table)} ADD COLUMN"
    return [Statement(f"{alter} {ddl(CreateColumn(table.c[name]), dialect).text}") for name in names]


def _idempotency_keys(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((_without(workspace_tables(namespace).idempotency_keys, OPERATION_OF_KEYS),), dialect)


OPERATION_OF_KEYS = ("operation",)


def _operation_of_keys(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_columns(workspace_tables(namespace).idempotency_keys, OPERATION_OF_KEYS, dialect)


def _users(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = catalog_tables(namespace)
    ours = (tables.users, tables.former_users, tables.user_workspaces)
    sessions = _without(tables.sessions, DEVICES_OF_SESSIONS)
    return _create_all((*ours, sessions, tables.links, tables.failures), dialect)


DEVICES_OF_SESSIONS = ("address", "agent")


def _devices_of_sessions(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _with_columns(catalog_tables(namespace).sessions, DEVICES_OF_SESSIONS, dialect)


def _used_tokens(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((workspace_tables(namespace).used_tokens,), dialect)


def _row_quotas(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((workspace_tables(namespace).row_quotas,), dialect)


def _leases(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).leases,), dialect)


def _rate_windows(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).rate_windows,), dialect)


def _audit_entries(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).audit_entries,), dialect)


def _rights_of_users(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = workspace_tables(namespace)
    return _create_all((tables.members, tables.owners, tables.shares), dialect)


def _activity(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = catalog_tables(namespace)
    return _create_all((tables.activity, tables.table_sizes), dialect)


def _history(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = workspace_tables(namespace)
    ours = (tables.operations, tables.operation_tables, tables.histories, tables.history_state)
    sequence = history_sequence(namespace)
    numbers = [ddl(CreateSequence(sequence), dialect)] if dialect.has_concurrent_writers else []
    # without parameters, because the statements of one workspace are used for all
    empty: sa.ColumnElement[str] = sa.literal_column("''")
    zero: sa.ColumnElement[int] = sa.literal_column("0")
    first = sa.insert(tables.history_state).values(position=zero, stamped=empty, moment=empty)
    return [*numbers, *_create_all(ours, dialect), statement(first, dialect)]


def _webhook_workspaces(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((catalog_tables(namespace).webhook_workspaces,), dialect)


def _webhooks(dialect: Dialect, namespace: str | None) -> list[Statement]:
    tables = workspace_tables(namespace)
    return _create_all((tables.webhooks, tables.webhook_tables, tables.webhook_deliveries), dialect)


def _recorded_inserts(dialect: Dialect, namespace: str | None) -> list[Statement]:
    """Single inserts store their records themselves, and the trigger does nothing then. A restored backup of
    an older version has such triggers already."""
    if not dialect.has_concurrent_writers:
        return []
    operations = workspace_tables(namespace).operations
    alter = f"ALTER TABLE {dialect.compiler.identifier_preparer.format_table(operations)}"
    return [
        # a default for the operations that are there would be a different one for each
        Statement(f"{alter} ADD COLUMN IF NOT EXISTS only_table TEXT"),
        Statement(f"{alter} ADD COLUMN IF NOT EXISTS only_seq BIGINT"),
        # by bytes: the order of a language takes much longer in the index
        Statement(f'{alter} ALTER COLUMN xid TYPE TEXT COLLATE "C"'),
        Statement(f"{alter} ALTER COLUMN only_seq SET DEFAULT {next_number(namespace)}"),
        Statement(
            f"""DO $migration$
DECLARE
  _found record;
BEGIN
  FOR _found IN
    SELECT t.tgname AS name, c.oid::regclass AS watched, pg_get_triggerdef(t.oid) AS made
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = '{namespace}' AND t.tgname LIKE '\\_rowkeep\\_history\\_%\\_insert'
      AND t.tgqual IS NULL
  LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', _found.name, _found.watched);
    EXECUTE replace(_found.made, ' EXECUTE FUNCTION ', $when$ {UNLESS_RECORDED} EXECUTE FUNCTION $when$);
  END LOOP;
END $migration$"""  # noqa: S608 - our own names
        ),
    ]


def _charts(dialect: Dialect, namespace: str | None) -> list[Statement]:
    return _create_all((workspace_tables(namespace).charts,), dialect)


CATALOG_STEPS: tuple[Step, ...] = (
    _catalog_tables,
    _fold_function,
    _databases,
    _former_admin_tokens,
    _faster_fold_function,
    _key_of_installation,
    _users,
    _rate_windows,
    _devices_of_sessions,
    _leases,
    _audit_entries,
    _activity,
    _webhook_workspaces,
)
DATABASES_STEP = 3
"""From this step on the catalog records which databases were created."""

WORKSPACE_STEPS: tuple[Step, ...] = (
    _workspace_tables,
    _references,
    _views,
    _former_apps,
    _key_of_workspace,
    _guards_of_apps,
    _idempotency_keys,
    _rights_of_users,
    _limits_of_apps,
    _used_tokens,
    _row_quotas,
    _history,
    _operation_of_keys,
    _webhooks,
    _recorded_inserts,
    _charts,
)


def alone(dialect: Dialect, namespace: str | None) -> Steps[None]:
    """Script: if several processes come here at the same time, one continues and the others wait for its
    end."""
    if dialect.has_concurrent_writers:
        lock = sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"rowkeep:{namespace}")))
        yield STATEMENTS.statement(lock, dialect)


def _is_there(name: str, dialect: Dialect) -> Steps[bool]:
    """Raises StorageReadOnly for a database that accepts no writes, such as a standby."""
    found = sa.func.to_regclass(name).is_not(None)
    read_only_setting = sa.func.current_setting("transaction_read_only")
    rows = yield STATEMENTS.statement(sa.select(found, read_only_setting), dialect)
    is_there, read_only = rows[0]
    if read_only == "on":
        raise StorageReadOnly()
    return bool(is_there)


def _create_namespace(namespace: str, dialect: Dialect) -> Steps[None]:
    if namespace == CATALOG_NAMESPACE:
        # a cluster that puts each new namespace on one of its nodes leaves this one on the coordinator
        yield Statement(
            "SELECT set_config(name, 'off', true) "
            "FROM (VALUES ('citus.enable_schema_based_sharding')) AS setting (name) "
            "WHERE current_setting(name, true) IS NOT NULL"
        )
    yield ddl(CreateSchema(quoted(namespace), if_not_exists=True), dialect)


STEPS = "_rowkeep_steps"
"""The table of completed steps."""


class _StepSql(msgspec.Struct, frozen=True):
    """The statements over the table of completed steps."""

    create: Statement
    count: Statement
    add: str
    """Without the numbers of the steps."""


@cache
def _step_sql(dialect: Dialect, namespace: str | None) -> _StepSql:
    """The same for all workspaces, of which ``namespace`` names any."""
    meta = sa.MetaData(schema=quoted(namespace) if namespace else None)
    applied = sa.Table(STEPS, meta, sa.Column("step", sa.Integer, primary_key=True, autoincrement=False))
    count = sa.select(sa.func.coalesce(sa.func.max(applied.c.step), 0))
    return _StepSql(
        ddl(CreateTable(applied, if_not_exists=True), dialect),
        statement(count, dialect),
        f"INSERT INTO {dialect.compiler.identifier_preparer.format_table(applied)} (step) VALUES ",  # noqa: S608 - our own names
    )


def completed_steps(dialect: Dialect, namespace: str | None) -> Steps[int]:
    """Script: how many steps a database has completed."""
    count = _step_sql(dialect, ANY_WORKSPACE if namespace else None).count
    rows = yield in_workspace(count, namespace)
    return int(rows[0][0])


ANY_NAMESPACE = "w0_any"
"""A namespace that no workspace has: their ids begin with 1."""

LONGEST_NAMESPACE = 22
"""With a longer one, names of indexes are shortened, and end with a hash of the whole name."""


@cache
def _compiled(step: Step, dialect: Dialect, namespace: str | None) -> tuple[Statement, ...]:
    return tuple(step(dialect, namespace))


def statements_of(step: Step, dialect: Dialect, namespace: str | None) -> Sequence[Statement]:
    """The statements of a step. Compiling those of a whole workspace takes 20 ms, so it is done once for all
    namespaces."""
    if namespace in (None, CATALOG_NAMESPACE):
        return _compiled(step, dialect, namespace)
    if len(namespace) > LONGEST_NAMESPACE:
        return step(dialect, namespace)
    compiled = _compiled(step, dialect, ANY_NAMESPACE)
    return [
        msgspec.structs.replace(each, text=each.text.replace(ANY_NAMESPACE, namespace)) for each in compiled
    ]


def migrate(steps: Sequence[Step], dialect: Dialect, namespace: str | None) -> Steps[int]:
    """Script: bring one database to the last step; returns how many steps it had completed. Safe when several
    processes start at the same time.

    Raises NewerStore for a database that a newer Rowkeep has written.
    """
    sql = _step_sql(dialect, ANY_WORKSPACE if namespace else None)
    yield from alone(dialect, namespace)
    if namespace is None:
        yield sql.create
    elif not (yield from _is_there(f'"{namespace}".{STEPS}', dialect)):
        # only then: what creates is sent to all nodes of a cluster, and fails if one of them is down
        yield from _create_namespace(namespace, dialect)
        yield in_workspace(sql.create, namespace)
    done = yield from completed_steps(dialect, namespace)
    if done > len(steps):
        raise NewerStore(
            "The store was created by a newer version of Rowkeep. Use that version or a later one."
        )
    if done < len(steps):
        numbers = ", ".join(f"({number})" for number in range(done + 1, len(steps) + 1))
        made = [each for step in steps[done:] for each in statements_of(step, dialect, namespace)]
        yield in_workspace(in_order([*made, command(f"{sql.add}{numbers}")]), namespace)
    return done
