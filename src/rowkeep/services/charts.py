"""Charts: saved charts of tables and views, private ones of users and shared ones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import InvalidBody
from rowkeep.model.chart_requests import ChartBody, ChartPatch
from rowkeep.model.charts import Chart, DefinedChart, new_chart_id
from rowkeep.model.ids import Clock
from rowkeep.model.users import Asker, User
from rowkeep.model.values.scalars import canonical_date
from rowkeep.plan.charts.read import check_chart_name
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.services.sharing import Thing
from rowkeep.settings import Settings

PLAN = ("kind", "category", "aggregate", "value", "query", "search")
"""The keys of a body that say what is drawn."""


class ChartOfUser(msgspec.Struct, frozen=True):
    """A chart and its owner, if it has one."""

    defined: DefinedChart
    owner: User | None


class Charts:
    """Every method raises NoSuchWorkspace; NoSuchTable, NoSuchView or NoSuchChart, where it names one."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._limit = settings.max_filter_expressions
        self._clock = clock

    async def list(
        self, workspace: str, thing: Thing | None, asker: Asker, request: ListRequest
    ) -> Listing[ChartOfUser]:
        """The charts that the asker sees: of the workspace, or of one table or view."""
        opened = await self._catalog.named(workspace)
        script = partial(
            opened.scripts.charts.page, asker, thing, request.after, request.limit + 1, self._limit
        )
        page = request.page(await opened.database.read(script), lambda each: each.chart.id)
        return Listing(await self._with_owners(page.items), page.next_cursor)

    async def get(self, workspace: str, chart_id: str, asker: Asker) -> ChartOfUser:
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.charts.existing, chart_id, asker, self._limit)
        return await self._with_owner(await opened.database.read(script))

    async def create(self, workspace: str, thing: Thing, body: ChartBody, asker: Asker) -> ChartOfUser:
        """Raises InvalidBody, InvalidValue, InvalidChart, UnknownColumn, Forbidden, NameTaken, TooManyCharts,
        and the errors of a filter."""
        if not body.shared and asker.user_id is None:
            raise InvalidBody("An admin token has no private charts. Set shared to true.", pointer="/shared")
        opened = await self._catalog.named(workspace)
        now = canonical_date(self._clock())
        chart = Chart(
            id=new_chart_id(self._catalog.store.ids),
            thing_id="",
            user_id=asker.user_id,
            is_shared=body.shared,
            name=check_chart_name(body.name),
            plan=body.plan,
            created_on=now,
            updated_on=now,
        )
        script = partial(opened.scripts.charts.create, thing, chart, asker, self._limit)
        return await self._with_owner(await opened.database.write(script))

    async def change(self, workspace: str, chart_id: str, body: ChartPatch, asker: Asker) -> ChartOfUser:
        """Raises the same as create."""
        opened = await self._catalog.named(workspace)
        plan = _plan_changes(body)
        changes: dict[str, Any] = {"updated_on": canonical_date(self._clock())}
        if body.name is not UNSET:
            changes["name"] = check_chart_name(body.name)
        if body.shared is not UNSET:
            changes["is_shared"] = body.shared

        def changed(before: DefinedChart) -> Chart:
            more = {"plan": structs.replace(before.plan, **plan)} if plan else {}
            return structs.replace(before.chart, **changes, **more)

        script = partial(opened.scripts.charts.change, chart_id, changed, asker, self._limit)
        return await self._with_owner(await opened.database.write(script))

    async def delete(self, workspace: str, chart_id: str, asker: Asker) -> None:
        """Raises Forbidden."""
        opened: OpenWorkspace = await self._catalog.named(workspace)
        await opened.database.write(partial(opened.scripts.charts.delete, chart_id, asker))

    async def _with_owner(self, defined: DefinedChart) -> ChartOfUser:
        return (await self._with_owners([defined]))[0]

    async def _with_owners(self, found: Sequence[DefinedChart]) -> Sequence[ChartOfUser]:
        ids = sorted({each.chart.user_id for each in found if each.chart.user_id is not None})
        users: dict[str, User] = {}
        if ids:
            users = await self._catalog.store.catalog.read(partial(self._catalog.users.by_ids, ids))
        return [ChartOfUser(each, users.get(each.chart.user_id or "")) for each in found]


def _plan_changes(body: ChartPatch) -> dict[str, Any]:
    """What a body changes of the plan."""
    return {name: getattr(body, name) for name in PLAN if getattr(body, name) is not UNSET}
