"""Charts: scripts over the saved charts of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import sqlalchemy as sa
from msgspec import structs

from rowkeep.errors.catalogue import (
    Forbidden,
    InvalidChart,
    NameTaken,
    NoSuchChart,
    TooManyCharts,
    preview,
)
from rowkeep.model.charts import (
    MAX_CHART_BYTES,
    MAX_CHARTS,
    Chart,
    ChartPlan,
    ChartSource,
    DefinedChart,
    chart_name_key,
)
from rowkeep.model.users import Asker, SharedRight, UserRights
from rowkeep.plan.charts.read import chart_source, chart_sources, named_chart, read_chart
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.scripts.rights import RightsOfUsers
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions, stored_view

Thing: TypeAlias = tuple[str, bool]
"""The name of a table or view, and whether it is a view."""

SHARED = ""
"""The scope of shared charts; that of private ones is the id of their owner."""

_plan_decoder = msgspec.json.Decoder(ChartPlan)


class Charts(WorkspaceSteps):
    """The scripts of one workspace. Those that change something run one after the other, but raise no
    version: nothing that is compiled depends on charts. ``limit`` is the maximum number of comparisons in
    a filter."""

    def __init__(self, state: WorkspaceState, stored: StoredDefinitions, rights: RightsOfUsers) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored
        self._rights = rights

    # reading

    def page(
        self, asker: Asker, thing: Thing | None, after: str, count: int, limit: int
    ) -> Steps[list[DefinedChart]]:
        """The charts that the asker sees, in the order of their ids, after one id. Raises NoSuchTable,
        NoSuchView."""
        charts = self._system.charts
        rights = yield from self._rights_of(asker)
        wanted = [charts.c.id > after]
        if not asker.is_admin:
            wanted.append(charts.c.scope.in_([SHARED, asker.user_id or SHARED]))
        if thing is not None:
            wanted.append(charts.c.thing_id == (yield from self.source(thing)).id)
        elif rights is not None and rights.role is None:
            wanted.append(charts.c.thing_id.in_(sorted({*rights.shares, *rights.owned})))
        rows = yield from self._do(sa.select(*charts.c).where(*wanted).order_by(charts.c.id).limit(count))
        return (yield from self._defined([chart_of(row) for row in rows], asker, rights, limit))

    def shared(self, limit: int) -> Steps[list[DefinedChart]]:
        """All shared charts of the workspace, for administrators."""
        rows = yield from self._do_known(_find_shared, scope=SHARED)
        return (yield from self._defined([chart_of(row) for row in rows], Asker(), None, limit))

    def existing(self, chart_id: str, asker: Asker, limit: int) -> Steps[DefinedChart]:
        """Raises NoSuchChart, also for one that is invisible to the asker."""
        charts = self._system.charts
        rights = yield from self._rights_of(asker)
        rows = yield from self._do(sa.select(*charts.c).where(charts.c.id == chart_id))
        found = [chart_of(row) for row in rows]
        visible = [each for each in found if _is_visible(each, asker, rights)]
        defined = yield from self._defined(visible, asker, rights, limit)
        if not defined:
            raise NoSuchChart(f"No such chart: {preview(chart_id)}.")
        return defined[0]

    def _rights_of(self, asker: Asker) -> Steps[UserRights | None]:
        """None for administrators, who have all rights."""
        return None if asker.is_admin else (yield from self._rights.of(asker.user_id or ""))

    def source(self, thing: Thing) -> Steps[ChartSource]:
        """Raises NoSuchTable, NoSuchView."""
        name, on_view = thing
        if not on_view:
            table = yield from self._stored.existing_table(name)
            return chart_source(table, {})
        view = yield from self._stored.existing_view(name)
        return chart_source(view, (yield from self._stored.tables_by("id", set(view.table_ids))))

    def _sources(self, ids: set[str]) -> Steps[dict[str, ChartSource]]:
        """The tables and views with these ids."""
        if not ids:
            return {}
        tables = yield from self._stored.tables_by("id", ids)
        views = self._system.views
        others = sorted(ids - set(tables))
        rows = yield from self._do(sa.select(views.c.definition).where(views.c.id.in_(others)))
        found = [stored_view(row[0]) for row in rows]
        needed = {each for view in found for each in view.table_ids}
        known = tables | (yield from self._stored.tables_by("id", needed - set(tables)))
        return chart_sources([*tables.values(), *found], known)

    def _defined(
        self, found: Sequence[Chart], asker: Asker, rights: UserRights | None, limit: int
    ) -> Steps[list[DefinedChart]]:
        sources = yield from self._sources({each.thing_id for each in found})
        return [
            DefinedChart(
                each,
                sources[each.thing_id],
                *named_chart(each.plan, sources[each.thing_id], limit),
                _can_change(each, asker, rights),
            )
            for each in found
            if each.thing_id in sources
        ]

    # changing

    def create(self, thing: Thing, chart: Chart, asker: Asker, limit: int) -> Steps[DefinedChart]:
        """Store a chart whose columns are named, of a table or view. Raises NoSuchTable, NoSuchView,
        Forbidden, NameTaken, TooManyCharts, and all errors in the chart."""
        yield from self._state.lock()
        source = yield from self.source(thing)
        rights = yield from self._rights_of(asker)
        made = structs.replace(chart, thing_id=source.id, plan=read_chart(chart.plan, source, limit))
        check_size(made)
        if made.is_shared:
            _check_shares(source, rights)
        yield from self._check_fits(made, source)
        yield from self._do(sa.insert(self._system.charts).values(values_of(made)))
        return DefinedChart(made, source, *named_chart(made.plan, source, limit), True)

    def change(
        self, chart_id: str, change: Callable[[DefinedChart], Chart], asker: Asker, limit: int
    ) -> Steps[DefinedChart]:
        """Replace a chart by the result of ``change``, whose columns are named if its plan is another one.
        Raises NoSuchChart, Forbidden, NameTaken, TooManyCharts, and all errors in the chart."""
        yield from self._state.lock()
        before = yield from self.existing(chart_id, asker, limit)
        rights = yield from self._rights_of(asker)
        source = before.source
        _check_change(before)
        made = change(before)
        if made.plan != before.chart.plan:
            made = structs.replace(made, plan=read_chart(made.plan, source, limit))
        check_size(made)
        if made.is_shared:
            _check_shares(source, rights)
        elif before.chart.is_shared and (made.user_id is None or made.user_id != asker.user_id):
            raise Forbidden("Only the owner of a chart can make it private.")
        yield from self._check_fits(made, source)
        charts = self._system.charts
        yield from self._do(sa.update(charts).values(values_of(made)).where(charts.c.id == chart_id))
        return (yield from self.existing(chart_id, asker, limit))

    def _check_fits(self, chart: Chart, source: ChartSource) -> Steps[None]:
        """Raises NameTaken, TooManyCharts."""
        charts = self._system.charts.c
        others = sa.and_(
            charts.thing_id == chart.thing_id, charts.scope == _scope(chart), charts.id != chart.id
        )
        kind = "shared" if chart.is_shared else "private"
        same = charts.name_key == chart_name_key(chart.name)
        if (yield from self._do(sa.select(charts.id).where(others, same))):
            raise NameTaken(
                f"{source.name} already has a {kind} chart with the name {preview(chart.name)}.",
                pointer="/name",
            )
        count = yield from self._do(sa.select(sa.func.count()).where(others))
        if count[0][0] >= MAX_CHARTS:
            raise TooManyCharts(
                f"{source.name} already has {MAX_CHARTS} {kind} charts. Delete one that is not needed first."
            )

    def delete(self, chart_id: str, asker: Asker) -> Steps[None]:
        """Raises NoSuchChart, Forbidden."""
        yield from self._state.lock()
        _check_change((yield from self.existing(chart_id, asker, 0)))
        charts = self._system.charts
        yield from self._do(sa.delete(charts).where(charts.c.id == chart_id))

    def remove_user(self, user_id: str) -> Steps[None]:
        """Remove all rights of a user, and delete the private charts; shared ones have no owner
        afterwards."""
        yield from self._rights.remove_user(user_id)
        charts = self._system.charts
        yield from self._do(sa.delete(charts).where(charts.c.scope == user_id))
        yield from self._do(sa.update(charts).values(user_id=None).where(charts.c.user_id == user_id))


def _is_visible(chart: Chart, asker: Asker, rights: UserRights | None) -> bool:
    if rights is None:
        return True
    return rights.to(chart.thing_id) is not None and (chart.is_shared or chart.user_id == asker.user_id)


def _can_change(chart: Chart, asker: Asker, rights: UserRights | None) -> bool:
    if rights is None or (chart.user_id is not None and chart.user_id == asker.user_id):
        return True
    return rights.to(chart.thing_id) is SharedRight.MANAGE


def _check_change(defined: DefinedChart) -> None:
    if not defined.can_change:
        raise Forbidden(
            f"Only the owner of a chart and those who may manage {defined.source.name} may do this."
        )


def _check_shares(source: ChartSource, rights: UserRights | None) -> None:
    if rights is not None and rights.to(source.id) in (None, SharedRight.READ):
        raise Forbidden(f"A shared chart needs the right to edit {source.name}. Set shared to false.")


def check_size(chart: Chart) -> None:
    size = len(msgspec.json.encode(chart.plan))
    if size > MAX_CHART_BYTES:
        raise InvalidChart(
            f"A chart can have at most {MAX_CHART_BYTES:,} bytes as JSON; this one has {size:,}.",
            pointer="/query",
        )


def _scope(chart: Chart) -> str:
    return SHARED if chart.is_shared else chart.user_id or SHARED


def chart_of(row: Row) -> Chart:
    identity, thing_id, scope, user_id, name, _, plan, created_on, updated_on = row
    return Chart(
        id=identity,
        thing_id=thing_id,
        user_id=user_id,
        is_shared=scope == SHARED,
        name=name,
        plan=_plan_decoder.decode(plan),
        created_on=created_on,
        updated_on=updated_on,
    )


def values_of(chart: Chart) -> dict[str, Any]:
    return {
        "id": chart.id,
        "thing_id": chart.thing_id,
        "scope": _scope(chart),
        "user_id": chart.user_id,
        "name": chart.name,
        "name_key": chart_name_key(chart.name),
        "definition": msgspec.json.encode(chart.plan).decode(),
        "created_on": chart.created_on,
        "updated_on": chart.updated_on,
    }


def _find_shared(system: WorkspaceTables) -> sa.Executable:
    charts = system.charts
    return sa.select(*charts.c).where(charts.c.scope == sa.bindparam("scope"))
