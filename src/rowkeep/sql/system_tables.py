"""System tables: those of the catalog, and those of each workspace, next to the users' tables."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from rowkeep.sql.names import quoted
from rowkeep.sql.statements import Statement

CATALOG_NAMESPACE = "rowkeep"
"""The namespace of the catalog on PostgreSQL; on SQLite it is a file."""


NAME_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Lists are sorted by name, in the same order on every engine."""


def _only_row() -> sa.Column[int]:
    """The primary key of a table that has one row."""
    return sa.Column("id", sa.Integer, primary_key=True, autoincrement=False, server_default=sa.text("1"))


class CatalogTables:
    """The workspaces, the workspace of each client id, the administrators, and the users with their
    sessions."""

    def __init__(self, namespace: str | None) -> None:
        meta = sa.MetaData(schema=namespace)
        self.installation = sa.Table(
            "installation",
            meta,
            _only_row(),
            sa.Column("key_fingerprint", sa.Text, nullable=False),
        )
        self.workspaces = sa.Table(
            "workspaces",
            meta,
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("name_key", NAME_KEY, nullable=False, unique=True),
            sa.Column("created_on", sa.Text, nullable=False),
            sqlite_autoincrement=True,
        )
        self.clients = sa.Table(
            "clients",
            meta,
            sa.Column("client_id", sa.Text, primary_key=True),
            sa.Column("workspace_id", sa.Integer, nullable=False, index=True),
        )
        self.databases = sa.Table(
            "databases",
            meta,
            sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False),
        )
        self.admin_tokens = sa.Table(
            "admin_tokens",
            meta,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
            sa.Column("hash", sa.Text, nullable=False, unique=True),
            sa.Column("created_on", sa.Text, nullable=False),
        )
        self.former_admin_tokens = sa.Table(
            "former_admin_tokens",
            meta,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("name", sa.Text, nullable=False),
        )
        self.users, self.former_users, self.user_workspaces = _users(meta)
        self.sessions, self.links, self.failures = _sessions(meta)
        self.rate_windows = _rate_windows(meta)
        self.leases = _leases(meta)
        self.audit_entries = _audit_entries(meta)
        self.activity, self.table_sizes = _activity(meta)
        self.webhook_workspaces = sa.Table(
            "webhook_workspaces",
            meta,
            sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False),
        )


