"""Restores: a PostgreSQL database that gets the schemas of the workspaces first, and the catalog last.

Without the catalog, no process can open the store. The schema ``rowkeep_restore`` has the names of the
schemas that are not finished, and is dropped in the transaction that creates the catalog.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from rowkeep.errors.catalogue import SetupError
from rowkeep.settings import Settings
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.statements import Statement
from rowkeep.sql.system_tables import CATALOG_NAMESPACE
from rowkeep.storage.contract import Steps
from rowkeep.storage.known_databases import PHYSICAL
from rowkeep.storage.postgres.driver_errors import translated
from rowkeep.storage.postgres.inspection import UNFINISHED
from rowkeep.storage.postgres.snapshots import connect
from rowkeep.storage.postgres.store import explained, refuse_encoding
from rowkeep.storage.restores import RestoreTarget, refuse_other_store
from rowkeep.storage.snapshots import Loader, open_loader

NAMESPACES = "SELECT nspname FROM pg_catalog.pg_namespace"


class PostgresTarget(RestoreTarget):
    dialect = POSTGRES

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection: asyncpg.Connection | None = None
        self._has_begun = False

    @property
    def _open(self) -> asyncpg.Connection:
        assert self._connection is not None  # noqa: S101 - begin is called first
        return self._connection

    async def begin(self, names: Sequence[str]) -> None:
        self._connection = await connect(self._settings.database_url, writes=True)
        with explained(), translated():
            # it lasts as long as the connection
            if not await self._open.fetchval(f"SELECT pg_try_advisory_lock(hashtext('{UNFINISHED}'))"):
                raise SetupError("Another restore into this database is running.")
            refuse_encoding(await self._open.fetchval("SELECT current_setting('server_encoding')"))
            present = {row[0] for row in await self._open.fetch(NAMESPACES)}
            if CATALOG_NAMESPACE in present:
                # a store was created since a restore was killed: the schemas are its own now
                raise refuse_other_store("The database")
            if UNFINISHED in present:
                present -= await self._remove()
            if any(map(PHYSICAL.fullmatch, present)):
                raise refuse_other_store("The database")
            async with self._open.transaction():
                await self._open.execute(f"CREATE SCHEMA {UNFINISHED}")
                await self._open.execute(f"CREATE TABLE {UNFINISHED}.schemas (name text PRIMARY KEY)")
                await self._open.executemany(
                    f"INSERT INTO {UNFINISHED}.schemas (name) VALUES ($1)",  # noqa: S608 - our own name
                    [(name,) for name in names],
                )
        self._has_begun = True

    async def _remove(self) -> set[str]:
        """Drop the schemas that are not finished; returns their names."""
        rows = await self._open.fetch(f"SELECT name FROM {UNFINISHED}.schemas")  # noqa: S608 - our own name
        names = {row[0] for row in rows if PHYSICAL.fullmatch(row[0])}
        for name in sorted(names):
            await self._open.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
        await self._open.execute(f"DROP SCHEMA {UNFINISHED} CASCADE")
        return names

    def namespace(self, physical: str | None) -> str | None:
        return physical or CATALOG_NAMESPACE

    async def loader(self, physical: str | None) -> Loader:
        return await open_loader(self._settings, physical)

    def last_steps(self) -> Steps[None]:
        yield Statement(f"DROP SCHEMA {UNFINISHED} CASCADE")

    async def finish(self) -> None:
        """Everything was done with the catalog."""

    async def discard(self) -> None:
        if self._has_begun:
            with translated():
                present = {row[0] for row in await self._open.fetch(NAMESPACES)}
                if UNFINISHED in present and CATALOG_NAMESPACE not in present:
                    await self._remove()

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
