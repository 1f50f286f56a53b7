"""Tables: defined, listed and dropped by administrators."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import msgspec

from rowkeep.catalog import Catalog
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.definitions import TableBody, definition_of
from rowkeep.model.tables import name_key
from rowkeep.services.lists import Listing, Page


class Tables:
    """The tables of workspaces. Every method raises NoSuchWorkspace, and NoSuchTable where it names one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, workspace: str, body: TableBody) -> dict[str, Any]:
        """Raises NameTaken, and all that is wrong with the definition."""
        live = await self._catalog.named(workspace)
        script = partial(live.definitions.create_table, body, secrets.token_hex(8))
        table, referred = await live.database.write(script)
        live.renew()
        return definition_of(table, referred)

    async def list(self, workspace: str, page: Page) -> Listing:
        live = await self._catalog.named(workspace)
        script = partial(live.definitions.tables_with_referred, page.after, page.limit + 1)
        found, referred = await live.database.read(script)
        return page.listing(
            "tables", found, lambda table: definition_of(table, referred), lambda table: name_key(table.name)
        )

    async def get(self, workspace: str, name: str) -> dict[str, Any]:
        live = await self._catalog.named(workspace)
        return definition_of(*await live.database.read(partial(live.definitions.table_with_referred, name)))

    async def drop(self, workspace: str, name: str) -> None:
        """The table with its rows, its indexes and its grants. Raises StillReferred."""
        live = await self._catalog.named(workspace)
        await live.database.write(partial(live.definitions.drop_table, name))
        live.renew()

    async def set_grant(self, workspace: str, name: str, client_id: str, grant: Grant) -> dict[str, Any]:
        """Raises NoSuchApp."""
        live = await self._catalog.named(workspace)
        given = await live.database.write(partial(live.definitions.set_grant, name, client_id, grant))
        live.renew()
        return grant_form(given)

    async def grants(self, workspace: str, name: str) -> Listing:
        live = await self._catalog.named(workspace)
        found = await live.database.read(partial(live.definitions.grants_on, name))
        return {"grants": [grant_form(each) for each in found]}


def grant_form(given: GrantOf) -> dict[str, Any]:
    """A grant as it is answered."""
    rights = msgspec.structs.asdict(given.grant)
    return {"clientId": given.client_id, "app": given.app, "table": given.table, **rights}
