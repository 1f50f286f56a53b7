"""Operations: the endpoint that lists what was written to tables with a history, its types and samples."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from rowkeep.codec.change_cursors import write_change_cursor
from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Text
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import Count, Moment, Name, NextCursor, ResponseBody, WriterId
from rowkeep.http.sample_values import WHEN, WRITER
from rowkeep.model.change_feeds import FeedCursor
from rowkeep.model.history import OPERATION_ID
from rowkeep.model.operations import MAX_COUNTED, ChangeCounts, OperationFilter, RecordedOperation
from rowkeep.model.users import Need


class OperationTableResponse(ResponseBody):
    """How many rows of a table an operation has inserted, changed and deleted."""

    table: Name
    n_inserted: Count
    n_changed: Count
    n_deleted: Count
    cursor: Annotated[
        str, Meta(description="The cursor before its first change in the table, for `after` of its changes.")
    ]
    at_least: Annotated[
        bool | UnsetType,
        Meta(description=f"Present and true if there are more: only {MAX_COUNTED:,} changes are counted."),
    ] = UNSET


class OperationResponse(ResponseBody):
    """An operation: all changes of one request."""

    id: Annotated[str, Meta(pattern=f"^{OPERATION_ID.pattern}$")]
    by: Annotated[WriterId | None, Meta(description="Who wrote; null for the server itself.")]
    on: Moment
    tables: Annotated[
        list[OperationTableResponse],
        Meta(description="The tables with a history that the caller may read, sorted by name."),
    ]


class OperationsResponse(ResponseBody):
    operations: list[OperationResponse]
    next_cursor: NextCursor = UNSET


def operation_form(operation: RecordedOperation) -> dict[str, Any]:
    """The JSON of an operation."""
    return {
        "id": operation.id,
        "by": operation.writer or None,
        "on": operation.stamped,
        "tables": [_counts_form(operation.position, each) for each in operation.tables],
    }


def _counts_form(position: int, counts: ChangeCounts) -> dict[str, Any]:
    return {
        "table": counts.table,
        "nInserted": counts.inserted,
        "nChanged": counts.changed,
        "nDeleted": counts.deleted,
        "cursor": write_change_cursor(counts.table_id, FeedCursor(position, 0)),
    } | ({"atLeast": True} if counts.is_cut else {})


def _filter(request: ManagementRequest) -> OperationFilter:
    return OperationFilter(**{name: text or "" for name, text in request.texts.items()})


def _text(name: str, meaning: str, **schema: Any) -> Text:
    return Text(name, meaning, {"type": "string"} | schema)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/operations",
        name="listOperations",
        summary="List the operations on tables with a history, the newest first",
        need=Need.WORKSPACE,
        call=lambda services, request: services.operations.list(
            request.path["workspace"], _filter(request), request.asker, request.list
        ),
        form=list_form("operations", operation_form),
        response=OperationsResponse,
        is_list=True,
        texts=(
            _text("table", "The name of a table: only operations that changed it."),
            _text(
                "writer",
                "Only operations of this writer: its id as in `Updated_By`, the client id of an app, "
                "or the id of a user.",
            ),
            _text("since", "The time (RFC 3339) of the oldest operation.", format="date-time"),
            _text("until", "Operations from this time (RFC 3339) on are not listed.", format="date-time"),
        ),
        errors=(errors.NoSuchWorkspace, errors.NoSuchTable, errors.HistoryOff),
        response_samples={
            "An update": {
                "operations": [
                    {
                        "id": "5e7ef671a1b2c3d4e5f60718",
                        "by": WRITER,
                        "on": WHEN,
                        "tables": [
                            {
                                "table": "people",
                                "nInserted": 0,
                                "nChanged": 2,
                                "nDeleted": 0,
                                "cursor": "AgAAAAAAAAAAtB0dRw3l9hU",
                            }
                        ],
                    }
                ]
            }
        },
    ),
)
