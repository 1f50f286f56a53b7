"""The shared charts of a new workspace definition, compared with those that are stored.

Pure: whether a chart can be drawn of a table that changes is checked when everything else is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from rowkeep.errors.catalogue import (
    InvalidDefinition,
    InvalidValue,
    NameTaken,
    ProblemList,
    RowkeepError,
    TooManyCharts,
    pointer,
    preview,
)
from rowkeep.model.charts import MAX_CHARTS, ChartSource, DefinedChart, chart_name_key
from rowkeep.model.definitions.charts import DefinitionChartBody
from rowkeep.model.tables import name_key
from rowkeep.plan.charts.read import ANY_LIMIT, check_chart_name, read_chart
from rowkeep.plan.workspace_changes.actions import Action, ChangeCharts, ChartChange

ThingKey = tuple[bool, str]
"""Identifies a table or view in a definition: whether it is a view, and its name key."""

ChartKey = tuple[bool, str, str]
"""Identifies a chart in a definition: the same, and the key of its own name."""


class FutureThing(msgspec.Struct, frozen=True):
    """A table or view of the new definition. ``source`` has its current columns, as far as they remain, by
    their new names; None if it is new. ``is_changed`` says whether its columns may be others afterwards."""

    name: str
    is_view: bool
    source: ChartSource | None = None
    is_changed: bool = True

    @property
    def description(self) -> str:
        return f"{'view' if self.is_view else 'table'} {self.name}"


def plan_charts(
    present: Sequence[DefinedChart],
    bodies: Sequence[DefinitionChartBody] | None,
    things: Mapping[ThingKey, FutureThing],
) -> Iterator[Action]:
    """The changes of charts, after everything else; none if ``bodies`` is None. Charts of tables and views
    that are dropped are deleted with them."""
    if bodies is None:
        return
    wanted = _wanted(bodies, things)
    stored = dict(_stored(present, things))
    changes = [
        ChartChange(
            None, before.chart.id, "/charts", f"delete {_described(before.chart.name, things[key[:2]])}"
        )
        for key, before in stored.items()
        if key not in wanted
    ]
    for key, (body, where) in wanted.items():
        change = _change(body, where, stored.get(key), things[key[:2]])
        if change is not None:
            changes.append(change)
    if changes:
        yield ChangeCharts(tuple(changes))


def _change(
    body: DefinitionChartBody, where: str, before: DefinedChart | None, thing: FutureThing
) -> ChartChange | None:
    described = _described(body.name, thing)
    if before is None or thing.source is None:
        return ChartChange(body, None, where, f"create {described}")
    if not _is_same(body, before, thing, thing.source):
        return ChartChange(body, before.chart.id, where, f"change {described}")
    if thing.is_changed:
        return ChartChange(body, before.chart.id, where, "")
    return None


def _is_same(
    body: DefinitionChartBody, before: DefinedChart, thing: FutureThing, source: ChartSource
) -> bool:
    if body.name != before.chart.name:
        return False
    try:
        read = read_chart(body.plan, source, ANY_LIMIT)
    except RowkeepError:
        # a chart that cannot be drawn stays as it is, unless it may now have the columns that it needs
        return before.problem is not None and body.plan == before.plan and not thing.is_changed
    return replace(read, names={}) == replace(before.chart.plan, names={})


def _stored(
    present: Sequence[DefinedChart], things: Mapping[ThingKey, FutureThing]
) -> Iterator[tuple[ChartKey, DefinedChart]]:
    """The stored charts of what remains."""
    keys = {thing.source.id: key for key, thing in things.items() if thing.source is not None}
    for each in present:
        key = keys.get(each.source.id)
        if key is not None:
            yield (*key, chart_name_key(each.chart.name)), each


def _wanted(
    bodies: Sequence[DefinitionChartBody], things: Mapping[ThingKey, FutureThing]
) -> dict[ChartKey, tuple[DefinitionChartBody, str]]:
    """Raises the errors that can be found without the columns."""
    problems = ProblemList()
    found: dict[ChartKey, tuple[DefinitionChartBody, str]] = {}
    counts: dict[ThingKey, int] = {}
    for at, body in enumerate(bodies):
        where = pointer("charts", at)
        thing = _thing(body, where, things, problems)
        name = _name(body, where, problems)
        if thing is None or name is None:
            continue
        key = (*thing, chart_name_key(name))
        described = things[thing].description
        if key in found:
            problems.add(NameTaken, f"Duplicate chart {preview(name)} of {described}.", f"{where}/name")
        counts[thing] = counts.get(thing, 0) + 1
        if counts[thing] == MAX_CHARTS + 1:
            message = f"A table or view can have at most {MAX_CHARTS} shared charts; {described} has more."
            problems.add(TooManyCharts, message, where)
        found[key] = (replace(body, name=name), where)
    problems.raise_if_any()
    return found


def _thing(
    body: DefinitionChartBody, where: str, things: Mapping[ThingKey, FutureThing], problems: ProblemList
) -> ThingKey | None:
    if (body.table is None) is (body.view is None):
        message = 'A chart must have either "table" or "view", not both.'
        problems.add(InvalidDefinition, message, where)
        return None
    is_view = body.view is not None
    name = body.view if body.view is not None else str(body.table)
    if (is_view, name_key(name)) not in things:
        kind = "view" if is_view else "table"
        message = f"No such {kind} in this definition: {preview(name)}."
        problems.add(InvalidDefinition, message, f"{where}/{kind}")
        return None
    return is_view, name_key(name)


def _name(body: DefinitionChartBody, where: str, problems: ProblemList) -> str | None:
    try:
        return check_chart_name(body.name)
    except InvalidValue as error:
        problems.add(InvalidValue, error.msg, f"{where}/name")
        return None


def _described(name: str, thing: FutureThing) -> str:
    return f"chart {preview(name)} of {thing.description}"
