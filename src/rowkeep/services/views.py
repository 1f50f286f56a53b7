"""Views: defined, listed, replaced and dropped by administrators."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import InvalidBody
from rowkeep.model.access import Grant
from rowkeep.model.definitions.views import ViewBody, definition_of_view
from rowkeep.model.tables import name_key
from rowkeep.services.lists import Listing, Page
from rowkeep.services.tables import grant_form


class Views:
    """The views of workspaces. Every method raises NoSuchWorkspace, and NoSuchView where it names one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, workspace: str, body: ViewBody) -> dict[str, Any]:
        """Raises NameTaken, and all that is wrong with the definition."""
        live = await self._catalog.named(workspace)
        made = await live.database.write(partial(live.views.create, body, secrets.token_hex(8)))
        live.renew()
        return definition_of_view(*made)

    async def list(self, workspace: str, page: Page) -> Listing:
        live = await self._catalog.named(workspace)
        found, tables = await live.database.read(partial(live.views.views, page.after, page.limit + 1))
        return page.listing(
            "views", found, lambda view: definition_of_view(view, tables), lambda view: name_key(view.name)
        )

    async def get(self, workspace: str, name: str) -> dict[str, Any]:
        live = await self._catalog.named(workspace)
        return definition_of_view(*await live.database.read(partial(live.views.get, name)))

    async def replace(self, workspace: str, name: str, body: ViewBody) -> dict[str, Any]:
        """The view as the definition says; it keeps its grants. Raises as create does."""
        live = await self._catalog.named(workspace)
        made = await live.database.write(partial(live.views.replace, name, body))
        live.renew()
        return definition_of_view(*made)

    async def drop(self, workspace: str, name: str) -> None:
        """The view with its grants; its tables stay as they are."""
        live = await self._catalog.named(workspace)
        await live.database.write(partial(live.views.drop, name))
        live.renew()

    async def set_grant(self, workspace: str, name: str, client_id: str, grant: Grant) -> dict[str, Any]:
        """Raises NoSuchApp, and InvalidBody for a right that no view has."""
        for right in ("write", "delete"):
            if getattr(grant, right):
                raise InvalidBody(f"A view can only be read: {right} must be false.", pointer=f"/{right}")
        live = await self._catalog.named(workspace)
        script = partial(live.definitions.set_grant, name, client_id, grant, on_view=True)
        given = await live.database.write(script)
        live.renew()
        return grant_form(given)

    async def grants(self, workspace: str, name: str) -> Listing:
        live = await self._catalog.named(workspace)
        found = await live.database.read(partial(live.definitions.grants_on, name, on_view=True))
        return {"grants": [grant_form(each) for each in found]}
