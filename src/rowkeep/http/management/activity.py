"""Activity: the endpoint with what an operator sees first, and the types and samples of what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Text
from rowkeep.http.request import whole_number
from rowkeep.http.response_types import Moment, ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.model.activity import Activity, Counts, Growth, SlowQuery
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.activity import MAX_HOURS

DAY_HOURS = 24


class ActivityPointResponse(ResponseBody):
    """What was counted from this time on."""

    time: Moment
    requests: int
    client_errors: Annotated[int, Meta(description="Responses with a status from 400 to 499.")]
    server_errors: Annotated[int, Meta(description="Responses with a status of 500 or more.")]
    refusals: Annotated[
        dict[str, int],
        Meta(description="Refused requests, by reason: token, sign_in, grant, origin, rate, quota, busy."),
    ]
    rows: Annotated[dict[str, int], Meta(description="Rows by operation: read, inserted, updated, deleted.")]


class SlowQueryResponse(ResponseBody):
    time: Moment
    seconds: float
    operation: str
    statement: Annotated[str, Meta(description="Without its values.")]
    table: str | None
    app: str | None


class SizeResponse(ResponseBody):
    day: Annotated[str, Meta(extra_json_schema={"format": "date"})]
    rows: int
    bytes: int


class GrowthResponse(ResponseBody):
    workspace: str
    table: str
    days: Annotated[list[SizeResponse], Meta(description="The oldest first; estimates for large tables.")]


class NoticeResponse(ResponseBody):
    """Something that needs attention."""

    about: Literal["health", "tasks", "requests", "tokens", "backups"]
    level: Literal["error", "warning"]
    message: str


class ActivityResponse(ResponseBody):
    since: Moment
    until: Moment
    step_seconds: int
    points: Annotated[
        list[ActivityPointResponse], Meta(description="Times at which nothing was counted have no point.")
    ]
    slowest: Annotated[
        list[SlowQueryResponse],
        Meta(description="The slowest requests for rows, if `slow_query_seconds` is set."),
    ]
    tables: Annotated[list[GrowthResponse], Meta(description="The ten largest tables.")]
    notices: list[NoticeResponse]


def _hours(request: ManagementRequest) -> int:
    given = {name: text for name, text in request.texts.items() if text is not None}
    hours = whole_number(given, "hours", 1, MAX_HOURS)
    return DAY_HOURS if hours is None else hours


def _form(activity: Activity) -> dict[str, Any]:
    return {
        "since": _moment(activity.since),
        "until": _moment(activity.until),
        "stepSeconds": activity.step,
        "points": [{"time": _moment(each.time), **_counts(each.counts)} for each in activity.points],
        "slowest": [_slow(each) for each in activity.slowest],
        "tables": [_growth(each) for each in activity.tables],
        "notices": [
            {"about": each.about, "level": each.level, "message": each.message} for each in activity.notices
        ],
    }


def _counts(counts: Counts) -> dict[str, Any]:
    requests: Mapping[str, int] = counts.requests
    return {
        "requests": sum(requests.values()),
        "clientErrors": requests.get("4", 0),
        "serverErrors": requests.get("5", 0),
        "refusals": counts.refusals,
        "rows": counts.rows,
    }


def _slow(query: SlowQuery) -> dict[str, Any]:
    return {
        "time": _moment(query.time),
        "seconds": query.seconds,
        "operation": query.operation,
        "statement": query.statement,
        "table": query.table,
        "app": query.app,
    }


def _growth(growth: Growth) -> dict[str, Any]:
    days: Sequence[Any] = growth.days
    return {
        "workspace": growth.workspace,
        "table": days[-1].name if days else "",
        "days": [{"day": each.day, "rows": each.rows, "bytes": each.bytes} for each in days],
    }


def _moment(seconds: float) -> str:
    return canonical_date(datetime.fromtimestamp(seconds, UTC))


_SAMPLE = {
    "since": WHEN,
    "until": WHEN,
    "stepSeconds": 300,
    "points": [
        {
            "time": WHEN,
            "requests": 1200,
            "clientErrors": 3,
            "serverErrors": 0,
            "refusals": {"token": 2},
            "rows": {"read": 9000, "inserted": 350},
        }
    ],
    "slowest": [],
    "tables": [
        {
            "workspace": "main",
            "table": "people",
            "days": [{"day": "2026-11-27", "rows": 500, "bytes": 81_920}],
        }
    ],
    "notices": [
        {
            "about": "backups",
            "level": "warning",
            "message": "No backup was made with rowkeep backup. Make backups regularly: rowkeep backup.",
        }
    ],
}

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path="/activity",
        name="getActivity",
        summary="Get counts of requests and errors, slow queries, growth of tables, and what needs attention",
        call=lambda services, request: services.activity.read(_hours(request)),
        form=_form,
        response=ActivityResponse,
        texts=(
            Text(
                "hours",
                f"How many of the last hours, up to {MAX_HOURS}; {DAY_HOURS} by default.",
                {"type": "integer", "minimum": 1, "maximum": MAX_HOURS},
            ),
        ),
        errors=(errors.Forbidden,),
        response_samples={"A day": _SAMPLE},
    ),
)