def _users(meta: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """The users, the names of deleted ones, and in which workspaces they have or had rights. The rights are
    in the workspaces' own databases. ``was_admin`` stays set: an administrator can write in all
    workspaces."""
    users = sa.Table(
        "users",
        meta,
        sa.Column("id", NAME_KEY, primary_key=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("email_key", NAME_KEY, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text),
        sa.Column("identity", sa.Text, unique=True),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("was_admin", sa.Boolean, nullable=False),
        sa.Column("is_disabled", sa.Boolean, nullable=False),
        sa.Column("created_on", sa.Text, nullable=False),
    )
    former = sa.Table(
        "former_users",
        meta,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("was_admin", sa.Boolean, nullable=False),
    )
    workspaces = sa.Table(
        "user_workspaces",
        meta,
        sa.Column("user_id", sa.Text, primary_key=True),
        sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False, index=True),
    )
    return users, former, workspaces


def _sessions(meta: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """Sessions and one-time links by the hashes of their tokens, and the failed sign-ins that are counted.
    Times are in seconds since 1970."""
    sessions = sa.Table(
        "sessions",
        meta,
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
        sa.Column("address", sa.Text),
        sa.Column("agent", sa.Text),
    )
    links = sa.Table(
        "one_time_links",
        meta,
        sa.Column("hash", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text, nullable=False, index=True),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )
    failures = sa.Table(
        "failed_sign_ins",
        meta,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )
    return sessions, links, failures


def _leases(meta: sa.MetaData) -> sa.Table:
    """Which process does a task, until when, in seconds since 1970."""
    return sa.Table(
        "leases",
        meta,
        sa.Column("task", sa.Text, primary_key=True),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )


def _rate_windows(meta: sa.MetaData) -> sa.Table:
    """The requests that rate limits count, for each app, table and window. ``counts`` is JSON; ``expires`` is
    in seconds since 1970."""
    return sa.Table(
        "rate_windows",
        meta,
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )


def _audit_entries(meta: sa.MetaData) -> sa.Table:
    """The audit log. Ids begin with the time, which is in canonical form; ``details`` is JSON."""
    texts = ("workspace", "target", "cause", "request_id", "address", "details")
    return sa.Table(
        "audit_entries",
        meta,
        sa.Column("id", NAME_KEY, primary_key=True),
        sa.Column("time", NAME_KEY, nullable=False, index=True),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", sa.Text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("action", NAME_KEY, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
    )


def _activity(meta: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """What the server processes have counted, in parts of some minutes that begin ``started`` seconds since
    1970, as JSON; and the sizes of all tables on each day, with their names then."""
    activity = sa.Table(
        "activity",
        meta,
        sa.Column("started", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("process", sa.Text, primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
    )
    sizes = sa.Table(
        "table_sizes",
        meta,
        sa.Column("day", NAME_KEY, primary_key=True),
        sa.Column("workspace_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("table_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    return activity, sizes


@cache
def catalog_tables(namespace: str | None) -> CatalogTables:
    """The same for all scripts: to make them takes a fifth of the start of a command."""
    return CatalogTables(namespace)


CACHED_WORKSPACES = 256


@lru_cache(CACHED_WORKSPACES)
def workspace_tables(namespace: str | None) -> WorkspaceTables:
    """The system tables of the workspace in this namespace, the same for all of its tables."""
    return WorkspaceTables(namespace)


ANY_WORKSPACE = "_any_workspace"
"""A namespace that no workspace has, and the name of nothing of a user."""


def any_workspace(namespace: str | None) -> WorkspaceTables:
    """Tables for statements that are compiled once for all workspaces, if those have namespaces; then
    :func:`in_workspace` makes one of them a statement of this workspace."""
    return workspace_tables(ANY_WORKSPACE if namespace else None)


def in_workspace(statement: Statement, namespace: str | None) -> Statement:
    if namespace is None:
        return statement
    text = in_namespace(statement.text, namespace)
    return Statement(text, statement.parameters, statement.many, statement.is_command)


def in_namespace(text: str, namespace: str | None) -> str:
    """Text with the namespace of a workspace in place of that of any."""
    return text if namespace is None else text.replace(f'"{ANY_WORKSPACE}".', f'"{namespace}".')


class WorkspaceTables:
    """The definitions, apps and grants of one workspace, and the version that every change of them raises.

    The references of tables and the sources of views are part of their definitions. They are stored a second
    time, to be found in the other direction. A grant's ``table_id`` can be the id of a view: no view has the
    id of a table.
    """

    def __init__(self, namespace: str | None) -> None:
        meta = sa.MetaData(schema=quoted(namespace) if namespace else None)
        self.workspace = sa.Table(
            "_rowkeep_workspace",
            meta,
            _only_row(),
            sa.Column("version", sa.BigInteger, nullable=False),
        )
        self.data_keys = sa.Table(
            "_rowkeep_data_keys",
            meta,
            sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("wrapped", sa.LargeBinary, nullable=False),
        )
        self.tables = sa.Table(
            "_rowkeep_tables",
            meta,
            sa.Column("id", sa.Text, primary_key=True),
            sa.Column("name_key", NAME_KEY, nullable=False, unique=True),
            sa.Column("definition", sa.Text, nullable=False),
        )
        self.references = sa.Table(
            "_rowkeep_references",
            meta,
            sa.Column("table_id", sa.Text, primary_key=True),
            sa.Column("column_id", sa.Text, primary_key=True),
            sa.Column("to_table_id", sa.Text, nullable=False, index=True),
            sa.Column("to_column_id", sa.Text, nullable=False),
        )
        self.views, self.view_tables = _view_tables(meta)
        self.apps = _apps(meta)
        self.grants = sa.Table(
            "_rowkeep_grants",
            meta,
            sa.Column("table_id", sa.Text, primary_key=True),
            sa.Column("client_id", sa.Text, primary_key=True, index=True),
            sa.Column("read", sa.Boolean, nullable=False),
            sa.Column("write", sa.Boolean, nullable=False),
            sa.Column("delete", sa.Boolean, nullable=False),
        )
        self.idempotency_keys = _idempotency_keys(meta)
        self.members, self.owners, self.shares = _rights_of_users(meta)
        self.former_apps = _former_apps(meta)
        self.used_tokens = _used_tokens(meta)
        self.row_quotas = _row_quotas(meta)
        self.operations, self.operation_tables = _operations(meta)
        self.histories, self.history_state = _histories(meta)
        self.charts = _charts(meta)
        self.webhooks, self.webhook_tables, self.webhook_deliveries = _webhooks(meta)


def _apps(meta: sa.MetaData) -> sa.Table:
    """The apps. Secrets and keys are encrypted."""
    return sa.Table(
        "_rowkeep_apps",
        meta,
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", NAME_KEY, nullable=False, unique=True),
        sa.Column("algorithm", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary),
        sa.Column("public_key", sa.Text),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_on", sa.Text, nullable=False),
        sa.Column("max_affected", sa.BigInteger),
        sa.Column("allow_all", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("rate_limit", sa.Text),
        sa.Column("require_jti", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("audience", sa.Text),
        sa.Column("jwe_key", sa.LargeBinary),
    )


def _former_apps(meta: sa.MetaData) -> sa.Table:
    """The names of deleted apps."""
    return sa.Table(
        "_rowkeep_former_apps",
        meta,
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
    )


def _used_tokens(meta: sa.MetaData) -> sa.Table:
    """The ``jti`` of tokens that were used, as hashes; ``expires`` is in seconds since 1970."""
    return sa.Table(
        "_rowkeep_used_tokens",
        meta,
        sa.Column("client_id", sa.Text, primary_key=True),
        sa.Column("jti", sa.Text, primary_key=True),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )


def _row_quotas(meta: sa.MetaData) -> sa.Table:
    """A row for each table that came near its quota. Inserts that must count the rows change it first, so
    that they count one after the other."""
    return sa.Table(
        "_rowkeep_row_quotas",
        meta,
        sa.Column("table_id", sa.Text, primary_key=True),
        sa.Column("counts", sa.BigInteger, nullable=False),
    )


HISTORY_SEQUENCE = "_rowkeep_history_seq"
"""The numbers of the records of all tables of a workspace, on PostgreSQL."""

XID = "(pg_current_xact_id())::text"
"""The default of the column ``xid``: no parameter, because a cluster would send one of another node."""


def _operations(meta: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """The operations that changed tables with a history, and which tables each of them changed.

    ``position`` and ``stamped`` are the order and the time that readers see. On SQLite they are given at
    once. On PostgreSQL, where transactions end in any order, ``stamped`` is first the time of the write and
    ``xid`` its transaction; when the operation is ordered, it gets its position. A request that is stored in
    several transactions has an operation for each, with one ``id``. ``writer`` is empty for the server
    itself. ``last_seq`` is the greatest ``seq`` of the operation in the table.

    ``only_table`` is set for the insert of one row, which has the number ``only_seq``: which table it changed
    is noted when it is ordered.
    """
    is_postgres = meta.schema is not None
    unordered = _of_unordered(meta) if is_postgres else []
    operations = sa.Table(
        "_rowkeep_operations",
        meta,
        sa.Column("op", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("id", NAME_KEY, nullable=False, index=True),
        sa.Column("writer", NAME_KEY, nullable=False),
        sa.Column("stamped", NAME_KEY, nullable=False),
        sa.Column("position", sa.BigInteger),
        *unordered,
    )
    ordered = operations.c.position.is_not(None)
    sa.Index("ix__rowkeep_operations_position", operations.c.position, postgresql_where=ordered)
    sa.Index(
        "ix__rowkeep_operations_writer",
        operations.c.writer,
        operations.c.position,
        postgresql_where=ordered,
    )
    if is_postgres:
        sa.Index(
            "ix__rowkeep_operations_xid",
            operations.c.xid,
            postgresql_where=operations.c.position.is_(None),
        )
    tables = sa.Table(
        "_rowkeep_operation_tables",
        meta,
        sa.Column("table_id", sa.Text, primary_key=True),
        sa.Column("op", sa.BigInteger, primary_key=True, autoincrement=False, index=True),
        sa.Column("position", sa.BigInteger),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
    )
    sa.Index(
        "ix__rowkeep_operation_tables_position",
        tables.c.table_id,
        tables.c.position,
        postgresql_where=tables.c.position.is_not(None),
    )
    return operations, tables


def _of_unordered(meta: sa.MetaData) -> list[sa.Column[Any]]:
    """The columns of operations where they are ordered later."""
    return [
        sa.Column("xid", NAME_KEY, server_default=sa.text(XID)),
        sa.Column("only_table", sa.Text),
        sa.Column("only_seq", sa.BigInteger, server_default=sa.text(next_number(meta.schema))),
    ]


def next_number(namespace: str | None) -> str:
    """The next number of a record, in SQL."""
    return f"""nextval('"{namespace}".{HISTORY_SEQUENCE}')"""


def _histories(meta: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    """The tables that have a history: since when it is complete, the cursors before which have expired, and
    (as JSON) the columns that only their records still have. And the state of the workspace: the last
    position, its time, and the moment that no later operation may be at or before."""
    histories = sa.Table(
        "_rowkeep_histories",
        meta,
        sa.Column("table_id", sa.Text, primary_key=True),
        sa.Column("since", NAME_KEY, nullable=False),
        sa.Column("first_position", sa.BigInteger, nullable=False),
        sa.Column("first_seq", sa.BigInteger, nullable=False),
        sa.Column("columns", sa.Text, nullable=False),
    )
    state = sa.Table(
        "_rowkeep_history_state",
        meta,
        _only_row(),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("stamped", NAME_KEY, nullable=False),
        sa.Column("moment", NAME_KEY, nullable=False),
    )
    return histories, state


def _webhooks(meta: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """The webhooks; their tables, with the cursor up to which changes have become messages, and the number of
    the last message; and the messages. Secrets and messages are encrypted, ``kinds`` is JSON, and numbers of
    times are in seconds since 1970."""
    webhooks = sa.Table(
        "_rowkeep_webhooks",
        meta,
        sa.Column("id", NAME_KEY, primary_key=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("created_on", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("former_secret", sa.LargeBinary),
        sa.Column("former_until", sa.BigInteger, nullable=False),
        sa.Column("paused_on", sa.Text),
        sa.Column("paused_reason", sa.Text),
    )
    tables = sa.Table(
        "_rowkeep_webhook_tables",
        meta,
        sa.Column("webhook_id", NAME_KEY, primary_key=True),
        sa.Column("table_id", sa.Text, primary_key=True, index=True),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("queued", sa.BigInteger, nullable=False),
    )
    deliveries = sa.Table(
        "_rowkeep_webhook_deliveries",
        meta,
        sa.Column("id", NAME_KEY, primary_key=True),
        sa.Column("webhook_id", NAME_KEY, nullable=False),
        sa.Column("table_id", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_on", sa.Text, nullable=False),
        sa.Column("data_key", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("first_attempt", sa.BigInteger),
        sa.Column("next_attempt", sa.BigInteger, nullable=False),
        sa.Column("last_attempt_on", sa.Text),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("duration_ms", sa.Integer),
        sa.Column("finished", sa.BigInteger, index=True),
        sa.Index("_rowkeep_webhook_deliveries_queue", "webhook_id", "table_id", "state", "number"),
        sa.Index("_rowkeep_webhook_deliveries_list", "webhook_id", "id"),
    )
    return webhooks, tables, deliveries


def _charts(meta: sa.MetaData) -> sa.Table:
    """The saved charts of tables and views. ``scope`` is empty for a shared one, otherwise the id of the user
    whose private one it is; ``definition`` is JSON."""
    return sa.Table(
        "_rowkeep_charts",
        meta,
        sa.Column("id", NAME_KEY, primary_key=True),
        sa.Column("thing_id", sa.Text, nullable=False),
        sa.Column("scope", NAME_KEY, nullable=False),
        sa.Column("user_id", NAME_KEY, index=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", NAME_KEY, nullable=False),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("created_on", sa.Text, nullable=False),
        sa.Column("updated_on", sa.Text, nullable=False),
        sa.Index("_rowkeep_charts_names", "thing_id", "scope", "name_key", unique=True),
    )


def _rights_of_users(meta: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """The roles of users, and the owners and shares of tables and views by their ids."""
    members = sa.Table(
        "_rowkeep_members",
        meta,
        sa.Column("user_id", NAME_KEY, primary_key=True),
        sa.Column("role", sa.Text, nullable=False),
    )
    owners = sa.Table(
        "_rowkeep_owners",
        meta,
        sa.Column("thing_id", sa.Text, primary_key=True),
        sa.Column("user_id", NAME_KEY, nullable=False, index=True),
    )
    shares = sa.Table(
        "_rowkeep_shares",
        meta,
        sa.Column("thing_id", sa.Text, primary_key=True),
        sa.Column("user_id", NAME_KEY, primary_key=True, index=True),
        sa.Column("right", sa.Text, nullable=False),
    )
    return members, owners, shares


def _idempotency_keys(meta: sa.MetaData) -> sa.Table:
    """The keys of writes. ``response`` is empty only within the transaction of a write; ``operation`` is the
    id of its operation; ``expires`` is in seconds since 1970."""
    return sa.Table(
        "_rowkeep_idempotency_keys",
        meta,
        sa.Column("writer", NAME_KEY, primary_key=True),
        sa.Column("key", NAME_KEY, primary_key=True),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("data_key", sa.Integer, nullable=False),
        sa.Column("response", sa.LargeBinary, nullable=False),
        sa.Column("operation", sa.Text, nullable=False, server_default=""),
        sa.Column("expires", sa.BigInteger, nullable=False, index=True),
    )


def _view_tables(meta: sa.MetaData) -> tuple[sa.Table, sa.Table]:
    views = sa.Table(
        "_rowkeep_views",
        meta,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name_key", NAME_KEY, nullable=False, unique=True),
        sa.Column("definition", sa.Text, nullable=False),
    )
    uses = sa.Table(
        "_rowkeep_view_tables",
        meta,
        sa.Column("view_id", sa.Text, primary_key=True),
        sa.Column("table_id", sa.Text, primary_key=True, index=True),
    )
    return views, uses
