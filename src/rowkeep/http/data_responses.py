"""Data responses: the types of what the Data API returns."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.http.response_types import (
    Count,
    Moment,
    Name,
    NextCursor,
    ProblemEntry,
    ResponseBody,
    TypeName,
    WriterId,
    ref,
)
from rowkeep.model.access import Right
from rowkeep.model.history import OPERATION_ID
from rowkeep.model.ids import ROW_ID
from rowkeep.plan.rows.upserts import Outcome

Record: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("Record"))]
"""A row in a response. Its keys are the columns of its table, so no static type can list them."""

RecordOrNull: TypeAlias = Annotated[Any, Meta(extra_json_schema={"anyOf": [ref("Record"), {"type": "null"}]})]

Selection: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("Selection"))]
"""The columns of a row that a query selects."""


class RecordsResponse(ResponseBody):
    """The inserted rows, in the order of the request."""

    records: list[Record]


DryRun: TypeAlias = Annotated[
    bool | UnsetType, Meta(description="Present and true for a dry run: nothing was stored.")
]


class InsertedResponse(ResponseBody):
    """The response with `Prefer: return=minimal`, or to a dry run."""

    n_inserted: Count
    dry_run: DryRun = UNSET


class PartialResponse(ResponseBody):
    """The response to a bulk with mode `partial`: 200 if all rows are stored, 207 if some are not."""

    errors: Annotated[
        list[ProblemEntry],
        Meta(description="All errors of the rows that are not stored, at most ten of each row."),
    ]
    n_inserted: Count
    n_failed: Count
    records: Annotated[
        list[RecordOrNull] | UnsetType,
        Meta(
            description="In the order of the request; null for a row that is not stored. Missing with "
            "`Prefer: return=minimal`, or for a dry run."
        ),
    ] = UNSET
    dry_run: DryRun = UNSET


class UpsertResponse(ResponseBody):
    """The response to an insert with `onConflict`: the rows as they are stored, in the order of the request,
    and what happened to each."""

    records: Annotated[
        list[Record | None],
        Meta(description="null for a row that was ignored, if the app has no read grant."),
    ]
    outcomes: list[Outcome]


class UpsertCounts(ResponseBody):
    """The response with `onConflict` and `Prefer: return=minimal`, or if there are more records than the
    setting `max_returned_records`."""

    n_inserted: Count
    n_updated: Count
    n_ignored: Count
    dry_run: DryRun = UNSET


class StreamCounts(ResponseBody):
    """The response to a stream of rows, or the first line of it if some rows failed (207)."""

    n_inserted: Count
    n_failed: Annotated[Count | UnsetType, Meta(description="Only with mode `partial`.")] = UNSET
    n_updated: Annotated[Count | UnsetType, Meta(description="Only with `onConflict`.")] = UNSET
    n_ignored: Annotated[Count | UnsetType, Meta(description="Only with `onConflict`.")] = UNSET
    n_errors_omitted: Annotated[
        Count | UnsetType, Meta(description="How many more errors there are than the response has.")
    ] = UNSET
    stopped_at_line: Annotated[
        Count | UnsetType,
        Meta(
            description="Present if the stream could not be read or stored to its end: from this line on, "
            "nothing was stored."
        ),
    ] = UNSET
    dry_run: DryRun = UNSET


class PartialUpsertResponse(ResponseBody):
    """The response to a bulk with mode `partial` and `onConflict`: 200 if no row failed, 207 if some did."""

    errors: Annotated[
        list[ProblemEntry], Meta(description="All errors of the rows that failed, at most ten of each row.")
    ]
    n_inserted: Count
    n_updated: Count
    n_ignored: Count
    n_failed: Count
    records: Annotated[
        list[RecordOrNull] | UnsetType,
        Meta(
            description="In the order of the request; null for a row that failed, or that was ignored if the "
            "app has no read grant. Missing with `Prefer: return=minimal`, for a dry run, or if there are "
            "more than the setting `max_returned_records`."
        ),
    ] = UNSET
    outcomes: Annotated[
        list[Outcome | None] | UnsetType,
        Meta(description="What happened to each row; null for a row that failed. Missing like `records`."),
    ] = UNSET
    dry_run: DryRun = UNSET


class UpdatedResponse(ResponseBody):
    """The rows after the update, in the order of `_id`."""

    n_modified: Annotated[int, Meta(ge=0, description="The number of rows that matched the filter.")]
    records: Annotated[
        list[Record] | UnsetType,
        Meta(
            description="Missing with `Prefer: return=minimal`, or if there are more than the setting "
            "`max_returned_records`, or for a dry run."
        ),
    ] = UNSET
    dry_run: DryRun = UNSET


class DeletedResponse(ResponseBody):
    n_deleted: Count
    dry_run: DryRun = UNSET


RowId: TypeAlias = Annotated[str, Meta(pattern=f"^{ROW_ID.pattern}$")]
OperationId: TypeAlias = Annotated[str, Meta(pattern=f"^{OPERATION_ID.pattern}$")]


class UndoConflictResponse(ResponseBody):
    """A change of a row that could not be undone, or with `force` was undone although the row was changed
    later."""

    table: str
    id: RowId = msgspec.field(name="_id")
    operation: OperationId


class UndoResponse(ResponseBody):
    """How many rows were inserted again, set back and removed. At most 1,000 conflicts are listed; if there
    are more, `nConflicts` is their number."""

    n_restored: Count
    n_changed: Count
    n_removed: Count
    conflicts: list[UndoConflictResponse]
    n_conflicts: Count | UnsetType = UNSET
    dry_run: DryRun = UNSET


class MetaInfo(ResponseBody):
    """A column of the response."""

    name: str
    type: TypeName


RowBefore: TypeAlias = Annotated[
    dict[str, Any] | None,
    Meta(
        description="The columns of the row before the change, and after it; of an update only those that it "
        "changed. `before` is null for an insert, `after` for a delete."
    ),
]


class RecordedChange(ResponseBody):
    """A recorded change of a row."""

    id: Annotated[str, Meta(description="The id of the change, which is also the cursor after it.")]
    operation: Annotated[
        str,
        Meta(
            pattern=f"^{OPERATION_ID.pattern}$",
            description="The operation that the change is a part of: the `Operation-Id` in the response to "
            "the write.",
        ),
    ]
    kind: Literal["insert", "update", "delete"]
    row_id: Annotated[str, Meta(pattern=f"^{ROW_ID.pattern}$")] = msgspec.field(name="_id")
    by: Annotated[
        WriterId | None,
        Meta(description="`Updated_By` after the change; null if the server itself deleted the row."),
    ]
    on: Annotated[Moment, Meta(description="`Updated_On` after the change; the time of a delete.")]
    before: RowBefore
    after: RowBefore


class ChangesResponse(ResponseBody):
    """A page of changes, in the order in which they were committed."""

    changes: list[RecordedChange]
    next_cursor: Annotated[
        str,
        Meta(description="The cursor after the last change of the page. It is there on empty pages too."),
    ]
    has_more: bool


class QueryResponse(ResponseBody):
    """One page of rows."""

    has_more: bool
    meta_info: list[MetaInfo]
    query_result: list[Selection]
    total: Annotated[
        Count | UnsetType,
        Meta(
            description="The number of rows that match the filter, on all pages; missing with `count: none`."
        ),
    ] = UNSET
    next_cursor: NextCursor = UNSET


class ViewQueryResponse(ResponseBody):
    """One page of the rows of a view. If `hasMore` is true without a `nextCursor`, use `sys_offset`."""

    has_more: bool
    meta_info: list[MetaInfo]
    query_result: list[Annotated[Any, Meta(extra_json_schema=ref("ViewRow"))]]
    total: Annotated[
        Count | UnsetType,
        Meta(
            description="The number of rows that match the filter, on all pages; missing with `count: none`."
        ),
    ] = UNSET
    next_cursor: NextCursor = UNSET


class UsableReferenceResponse(ResponseBody):
    table: Name
    column: Annotated[str, Meta(description="It can be `_id` or `sys_Id`.")]


class UsableColumnResponse(ResponseBody):
    name: Annotated[str, Meta(description="A column of a view can be a system column, such as `_id`.")]
    type: TypeName
    is_required: bool
    reference: Annotated[
        UsableReferenceResponse | UnsetType,
        Meta(
            description="The table and column that the column references; missing if it references none, or "
            "if the caller cannot use that table."
        ),
    ] = UNSET


class UsableTableResponse(ResponseBody):
    """A table or a view that the caller may use."""

    name: Name
    description: str
    kind: Literal["table", "view"]
    columns: list[UsableColumnResponse]
    rights: list[Right]


class UsableTables(ResponseBody):
    """Sorted by name, regardless of case."""

    tables: list[UsableTableResponse]
