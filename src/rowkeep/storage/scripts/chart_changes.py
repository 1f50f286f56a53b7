"""Chart changes: the scripts over charts that follow a change of definitions, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import ProblemList, RowkeepError, preview
from rowkeep.model.charts import Chart, ChartSource
from rowkeep.model.definitions.charts import DefinitionChartBody
from rowkeep.model.tables import Table
from rowkeep.plan.charts.read import ANY_LIMIT, chart_sources, named_chart, read_chart
from rowkeep.plan.workspace_changes.actions import ChartChange
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.charts import Charts, Thing, chart_of, check_size, values_of
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions
from rowkeep.storage.scripts.view_dependencies import ViewNeeds

AT_ONCE = 500
"""How many tables, views and charts one statement names."""

MAX_NAMED = 20
"""How many charts that can no longer be drawn are named."""


class ChartRules(msgspec.Struct, frozen=True):
    """``new_id`` returns ids of new charts, ``owner`` is the user who then owns them, ``now`` the time;
    ``limit`` is the maximum number of comparisons in a filter."""

    new_id: Callable[[], str]
    now: Callable[[], str]
    owner: str | None
    limit: int


class ChartChanges(WorkspaceSteps):
    """The scripts of one workspace. They run in the transaction of the change."""

    def __init__(self, stored: StoredDefinitions, view_needs: ViewNeeds, charts: Charts) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._stored = stored
        self._view_needs = view_needs
        self._charts = charts

    # the shared charts of a definition

    def apply(self, changes: Sequence[ChartChange], rules: ChartRules) -> Steps[None]:
        """Create, change, check and delete shared charts. Raises all errors in them."""
        charts = self._system.charts
        deleted = [each.chart_id for each in changes if each.body is None and each.chart_id is not None]
        for part in _parts(deleted):
            ids = [sa.literal(each) for each in part]
            yield from self._do(sa.delete(charts).where(charts.c.id.in_(ids)))
        wanted = [(each.body, each) for each in changes if each.body is not None]
        sources = yield from self._named_sources([body for body, _ in wanted])
        problems = ProblemList()
        made: list[tuple[ChartChange, Chart]] = []
        for body, change in wanted:
            try:
                made.append((change, _made(body, change, sources[_thing(body)], rules)))
            except RowkeepError as error:
                for problem in error.problems:
                    problems.add(type(error), problem.msg, change.where + (problem.pointer or ""))
        problems.raise_if_any()
        for change, chart in made:
            if change.description:
                yield from self._store(change, chart)

    def _store(self, change: ChartChange, chart: Chart) -> Steps[None]:
        charts = self._system.charts
        values = values_of(chart)
        if change.chart_id is None:
            yield from self._do(sa.insert(charts).values(values))
            return
        named = {key: values[key] for key in ("name", "name_key", "definition", "updated_on")}
        yield from self._do(sa.update(charts).values(named).where(charts.c.id == chart.id))

    def _named_sources(self, bodies: Sequence[DefinitionChartBody]) -> Steps[dict[Thing, ChartSource]]:
        """The tables and views of some charts, as they are now."""
        found: dict[Thing, ChartSource] = {}
        for thing in dict.fromkeys(map(_thing, bodies)):
            found[thing] = yield from self._charts.source(thing)
        return found

    # charts that can no longer be drawn

    def sources_around(
        self, before: Table, after: Table, viewer: str | None = None
    ) -> Steps[tuple[dict[str, ChartSource], dict[str, ChartSource]]]:
        """A table and the views over it that are visible to the viewer, as they are before and after a change
        of the table."""
        views = yield from self._view_needs.visible_views_needing(before.id, viewer)
        others = yield from self._stored.tables_by("id", {each for view in views for each in view.table_ids})
        return (
            chart_sources([before, *views], {**others, before.id: before}),
            chart_sources([after, *views], {**others, after.id: after}),
        )

    def broken(self, before: Mapping[str, ChartSource], after: Mapping[str, ChartSource]) -> Steps[list[str]]:
        """What a change of tables and views does to the charts of those that remain: the shared charts that
        can no longer be drawn, and the number of private ones."""
        changed = sorted(key for key, source in after.items() if before.get(key, source) != source)
        shared: list[str] = []
        private: dict[str, int] = {}
        for part in _parts(changed):
            last = ""
            while charts := (yield from self._page(part, last)):
                last = charts[-1].id
                for chart in charts:
                    source = after[chart.thing_id]
                    if not _is_broken(chart, before[chart.thing_id], source):
                        continue
                    if chart.is_shared:
                        shared.append(f"chart {preview(chart.name)} of {source.description}")
                    else:
                        private[source.description] = private.get(source.description, 0) + 1
        return [f"{each} can no longer be drawn" for each in (*_listed(shared), *_counted(private))]

    def _page(self, things: Sequence[str], after: str) -> Steps[list[Chart]]:
        charts = self._system.charts
        wanted = (charts.c.thing_id.in_([sa.literal(each) for each in things]), charts.c.id > after)
        rows = yield from self._do(sa.select(*charts.c).where(*wanted).order_by(charts.c.id).limit(AT_ONCE))
        return [chart_of(row) for row in rows]


def _made(body: DefinitionChartBody, change: ChartChange, source: ChartSource, rules: ChartRules) -> Chart:
    now = rules.now()
    chart = Chart(
        id=change.chart_id or rules.new_id(),
        thing_id=source.id,
        user_id=rules.owner,
        is_shared=True,
        name=body.name,
        plan=read_chart(body.plan, source, rules.limit),
        created_on=now,
        updated_on=now,
    )
    check_size(chart)
    return chart


def _thing(body: DefinitionChartBody) -> Thing:
    return (body.view, True) if body.view is not None else (str(body.table), False)


def _is_broken(chart: Chart, before: ChartSource, after: ChartSource) -> bool:
    problems = [named_chart(chart.plan, source, ANY_LIMIT)[1] for source in (before, after)]
    return problems[0] is None and problems[1] is not None


def _listed(charts: Sequence[str]) -> Iterator[str]:
    yield from charts[:MAX_NAMED]
    if len(charts) > MAX_NAMED:
        yield _number(len(charts) - MAX_NAMED, "more chart")


def _counted(private: Mapping[str, int]) -> Iterator[str]:
    for thing, count in private.items():
        yield f"{_number(count, 'private chart')} of {thing}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(ids), AT_ONCE):
        yield ids[at : at + AT_ONCE]
