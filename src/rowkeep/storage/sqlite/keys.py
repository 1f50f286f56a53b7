"""Keys: idempotency keys, stored in the savepoint of the write that they belong to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import apsw

from rowkeep.model.ids import Stamp
from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.idempotency import key_sql
from rowkeep.storage.contract import KeyUsed, PartlyInserted, StoredResponse, WriteKey
from rowkeep.storage.key_values import key_values
from rowkeep.storage.sqlite.connections import translated

T = TypeVar("T")


class _UsedAmongOthers(Exception):
    """One of several keys was used before, or two are equal: their writes are run one by one."""


def claim(connection: apsw.Connection, key: WriteKey, inserted: Stamp | PartlyInserted) -> None:
    """Store the key of an insert with its response. Raises KeyUsed."""
    check_unused(connection, key)
    _store(connection, [key], [key.respond(inserted)])


def claim_all(connection: apsw.Connection, keys: Sequence[WriteKey], stamps: Iterable[Stamp]) -> None:
    """Store the keys of several inserts. Raises if one of them was used before."""
    responses = [key.respond(stamp) for key, stamp in zip(keys, stamps, strict=True)]
    if _store(connection, keys, responses) < len(keys):
        raise _UsedAmongOthers()


def _store(connection: apsw.Connection, keys: Sequence[WriteKey], responses: Sequence[StoredResponse]) -> int:
    """How many were stored."""
    before = connection.total_changes()
    claiming = key_sql(SQLITE, None).claim
    values = (key_values(key, stored) for key, stored in zip(keys, responses, strict=True))
    with translated():
        connection.executemany(claiming.text, [claiming.bind(each).parameters for each in values])
    return connection.total_changes() - before


def keyed(key: WriteKey, work: Callable[[apsw.Connection], T], connection: apsw.Connection) -> T:
    """Do ``work``, and store its response under the key. Raises KeyUsed."""
    check_unused(connection, key)
    result = work(connection)
    _store(connection, [key], [key.respond(result)])
    return result


def check_unused(connection: apsw.Connection, key: WriteKey) -> None:
    """Raises KeyUsed."""
    find = key_sql(SQLITE, None).find.bind(key_values(key))
    with translated():
        found = connection.execute(find.text, find.parameters).fetchall()
    if found:
        stored: tuple[Any, ...] = found[0]
        raise KeyUsed(StoredResponse(*stored))
