"""Response types: the types of response bodies that all endpoints share.

The OpenAPI document is generated from them; tests compare real responses with it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors.catalogue import MAX_PROBLEMS, all_errors
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.ids import ROW_ID
from rowkeep.model.tables import NAME
from rowkeep.model.values.scalars import CANONICAL_DATE

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

Name: TypeAlias = Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
Moment: TypeAlias = Annotated[str, Meta(pattern=CANONICAL_DATE, extra_json_schema={"format": "date-time"})]
ClientId: TypeAlias = Annotated[str, Meta(pattern=f"^cs-{UUID}$")]
AdminTokenId: TypeAlias = Annotated[str, Meta(pattern="^at-[0-9a-f]{24}$")]
UserId: TypeAlias = Annotated[str, Meta(pattern="^us-[0-9a-f]{24}$")]
WriterId: TypeAlias = Annotated[str, Meta(pattern=f"^st-{UUID}$")]
TypeName: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(COLUMN_TYPES)})]
Code: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": [kind.code for kind in all_errors()]})]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
NextCursor: TypeAlias = Annotated[
    str | UnsetType, Meta(description="The cursor of the next page; missing on the last page.")
]


def ref(name: str) -> dict[str, Any]:
    """A reference to a component schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


class ResponseBody(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An object with exactly these keys."""


class AliveResponse(ResponseBody):
    status: Literal["alive"]


class ReadyResponse(ResponseBody):
    status: Literal["ready"]
    tasks: Annotated[
        dict[str, Literal["ok", "failing"]],
        Meta(description="The background tasks of the server: whether the last run of each ended well."),
    ]


class SampledRow(ResponseBody):
    """An existing row that violates the change; texts are cut to 100 characters."""

    id: Annotated[str, Meta(pattern=f"^{ROW_ID.pattern}$")] = msgspec.field(name="_id")
    values: dict[str, Any]


class ProblemEntry(ResponseBody):
    """One thing that is wrong with the request."""

    msg: str
    code: Code
    pointer: Annotated[
        str | UnsetType, Meta(description="A JSON Pointer (RFC 6901) to the place in the body that is wrong.")
    ] = UNSET
    line: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(
            description="For a stream of rows: the line of the body, from 1. `pointer` is then a place in "
            "the row of this line."
        ),
    ] = UNSET
    count: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="`incompatible_rows`: the number of rows that violate the change."),
    ] = UNSET
    sample: Annotated[
        Annotated[list[SampledRow], Meta(max_length=10)] | UnsetType,
        Meta(description="`incompatible_rows`: some of these rows."),
    ] = UNSET
    n_matched: Annotated[
        Annotated[int, Meta(ge=0)] | UnsetType,
        Meta(description="`affected_out_of_bounds`: the number of rows that match the filter."),
    ] = UNSET
    quota: Annotated[str | UnsetType, Meta(description="`quota_exceeded`: the setting.")] = UNSET
    limit: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType, Meta(description="`quota_exceeded`: its value.")
    ] = UNSET


class ProblemDetails(ResponseBody):
    """An error: problem details (RFC 9457), with the platform's older format in `errors`."""

    type: Annotated[str, Meta(pattern="^urn:rowkeep:error:[a-z-]+$")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Code
    detail: Annotated[str, Meta(description="The message of the first entry of `errors`.")]
    errors: Annotated[
        list[ProblemEntry],
        Meta(
            min_length=1,
            description=f"At most {MAX_PROBLEMS}; in `all_rows_failed`, at most the setting "
            "`max_bulk_errors`.",
        ),
    ]
    n_inserted: Annotated[
        Annotated[int, Meta(ge=0, le=0)] | UnsetType, Meta(description="`all_rows_failed`: 0.")
    ] = UNSET
    n_updated: Annotated[
        Annotated[int, Meta(ge=0, le=0)] | UnsetType, Meta(description="`all_rows_failed` of an upsert: 0.")
    ] = UNSET
    n_ignored: Annotated[
        Annotated[int, Meta(ge=0, le=0)] | UnsetType, Meta(description="`all_rows_failed` of an upsert: 0.")
    ] = UNSET
    n_failed: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="`all_rows_failed`: the number of rows of the bulk."),
    ] = UNSET
    dry_run: Annotated[bool | UnsetType, Meta(description="`all_rows_failed` in a dry run: true.")] = UNSET
