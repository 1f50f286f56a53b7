"""Views: created, listed, replaced and dropped by administrators."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy, InvalidBody, QueryTimeout
from rowkeep.model.access import Grant, GrantOf
from rowkeep.model.data_requests import QueryBody, RowRange
from rowkeep.model.definitions.views import ViewBody, definition_of_view
from rowkeep.model.tables import Table, name_key
from rowkeep.model.users import EVERYBODY, Asker
from rowkeep.model.views import View
from rowkeep.plan.charts.read import chart_sources
from rowkeep.plan.rows.select import plan_select
from rowkeep.services.expected import check_tag, if_expected
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.services.row_requests import QueryPage
from rowkeep.services.rows import too_large_sum
from rowkeep.services.tables import MAX_ATTEMPTS, ChangeStep
from rowkeep.settings import Settings
from rowkeep.storage.contract import BeyondRange, StaleCatalog, Steps
from rowkeep.storage.scripts.views import Views as ViewScripts
from rowkeep.storage.scripts.workspace import WorkspaceScripts

PREVIEW_ROWS = 20
PREVIEW_SECONDS = 5
"""How long the preview of a view may take. An author waits for it while typing."""


class DefinedView(msgspec.Struct, frozen=True):
    """A view, and the tables that it reads, by id."""

    view: View
    tables: Mapping[str, Table]


class Views:
    """The views of workspaces. Every method raises NoSuchWorkspace, and NoSuchView where it names one."""

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        self._catalog = catalog
        self._settings = settings

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

    async def replace(
        self, workspace: str, name: str, body: ViewBody, *, dry_run: bool, expected: str | None = None
    ) -> DefinedView | Sequence[ChangeStep]:
        """Replace the view's definition, or for a dry run return the steps that it would take; its grants are
        unchanged. ``expected`` is the tag of the definition that it is based on. Raises the errors of create,
        DefinitionChanged, and Forbidden."""
        opened = await self._catalog.named(workspace)
        scripts = opened.scripts
        check = partial(_check_view, scripts.views, body.renamed_from or name)
        if dry_run:
            if expected is not None:
                await opened.database.read(partial(check, expected))
            return await opened.database.read(partial(_rehearse, scripts, name, body, opened.viewer))
        replace = partial(scripts.views.replace, name, body, opened.viewer)
        created = await opened.database.write(if_expected(expected, scripts.state, check, replace))
        opened.renew()
        return DefinedView(*created)

    async def drop(self, workspace: str, name: str, expected: str | None = None) -> None:
        """Drop the view with its grants; its tables do not change. Raises DefinitionChanged."""
        opened = await self._catalog.named(workspace)
        scripts = opened.scripts
        check = partial(_check_view, scripts.views, name)
        drop = partial(scripts.views.drop, name)
        await opened.database.write(if_expected(expected, scripts.state, check, drop))
        opened.renew()

    async def preview(self, workspace: str, body: ViewBody) -> QueryPage:
        """The first rows of a view that is not stored. Raises the errors of create except NameTaken, and
        QueryTimeout."""
        opened = await self._catalog.named(workspace)
        for _ in range(MAX_ATTEMPTS):
            with suppress(StaleCatalog):
                version, found = await opened.database.read(partial(opened.scripts.views.trial, body))
                try:
                    async with asyncio.timeout(PREVIEW_SECONDS):
                        return await self._first_rows(opened, version, found)
                except BeyondRange:
                    raise too_large_sum() from None
                except TimeoutError:
                    raise QueryTimeout(
                        f"The preview took longer than {PREVIEW_SECONDS} s. Use a narrower filter, or one "
                        "that an index supports."
                    ) from None
        raise Busy("Table definitions keep changing. Try again.")

    async def _first_rows(
        self, opened: OpenWorkspace, version: int, found: tuple[View, dict[str, Table]]
    ) -> QueryPage:
        compiled = await opened.trial_view(*found)
        page = RowRange(min(PREVIEW_ROWS, self._settings.max_page_size))
        query = QueryBody(count="none")
        plan = plan_select(compiled.target, query, page, self._settings, opened.cursors)
        rows = await opened.row_database.select(compiled.sql, plan, version)
        has_more = rows.next_key is not None
        return QueryPage(compiled, plan.shape.fields, rows.rows, rows.size, None, has_more, None)

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


def _rehearse(
    scripts: WorkspaceScripts, name: str, body: ViewBody, viewer: str | None
) -> Steps[list[ChangeStep]]:
    """The steps of a change, and what it does to charts."""
    before, view, tables = yield from scripts.views.rehearse(name, body, viewer)
    former = yield from scripts.views.get(before.name)
    done = []
    if view.name != before.name:
        done.append(f"rename view {before.name} to {view.name}")
    if msgspec.structs.replace(view, name=before.name) != before:
        done.append(f"change view {view.name}")
    done += yield from scripts.chart_changes.broken(
        chart_sources([before], former[1]), chart_sources([view], tables)
    )
    return [ChangeStep(each, rewrites_table=False, loses_data=False) for each in done]


def _check_view(views: ViewScripts, name: str, tag: str) -> Steps[None]:
    """Raises DefinitionChanged if the view has another tag, and NoSuchView."""
    view, tables = yield from views.get(name)
    check_tag(definition_of_view(view, tables), tag, f"View {view.name}")
