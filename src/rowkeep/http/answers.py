"""Answers: what calls answer, as types.

Nothing is made from them but the OpenAPI document; tests hold real answers against it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import MAX_PROBLEMS, all_errors
from rowkeep.model.access import Algorithm, Right
from rowkeep.model.cells import CANONICAL_DATE
from rowkeep.model.column_definitions import MAX_TEXT_LENGTH
from rowkeep.model.columns import COLUMN_TYPES
from rowkeep.model.identity import ROW_ID
from rowkeep.model.tables import NAME
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
    str | UnsetType, Meta(description="Where the next page begins; only if there is one.")
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
    """Rows that were written, in the order of the request."""

    records: list[Record]


class Inserted(Answer):
    """The answer under `Prefer: return=minimal`."""

    n_inserted: Count


class Updated(Answer):
    """Rows as they are after the update, in `_id` order."""

    n_modified: Annotated[int, Meta(ge=0, description="How many rows the filter found.")]
    records: Annotated[
        list[Record] | UnsetType,
        Meta(
            description="Left out under `Prefer: return=minimal`, and if there are more than the "
            "setting `max_returned_records`."
        ),
    ] = UNSET


class Deleted(Answer):
    n_deleted: Count


class MetaInfo(Answer):
    """A column of the answer."""

    name: str
    type: TypeName


class Found(Answer):
    """One page of rows."""

    has_more: bool
    meta_info: list[MetaInfo]
    query_result: list[Selection]
    total: Annotated[
        Count | UnsetType,
        Meta(description="How many rows the filter finds in all; left out with `count: none`."),
    ] = UNSET
    next_cursor: NextCursor = UNSET


class FoundInView(Answer):
    """One page of the rows of a view. `hasMore` without a `nextCursor`: read on by `sys_offset`."""

    has_more: bool
    meta_info: list[MetaInfo]
    query_result: list[Annotated[Any, Meta(extra_json_schema=ref("ViewRow"))]]
    total: Annotated[
        Count | UnsetType,
        Meta(description="How many rows the filter finds in all; left out with `count: none`."),
    ] = UNSET
    next_cursor: NextCursor = UNSET


class UsableColumn(Answer):
    name: Annotated[str, Meta(description="A view may show system columns, such as `_id`.")]
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
    """Sorted by name, without regard to case."""

    tables: list[UsableTable]


# the management API

OtherName: TypeAlias = Annotated[str, Meta(description='`""`: not set.')]
ColumnOfTable: TypeAlias = Annotated[str, Meta(examples=["people.City"])]
KeptFilter: TypeAlias = Annotated[dict[str, Any], Meta(description="`{}`: not set.")]


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
    reference: Annotated[dict[str, str], Meta(description="`{}`: not set.")]
    max_length: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_TEXT_LENGTH)] | Literal[""], Meta(description='`""`: not set.')
    ]
    default: Annotated[Any, Meta(description='`""`: not set.', extra_json_schema=ref("Cell"))]


class TableIndexColumn(Answer):
    name: Name
    order: Literal["asc", "desc"]


class TableIndex(Answer):
    name: Name
    is_unique: bool
    columns: list[TableIndexColumn]


class Table(Answer):
    """The whole definition of a table, every key present."""

    name: Name
    description: str
    schema_def: list[TableColumn]
    indexes: list[TableIndex]


class Step(Answer):
    step: Annotated[str, Meta(description="What it does, in words.")]
    rewrites_table: Annotated[bool, Meta(description="Whether every row is written anew.")]
    loses_data: Annotated[bool, Meta(description="Whether it needs `allowDataLoss=true`.")]


class Steps(Answer):
    """What a dry run tells: the steps in their order, none for no change."""

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
    """A column that has another name than its own."""

    expr: str
    as_: Name = msgspec.field(name="as")


class ViewSort(Answer):
    field: str
    order: Literal["asc", "desc"]


class View(Answer):
    """The whole definition of a view, every key present."""

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
    public_key: Annotated[str | None, Meta(description="In PEM; null for an app that has a secret.")]
    enabled: bool
    created_on: Moment


class ChangedApp(App):
    """The app, with its secret if that is new."""

    client_secret: Annotated[
        str | UnsetType, Meta(description="Only here and now: it is not shown again.")
    ] = UNSET


class Apps(Answer):
    apps: list[App]
    next_cursor: NextCursor = UNSET


class TableGrant(Answer):
    """What one app may do with one table."""

    client_id: ClientId
    app: Annotated[str, Meta(description="The app's name.")]
    table: Name
    read: bool
    write: bool
    delete: bool


class ViewGrant(Answer):
    """Whether one app may read one view."""

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
    """Grants on tables and views, in the order of their names."""

    grants: list[Annotated[Any, Meta(extra_json_schema={"anyOf": [ref("TableGrant"), ref("ViewGrant")]})]]


class AdminToken(Answer):
    id: AdminTokenId
    name: str
    created_on: Moment


class NewAdminToken(AdminToken):
    token: Annotated[str, Meta(description="Only here and now: it is not shown again.")]


class CurrentAdminToken(AdminToken):
    """The admin token of the request."""

    writer: Annotated[
        WriterId, Meta(description="What stands in `Created_By` and `Updated_By` of the rows that it writes.")
    ]


class Writer(Answer):
    """An app or administrator, deleted ones included: what `Created_By` and `Updated_By` mean."""

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
    """A stored row that does not fit; texts are shown up to 100 characters."""

    id: Annotated[str, Meta(pattern=f"^{ROW_ID.pattern}$")] = msgspec.field(name="_id")
    values: dict[str, Any]


class ProblemEntry(Answer):
    """One thing that is wrong with the request."""

    msg: str
    code: Code
    pointer: Annotated[
        str | UnsetType, Meta(description="A JSON Pointer (RFC 6901) into the body: where it is wrong.")
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
    """Why a call was refused: problem details (RFC 9457), with the older shape in `errors`."""

    type: Annotated[str, Meta(pattern="^urn:rowkeep:error:[a-z-]+$")]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    code: Code
    detail: Annotated[str, Meta(description="The message of the first entry of `errors`.")]
    errors: Annotated[list[ProblemEntry], Meta(min_length=1, max_length=MAX_PROBLEMS)]
