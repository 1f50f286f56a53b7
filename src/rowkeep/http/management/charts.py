"""Charts: the saved charts of tables and views; their endpoints, with the types and samples of what these
return."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import Moment, Name, NextCursor, ResponseBody, UserId
from rowkeep.http.sample_values import USER, WHEN
from rowkeep.model.chart_requests import ChartBody, ChartPatch
from rowkeep.model.charts import ChartAggregate, ChartKind
from rowkeep.model.data_requests import Node
from rowkeep.model.definitions.charts import definition_of_chart
from rowkeep.model.users import Need
from rowkeep.services.charts import ChartOfUser
from rowkeep.services.sharing import Thing

ChartId = Annotated[str, Meta(pattern="^ch-[0-9a-f]{24}$")]


class ChartOwnerResponse(ResponseBody):
    """The user who saved a chart."""

    user: UserId
    name: str


class NamedPlanResponse(ResponseBody, kw_only=True):
    """What each chart in a response has: its name, how it is drawn, and its table or view."""

    name: str
    kind: ChartKind
    category: str | None
    aggregate: ChartAggregate
    value: str | None
    query: Node | None
    search: str
    table: Name | UnsetType = UNSET
    view: Name | UnsetType = UNSET


class ChartResponse(NamedPlanResponse, kw_only=True):
    """A saved chart of a table or view. Columns have the names that they have now."""

    id: ChartId
    shared: bool
    owner: Annotated[
        ChartOwnerResponse | None,
        Meta(description="Null if an admin token saved it, or if its owner was deleted."),
    ]
    can_change: Annotated[bool, Meta(description="Whether who asks may change and delete it.")]
    problem: Annotated[
        str | None,
        Meta(description="Why it cannot be drawn, such as a column that was dropped; null if it can."),
    ]
    created_on: Moment
    updated_on: Moment


class ChartsResponse(ResponseBody):
    charts: list[ChartResponse]
    next_cursor: NextCursor = UNSET


_BODY = {
    "name": "Revenue by city",
    "kind": "bar",
    "category": "City",
    "aggregate": "sum",
    "value": "Price",
    "query": {"expressions": [{"field": "Price", "operand": ">", "value": 0}]},
    "search": "",
    "shared": True,
}
CHART_SAMPLE = _BODY | {
    "id": "ch-5e7ef67172034b39ac000008",
    "owner": {"user": USER, "name": "Ada Lovelace"},
    "canChange": True,
    "problem": None,
    "createdOn": WHEN,
    "updatedOn": WHEN,
}


def chart_form(found: ChartOfUser) -> dict[str, Any]:
    """The JSON of a chart."""
    chart = found.defined.chart
    return {
        "id": chart.id,
        **definition_of_chart(found.defined),
        "shared": chart.is_shared,
        "owner": None if found.owner is None else {"user": found.owner.id, "name": found.owner.name},
        "canChange": found.defined.can_change,
        "problem": found.defined.problem,
        "createdOn": chart.created_on,
        "updatedOn": chart.updated_on,
    }


def _thing(request: ManagementRequest) -> Thing:
    path = request.path
    return (path["view"], True) if "view" in path else (path["table"], False)


_no_chart = (errors.NoSuchWorkspace, errors.NoSuchChart)
_invalid = (
    errors.InvalidChart,
    errors.InvalidFilter,
    errors.InvalidValue,
    errors.UnknownColumn,
    errors.UnknownOperand,
    errors.NameTaken,
    errors.TooManyCharts,
)


def _of_things(kind: str, no_thing: type[errors.RowkeepError]) -> Iterator[Endpoint]:
    """The endpoints for charts of a table, and the same for a view."""
    suffix, path = kind.capitalize(), f"{WORKSPACE}/{kind}s/{{{kind}}}/charts"
    sample = CHART_SAMPLE | {kind: "orders"}
    yield Endpoint(
        method="GET",
        path=path,
        name=f"list{suffix}Charts",
        summary=f"List the shared charts of a {kind}, and one's own private ones",
        need=Need.READ,
        call=lambda services, request: services.charts.list(
            request.path["workspace"], _thing(request), request.asker, request.list
        ),
        form=list_form("charts", chart_form),
        response=ChartsResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace, no_thing),
        response_samples={"Charts": {"charts": [sample]}},
    )
    yield Endpoint(
        method="POST",
        path=path,
        name=f"create{suffix}Chart",
        action="chart.create",
        summary=f"Save a chart of a {kind}",
        need=Need.READ,
        call=lambda services, request: services.charts.create(
            request.path["workspace"], _thing(request), request.body, request.asker
        ),
        body=ChartBody,
        form=chart_form,
        response=ChartResponse,
        status=201,
        errors=(errors.NoSuchWorkspace, no_thing, *_invalid),
        request_samples={"A bar chart": _BODY, "A private number": {"name": "Orders", "kind": "number"}},
        response_samples={"The chart": sample},
    )


_CHART = f"{WORKSPACE}/charts/{{chart}}"

ENDPOINTS: tuple[Endpoint, ...] = (
    *_of_things("table", errors.NoSuchTable),
    *_of_things("view", errors.NoSuchView),
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/charts",
        name="listCharts",
        summary="List all charts of a workspace that one sees",
        need=Need.WORKSPACE,
        call=lambda services, request: services.charts.list(
            request.path["workspace"], None, request.asker, request.list
        ),
        form=list_form("charts", chart_form),
        response=ChartsResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace,),
        response_samples={"Charts": {"charts": [CHART_SAMPLE | {"table": "orders"}]}},
    ),
    Endpoint(
        method="GET",
        path=_CHART,
        name="getChart",
        summary="Get a chart",
        need=Need.WORKSPACE,
        call=lambda services, request: services.charts.get(
            request.path["workspace"], request.path["chart"], request.asker
        ),
        form=chart_form,
        response=ChartResponse,
        errors=_no_chart,
        response_samples={"A chart": CHART_SAMPLE | {"table": "orders"}},
    ),
    Endpoint(
        method="PATCH",
        path=_CHART,
        name="changeChart",
        action="chart.change",
        summary="Change, rename or share a chart",
        need=Need.WORKSPACE,
        call=lambda services, request: services.charts.change(
            request.path["workspace"], request.path["chart"], request.body, request.asker
        ),
        body=ChartPatch,
        form=chart_form,
        response=ChartResponse,
        errors=(*_no_chart, *_invalid),
        request_samples={"Another name": {"name": "Revenue"}, "Share": {"shared": True}},
        response_samples={"The chart": CHART_SAMPLE | {"table": "orders", "name": "Revenue"}},
    ),
    Endpoint(
        method="DELETE",
        path=_CHART,
        name="deleteChart",
        action="chart.delete",
        summary="Delete a chart",
        need=Need.WORKSPACE,
        call=lambda services, request: services.charts.delete(
            request.path["workspace"], request.path["chart"], request.asker
        ),
        status=204,
        errors=_no_chart,
    ),
)
