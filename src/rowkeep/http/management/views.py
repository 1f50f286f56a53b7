"""Views and the grants on them: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.data_responses import ViewQueryResponse
from rowkeep.http.management.endpoint import Endpoint
from rowkeep.http.management.grants import (
    VIEW_GRANT_SAMPLE,
    ViewGrantResponse,
    ViewGrantsResponse,
    grant_form,
    grant_of,
    grants_form,
)
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.tables import DRY_RUN, LISTED, NEW_NAME, StepsResponse, steps_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import (
    Name,
    NextCursor,
    ResponseBody,
)
from rowkeep.model.definitions.copies import view_named
from rowkeep.model.definitions.views import ViewBody, definition_of_view
from rowkeep.model.management_requests import GrantBody
from rowkeep.model.users import Need
from rowkeep.model.views import COMPARISONS, JoinKind
from rowkeep.services.row_requests import QueryPage
from rowkeep.services.tables import ChangeStep
from rowkeep.services.views import PREVIEW_ROWS, DefinedView

OtherName: TypeAlias = Annotated[str, Meta(description='`""` means not set.')]


ColumnOfTable: TypeAlias = Annotated[str, Meta(examples=["people.City"])]


StoredFilter: TypeAlias = Annotated[dict[str, Any], Meta(description="`{}` means not set.")]


class ViewConditionResponse(ResponseBody):
    left: ColumnOfTable
    operand: Annotated[str, Meta(extra_json_schema={"enum": list(COMPARISONS)})]
    right: ColumnOfTable


class ViewJoinResponse(ResponseBody):
    table: Name
    as_: OtherName = msgspec.field(name="as")
    type: Annotated[str, Meta(extra_json_schema={"enum": [kind.value for kind in JoinKind]})]
    on: list[ViewConditionResponse]


class ViewColumnResponse(ResponseBody):
    """A column with a name set by `as`."""

    expr: str
    as_: Name = msgspec.field(name="as")


class ViewSortResponse(ResponseBody):
    field: str
    order: Literal["asc", "desc"]


class ViewResponse(ResponseBody):
    """The complete definition of a view."""

    name: Name
    description: str
    table: Name
    as_: OtherName = msgspec.field(name="as")
    joins: list[ViewJoinResponse]
    columns: list[str | ViewColumnResponse]
    filter: StoredFilter
    group_by: list[ColumnOfTable]
    having: StoredFilter
    sort_by: list[ViewSortResponse]


class ViewsResponse(ResponseBody):
    views: list[ViewResponse]
    next_cursor: NextCursor = UNSET


VIEW_DEFINITION_SAMPLE = {
    "name": "adults",
    "description": "How many people of each last name, with their largest number",
    "table": "people",
    "columns": [
        "people.Last_Name",
        "count(people._id)",
        {"expr": "max(people.Number)", "as": "Largest"},
    ],
    "filter": {"expressions": [{"field": "people.Number", "operand": ">=", "value": 18}]},
    "groupBy": ["people.Last_Name"],
    "having": {"expressions": [{"field": "count_id", "operand": ">", "value": 0}]},
    "sortBy": [{"field": "Largest", "order": "desc"}],
}
_PAIRS = {
    "name": "namesakes",
    "table": "people",
    "columns": ["people._id", {"expr": "other._id", "as": "other_id"}, "people.Last_Name"],
    "joins": [
        {
            "table": "people",
            "as": "other",
            "type": "inner",
            "on": [
                {"left": "people.Last_Name", "operand": "=", "right": "other.Last_Name"},
                {"left": "people._id", "operand": "<", "right": "other._id"},
            ],
        }
    ],
}
VIEW_SAMPLE = {"as": "", "joins": []} | VIEW_DEFINITION_SAMPLE


_PREVIEW_SAMPLE = {
    "hasMore": False,
    "metaInfo": [
        {"name": "Last_Name", "type": "string"},
        {"name": "count_id", "type": "integer"},
        {"name": "Largest", "type": "number"},
    ],
    "queryResult": [{"Last_Name": "Lovelace", "count_id": 2, "Largest": 263}],
}


def view_form(defined: DefinedView) -> dict[str, Any]:
    """The JSON of a view."""
    return definition_of_view(defined.view, defined.tables)


def replaced_form(replaced: DefinedView | Sequence[ChangeStep]) -> dict[str, Any]:
    """The JSON of the view, or of the steps of a dry run."""
    return view_form(replaced) if isinstance(replaced, DefinedView) else steps_form(replaced)


def preview_form(page: QueryPage) -> dict[str, Any]:
    """The JSON of the first rows of a view."""
    rows = page.relation.codec.records(page.rows, page.fields)
    return {"hasMore": page.has_more, "metaInfo": page.meta, "queryResult": rows}


_VIEW = f"{WORKSPACE}/views/{{view}}"
_no_view = (errors.NoSuchWorkspace, errors.NoSuchView)
_bad_view = (
    errors.InvalidDefinition,
    errors.InvalidName,
    errors.DuplicateColumn,
    errors.UnknownColumn,
    errors.UnknownOperand,
    errors.InvalidFilter,
    errors.NameTaken,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/views",
        name="listViews",
        summary="List the views of a workspace",
        need=Need.WORKSPACE,
        call=lambda services, request: services.views.list(
            request.path["workspace"], request.list, request.asker
        ),
        form=list_form("views", view_form),
        response=ViewsResponse,
        is_list=True,
        texts=(LISTED,),
        errors=(errors.NoSuchWorkspace,),
        response_samples={"Views": {"views": [VIEW_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path=f"{WORKSPACE}/views",
        name="createView",
        action="view.create",
        summary="Create a view from its definition",
        need=Need.MANAGER,
        call=lambda services, request: services.views.create(
            request.path["workspace"], view_named(request.body, request.texts["name"])
        ),
        body=ViewBody,
        form=view_form,
        response=ViewResponse,
        status=201,
        texts=(NEW_NAME,),
        errors=(errors.NoSuchWorkspace, *_bad_view),
        request_samples={"Groups": VIEW_DEFINITION_SAMPLE, "A table joined to itself": _PAIRS},
        response_samples={"A view": VIEW_SAMPLE},
    ),
    Endpoint(
        method="POST",
        path=f"{WORKSPACE}/view-preview",
        name="previewView",
        summary=f"Get the first {PREVIEW_ROWS} rows of a view that is not stored",
        need=Need.MANAGER,
        call=lambda services, request: services.views.preview(request.path["workspace"], request.body),
        body=ViewBody,
        form=preview_form,
        response=ViewQueryResponse,
        errors=(
            errors.NoSuchWorkspace,
            *(each for each in _bad_view if each is not errors.NameTaken),
            errors.QueryTimeout,
            errors.ResponseTooLarge,
        ),
        request_samples={"Groups": VIEW_DEFINITION_SAMPLE},
        response_samples={"Rows": _PREVIEW_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=_VIEW,
        name="getView",
        summary="Get the definition of a view",
        gives_tag=True,
        need=Need.READ,
        call=lambda services, request: services.views.get(request.path["workspace"], request.path["view"]),
        form=view_form,
        response=ViewResponse,
        errors=_no_view,
        response_samples={"A view": VIEW_SAMPLE},
    ),
    Endpoint(
        method="PUT",
        path=_VIEW,
        name="replaceView",
        action="view.change",
        summary="Replace the definition of a view, or rename it with `renamedFrom`",
        need=Need.MANAGE,
        call=lambda services, request: services.views.replace(
            request.path["workspace"],
            request.path["view"],
            request.body,
            dry_run=request.flags["dryRun"],
            expected=request.expected,
        ),
        takes_tag=True,
        body=ViewBody,
        form=replaced_form,
        response=ViewResponse,
        other_response=StepsResponse,
        flags=(DRY_RUN,),
        errors=(*_no_view, *_bad_view, errors.DefinitionChanged),
        request_samples={"Groups": VIEW_DEFINITION_SAMPLE},
        response_samples={
            "A view": VIEW_SAMPLE,
            "A dry run": {
                "steps": [{"step": "change view adults", "rewritesTable": False, "losesData": False}]
            },
        },
    ),
    Endpoint(
        method="DELETE",
        path=_VIEW,
        name="deleteView",
        action="view.delete",
        summary="Delete a view with its grants",
        need=Need.MANAGE,
        call=lambda services, request: services.views.drop(
            request.path["workspace"], request.path["view"], request.expected
        ),
        takes_tag=True,
        status=204,
        errors=(*_no_view, errors.DefinitionChanged),
    ),
    Endpoint(
        method="GET",
        path=f"{_VIEW}/definition",
        name="exportView",
        summary="Get the definition of a view in the form that `POST` and `PUT` accept",
        gives_tag=True,
        need=Need.READ,
        call=lambda services, request: services.views.get(request.path["workspace"], request.path["view"]),
        form=view_form,
        response=ViewResponse,
        errors=_no_view,
        response_samples={"A view": VIEW_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=f"{_VIEW}/grants",
        name="listViewGrants",
        summary="List the grants of a view",
        need=Need.MANAGE,
        call=lambda services, request: services.views.grants(request.path["workspace"], request.path["view"]),
        form=grants_form,
        response=ViewGrantsResponse,
        errors=_no_view,
        response_samples={"Grants": {"grants": [VIEW_GRANT_SAMPLE]}},
    ),
    Endpoint(
        method="PUT",
        path=f"{_VIEW}/grants/{{clientId}}",
        name="setViewGrant",
        action="grant.set",
        summary="Set the right of an app to read a view; false deletes the grant",
        need=Need.MANAGE,
        call=lambda services, request: services.views.set_grant(
            request.path["workspace"], request.path["view"], request.path["clientId"], grant_of(request.body)
        ),
        body=GrantBody,
        form=grant_form,
        response=ViewGrantResponse,
        errors=(*_no_view, errors.NoSuchApp),
        request_samples={"Read": {"read": True}, "Nothing": {}},
        response_samples={"A grant": VIEW_GRANT_SAMPLE},
    ),
)
