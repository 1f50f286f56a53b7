"""Store: the pool, the catalog's schema and the workspaces' schemas."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import asyncpg
from sqlalchemy.schema import DropSchema

from rowkeep.errors.catalogue import Busy, SetupError, StorageReadOnly, StorageUnavailable
from rowkeep.model.access import Workspace
from rowkeep.model.ids import IdSource
from rowkeep.settings import Settings
from rowkeep.sql.dialects import POSTGRES
from rowkeep.sql.names import quoted
from rowkeep.sql.statements import Statement, ddl
from rowkeep.sql.system_tables import CATALOG_NAMESPACE
from rowkeep.storage.contract import Row, Store, WorkspaceDatabase
from rowkeep.storage.known_databases import (
    PHYSICAL,
    CatalogDatabase,
    prepare_catalog,
    refuse_if_missing,
    refuse_without_catalog,
)
from rowkeep.storage.migrations import WORKSPACE_STEPS, alone, migrate
from rowkeep.storage.postgres.database import PostgresDatabase, PostgresWorkspaceDatabase
from rowkeep.storage.postgres.pool import Pool
from rowkeep.storage.scripts.catalog import CatalogScripts

CATALOG_MISSING = (
    f"The catalog (schema {CATALOG_NAMESPACE}) is missing or empty in the database of ROWKEEP_DATABASE_URL. "
    "Restore it from a backup of the same time. To start with an empty store, use another database."
)

READ_ONLY = (
    "The database of ROWKEEP_DATABASE_URL is read-only: it is a standby, or default_transaction_read_only is "
    "set for the server, the database or the role. Rowkeep needs one that accepts writes: connect to the "
    "primary, or remove that setting."
)
NO_RIGHT = (
    "PostgreSQL refused what Rowkeep needs: {cause}. The role of ROWKEEP_DATABASE_URL must be allowed to "
    "create schemas (GRANT CREATE ON DATABASE), and must own those of the store."
)
ENCODING = "UTF8"
OTHER_ENCODING = (
    "The database of ROWKEEP_DATABASE_URL has the encoding {encoding}. Rowkeep needs one in UTF-8: create it "
    "with ENCODING 'UTF8' TEMPLATE template0."
)


class PostgresStore(Store):
    """Any number of processes, on any number of machines, may open one database."""

    def __init__(self, url: str, settings: Settings, ids: IdSource) -> None:
        self.ids = ids
        self._pool = Pool(url, settings)
        self._timeout = settings.busy_timeout_seconds
        self._open: dict[int, PostgresWorkspaceDatabase] = {}
        self._opening = asyncio.Lock()
        self._made_catalog = False

    async def open(self, *, create: bool = True) -> None:
        await self._pool.open()
        catalog = PostgresDatabase(self._pool, CATALOG_NAMESPACE, self._pool.turns.catalog)
        self.catalog = CatalogDatabase(catalog)
        encoding, has_catalog = await self.catalog.read(_describe)
        if not has_catalog and not create:
            refuse_without_catalog(await self.present(), CATALOG_MISSING)
            raise SetupError(
                "No store in the database of ROWKEEP_DATABASE_URL. Run rowkeep init or rowkeep serve to "
                "create one."
            )
        if not has_catalog:
            refuse_encoding(encoding)
        prepare = partial(prepare_catalog, POSTGRES, CATALOG_NAMESPACE, _list_present, CATALOG_MISSING)
        with explained():
            self._made_catalog = await catalog.write(prepare)

    async def present(self) -> list[str]:
        return await self.catalog.read(_list_present)

    async def unreadable(self) -> list[str]:
        return await self.catalog.read(_list_unreadable)

    async def check_device(self) -> None:
        if await self.catalog.read(_is_read_only):
            raise StorageReadOnly()

    async def discard(self) -> None:
        if self._made_catalog:
            await self.catalog.write(_drop_unused_catalog)
        await self.close()

    async def close(self) -> None:
        await self._pool.close()

    async def workspace(self, workspace: Workspace) -> WorkspaceDatabase:
        found = self._open.get(workspace.id)
        if found is not None:
            return found
        try:
            async with asyncio.timeout(self._timeout):
                await self._opening.acquire()
        except TimeoutError:
            raise Busy() from None
        try:
            found = self._open.get(workspace.id)
            if found is None:
                found = PostgresWorkspaceDatabase(self._pool, workspace.physical, self.ids)
                await refuse_if_missing(found, workspace)
                await found.write(partial(migrate, WORKSPACE_STEPS, POSTGRES, workspace.physical))
                self._open[workspace.id] = found
            return found
        finally:
            self._opening.release()

    async def drop_workspace(self, workspace: Workspace) -> None:
        self._open.pop(workspace.id, None)
        await self.catalog.write(partial(_drop_schema, workspace.physical))


def _list_present() -> Generator[Statement, Sequence[Row], list[str]]:
    """Script: the schemas of workspaces."""
    rows = yield Statement(
        "SELECT schemaname FROM pg_catalog.pg_tables WHERE tablename = '_rowkeep_workspace'"
    )
    return [row[0] for row in rows if PHYSICAL.fullmatch(row[0])]


def _list_unreadable() -> Generator[Statement, Sequence[Row], list[str]]:
    """Script: the schemas of workspaces that this role cannot use."""
    rows = yield Statement(
        "SELECT nspname FROM pg_catalog.pg_namespace "
        "WHERE nspname ~ '^w[0-9]+_' AND NOT has_schema_privilege(oid, 'USAGE')"
    )
    return [row[0] for row in rows if PHYSICAL.fullmatch(row[0])]


def _is_read_only() -> Generator[Statement, Sequence[Row], bool]:
    """Script: whether the server is a standby, or accepts no writes by its configuration."""
    rows = yield Statement(
        "SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool"
    )
    return bool(rows[0][0])


def _describe() -> Generator[Statement, Sequence[Row], tuple[str, bool]]:
    """Script: the encoding of the database, and whether there is a catalog."""
    catalog = f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = '{CATALOG_NAMESPACE}'"  # noqa: S608 - ours
    found = yield Statement(f"SELECT current_setting('server_encoding'), EXISTS ({catalog})")
    encoding, has_catalog = found[0]
    return encoding, has_catalog


@contextmanager
def explained() -> Iterator[None]:
    """For the first write of a process. Raises SetupError where the database accepts none from it."""
    try:
        yield
    except StorageReadOnly as error:
        raise SetupError(READ_ONLY) from error
    except StorageUnavailable as error:
        if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise SetupError(NO_RIGHT.format(cause=error.__cause__)) from error
        raise


def refuse_encoding(encoding: str) -> None:
    """Raises SetupError for a database that cannot store all texts, or does not know their characters."""
    if encoding != ENCODING:
        raise SetupError(OTHER_ENCODING.format(encoding=encoding))


def _drop_unused_catalog() -> Generator[Statement, Sequence[Row], None]:
    """Script: drop the catalog unless it was initialised."""
    yield from alone(POSTGRES, CATALOG_NAMESPACE)
    if (yield from CatalogScripts(POSTGRES, CATALOG_NAMESPACE).key_fingerprint()) is None:
        yield from _drop_schema(CATALOG_NAMESPACE)


def _drop_schema(namespace: str) -> Generator[Statement, Sequence[Row], None]:
    yield ddl(DropSchema(quoted(namespace), cascade=True, if_exists=True), POSTGRES)
