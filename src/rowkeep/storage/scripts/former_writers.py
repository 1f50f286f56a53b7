"""Former writers: scripts over the names of administrators and users who wrote rows and are not there any
more, or never were, because a copy brought their rows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from rowkeep.model.access import Workspace
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.migrations import alone


class KnownWriter(msgspec.Struct, frozen=True):
    id: str
    name: str


class FormerWriters(msgspec.Struct, frozen=True):
    """Administrators' tokens and users."""

    tokens: Sequence[KnownWriter]
    users: Sequence[KnownWriter]


class WriterScripts:
    """The scripts of one catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._tables = catalog_tables(namespace)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    def all(self) -> Steps[FormerWriters]:
        """All tokens and users, including deleted ones."""
        tables = self._tables
        tokens = yield from self._named(tables.admin_tokens, tables.former_admin_tokens)
        return FormerWriters(tokens, (yield from self._named(tables.users, tables.former_users)))

    def _named(self, now: sa.Table, former: sa.Table) -> Steps[list[KnownWriter]]:
        every = sa.union_all(sa.select(now.c.id, now.c.name), sa.select(former.c.id, former.c.name))
        return [KnownWriter(row[0], row[1]) for row in (yield from self._do(every))]

    def remember(self, wrote: FormerWriters, workspace: Workspace) -> Steps[None]:
        """Add the names of those who are not known here, as of deleted ones; users are recorded as writers of
        the workspace."""
        yield from alone(self._dialect, self._namespace)
        known = yield from self.all()
        tables = self._tables
        ids = {each.id for each in known.tokens}
        for token in wrote.tokens:
            if token.id not in ids:
                yield from self._do(
                    sa.insert(tables.former_admin_tokens).values(id=token.id, name=token.name)
                )
        ids = {each.id for each in known.users}
        seen = tables.user_workspaces
        for user in wrote.users:
            if user.id not in ids:
                former = {"id": user.id, "name": user.name, "was_admin": False}
                yield from self._do(sa.insert(tables.former_users).values(former))
            same = sa.and_(seen.c.user_id == user.id, seen.c.workspace_id == workspace.id)
            if not (yield from self._do(sa.select(seen.c.user_id).where(same))):
                yield from self._do(sa.insert(seen).values(user_id=user.id, workspace_id=workspace.id))
