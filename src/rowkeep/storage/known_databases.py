"""Known databases: compares the existing databases of workspaces with those that the catalog knows.

A missing database must not be created again: its workspace would look empty, and nobody would notice.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa

from rowkeep.errors.catalogue import SetupError, StorageMissing
from rowkeep.limited_log import LimitedLog
from rowkeep.model.access import Workspace
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.storage.contract import Database, Row, Script, StaleCatalog
from rowkeep.storage.inspection import Inspection
from rowkeep.storage.migrations import CATALOG_STEPS, DATABASES_STEP, migrate
from rowkeep.storage.scripts.catalog import CatalogScripts

T = TypeVar("T")

PHYSICAL = re.compile(r"w([0-9]{1,18})_[a-z][a-z0-9_]*")
"""The name of a workspace's file or PostgreSQL schema."""

MAX_NAMES = 5


class CatalogDatabase(Database):
    """The catalog of an open store. If its tables are lost, it counts as missing, and the log reports it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.dialect = database.dialect
        self.namespace = database.namespace
        self._faults = LimitedLog()

    @property
    def inspection(self) -> Inspection:
        return self._database.inspection

    async def read(self, script: Script[T]) -> T:
        try:
            return await self._database.read(script)
        except (StaleCatalog, StorageMissing) as error:
            raise self._missing(error) from error.__cause__

    async def write(self, script: Script[T]) -> T:
        try:
            return await self._database.write(script)
        except (StaleCatalog, StorageMissing) as error:
            raise self._missing(error) from error.__cause__

    async def read_one(self, script: Script[T]) -> T:
        try:
            return await self._database.read_one(script)
        except (StaleCatalog, StorageMissing) as error:
            raise self._missing(error) from error.__cause__

    async def write_one(self, script: Script[T]) -> T:
        try:
            return await self._database.write_one(script)
        except (StaleCatalog, StorageMissing) as error:
            raise self._missing(error) from error.__cause__

    def _missing(self, error: Exception) -> StorageMissing:
        reason = str(error.__cause__ or "its tables are missing")
        self._faults.error("catalog missing", key=reason, reason=reason, action="restore it from a backup")
        return StorageMissing("The catalog is missing. See the server log.")


def prepare_catalog(
    dialect: Dialect, namespace: str | None, present: Script[list[str]], missing: str
) -> Generator[Statement, Sequence[Row], bool]:
    """Script: bring the catalog to this version; returns whether it was created now.

    ``present`` lists the databases of workspaces. Raises SetupError with the text ``missing`` if there are
    databases but no catalog.
    """
    done = yield from migrate(CATALOG_STEPS, dialect, namespace)
    installation = CatalogScripts(dialect, namespace)
    if done == 0:
        refuse_without_catalog((yield from present()), missing)
    elif done < DATABASES_STEP:
        # a store of the first version: databases that exist now must exist from now on
        yield from installation.record_databases(ids_of((yield from present())))
    return done == 0


def refuse_without_catalog(present: Sequence[str], missing: str) -> None:
    """Raises SetupError if there are databases of workspaces."""
    if present:
        names = ", ".join(sorted(present)[:MAX_NAMES]) + (", …" if len(present) > MAX_NAMES else "")
        raise SetupError(f"{missing} Databases of workspaces still exist: {names}.")


def ids_of(names: Iterable[str]) -> list[int]:
    """The ids of the workspaces whose files or PostgreSQL schemas have these names."""
    return [int(found[1]) for name in names if (found := PHYSICAL.fullmatch(name))]


async def refuse_if_missing(database: Database, workspace: Workspace) -> None:
    """Raises StorageMissing if a database that was created is missing or empty."""
    if workspace.is_made:
        try:
            has_tables = await database.read(lambda: _has_keys(database))
        except StaleCatalog:
            has_tables = False
        if not has_tables:
            cause = FileNotFoundError(f"the database {workspace.physical} is missing or empty")
            raise StorageMissing() from cause


def _has_keys(database: Database) -> Generator[Statement, Sequence[Row], bool]:
    keys = workspace_tables(database.namespace).data_keys
    return bool((yield statement(sa.select(keys.c.number).limit(1), database.dialect)))
