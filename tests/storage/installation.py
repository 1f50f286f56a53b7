"""An installation with two workspaces, to make faults in it."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

from rowkeep.catalog.catalog import Catalog
from rowkeep.model.ids import wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.services.health import Health
from rowkeep.services.local_store import initialise_store, open_store
from rowkeep.services.workspaces import Workspaces
from rowkeep.settings import Settings
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Database, Steps


def steps_of(database: Database) -> str:
    """The table of completed steps, for a statement."""
    return "_rowkeep_steps" if database.namespace is None else f'"{database.namespace}"._rowkeep_steps'


class Installation:
    """A store with two workspaces: ``used`` is open, ``unused`` is not."""

    def __init__(self, settings: Settings, catalog: Catalog, admin_token: str) -> None:
        self.settings = settings
        self.catalog = catalog
        self.admin_token = admin_token
        self.seconds = 0.0
        self.health = Health(catalog, lambda: self.seconds)

    async def codes(self) -> list[str]:
        """The codes of the faults that are found now."""
        self.seconds += 1000
        fault = await self.health.fault()
        assert fault is None or (fault.status, int(fault.headers["Retry-After"]) > 0) == (503, True)
        problems = [] if fault is None else fault.problems
        assert not any("used" in problem.msg for problem in problems), "a name of a workspace"
        return [problem.code for problem in problems]

    async def use_master_key(self, fingerprint: str) -> None:
        """Record that the store is encrypted with the master key of this fingerprint."""
        known = [await self.catalog.fingerprint()]
        replace = partial(self.catalog.installation.replace_key_fingerprint, known, fingerprint)
        assert await self.catalog.store.catalog.write(replace)

    async def run(self, text: str, database: Database | None = None) -> None:
        def script() -> Steps[None]:
            yield Statement(text)

        await (database or self.catalog.store.catalog).write(script)

    async def physical(self, name: str) -> str:
        found = await self.catalog.store.catalog.read(partial(self.catalog.installation.workspace, name))
        return found.physical

    async def used(self) -> Database:
        """The database of the workspace in use."""
        return (await self.catalog.named("used")).database

    async def add_step(self, database: Database) -> None:
        """As a newer version of Rowkeep would."""
        await self.run(f"INSERT INTO {steps_of(database)} VALUES (999)", database)  # noqa: S608 - ours

    async def write_to_file(self, text: str) -> None:
        """Run statements in the file of the workspace in use, as another program would."""
        with closing(sqlite3.connect(self.file(await self.physical("used")))) as connection:
            connection.executescript(text)

    @asynccontextmanager
    async def opened_again(self) -> AsyncIterator[Installation]:
        """The same store in another process, which has opened nothing yet."""
        async with open_store(self.settings) as catalog:
            yield Installation(self.settings, catalog, self.admin_token)

    def file(self, physical: str) -> Path:
        return Path(self.settings.database_url.removeprefix("sqlite:///")) / "workspaces" / f"{physical}.db"


@asynccontextmanager
async def installed(url: str, directory: Path, **more: int) -> AsyncIterator[Installation]:
    settings = Settings(database_url=url, master_key_file=str(directory / "master.key"), **more)
    first = await initialise_store(settings)
    assert first is not None
    async with open_store(settings) as catalog:
        for name in ("used", "unused"):
            await Workspaces(catalog, wall_clock).create(WorkspaceBody(name=name))
            await catalog.named(name)
    async with open_store(settings) as catalog:
        await catalog.named("used")
        yield Installation(settings, catalog, first.admin_token)
