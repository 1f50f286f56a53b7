"""Answers: what calls answer, as types.

Nothing is made from them but the OpenAPI document; tests hold real answers against it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors.catalogue import MAX_PROBLEMS, all_errors
from rowkeep.model.access import Algorithm, Right
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.definitions.columns import MAX_TEXT_LENGTH
from rowkeep.model.ids import ROW_ID
from rowkeep.model.tables import NAME
from rowkeep.model.values.scalars import CANONICAL_DATE
from rowkeep.model.views import COMPARISONS, JoinKind

UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

Name: TypeAlias = Annotated[str, Meta(pattern=f"^{NAME.pattern}$")]
Moment: TypeAlias = Annotated[str, Meta(pattern=CANONICAL_DATE, extra_json_schema={"format": "date-time"})]
ClientId: TypeAlias = Annotated[str, Meta(pattern=f"^cs-{UUID}$")]
AdminTokenId: TypeAlias = Annotated[str, Meta(pattern="^at-[0-9a-f]{24}$")]
WriterId: TypeAlias = Annotated[str, Meta(pattern=f"^st-{UUID}$")]
TypeName: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": list(COLUMN_TYPES)})]
Code: TypeAlias = Annotated[str, Meta(extra_json_schema={"enum": [kind.code for kind in all_errors()]})]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
NextCursor: TypeAlias = Annotated[
    str | UnsetType, Meta(description="The cursor of the next page; missing on the last page.")
]


def ref(name: str) -> dict[str, Any]:
    """A reference to a schema among the components of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


Record: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("Record"))]
"""A row as it is answered. Its keys are the columns of its table, so that no type can name them."""

Selection: TypeAlias = Annotated[Any, Meta(extra_json_schema=ref("Selection"))]
"""The part of a row that a query asks for."""


