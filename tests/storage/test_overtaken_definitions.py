"""Definitions of a whole workspace that are overtaken by another change, after their steps were planned and
before these are done."""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any

import msgspec
import pytest
from installation import Installation

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.model.chart_requests import ChartBody
from rowkeep.model.charts import new_chart_id
from rowkeep.model.definitions.workspaces import WorkspaceDefinitionBody
from rowkeep.model.ids import wall_clock
from rowkeep.model.users import Asker
from rowkeep.services.charts import Charts
from rowkeep.services.definitions import WorkspaceDefinitions
from rowkeep.storage.scripts.chart_changes import ChartRules
from rowkeep.storage.scripts.table_changes import TableChanges
from rowkeep.storage.scripts.workspace_changes import (
    PlannedWorkspace,
    WorkspaceChangeScripts,
    WorkspaceChangeStep,
)

pytestmark = pytest.mark.anyio

NOTES: dict[str, Any] = {"name": "notes", "schemaDef": [{"name": "Text", "type": "string"}]}
CHART: dict[str, Any] = {"table": "notes", "kind": "bar", "category": "Text", "aggregate": "count"}


def body_of(*tables: dict[str, Any], charts: list[dict[str, Any]]) -> WorkspaceDefinitionBody:
    return msgspec.convert({"tables": tables, "charts": charts}, WorkspaceDefinitionBody)


class Change:
    """A change of the workspace ``used``: planned first, and made later."""

    def __init__(
        self, installation: Installation, opened: OpenWorkspace, body: WorkspaceDefinitionBody
    ) -> None:
        rules = ChartRules(
            lambda: new_chart_id(installation.catalog.store.ids), lambda: "2026-11-28", None, 100
        )
        changes = TableChanges(opened.scripts, opened.ciphers)
        self._scripts = WorkspaceChangeScripts(opened.scripts, changes, partial(secrets.token_hex, 8), rules)
        self._database = opened.database
        self._body = body

    async def plan(self) -> PlannedWorkspace:
        return await self._database.read(partial(self._scripts.plan, self._body))

    async def make(self, planned: PlannedWorkspace) -> list[str]:
        """The steps that were done."""
        done: list[WorkspaceChangeStep] = []
        make = partial(self._scripts.make, self._body, planned, allow_data_loss=True, done=done, undo=False)
        await self._database.write(make)
        return [step.description for step in done]


async def apply(installation: Installation, body: WorkspaceDefinitionBody) -> None:
    definitions = WorkspaceDefinitions(installation.catalog, installation.settings, wall_clock)
    await definitions.apply("used", body, dry_run=False, allow_data_loss=True)


async def test_what_was_planned_is_planned_again(installation: Installation) -> None:
    chart = {**CHART, "name": "First"}
    await apply(installation, body_of(NOTES, charts=[chart]))
    opened = await installation.catalog.named("used")
    wanted = Change(installation, opened, body_of(NOTES | {"description": "Notes"}, charts=[chart]))
    planned = await wanted.plan()
    await apply(installation, body_of(NOTES, NOTES | {"name": "others"}, charts=[chart]))
    done = await wanted.make(planned)
    assert done[0] == "drop table others with all its rows"
    assert len(done) == 2
    # a chart that is saved does not raise the version
    planned = await wanted.plan()
    assert planned.actions == []
    charts = Charts(installation.catalog, installation.settings, wall_clock)
    saved = ChartBody(name="Second", kind="bar", category="Text", aggregate="count", shared=True)
    await charts.create("used", ("notes", False), saved, Asker())
    assert await wanted.make(planned) == ['delete chart "Second" of table notes']
