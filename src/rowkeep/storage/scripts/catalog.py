"""Catalog: scripts over the catalog's database: workspaces, the workspaces of client ids, admin tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import sqlalchemy as sa

from rowkeep.errors.catalogue import DeleteNotAllowed, NameTaken, NoSuchAdminToken, NoSuchWorkspace, preview
from rowkeep.model.access import AdminToken, Workspace
from rowkeep.model.tables import name_key
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS, Template, template
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.migrations import alone
from rowkeep.storage.scripts.access_rows import client_id_taken

IDS_AT_ONCE = 500
"""The number of ids in one statement, below the limit of parameters on both engines."""


def _workspace_of(row: Row) -> Workspace:
    return Workspace(row[0], row[1], row[2], bool(row[3]))


class CatalogScripts:
    """The scripts of the catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._tables = catalog_tables(namespace)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    # what requests ask again and again, and each server every second

    @cached_property
    def _find_workspace(self) -> Template:
        found = self._select_workspaces().where(self._tables.workspaces.c.name_key == sa.bindparam("key"))
        return template(found, self._dialect)

    @cached_property
    def _find_admin_token(self) -> Template:
        tokens = self._tables.admin_tokens
        found = sa.select(tokens.c.id, tokens.c.name, tokens.c.created_on)
        return template(found.where(tokens.c.hash == sa.bindparam("hash")), self._dialect)

    @cached_property
    def _find_workspace_of(self) -> Template:
        clients, workspaces = self._tables.clients, self._tables.workspaces
        joined = workspaces.join(clients, clients.c.workspace_id == workspaces.c.id)
        found = self._select_workspaces().select_from(joined)
        return template(found.where(clients.c.client_id == sa.bindparam("client_id")), self._dialect)

    @cached_property
    def _find_webhook_workspaces(self) -> Template:
        workspaces, recorded = self._tables.workspaces, self._tables.webhook_workspaces
        is_recorded = workspaces.c.id.in_(sa.select(recorded.c.workspace_id))
        return template(self._select_workspaces().where(is_recorded).order_by(workspaces.c.id), self._dialect)

    # store

    def key_fingerprint(self) -> Steps[str | None]:
        """The fingerprint of the master key that the store was initialised with; None for an empty store."""
        rows = yield from self._do(sa.select(self._tables.installation.c.key_fingerprint))
        return str(rows[0][0]) if rows else None

    def replace_key_fingerprint(self, known: Sequence[str], fresh: str) -> Steps[bool]:
        """Record that the store is encrypted with another master key, if its key is one of the ``known``;
        whether it is."""
        installation = self._tables.installation
        replace = sa.update(installation).where(installation.c.key_fingerprint.in_(known))
        fingerprint = installation.c.key_fingerprint
        return bool((yield from self._do(replace.values(key_fingerprint=fresh).returning(fingerprint))))

    def initialise(self, fingerprint: str, created_on: str) -> Steps[bool]:
        """Initialise an empty store with a workspace ``main``; False if it is not empty any more."""
        if (yield from self.key_fingerprint()) is not None:
            return False
        yield from self._do(sa.insert(self._tables.installation).values(key_fingerprint=fingerprint))
        yield from self.create_workspace("main", created_on)
        return True

    # workspaces

    def workspace(self, name: str) -> Steps[Workspace]:
        """Raises NoSuchWorkspace."""
        rows: Sequence[Row] = yield self._find_workspace.bind({"key": name_key(name)})
        if not rows:
            raise NoSuchWorkspace(f"No such workspace: {preview(name)}.")
        return _workspace_of(rows[0])

    def has_workspace(self, workspace: Workspace) -> Steps[bool]:
        """Whether exactly this workspace exists, not another one with its name."""
        workspaces = self._tables.workspaces
        found = yield from self._do(sa.select(workspaces.c.id).where(workspaces.c.id == workspace.id))
        return bool(found)

    def workspaces(self, after: str, limit: int | None) -> Steps[list[Workspace]]:
        key = self._tables.workspaces.c.name_key
        rows = yield from self._do(self._select_workspaces().where(key > after).order_by(key).limit(limit))
        return [_workspace_of(row) for row in rows]

    def workspaces_of_user(self, user_id: str, after: str, limit: int | None) -> Steps[list[Workspace]]:
        """The workspaces in which a user has or had rights, in the order of their names."""
        workspaces, recorded = self._tables.workspaces, self._tables.user_workspaces
        ids = sa.select(recorded.c.workspace_id).where(recorded.c.user_id == user_id)
        key = workspaces.c.name_key
        rows = yield from self._do(
            self._select_workspaces().where(workspaces.c.id.in_(ids), key > after).order_by(key).limit(limit)
        )
        return [_workspace_of(row) for row in rows]

    def _select_workspaces(self) -> sa.Select[tuple[int, str, str, bool]]:
        workspaces, databases = self._tables.workspaces, self._tables.databases
        is_made = sa.exists().where(databases.c.workspace_id == workspaces.c.id)
        return sa.select(workspaces.c.id, workspaces.c.name, workspaces.c.created_on, is_made)

    def record_database(self, workspace: Workspace) -> Steps[None]:
        """Record that the database of a workspace was created; nothing happens if the workspace was deleted
        meanwhile."""
        yield from self.record_databases([workspace.id])

    def record_databases(self, ids: Sequence[int]) -> Steps[None]:
        """The same for several; ids that belong to no workspace are ignored."""
        workspaces, databases = self._tables.workspaces, self._tables.databases
        yield from alone(self._dialect, self._namespace)
        for first in range(0, len(ids), IDS_AT_ONCE):
            wanted = ids[first : first + IDS_AT_ONCE]
            has_database = sa.exists().where(databases.c.workspace_id == workspaces.c.id)
            found = sa.select(workspaces.c.id).where(workspaces.c.id.in_(wanted), ~has_database)
            yield from self._do(sa.insert(databases).from_select(["workspace_id"], found))

    def workspaces_with_database(self) -> Steps[list[Workspace]]:
        """All workspaces whose databases were created."""
        rows = yield from self._do(self._select_workspaces())
        return [workspace for row in rows if (workspace := _workspace_of(row)).is_made]

    def create_workspace(self, name: str, created_on: str) -> Steps[Workspace]:
        """Raises NameTaken."""
        yield from alone(self._dialect, self._namespace)
        workspaces = self._tables.workspaces
        taken = sa.select(workspaces.c.id).where(workspaces.c.name_key == name_key(name))
        if (yield from self._do(taken)):
            raise NameTaken(f"Workspace {name} already exists.", pointer="/name")
        rows = yield from self._do(
            sa.insert(workspaces)
            .values(name=name, name_key=name_key(name), created_on=created_on)
            .returning(workspaces.c.id)
        )
        return Workspace(rows[0][0], name, created_on)

    def delete_workspace(self, name: str) -> Steps[Workspace]:
        """Delete a workspace and the assignments of client ids to it. Raises NoSuchWorkspace,
        DeleteNotAllowed."""
        # two simultaneous requests would both find it
        yield from alone(self._dialect, self._namespace)
        workspace = yield from self.workspace(name)
        if name_key(workspace.name) == "main":
            raise DeleteNotAllowed("The workspace main cannot be deleted.")
        ours = self._tables
        clients, workspaces = ours.clients, ours.workspaces
        for table in (clients, ours.databases, ours.user_workspaces, ours.webhook_workspaces):
            yield from self._do(sa.delete(table).where(table.c.workspace_id == workspace.id))
        yield from self._do(sa.delete(workspaces).where(workspaces.c.id == workspace.id))
        return workspace

    # webhooks

    def record_webhooks(self, workspace: Workspace) -> Steps[None]:
        """Record that a workspace has webhooks."""
        table = self._tables.webhook_workspaces
        yield from alone(self._dialect, self._namespace)
        same = table.c.workspace_id == workspace.id
        if not (yield from self._do(sa.select(table.c.workspace_id).where(same))):
            yield from self._do(sa.insert(table).values(workspace_id=workspace.id))

    def forget_webhooks(self, workspace: Workspace) -> Steps[None]:
        """Record that a workspace has no webhooks any more."""
        table = self._tables.webhook_workspaces
        yield from self._do(sa.delete(table).where(table.c.workspace_id == workspace.id))

    def workspaces_with_webhooks(self) -> Steps[list[Workspace]]:
        """The workspaces that have webhooks, or had them until a short time ago."""
        rows: Sequence[Row] = yield self._find_webhook_workspaces.bind({})
        return [_workspace_of(row) for row in rows]

    # client ids

    def workspace_of(self, client_id: str) -> Steps[Workspace | None]:
        """The workspace that an app belongs to."""
        rows: Sequence[Row] = yield self._find_workspace_of.bind({"client_id": client_id})
        return _workspace_of(rows[0]) if rows else None

    def clients_of(self, workspace: Workspace) -> Steps[list[str]]:
        """All client ids of a workspace."""
        clients = self._tables.clients
        rows = yield from self._do(
            sa.select(clients.c.client_id).where(clients.c.workspace_id == workspace.id)
        )
        return [row[0] for row in rows]

    def claim_client(self, client_id: str, workspace: Workspace) -> Steps[bool]:
        """Assign a client id to a workspace; False if it is assigned to it already. Raises NameTaken if it is
        assigned to another one."""
        # two simultaneous requests would both find it free
        yield from alone(self._dialect, self._namespace)
        clients = self._tables.clients
        rows = yield from self._do(sa.select(clients.c.workspace_id).where(clients.c.client_id == client_id))
        if rows and rows[0][0] != workspace.id:
            raise client_id_taken(client_id)
        if not rows:
            yield from self._do(sa.insert(clients).values(client_id=client_id, workspace_id=workspace.id))
        return not rows

    def remove_client(self, client_id: str) -> Steps[None]:
        yield from self._do(
            sa.delete(self._tables.clients).where(self._tables.clients.c.client_id == client_id)
        )

    # admin tokens

    def admin_tokens(self, after: str, limit: int) -> Steps[list[AdminToken]]:
        tokens = self._tables.admin_tokens
        rows = yield from self._do(
            sa.select(tokens.c.id, tokens.c.name, tokens.c.created_on)
            .where(tokens.c.id > after)
            .order_by(tokens.c.id)
            .limit(limit)
        )
        return [AdminToken(*row) for row in rows]

    def admin_token(self, token_hash: str) -> Steps[AdminToken | None]:
        """The token with this hash."""
        rows: Sequence[Row] = yield self._find_admin_token.bind({"hash": token_hash})
        return AdminToken(*rows[0]) if rows else None

    def has_admin_token(self, token_id: str) -> Steps[bool]:
        tokens = self._tables.admin_tokens
        return bool((yield from self._do(sa.select(tokens.c.id).where(tokens.c.id == token_id))))

    def administrators(self, after: str, limit: int) -> Steps[list[Row]]:
        """Id and name of all admin tokens by id, including deleted ones."""
        tokens, former = self._tables.admin_tokens, self._tables.former_admin_tokens
        every = sa.union_all(
            sa.select(tokens.c.id, tokens.c.name), sa.select(former.c.id, former.c.name)
        ).subquery()
        return list(
            (
                yield from self._do(
                    sa.select(every).where(every.c.id > after).order_by(every.c.id).limit(limit)
                )
            )
        )

    def add_admin_token(self, token: AdminToken, token_hash: str) -> Steps[None]:
        yield from self._do(
            sa.insert(self._tables.admin_tokens).values(
                id=token.id, name=token.name, hash=token_hash, created_on=token.created_on
            )
        )

    def remove_admin_token(self, token_id: str) -> Steps[None]:
        """Remove a token; its name remains, for the rows that it wrote. Raises NoSuchAdminToken, or
        DeleteNotAllowed for the last token."""
        tokens, former = self._tables.admin_tokens, self._tables.former_admin_tokens
        locked = sa.select(tokens.c.id, tokens.c.name).with_for_update()
        names = {row[0]: row[1] for row in (yield from self._do(locked))}
        if token_id not in names:
            raise NoSuchAdminToken(f"No such admin token: {preview(token_id)}.")
        if len(names) == 1:
            raise DeleteNotAllowed("The last admin token cannot be revoked. Create another one first.")
        yield from self._do(sa.insert(former).values(id=token_id, name=names[token_id]))
        yield from self._do(sa.delete(tokens).where(tokens.c.id == token_id))
