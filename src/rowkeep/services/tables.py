"""Tables: defined, listed and dropped by administrators."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import msgspec

from rowkeep.catalog.catalog import Catalog, LiveWorkspace
from rowkeep.errors.catalogue import Busy
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.definitions.tables import TableBody, definition_of
from rowkeep.model.tables import name_key
from rowkeep.plan.table_changes.diff import Step
from rowkeep.services.lists import Listing, Page
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.table_changes import rewrites
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.scripts.table_changes import TableChanges, Undone

MAX_ATTEMPTS = 20
"""How often a change is rehearsed anew because definitions changed meanwhile."""


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

    async def change(
        self, workspace: str, name: str, body: TableBody, *, dry_run: bool, allow_data_loss: bool
    ) -> dict[str, Any]:
        """The table as its new definition says, or, for a dry run, the steps that this would take.

        Raises NameTaken, IncompatibleRows, all that is wrong with the definition and, but not for a dry run,
        DataLoss unless that is allowed.
        """
        live = await self._catalog.named(workspace)
        changes = TableChanges(live.definitions, live.ciphers)
        if dry_run:
            return {"steps": await self._rehearse(live, changes, name, body)}
        planned = await live.database.read(partial(changes.plan, name, body))
        if not planned.change.steps:
            return definition_of(planned.change.after, planned.referred)
        make = partial(changes.make, name, body, allow_data_loss=allow_data_loss)
        try:
            made = await live.database.write(make)
        except StaleCatalog:
            # data keys were replaced meanwhile: once more, with those that there are now
            await live.load_keys()
            made = await live.database.write(make)
        live.renew()
        return definition_of(made.change.after, made.referred)

    async def _rehearse(
        self, live: LiveWorkspace, changes: TableChanges, name: str, body: TableBody
    ) -> Sequence[dict[str, Any]]:
        """The steps of a change, from one version of the workspace."""
        for _ in range(MAX_ATTEMPTS):
            await live.load_keys()
            with suppress(StaleCatalog):
                planned = await live.database.read(partial(changes.rehearse, name, body))
                if planned.change.needs_trial:
                    trial = partial(changes.make, name, body, allow_data_loss=True, undo=True)
                    with suppress(Undone):
                        await live.database.write(trial)
                if await live.database.read(live.definitions.version) == planned.version:
                    return [_step_form(step, live.database.dialect) for step in planned.change.steps]
        raise Busy("Table definitions keep changing. Nothing was changed; try again.")

    async def drop(self, workspace: str, name: str) -> None:
        """The table with its rows, its indexes and its grants. Raises StillReferenced."""
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


def _step_form(step: Step, dialect: Dialect) -> dict[str, Any]:
    return {
        "step": step.says,
        "rewritesTable": rewrites(step, dialect),
        "losesData": step.loses_data,
    }


def grant_form(given: GrantOf) -> dict[str, Any]:
    """A grant as it is answered."""
    rights = msgspec.structs.asdict(given.grant)
    kind = "view" if given.is_on_view else "table"
    return {"clientId": given.client_id, "app": given.app, kind: given.name, **rights}
