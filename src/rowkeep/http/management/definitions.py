"""All definitions, grants and shared charts of a workspace: endpoints, with the types and samples of what
they return."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.charts import NamedPlanResponse
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.tables import (
    ALLOW_DATA_LOSS,
    DRY_RUN,
    TABLE_DEFINITION_SAMPLE,
    TABLE_SAMPLE,
    StepsResponse,
    TableResponse,
    steps_form,
)
from rowkeep.http.management.views import VIEW_DEFINITION_SAMPLE, VIEW_SAMPLE, ViewResponse
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import (
    Name,
    ResponseBody,
)
from rowkeep.model.definitions.workspaces import WorkspaceDefinitionBody, workspace_definition_form
from rowkeep.model.users import Need


class DefinitionGrantResponse(ResponseBody):
    """The rights of one app to one table or view."""

    app: Annotated[
        str, Meta(description="The name of the app, because client ids differ between installations.")
    ]
    read: bool
    write: bool
    delete: bool
    table: Name | UnsetType = UNSET
    view: Name | UnsetType = UNSET


class DefinitionChartResponse(NamedPlanResponse):
    """A shared chart of a table or view."""


class WorkspaceDefinitionResponse(ResponseBody):
    """All definitions, grants and shared charts of a workspace, sorted by name. `PUT` accepts the same
    form."""

    tables: list[TableResponse]
    views: list[ViewResponse]
    grants: list[DefinitionGrantResponse]
    charts: list[DefinitionChartResponse]


_GRANT_SAMPLE = {"app": "helpdesk-bot", "table": "people", "read": True, "write": True, "delete": False}
_CHART_SAMPLE = {
    "table": "people",
    "name": "People by last name",
    "kind": "bar",
    "category": "Last_Name",
    "aggregate": "count",
    "value": None,
    "query": None,
    "search": "",
}


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/schema",
        name="getSchema",
        summary="Get all definitions, grants and shared charts of a workspace",
        gives_tag=True,
        need=Need.MANAGER,
        call=lambda services, request: services.definitions.get(request.path["workspace"]),
        form=workspace_definition_form,
        response=WorkspaceDefinitionResponse,
        errors=(errors.NoSuchWorkspace,),
        response_samples={
            "A schema": {
                "tables": [TABLE_SAMPLE],
                "views": [VIEW_SAMPLE],
                "grants": [_GRANT_SAMPLE],
                "charts": [_CHART_SAMPLE],
            }
        },
    ),
    Endpoint(
        method="PUT",
        path=f"{WORKSPACE}/schema",
        name="applySchema",
        action="schema.apply",
        summary="Replace all definitions, grants and shared charts of a workspace, in one transaction",
        need=Need.MANAGER,
        call=lambda services, request: services.definitions.apply(
            request.path["workspace"],
            request.body,
            dry_run=request.flags["dryRun"],
            allow_data_loss=request.flags["allowDataLoss"],
            expected=request.expected,
        ),
        takes_tag=True,
        body=WorkspaceDefinitionBody,
        form=steps_form,
        response=StepsResponse,
        flags=(DRY_RUN, ALLOW_DATA_LOSS),
        errors=(
            errors.NoSuchWorkspace,
            errors.NoSuchApp,
            errors.InvalidDefinition,
            errors.InvalidName,
            errors.DuplicateColumn,
            errors.SystemColumn,
            errors.UnknownColumn,
            errors.UnknownOperand,
            errors.InvalidFilter,
            errors.NameTaken,
            errors.StillReferenced,
            errors.DataLoss,
            errors.DefinitionChanged,
            errors.IncompatibleRows,
            errors.TooManyColumns,
            errors.InvalidChart,
            errors.InvalidValue,
            errors.TooManyCharts,
        ),
        request_samples={
            "All of it": {
                "tables": [TABLE_DEFINITION_SAMPLE],
                "views": [VIEW_DEFINITION_SAMPLE],
                "grants": [{"app": "helpdesk-bot", "table": "people", "read": True, "write": True}],
                "charts": [
                    {
                        "table": "people",
                        "name": "People by last name",
                        "kind": "bar",
                        "category": "Last_Name",
                    }
                ],
            },
            "Only the grants": {"grants": []},
        },
        response_samples={
            "Steps": {"steps": [{"step": "create table people", "rewritesTable": False, "losesData": False}]},
            "Nothing to change": {"steps": []},
        },
    ),
)
"""Grants refer to apps by name, because client ids differ between installations."""
