"""Workspaces: isolation units, kept by administrators."""

from __future__ import annotations

from functools import partial
from typing import Any

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import ProblemList
from rowkeep.model.access import Workspace
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.ids import Clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.model.tables import name_key
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.lists import Listing, Page


class Workspaces:
    """Every method raises NoSuchWorkspace where it names one."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._clock = clock

    async def create(self, body: WorkspaceBody) -> dict[str, Any]:
        """Raises InvalidName, NameTaken."""
        problems = ProblemList()
        check_name(body.name, "workspace", "/name", problems)
        problems.raise_if_any()
        script = partial(
            self._catalog.installation.create_workspace, body.name, canonical_date(self._clock())
        )
        return _form(await self._database.write(script))

    async def list(self, page: Page) -> Listing:
        script = partial(self._catalog.installation.workspaces, page.after, page.limit + 1)
        return page.listing(
            "workspaces", await self._database.read(script), _form, lambda found: name_key(found.name)
        )

    async def get(self, name: str) -> dict[str, Any]:
        return _form(await self._database.read(partial(self._catalog.installation.workspace, name)))

    async def check_database(self, name: str) -> None:
        """Raises StorageMissing if its database was made and is missing."""
        await self._catalog.check_database(name)

    async def delete(self, name: str) -> None:
        """The workspace with all that is in it. Raises DeleteNotAllowed for ``main``."""
        # of several at once the catalog lets one go on: only that one touches the database
        gone = await self._database.write(partial(self._catalog.installation.delete_workspace, name))
        await self._catalog.drop(gone)


def _form(workspace: Workspace) -> dict[str, Any]:
    return {"name": workspace.name, "createdOn": workspace.created_on}
