"""Views: created, listed, replaced and dropped by administrators."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import InvalidBody
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import Table, name_key
from rowkeep.model.users import EVERYBODY, Asker
from rowkeep.model.views import View
from rowkeep.services.lists import Listing, ListRequest


class DefinedView(msgspec.Struct, frozen=True):
    """A view, and the tables that it reads, by id."""

    view: View
    tables: Mapping[str, Table]


class Views:
    """The views of workspaces. Every method raises NoSuchWorkspace, and NoSuchView where it names one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, workspace: str, body: ViewBody) -> DefinedView:
        """Raises NameTaken, and all errors in the definition."""
        opened = await self._catalog.named(workspace)
        created = await opened.database.write(
            partial(opened.scripts.views.create, body, secrets.token_hex(8), opened.owner)
        )
        opened.renew()
        return DefinedView(*created)

    async def list(
        self, workspace: str, request: ListRequest, asker: Asker = EVERYBODY
    ) -> Listing[DefinedView]:
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.views.page, request.after, request.limit + 1, asker)
        found, tables = await opened.database.read(script)
        views = [DefinedView(view, tables) for view in found]
        return request.page(views, lambda each: name_key(each.view.name))

    async def get(self, workspace: str, name: str) -> DefinedView:
        opened = await self._catalog.named(workspace)
        return DefinedView(*await opened.database.read(partial(opened.scripts.views.get, name)))

    async def replace(self, workspace: str, name: str, body: ViewBody) -> DefinedView:
        """Replace the view's definition; its grants are unchanged. Raises the errors of create."""
        opened = await self._catalog.named(workspace)
        created = await opened.database.write(partial(opened.scripts.views.replace, name, body))
        opened.renew()
        return DefinedView(*created)

    async def drop(self, workspace: str, name: str) -> None:
        """Drop the view with its grants; its tables do not change."""
        opened = await self._catalog.named(workspace)
        await opened.database.write(partial(opened.scripts.views.drop, name))
        opened.renew()

    async def set_grant(self, workspace: str, name: str, client_id: str, grant: Grant) -> GrantOf:
        """Raises NoSuchApp, and InvalidBody for rights other than read."""
        for right in ("write", "delete"):
            if getattr(grant, right):
                raise InvalidBody(f"A view can only be read: {right} must be false.", pointer=f"/{right}")
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.access.set_grant, name, client_id, grant, on_view=True)
        given = await opened.database.write(script)
        opened.renew()
        return given

    async def grants(self, workspace: str, name: str) -> Sequence[GrantOf]:
        opened = await self._catalog.named(workspace)
        return await opened.database.read(partial(opened.scripts.access.grants_on, name, on_view=True))
