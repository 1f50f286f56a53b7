"""Idempotency keys: scripts over the stored keys of one workspace."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

from rowkeep.sql.idempotency import key_sql
from rowkeep.storage.contract import Row, Steps, StoredResponse
from rowkeep.storage.scripts.steps import WorkspaceSteps

REENCRYPTED_AT_ONCE = 50
"""A response can have 1 MiB."""


class IdempotencyKeys(WorkspaceSteps):
    """The scripts of one workspace."""

    def find(self, writer: str, key: str, now: int) -> Steps[StoredResponse | None]:
        """The response to the write with this key, unless it has expired."""
        keys = self._system.idempotency_keys
        rows = yield from self._do(
            sa.select(keys.c.status, keys.c.data_key, keys.c.response, keys.c.operation).where(
                keys.c.writer == writer, keys.c.key == key, keys.c.expires > now
            )
        )
        return StoredResponse(rows[0][0], rows[0][1], bytes(rows[0][2]), rows[0][3]) if rows else None

    def has_expired(self, now: int) -> Steps[bool]:
        """Whether a key has expired."""
        keys = self._system.idempotency_keys
        rows = yield from self._do(sa.select(keys.c.status).where(keys.c.expires <= now).limit(1))
        return bool(rows)

    def delete_expired(self, now: int, limit: int) -> Steps[None]:
        """Delete some of the keys that have expired."""
        yield key_sql(self.dialect, self.namespace).expire(now, limit)

    def delete_of(self, writer: str) -> Steps[None]:
        """Delete the keys of an app."""
        yield from self._delete(writer, ("idempotency_keys", "writer"))

    def of_other_data_keys(self, number: int) -> Steps[list[Row]]:
        """Some keys whose responses are encrypted under another data key than this: writer, key, response."""
        keys = self._system.idempotency_keys
        rows = yield from self._do(
            sa.select(keys.c.writer, keys.c.key, keys.c.response)
            .where(keys.c.data_key != number)
            .limit(REENCRYPTED_AT_ONCE)
        )
        return list(rows)

    def reencrypt(self, rows: list[Row], number: int, reencrypt: Callable[[Row], bytes]) -> Steps[None]:
        """Encrypt the responses of these keys again, those that are still as they were read."""
        keys = self._system.idempotency_keys
        for row in rows:
            yield from self._do(
                sa.update(keys)
                .values(response=reencrypt(row), data_key=number)
                .where(keys.c.writer == row[0], keys.c.key == row[1], keys.c.response == bytes(row[2]))
            )