class Answer(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An object with these keys and no others."""


# the Data API


class Records(Answer):
    """The inserted rows, in the order of the request."""

    records: list[Record]


class Inserted(Answer):
    """The response with `Prefer: return=minimal`."""

    n_inserted: Count


class Updated(Answer):
    """The rows after the update, in the order of `_id`."""

    n_modified: Annotated[int, Meta(ge=0, description="The number of rows that matched the filter.")]
    records: Annotated[
        list[Record] | UnsetType,
        Meta(
            description="Missing with `Prefer: return=minimal`, or if there are more than the setting "
            "`max_returned_records`."
        ),
    ] = UNSET


class Deleted(Answer):
    n_deleted: Count


class MetaInfo(Answer):
    """A column of the response."""

    name: str
    type: TypeName


class Found(Answer):
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


class FoundInView(Answer):
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


class UsableColumn(Answer):
    name: Annotated[str, Meta(description="A column of a view can be a system column, such as `_id`.")]
    type: TypeName
    is_required: bool


class UsableTable(Answer):
    """A table or a view that the caller may use."""

    name: Name
    description: str
    kind: Literal["table", "view"]
    columns: list[UsableColumn]
    rights: list[Right]


class UsableTables(Answer):
    """Sorted by name, regardless of case."""

    tables: list[UsableTable]


# the management API

OtherName: TypeAlias = Annotated[str, Meta(description='`""` means not set.')]
ColumnOfTable: TypeAlias = Annotated[str, Meta(examples=["people.City"])]
KeptFilter: TypeAlias = Annotated[dict[str, Any], Meta(description="`{}` means not set.")]


class Workspace(Answer):
    name: Name
    created_on: Moment


class Workspaces(Answer):
    workspaces: list[Workspace]
    next_cursor: NextCursor = UNSET


class TableColumn(Answer):
    name: Name
    type: TypeName
    is_required: bool
    is_encrypted: bool
    reference: Annotated[dict[str, str], Meta(description="`{}` means not set.")]
    max_length: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_TEXT_LENGTH)] | Literal[""], Meta(description='`""` means not set.')
    ]
    default: Annotated[Any, Meta(description='`""` means not set.', extra_json_schema=ref("Cell"))]


class TableIndexColumn(Answer):
    name: Name
    order: Literal["asc", "desc"]


class TableIndex(Answer):
    name: Name
    is_unique: bool
    columns: list[TableIndexColumn]


class Table(Answer):
    """The complete definition of a table."""

    name: Name
    description: str
    schema_def: list[TableColumn]
    indexes: list[TableIndex]


class Step(Answer):
    step: Annotated[str, Meta(description="A description of the step.")]
    rewrites_table: Annotated[bool, Meta(description="Whether every row is rewritten.")]
    loses_data: Annotated[bool, Meta(description="Whether the step needs `allowDataLoss=true`.")]


class Steps(Answer):
    """The steps of a dry run, in their order; empty if nothing would change."""

    steps: list[Step]


class Tables(Answer):
    tables: list[Table]
    next_cursor: NextCursor = UNSET


class ViewCondition(Answer):
    left: ColumnOfTable
    operand: Annotated[str, Meta(extra_json_schema={"enum": list(COMPARISONS)})]
    right: ColumnOfTable


class ViewJoin(Answer):
    table: Name
    as_: OtherName = msgspec.field(name="as")
    type: Annotated[str, Meta(extra_json_schema={"enum": [kind.value for kind in JoinKind]})]
    on: list[ViewCondition]


class ViewColumn(Answer):
    """A column with a name set by `as`."""

    expr: str
    as_: Name = msgspec.field(name="as")


class ViewSort(Answer):
    field: str
    order: Literal["asc", "desc"]


class View(Answer):
    """The complete definition of a view."""

    name: Name
    description: str
    table: Name
    as_: OtherName = msgspec.field(name="as")
    joins: list[ViewJoin]
    columns: list[str | ViewColumn]
    filter: KeptFilter
    group_by: list[ColumnOfTable]
    having: KeptFilter
    sort_by: list[ViewSort]


class Views(Answer):
    views: list[View]
    next_cursor: NextCursor = UNSET


class App(Answer):
    name: str
    client_id: ClientId
    algorithm: Algorithm
    public_key: Annotated[
        str | None, Meta(description="The public key in PEM; null for an app that has a secret.")
    ]
    enabled: bool
    created_on: Moment


class ChangedApp(App):
    """An app, with its secret if it is new."""

    client_secret: Annotated[str | UnsetType, Meta(description="Shown only in this response.")] = UNSET


class Apps(Answer):
    apps: list[App]
    next_cursor: NextCursor = UNSET


class TableGrant(Answer):
    """The rights of one app to one table."""

    client_id: ClientId
    app: Annotated[str, Meta(description="The app's name.")]
    table: Name
    read: bool
    write: bool
    delete: bool


class ViewGrant(Answer):
    """The right of one app to one view."""

    client_id: ClientId
    app: Annotated[str, Meta(description="The app's name.")]
    view: Name
    read: bool
    write: Annotated[bool, Meta(description="Always false.")]
    delete: Annotated[bool, Meta(description="Always false.")]


class TableGrants(Answer):
    grants: list[TableGrant]


class ViewGrants(Answer):
    grants: list[ViewGrant]


class Grants(Answer):
    """Grants on tables and views, sorted by name."""

    grants: list[Annotated[Any, Meta(extra_json_schema={"anyOf": [ref("TableGrant"), ref("ViewGrant")]})]]


class AdminToken(Answer):
    id: AdminTokenId
    name: str
    created_on: Moment


class NewAdminToken(AdminToken):
    token: Annotated[str, Meta(description="Shown only in this response.")]


class CurrentAdminToken(AdminToken):
    """The admin token of the request."""

    writer: Annotated[
        WriterId, Meta(description="The value of `Created_By` and `Updated_By` in rows that it writes.")
    ]


class Writer(Answer):
    """An app or administrator that may have written rows. Includes deleted ones."""

    id: WriterId
    name: str
    kind: Literal["app", "administrator"]


class Writers(Answer):
    writers: list[Writer]
    next_cursor: NextCursor = UNSET


class AdminTokens(Answer):
    admin_tokens: list[AdminToken]
    next_cursor: NextCursor = UNSET


# health


class Health(Answer):
    status: Literal["alive", "ready"]


# errors


class SampledRow(Answer):
    """An existing row that violates the change; texts are cut to 100 characters."""

    id: Annotated[str, Meta(pattern=f"^{ROW_ID.pattern}$")] = msgspec.field(name="_id")
    values: dict[str, Any]


class ProblemEntry(Answer):
    """One thing that is wrong with the request."""

    msg: str
    code: Code
    pointer: Annotated[
        str | UnsetType, Meta(description="A JSON Pointer (RFC 6901) to the place in the body that is wrong.")
    ] = UNSET
    count: Annotated[
        Annotated[int, Meta(ge=1)] | UnsetType,
        Meta(description="`incompatible_rows`: how many rows do not fit."),
    ] = UNSET
    sample: Annotated[
        Annotated[list[SampledRow], Meta(max_length=10)] | UnsetType,
        Meta(description="`incompatible_rows`: some of these rows."),
    ] = UNSET


class Problem(Answer):
    """An error: problem details (RFC 9457), with the platform's older format in `errors`."""

    type: Annotated[str, Meta(pattern="^urn:rowkeep:error:[a-z-]+$")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Code
    detail: Annotated[str, Meta(description="The message of the first entry of `errors`.")]
    errors: Annotated[list[ProblemEntry], Meta(min_length=1, max_length=MAX_PROBLEMS)]
