"""Store: the pool, the catalog's schema and the workspaces' schemas."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from functools import partial

from sqlalchemy.schema import DropSchema

from rowkeep.model.access import Workspace
from rowkeep.model.identity import IdSource
from rowkeep.settings import Settings
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.names import quoted
from rowkeep.sql.statements import Statement, ddl
from rowkeep.sql.system import CATALOG_SCHEMA
from rowkeep.storage.base import Row, Store, WorkspaceDatabase
from rowkeep.storage.migrations import CATALOG_STEPS, WORKSPACE_STEPS, migrate
from rowkeep.storage.postgres.connections import Pool
from rowkeep.storage.postgres.database import PostgresDatabase, PostgresWorkspaceDatabase


class PostgresStore(Store):
    """Any number of processes, on any number of machines, may open one database."""

    catalog: PostgresDatabase

    def __init__(self, url: str, settings: Settings, ids: IdSource) -> None:
        self.ids = ids
        self._pool = Pool(url, settings)
        self._open: dict[int, PostgresWorkspaceDatabase] = {}
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        await self._pool.open()
        self.catalog = PostgresDatabase(self._pool, CATALOG_SCHEMA)
        await self.catalog.write(partial(migrate, CATALOG_STEPS, POSTGRES, CATALOG_SCHEMA))

    async def close(self) -> None:
        await self._pool.close()

    async def workspace(self, workspace: Workspace) -> WorkspaceDatabase:
        found = self._open.get(workspace.id)
        if found is not None:
            return found
        async with self._opening:
            found = self._open.get(workspace.id)
            if found is None:
                found = PostgresWorkspaceDatabase(self._pool, workspace.physical, self.ids)
                await found.write(partial(migrate, WORKSPACE_STEPS, POSTGRES, workspace.physical))
                self._open[workspace.id] = found
            return found

    async def drop_workspace(self, workspace: Workspace) -> None:
        self._open.pop(workspace.id, None)
        await self.catalog.write(partial(_drop_schema, workspace.physical))


def _drop_schema(schema: str) -> Generator[Statement, Sequence[Row], None]:
    yield ddl(DropSchema(quoted(schema), cascade=True, if_exists=True), POSTGRES)
