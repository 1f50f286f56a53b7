"""Tables: created, listed, changed and dropped by administrators."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.definitions.tables import TableBody, definition_of
from rowkeep.model.tables import Table, TableSize, name_key
from rowkeep.model.users import EVERYBODY, Asker
from rowkeep.plan.table_changes.diff import TableStep
from rowkeep.services.expected import check_tag, if_expected
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.table_changes import rewrites
from rowkeep.storage.contract import StaleCatalog, Steps
from rowkeep.storage.scripts.table_changes import TableChanges, Undone
from rowkeep.storage.scripts.tables import Tables as TableScripts

MAX_ATTEMPTS = 20
"""How often a dry run, or a list with sizes, is repeated because definitions changed meanwhile."""


class DefinedTable(msgspec.Struct, frozen=True):
    """A table, and the tables that it references, by id; its size, if it was asked for."""

    table: Table
    referenced: Mapping[str, Table]
    size: TableSize | None = None


class ChangeStep(msgspec.Struct, frozen=True):
    """One step of a change of definitions, described for people."""

    description: str
    rewrites_table: bool
    loses_data: bool


class Tables:
    """The tables of workspaces. Every method raises NoSuchWorkspace, and NoSuchTable where it names one."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def create(self, workspace: str, body: TableBody) -> DefinedTable:
        """Raises NameTaken, and all errors in the definition."""
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.tables.create, body, secrets.token_hex(8), opened.owner)
        created = DefinedTable(*await opened.database.write(script))
        opened.renew()
        return created

    async def list(
        self, workspace: str, request: ListRequest, asker: Asker = EVERYBODY, *, sizes: bool = False
    ) -> Listing[DefinedTable]:
        opened = await self._catalog.named(workspace)
        if sizes:
            tables = await self._sized(opened, request, asker)
        else:
            script = partial(
                opened.scripts.tables.page_with_referred, request.after, request.limit + 1, asker
            )
            found, referenced = await opened.database.read(script)
            tables = [DefinedTable(table, referenced) for table in found]
        return request.page(tables, lambda each: name_key(each.table.name))

    async def _sized(
        self, opened: OpenWorkspace, request: ListRequest, asker: Asker
    ) -> Sequence[DefinedTable]:
        """A page of tables with their sizes; read again if one of them was dropped meanwhile."""
        script = partial(opened.scripts.tables.page_with_sizes, request.after, request.limit + 1, asker)
        for _ in range(MAX_ATTEMPTS):
            with suppress(StaleCatalog):
                found, referenced, sizes = await opened.database.read(script)
                return [
                    DefinedTable(table, referenced, size) for table, size in zip(found, sizes, strict=True)
                ]
        raise Busy("Table definitions keep changing. Try again.")

    async def get(self, workspace: str, name: str) -> DefinedTable:
        opened = await self._catalog.named(workspace)
        return DefinedTable(*await opened.database.read(partial(opened.scripts.tables.get, name)))

    async def change(
        self,
        workspace: str,
        name: str,
        body: TableBody,
        *,
        dry_run: bool,
        allow_data_loss: bool,
        expected: str | None = None,
    ) -> DefinedTable | Sequence[ChangeStep]:
        """Change the table to its new definition, or for a dry run return the steps that it would take.
        ``expected`` is the tag of the definition that it is based on.

        Raises NameTaken, IncompatibleRows, DefinitionChanged, all errors in the definition and, except for a
        dry run, DataLoss unless it is allowed.
        """
        opened = await self._catalog.named(workspace)
        changes = TableChanges(opened.scripts, opened.ciphers, opened.viewer)
        former = body.renamed_from if isinstance(body.renamed_from, str) else ""
        check = partial(_check_table, opened.scripts.tables, former or name)
        if dry_run:
            if expected is not None:
                await opened.database.read(partial(check, expected))
            return await self._rehearse(opened, changes, name, body)
        planned = await opened.database.read(partial(changes.plan, name, body))
        if not planned.change.steps:
            return DefinedTable(planned.change.after, planned.referred)
        make = partial(changes.make, name, body, allow_data_loss=allow_data_loss)
        checked = if_expected(expected, opened.scripts.state, check, make)
        defined = await opened.write_with_keys(lambda: checked)
        opened.renew()
        return DefinedTable(defined.change.after, defined.referred)

    async def _rehearse(
        self, opened: OpenWorkspace, changes: TableChanges, name: str, body: TableBody
    ) -> Sequence[ChangeStep]:
        """The steps of a change, at one version of the workspace."""
        for _ in range(MAX_ATTEMPTS):
            await opened.load_keys()
            with suppress(StaleCatalog):
                planned = await opened.database.read(partial(changes.rehearse, name, body))
                broken = await opened.database.read(partial(changes.broken_charts, planned))
                if planned.change.needs_trial:
                    trial = partial(changes.make, name, body, allow_data_loss=True, undo=True)
                    with suppress(Undone):
                        await opened.database.write(trial)
                if await opened.database.read(opened.scripts.state.version) == planned.version:
                    steps = [_described(step, opened.database.dialect) for step in planned.change.steps]
                    return [*steps, *(ChangeStep(each, False, False) for each in broken)]
        raise Busy("Table definitions keep changing. Nothing was changed; try again.")

    async def drop(self, workspace: str, name: str, expected: str | None = None) -> None:
        """Drop the table with its rows, indexes and grants. Raises StillReferenced, DefinitionChanged."""
        opened = await self._catalog.named(workspace)
        scripts = opened.scripts
        check = partial(_check_table, scripts.tables, name)
        await opened.database.write(
            if_expected(expected, scripts.state, check, partial(scripts.tables.drop, name, opened.viewer))
        )
        opened.renew()

    async def set_grant(self, workspace: str, name: str, client_id: str, grant: Grant) -> GrantOf:
        """Raises NoSuchApp."""
        opened = await self._catalog.named(workspace)
        given = await opened.database.write(partial(opened.scripts.access.set_grant, name, client_id, grant))
        opened.renew()
        return given

    async def grants(self, workspace: str, name: str) -> Sequence[GrantOf]:
        opened = await self._catalog.named(workspace)
        return await opened.database.read(partial(opened.scripts.access.grants_on, name))


def _check_table(tables: TableScripts, name: str, tag: str) -> Steps[None]:
    """Raises DefinitionChanged if the table has another tag, and NoSuchTable."""
    table, referred = yield from tables.get(name)
    check_tag(definition_of(table, referred), tag, f"Table {table.name}")


def _described(step: TableStep, dialect: Dialect) -> ChangeStep:
    return ChangeStep(step.description, rewrites(step, dialect), step.loses_data)
