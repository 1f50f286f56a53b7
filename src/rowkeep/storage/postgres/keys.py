"""Keys: idempotency keys, stored in the transaction of the write that they belong to.

The key is inserted first and the number of inserted rows is looked at: another write with the same key waits
there until the first one has ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

from rowkeep.errors.catalogue import Busy, IdempotencyInProgress
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.idempotency import KeySql, key_sql
from rowkeep.storage.contract import KeyUsed, StaleCatalog, StoredResponse, WriteKey
from rowkeep.storage.key_values import key_values
from rowkeep.storage.postgres.pool import MAX_TRIES, Call, Pool

T = TypeVar("T")

TABLE = "_rowkeep_idempotency_keys"


class _TakenError(Exception):
    """The key is there already."""


async def keyed(
    pool: Pool,
    call: Call,
    namespace: str | None,
    key: WriteKey,
    work: Callable[[asyncpg.Connection], Awaitable[T]],
    begin: str = "BEGIN",
    tries: int = MAX_TRIES,
) -> T:
    """Do ``work`` in a transaction that stores its response under the key. Raises KeyUsed,
    IdempotencyInProgress."""
    keys = key_sql(POSTGRES, namespace)

    async def run(connection: asyncpg.Connection) -> T:
        await _claim(connection, keys, key)
        result = await work(connection)
        respond = keys.respond.bind(key_values(key, key.respond(result)))
        await connection.execute(respond.text, *respond.parameters)
        return result

    try:
        return await pool.transaction(run, call, begin, tries)
    except _TakenError:
        raise await used_key(pool, call, namespace, key) from None


async def _claim(connection: asyncpg.Connection, keys: KeySql, key: WriteKey) -> None:
    claim = keys.claim.bind(key_values(key))
    try:
        done = await connection.execute(claim.text, *claim.parameters)
    except asyncpg.LockNotAvailableError as error:
        raise IdempotencyInProgress() from error
    if done != "INSERT 0 1":
        raise _TakenError()


async def used_key(pool: Pool, call: Call, namespace: str | None, key: WriteKey) -> Exception:
    """The error for a write that did not take place: its key was used, or else definitions have changed."""
    find = key_sql(POSTGRES, namespace).find.bind(key_values(key))
    for row in await pool.fetch(call, find.text, find.parameters):
        return KeyUsed(StoredResponse(*row))
    return StaleCatalog()


def is_in_progress(busy: Busy) -> bool:
    """Whether a statement has waited too long for a key that another one inserts."""
    return TABLE in (getattr(busy.__cause__, "context", None) or "")
