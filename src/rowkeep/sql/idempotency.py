"""Idempotency keys: the statements that store the keys of writes, with their responses."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement, template
from rowkeep.sql.system_tables import CACHED_WORKSPACES, workspace_tables

COLUMNS = ("writer", "key", "status", "data_key", "response", "operation", "expires")
RESPONSE = ("status", "data_key", "response", "operation")
"""The columns of a key, and the parameters that its statements have for them."""

NOW = "key_now"


class KeySql:
    """The statements of one workspace."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._keys = workspace_tables(namespace).idempotency_keys
        self.claim = template(self.claiming(), dialect)
        """Stores a key unless it is there; one that has expired is replaced."""
        self.find = template(
            sa.select(*(self._keys.c[name] for name in RESPONSE)).where(
                *self._is_key(), self._keys.c.expires > _parameter(NOW, sa.BigInteger())
            ),
            dialect,
        )
        self.respond = template(
            sa.update(self._keys)
            .values({name: self._open(name) for name in RESPONSE})
            .where(*self._is_key()),
            dialect,
        )
        """Gives a key its response."""
        self.no_key = statement(
            sa.delete(self._keys).where(self._keys.c.writer == "", self._keys.c.key == ""), dialect
        )
        """A write that finds nothing."""

    def claiming(self, only_if: sa.Select[Any] | None = None) -> Any:
        """An insert of a key, for a statement of several parts; ``only_if`` is a select whose row must be
        there, to which the values of the key are added."""
        insert = self._dialect.upsert(self._keys)
        values = {name: self._open(name) for name in COLUMNS}
        if only_if is None:
            insert = insert.values(values)
        else:
            insert = insert.from_select(list(COLUMNS), only_if.add_columns(*values.values()))
        brought = insert.excluded
        return insert.on_conflict_do_update(
            index_elements=["writer", "key"],
            set_={name: brought[name] for name in COLUMNS[2:]},
            where=self._keys.c.expires <= _parameter(NOW, sa.BigInteger()),
        )

    def expire(self, now: int, limit: int) -> Statement:
        """Delete some of the keys that have expired."""
        keys = self._keys
        some = (
            sa.select(keys.c.writer, keys.c.key).where(keys.c.expires <= now).order_by(keys.c.expires)
        ).limit(limit)
        gone = sa.delete(keys).where(keys.c.expires <= now, sa.tuple_(keys.c.writer, keys.c.key).in_(some))
        return statement(gone, self._dialect)

    def _is_key(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (self._keys.c.writer == self._open("writer"), self._keys.c.key == self._open("key"))

    def _open(self, name: str) -> sa.BindParameter[Any]:
        return _parameter(f"key_{name}", self._keys.c[name].type)


def _parameter(name: str, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=kind)


@lru_cache(CACHED_WORKSPACES)
def key_sql(dialect: Dialect, namespace: str | None) -> KeySql:
    """The statements of the workspace in this namespace."""
    return KeySql(dialect, namespace)
