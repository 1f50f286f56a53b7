"""Workspace changes: the scripts that read all definitions, grants and shared charts of a workspace, and
change them to match a schema, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from rowkeep.errors.catalogue import DataLoss, Problem, RowkeepError
from rowkeep.model.charts import ChartSource
from rowkeep.model.definitions.workspaces import WorkspaceDefinition, WorkspaceDefinitionBody
from rowkeep.model.tables import Table
from rowkeep.model.views import View
from rowkeep.plan.charts.read import chart_sources
from rowkeep.plan.table_changes.diff import LOSS_HINT
from rowkeep.plan.workspace_changes.actions import (
    Action,
    ChangeCharts,
    ChangeTable,
    CreateTable,
    CreateView,
    DropTable,
    DropView,
    SetGrant,
)
from rowkeep.plan.workspace_changes.diff import plan_schema
from rowkeep.sql.table_changes import rewrites
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.chart_changes import ChartRules
from rowkeep.storage.scripts.table_changes import TableChanges, Undone
from rowkeep.storage.scripts.workspace import WorkspaceScripts

T = TypeVar("T")


class WorkspaceChangeStep(msgspec.Struct, frozen=True):
    """One step of a change, described for people, and the position in the body that requires it."""

    description: str
    where: str
    rewrites_table: bool = False
    loses_data: bool = False


class PlannedWorkspace(msgspec.Struct, frozen=True):
    """The steps of a change, what they are planned for, and the version of the workspace then."""

    version: int
    present: WorkspaceDefinition
    actions: Sequence[Action]


class WorkspaceChangeScripts:
    """The scripts of one workspace; ``new_id`` returns the ids of tables and views that are created. The
    owner that ``charts`` names owns them, too."""

    def __init__(
        self,
        scripts: WorkspaceScripts,
        changes: TableChanges,
        new_id: Callable[[], str],
        charts: ChartRules,
    ) -> None:
        self._scripts = scripts
        self._tables = scripts.tables
        self._views = scripts.views
        self._access = scripts.access
        self._changes = changes
        self._new_id = new_id
        self._charts = charts
        self._owner = charts.owner

    def present(self) -> Steps[WorkspaceDefinition]:
        """All definitions, grants and shared charts of the workspace."""
        tables = yield from self._tables.all()
        views = yield from self._views.all()
        grants = yield from self._access.all_grants()
        apps = yield from self._access.all_apps()
        charts = yield from self._scripts.charts.shared(self._charts.limit)
        return WorkspaceDefinition(tables, views, grants, apps, charts)

    def plan(self, body: WorkspaceDefinitionBody) -> Steps[PlannedWorkspace]:
        """The required steps, before rows are checked. Raises the errors of the body."""
        version = yield from self._scripts.state.version()
        present = yield from self.present()
        return PlannedWorkspace(version, present, plan_schema(present, body))

    def _renewed(
        self, planned: PlannedWorkspace, version: int, body: WorkspaceDefinitionBody
    ) -> Steps[PlannedWorkspace]:
        """The same plan, if the workspace has still the version and the charts that it was made for;
        otherwise a new one. Changes of charts do not raise the version."""
        if planned.version == version:
            charts = yield from self._scripts.charts.shared(self._charts.limit)
            if charts == planned.present.charts:
                return planned
        return (yield from self.plan(body))

    def make(
        self,
        body: WorkspaceDefinitionBody,
        planned: PlannedWorkspace,
        *,
        allow_data_loss: bool,
        done: list[WorkspaceChangeStep],
        undo: bool,
    ) -> Steps[None]:
        """Do all steps, in one transaction; ``done`` is cleared, and filled with the completed steps. With
        ``undo``, or if there was nothing to do, raises Undone at the end.

        Raises DataLoss unless that is allowed, and the errors of the steps, with pointers into the body.
        """
        done.clear()
        version = yield from self._scripts.state.raise_version()
        planned = yield from self._renewed(planned, version - 1, body)
        for action in planned.actions:
            done += yield from self._do(action)
        if done and any(map(_changes_source, planned.actions)):
            done += yield from self._broken_charts(planned.present)
        if not allow_data_loss:
            _refuse_loss(done)
        if undo or not done:
            raise Undone()

    def _do(self, action: Action) -> Steps[list[WorkspaceChangeStep]]:
        if isinstance(action, ChangeTable):
            return (yield from _at(action.where, self._change(action), action.is_whole))
        if isinstance(action, ChangeCharts):
            return (yield from self._change_charts(action))
        if isinstance(action, DropView):
            drop = self._views.drop(action.name) if action.description else self._views.set_aside(action.name)
            yield from _at("/views", drop, False)
            return _step(action.description, "/views")
        if isinstance(action, DropTable):
            yield from _at("/tables", self._tables.drop(action.name), False)
            return [WorkspaceChangeStep(action.description, "/tables", loses_data=True)]
        if isinstance(action, CreateTable):
            yield from _at(action.where, self._tables.create(action.body, self._new_id(), self._owner))
        elif isinstance(action, CreateView):
            yield from _at(action.where, self._create_view(action))
        else:
            yield from _at(action.where, self._grant(action), False)
        return _step(action.description, action.where)

    def _change(self, action: ChangeTable) -> Steps[list[WorkspaceChangeStep]]:
        planned = yield from self._changes.make(action.name, action.body, allow_data_loss=True)
        change = planned.change
        return [
            WorkspaceChangeStep(
                f"table {change.after.name}: {step.description}",
                action.where + (step.where if action.is_whole else ""),
                rewrites(step, self._scripts.dialect),
                step.loses_data,
            )
            for step in change.steps
        ]

    def _create_view(self, action: CreateView) -> Steps[None]:
        if action.view_id is None:
            yield from self._views.create(action.body, self._new_id(), self._owner)
        else:
            yield from self._views.create(action.body, action.view_id)

    def _change_charts(self, action: ChangeCharts) -> Steps[list[WorkspaceChangeStep]]:
        yield from self._scripts.chart_changes.apply(action.charts, self._charts)
        return [step for each in action.charts for step in _step(each.description, each.where)]

    def _broken_charts(self, before: WorkspaceDefinition) -> Steps[list[WorkspaceChangeStep]]:
        """What the change does to other charts: those whose columns are missing stay, to be repaired."""
        tables = yield from self._tables.all()
        views = yield from self._views.all()
        after = _sources(tables, views)
        broken = yield from self._scripts.chart_changes.broken(_sources(before.tables, before.views), after)
        return [step for each in broken for step in _step(each, "/tables")]

    def _grant(self, action: SetGrant) -> Steps[None]:
        yield from self._access.set_grant(
            action.name, action.client_id, action.grant, on_view=action.is_on_view
        )


def _changes_source(action: Action) -> bool:
    """Whether a step changes a table or view that remains, and so perhaps its charts."""
    return isinstance(action, ChangeTable) or (isinstance(action, CreateView) and action.view_id is not None)


def _sources(tables: Sequence[Table], views: Sequence[View]) -> dict[str, ChartSource]:
    """All tables and views, by id."""
    return chart_sources([*tables, *views], {table.id: table for table in tables})


def _step(description: str, where: str) -> list[WorkspaceChangeStep]:
    return [WorkspaceChangeStep(description, where)] if description else []


def _at(where: str, steps: Steps[T], is_whole: bool = True) -> Steps[T]:
    """Run the steps with their errors' pointers relative to the whole schema. Pointers into a definition that
    was not in the request are removed."""
    try:
        return (yield from steps)
    except RowkeepError as error:
        problems = [
            replace(problem, pointer=where + ((problem.pointer or "") if is_whole else ""))
            for problem in error.problems
        ]
        raise type(error)(error.msg, problems=problems) from error


def _refuse_loss(done: list[WorkspaceChangeStep]) -> None:
    losing = [step for step in done if step.loses_data]
    if losing:
        problems = [
            Problem(f"This would lose data ({step.description}). {LOSS_HINT}", DataLoss.code, step.where)
            for step in losing
        ]
        raise DataLoss(problems[0].msg, problems=problems)
