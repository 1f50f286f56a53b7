"""Workspace definitions: all definitions, grants and shared charts of a workspace, read and replaced at
once."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.model.charts import new_chart_id
from rowkeep.model.definitions.workspaces import (
    WorkspaceDefinition,
    WorkspaceDefinitionBody,
    workspace_definition_form,
)
from rowkeep.model.ids import Clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.expected import check_tag, if_expected
from rowkeep.services.tables import ChangeStep
from rowkeep.settings import Settings
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.chart_changes import ChartRules
from rowkeep.storage.scripts.table_changes import TableChanges, Undone
from rowkeep.storage.scripts.workspace_changes import WorkspaceChangeScripts, WorkspaceChangeStep


class WorkspaceDefinitions:
    """The definitions of workspaces. Every method raises NoSuchWorkspace."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._limit = settings.max_filter_expressions
        self._clock = clock

    async def get(self, workspace: str) -> WorkspaceDefinition:
        """All tables, views, grants and shared charts at one version."""
        opened = await self._catalog.named(workspace)
        return await opened.database.read(self._scripts(opened).present)

    async def apply(
        self,
        workspace: str,
        body: WorkspaceDefinitionBody,
        *,
        dry_run: bool,
        allow_data_loss: bool,
        expected: str | None = None,
    ) -> Sequence[ChangeStep]:
        """Change a workspace to a new definition. Returns the steps, or for a dry run the steps that it would
        take. ``expected`` is the tag of the definition that it is based on.

        One transaction, all or nothing; a dry run does the same and rolls back, so that it finds the same
        errors. Raises DefinitionChanged, NameTaken, NoSuchApp, StillReferenced, IncompatibleRows, all errors
        in the definition and its charts and, except for a dry run, DataLoss unless it is allowed.
        """
        opened = await self._catalog.named(workspace)
        scripts = self._scripts(opened)
        check = partial(_check_definition, scripts, opened.workspace.name)
        if expected is not None:
            await opened.database.read(partial(check, expected))
        done: list[WorkspaceChangeStep] = []
        planned = await opened.database.read(partial(scripts.plan, body))
        if planned.actions:
            allowed = allow_data_loss or dry_run
            make = partial(scripts.make, body, planned, allow_data_loss=allowed, done=done, undo=dry_run)
            checked = if_expected(expected, opened.scripts.state, check, make)
            with suppress(Undone):
                await opened.write_with_keys(lambda: checked)
                opened.renew()
        return [ChangeStep(step.description, step.rewrites_table, step.loses_data) for step in done]

    def _scripts(self, opened: OpenWorkspace) -> WorkspaceChangeScripts:
        ids = self._catalog.store.ids
        rules = ChartRules(
            new_id=lambda: new_chart_id(ids),
            now=lambda: canonical_date(self._clock()),
            owner=opened.owner,
            limit=self._limit,
        )
        changes = TableChanges(opened.scripts, opened.ciphers)
        return WorkspaceChangeScripts(opened.scripts, changes, partial(secrets.token_hex, 8), rules)


def _check_definition(scripts: WorkspaceChangeScripts, name: str, tag: str) -> Steps[None]:
    """Raises DefinitionChanged if the definition of the workspace has another tag."""
    present = yield from scripts.present()
    check_tag(workspace_definition_form(present), tag, f"A definition in workspace {name}")
