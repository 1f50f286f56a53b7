"""Used tokens: scripts over the ``jti`` of one workspace that were used."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.sql.used_tokens import used_token_sql
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps


class UsedTokens(WorkspaceSteps):
    """The scripts of one workspace."""

    def use(self, client_id: str, jti: str, now: int, expires: int) -> Steps[bool]:
        """Store the hash of a ``jti`` until it expires; False if it was used before. Of several requests,
        only one can use it."""
        values = {
            "token_client_id": client_id,
            "token_jti": jti,
            "token_expires": expires,
            "token_now": now,
        }
        return bool((yield used_token_sql(self.dialect, self.namespace).use.bind(values)))

    def has_expired(self, now: int) -> Steps[bool]:
        """Whether there is something to delete."""
        used = self._system.used_tokens
        rows = yield from self._do(sa.select(used.c.jti).where(used.c.expires <= now).limit(1))
        return bool(rows)

    def delete_expired(self, now: int, limit: int) -> Steps[None]:
        """Delete some that have expired."""
        yield used_token_sql(self.dialect, self.namespace).expire(now, limit)
