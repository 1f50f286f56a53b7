"""Used tokens: the statements that store which tokens were used."""

from __future__ import annotations

from functools import lru_cache

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement, template
from rowkeep.sql.system_tables import CACHED_WORKSPACES, workspace_tables


class UsedTokenSql:
    """The statements of one workspace."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._used = used = workspace_tables(namespace).used_tokens
        values = {each.name: sa.bindparam(f"token_{each.name}", type_=each.type) for each in used.c}
        insert = dialect.upsert(used).values(values)
        self.use = template(
            insert.on_conflict_do_update(
                index_elements=["client_id", "jti"],
                set_={"expires": insert.excluded.expires},
                where=used.c.expires <= sa.bindparam("token_now", type_=sa.BigInteger()),
            ).returning(used.c.client_id),
            dialect,
        )
        """Stores a ``jti``; has a row unless it is stored already and has not expired."""

    def expire(self, now: int, limit: int) -> Statement:
        """Delete some that have expired."""
        used = self._used
        some = sa.select(used.c.client_id, used.c.jti).where(used.c.expires <= now).order_by(used.c.expires)
        gone = sa.delete(used).where(
            used.c.expires <= now, sa.tuple_(used.c.client_id, used.c.jti).in_(some.limit(limit))
        )
        return statement(gone, self._dialect)


@lru_cache(CACHED_WORKSPACES)
def used_token_sql(dialect: Dialect, namespace: str | None) -> UsedTokenSql:
    """The statements of the workspace in this namespace."""
    return UsedTokenSql(dialect, namespace)
