"""Batch types: those of the body and the response of a batch, for the OpenAPI document.

The body is read in parts, because the columns of a table decide how its rows are read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.codec.batch_bodies import MAX_OPERATIONS
from rowkeep.http.response_types import ResponseBody, ref
from rowkeep.model.data_requests import Conflict, RowCount, SortKey

BatchFilter: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("BatchFilter"))]
"""A filter whose values can be references to earlier results."""

BatchResult: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("BatchResult"))]
"""The response of any of the operations, so that no static type can describe it."""


class _Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", tag_field="op"):
    """An operation, of the kind ``op``."""


class InsertOperation(_Operation, frozen=True, tag="insert"):
    """Insert a row, or several."""

    table: str
    data: Any
    on_conflict: Conflict | UnsetType = UNSET


class BulkOperation(_Operation, frozen=True, tag="bulk"):
    """Insert many rows."""

    table: str
    data: list[Any]
    on_conflict: Conflict | UnsetType = UNSET


class UpdateOperation(_Operation, frozen=True, tag="update"):
    """Update the rows that match a filter."""

    table: str
    query: BatchFilter
    data: Any
    min_affected: RowCount | UnsetType = UNSET
    max_affected: RowCount | UnsetType = UNSET


class DeleteOperation(_Operation, frozen=True, tag="delete"):
    """Delete the rows that match a filter."""

    table: str
    query: BatchFilter
    min_affected: RowCount | UnsetType = UNSET
    max_affected: RowCount | UnsetType = UNSET


class QueryOperation(_Operation, frozen=True, tag="query"):
    """Query rows of a table or a view: with the rows that the operations before it wrote."""

    table: str | UnsetType = UNSET
    view: str | UnsetType = UNSET
    query: BatchFilter = UNSET
    fields: list[str] | UnsetType = UNSET
    sort: list[SortKey] | UnsetType = UNSET
    count: Literal["exact", "none"] = "exact"
    cursor: str | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1)] = 10
    offset: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Operations to be done in their order: all of them, or none."""

    operations: Annotated[
        list[InsertOperation | BulkOperation | UpdateOperation | DeleteOperation | QueryOperation],
        Meta(max_length=MAX_OPERATIONS),
    ]
    dry_run: Annotated[
        bool, Meta(description="Do everything, then undo it. The response has counts only.")
    ] = False


class BatchResponse(ResponseBody):
    """The results of the operations, each as the response of its own endpoint."""

    results: list[BatchResult]
    dry_run: bool | UnsetType = UNSET
