"""Workspaces: isolation units, managed by administrators."""

from __future__ import annotations

from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import ProblemList
from rowkeep.model.access import Workspace
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.ids import Clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.model.tables import name_key
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.audit import write_audited
from rowkeep.services.lists import Listing, ListRequest


class Workspaces:
    """Every method raises NoSuchWorkspace where it names one."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._clock = clock

    async def create(self, body: WorkspaceBody) -> Workspace:
        """Raises InvalidName, NameTaken."""
        problems = ProblemList()
        check_name(body.name, "workspace", "/name", problems)
        problems.raise_if_any()
        script = partial(
            self._catalog.installation.create_workspace, body.name, canonical_date(self._clock())
        )
        return await write_audited(self._catalog, script)

    async def list(self, request: ListRequest) -> Listing[Workspace]:
        script = partial(self._catalog.installation.workspaces, request.after, request.limit + 1)
        return request.page(await self._database.read(script), lambda each: name_key(each.name))

    async def get(self, name: str) -> Workspace:
        return await self._database.read(partial(self._catalog.installation.workspace, name))

    async def check_database(self, name: str) -> None:
        """Raises StorageMissing if its database was created and is missing."""
        await self._catalog.check_database(name)

    async def delete(self, name: str) -> None:
        """Delete the workspace with its contents. Raises DeleteNotAllowed for ``main``."""
        # of several concurrent requests, only one continues after this and drops the database
        delete = partial(self._catalog.installation.delete_workspace, name)
        deleted = await write_audited(self._catalog, delete)
        await self._catalog.drop(deleted)
