"""Tables and the grants on them: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, Flag, Text
from rowkeep.http.management.grants import (
    GRANT_SAMPLE,
    TableGrantResponse,
    TableGrantsResponse,
    grant_form,
    grant_of,
    grants_form,
)
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import (
    Name,
    NextCursor,
    ResponseBody,
    TypeName,
    ref,
)
from rowkeep.model.definitions.columns import MAX_TEXT_LENGTH
from rowkeep.model.definitions.copies import table_named
from rowkeep.model.definitions.retention import MAX_DAYS
from rowkeep.model.definitions.tables import TableBody, definition_of
from rowkeep.model.history import MAX_KEEP_DAYS
from rowkeep.model.management_requests import EraseHistoryBody, GrantBody
from rowkeep.model.tables import COUNTED, NAME
from rowkeep.model.users import ListedThings, Need
from rowkeep.services.tables import ChangeStep, DefinedTable


class TableColumnResponse(ResponseBody):
    name: Name
    type: TypeName
    is_required: bool
    is_encrypted: bool
    reference: Annotated[dict[str, str], Meta(description="`{}` means not set.")]
    max_length: Annotated[
        Annotated[int, Meta(ge=1, le=MAX_TEXT_LENGTH)] | Literal[""], Meta(description='`""` means not set.')
    ]
    default: Annotated[Any, Meta(description='`""` means not set.', extra_json_schema=ref("Cell"))]


class TableIndexColumnResponse(ResponseBody):
    name: Name
    order: Literal["asc", "desc"]


class TableIndexResponse(ResponseBody):
    name: Name
    is_unique: bool
    columns: list[TableIndexColumnResponse]


class TableRetentionResponse(ResponseBody):
    """When rows are deleted in the background."""

    column: Name
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS, description="How old a row gets.")]


class TableHistoryResponse(ResponseBody):
    """That changes of rows are recorded."""

    keep_days: Annotated[int, Meta(ge=1, le=MAX_KEEP_DAYS, description="For how many days records stay.")]


class TableResponse(ResponseBody):
    """The complete definition of a table."""

    name: Name
    description: str
    schema_def: list[TableColumnResponse]
    indexes: list[TableIndexResponse]
    retention: TableRetentionResponse | UnsetType = UNSET
    history: TableHistoryResponse | UnsetType = UNSET


class ErasedResponse(ResponseBody):
    n_erased: Annotated[int, Meta(ge=0, description="How many records had cells of these rows.")]


class TableSizeResponse(ResponseBody):
    """The size of a table. It costs the same for any number of rows."""

    rows: Annotated[
        int, Meta(ge=0, description=f"The number of rows; exact up to {COUNTED:,}, beyond that an estimate.")
    ]
    bytes: Annotated[
        int, Meta(ge=0, description="About how many bytes the rows take, without indexes: an estimate.")
    ]


class ListedTableResponse(TableResponse):
    """The complete definition of a table and, if it was asked for, its size."""

    size: TableSizeResponse | UnsetType = UNSET


class TablesResponse(ResponseBody):
    tables: list[ListedTableResponse]
    next_cursor: NextCursor = UNSET


class StepResponse(ResponseBody):
    step: Annotated[str, Meta(description="A description of the step.")]
    rewrites_table: Annotated[bool, Meta(description="Whether every row is rewritten.")]
    loses_data: Annotated[bool, Meta(description="Whether the step needs `allowDataLoss=true`.")]


class StepsResponse(ResponseBody):
    """The steps of a dry run, in their order; empty if nothing would change."""

    steps: list[StepResponse]


_COLUMNS: list[dict[str, Any]] = [
    {"name": "First_Name", "type": "string"},
    {"name": "Last_Name", "type": "string", "isRequired": True, "maxLength": 200},
    {"name": "Gender", "type": "string"},
    {"name": "Number", "type": "number"},
]
_CHANGED_COLUMNS: list[dict[str, Any]] = [
    {"name": "First_Name", "type": "string"},
    {"name": "Last_Name", "type": "string", "isRequired": True, "maxLength": 200},
    {"name": "Sex", "type": "string", "renamedFrom": "Gender"},
    {"name": "Number", "type": "number"},
    {"name": "Age", "type": "integer"},
]
TABLE_DEFINITION_SAMPLE: dict[str, Any] = {
    "name": "people",
    "description": "People who used the bot",
    "schemaDef": _COLUMNS,
    "indexes": [
        {"name": "by_last_name", "isUnique": False, "columns": [{"name": "Last_Name", "order": "asc"}]},
    ],
}
_NOTHING_SET = {
    "isRequired": False,
    "isEncrypted": False,
    "reference": {},
    "maxLength": "",
    "default": "",
}
TABLE_SAMPLE = TABLE_DEFINITION_SAMPLE | {
    "schemaDef": [column | (_NOTHING_SET | column) for column in _COLUMNS]
}
_CHANGED_DEFINITION = TABLE_DEFINITION_SAMPLE | {"schemaDef": _CHANGED_COLUMNS}
_CHANGED_SAMPLE = TABLE_SAMPLE | {
    "schemaDef": [
        {key: value for key, value in (column | _NOTHING_SET | column).items() if key != "renamedFrom"}
        for column in _CHANGED_COLUMNS
    ]
}


def table_form(defined: DefinedTable) -> dict[str, Any]:
    """The JSON of a table."""
    return definition_of(defined.table, defined.referenced)


def listed_table_form(defined: DefinedTable) -> dict[str, Any]:
    """The JSON of a table in a list."""
    form = table_form(defined)
    if defined.size is not None:
        form["size"] = {"rows": defined.size.rows, "bytes": defined.size.bytes}
    return form


def steps_form(steps: Sequence[ChangeStep]) -> dict[str, Any]:
    """The JSON of the steps of a change."""
    return {
        "steps": [
            {"step": step.description, "rewritesTable": step.rewrites_table, "losesData": step.loses_data}
            for step in steps
        ]
    }


def changed_form(changed: DefinedTable | Sequence[ChangeStep]) -> dict[str, Any]:
    """The JSON of the table, or of the steps of a dry run."""
    return table_form(changed) if isinstance(changed, DefinedTable) else steps_form(changed)


_TABLE = f"{WORKSPACE}/tables/{{table}}"
_no_table = (errors.NoSuchWorkspace, errors.NoSuchTable)
_wrong_definition = (
    errors.InvalidDefinition,
    errors.InvalidName,
    errors.DuplicateColumn,
    errors.SystemColumn,
)

DRY_RUN = Flag("dryRun", "Return the steps of the change without doing them.")
ALLOW_DATA_LOSS = Flag("allowDataLoss", "Allow steps that lose data, such as dropping a column.")
SIZES = Flag("sizes", "Return the size of each table, too: its number of rows and their bytes, as estimates.")
LISTED = Text(
    "list",
    "`mine`: what the user owns, `shared`: what others share with the user, `all` (the default): all that is "
    "visible.",
    {"enum": [each.value for each in ListedThings]},
)
NEW_NAME = Text(
    "name",
    "The name to use instead of the name in the definition; references to itself use it too.",
    {"type": "string", "pattern": f"^{NAME.pattern}$"},
)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/tables",
        name="listTables",
        summary="List the tables of a workspace",
        need=Need.WORKSPACE,
        call=lambda services, request: services.tables.list(
            request.path["workspace"], request.list, request.asker, sizes=request.flags["sizes"]
        ),
        form=list_form("tables", listed_table_form),
        response=TablesResponse,
        is_list=True,
        flags=(SIZES,),
        texts=(LISTED,),
        errors=(errors.NoSuchWorkspace,),
        response_samples={
            "Tables": {"tables": [TABLE_SAMPLE]},
            "With `sizes=true`": {"tables": [TABLE_SAMPLE | {"size": {"rows": 500, "bytes": 81_920}}]},
        },
    ),
    Endpoint(
        method="POST",
        path=f"{WORKSPACE}/tables",
        name="createTable",
        action="table.create",
        summary="Create a table from its definition",
        need=Need.MANAGER,
        call=lambda services, request: services.tables.create(
            request.path["workspace"], table_named(request.body, request.texts["name"])
        ),
        body=TableBody,
        form=table_form,
        response=TableResponse,
        status=201,
        texts=(NEW_NAME,),
        errors=(errors.NoSuchWorkspace, *_wrong_definition, errors.NameTaken),
        request_samples={"The table of the other examples": TABLE_DEFINITION_SAMPLE},
        response_samples={"A table": TABLE_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=_TABLE,
        name="getTable",
        summary="Get the definition of a table",
        gives_tag=True,
        need=Need.READ,
        call=lambda services, request: services.tables.get(request.path["workspace"], request.path["table"]),
        form=table_form,
        response=TableResponse,
        errors=_no_table,
        response_samples={"A table": TABLE_SAMPLE},
    ),
    Endpoint(
        method="PUT",
        path=_TABLE,
        name="changeTable",
        action="table.change",
        summary="Replace the definition of a table, and adapt its rows",
        need=Need.MANAGE,
        call=lambda services, request: services.tables.change(
            request.path["workspace"],
            request.path["table"],
            request.body,
            dry_run=request.flags["dryRun"],
            allow_data_loss=request.flags["allowDataLoss"],
            expected=request.expected,
        ),
        takes_tag=True,
        body=TableBody,
        form=changed_form,
        response=TableResponse,
        other_response=StepsResponse,
        flags=(DRY_RUN, ALLOW_DATA_LOSS),
        errors=(
            *_no_table,
            *_wrong_definition,
            errors.NameTaken,
            errors.DataLoss,
            errors.DefinitionChanged,
            errors.IncompatibleRows,
            errors.TooManyColumns,
            errors.StillReferenced,
        ),
        request_samples={
            "A column renamed, and one added": _CHANGED_DEFINITION,
            "The table renamed": TABLE_DEFINITION_SAMPLE | {"renamedFrom": "humans"},
        },
        response_samples={
            "The table": _CHANGED_SAMPLE,
            "A dry run": {
                "steps": [
                    {"step": "rename column Gender to Sex", "rewritesTable": False, "losesData": False},
                    {
                        "step": "add column Age of type integer",
                        "rewritesTable": False,
                        "losesData": False,
                    },
                ]
            },
        },
    ),
    Endpoint(
        method="DELETE",
        path=_TABLE,
        name="deleteTable",
        action="table.delete",
        summary="Delete a table with its rows and grants",
        need=Need.MANAGE,
        call=lambda services, request: services.tables.drop(
            request.path["workspace"], request.path["table"], request.expected
        ),
        takes_tag=True,
        status=204,
        errors=(*_no_table, errors.StillReferenced, errors.DefinitionChanged),
    ),
    Endpoint(
        method="POST",
        path=f"{_TABLE}/history/erase",
        name="eraseHistory",
        action="history.erase",
        summary="Remove the cells of rows from the history of a table",
        need=Need.MANAGE,
        call=lambda services, request: services.histories.erase(
            request.path["workspace"], request.path["table"], request.body
        ),
        body=EraseHistoryBody,
        form=lambda erased: {"nErased": erased.n_erased},
        response=ErasedResponse,
        errors=(*_no_table, errors.UnknownColumn, errors.InvalidFilter, errors.InvalidValue),
        request_samples={"All that is recorded of a person": {"column": "Last_Name", "value": "Doe"}},
        response_samples={"Erased": {"nErased": 3}},
    ),
    Endpoint(
        method="GET",
        path=f"{_TABLE}/definition",
        name="exportTable",
        summary="Get the definition of a table in the form that `POST` and `PUT` accept",
        gives_tag=True,
        need=Need.READ,
        call=lambda services, request: services.tables.get(request.path["workspace"], request.path["table"]),
        form=table_form,
        response=TableResponse,
        errors=_no_table,
        response_samples={"A table": TABLE_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=f"{_TABLE}/grants",
        name="listTableGrants",
        summary="List the grants of a table",
        need=Need.MANAGE,
        call=lambda services, request: services.tables.grants(
            request.path["workspace"], request.path["table"]
        ),
        form=grants_form,
        response=TableGrantsResponse,
        errors=_no_table,
        response_samples={"Grants": {"grants": [GRANT_SAMPLE]}},
    ),
    Endpoint(
        method="PUT",
        path=f"{_TABLE}/grants/{{clientId}}",
        name="setGrant",
        action="grant.set",
        summary="Set the rights of an app to a table; all false deletes the grant",
        need=Need.MANAGE,
        call=lambda services, request: services.tables.set_grant(
            request.path["workspace"], request.path["table"], request.path["clientId"], grant_of(request.body)
        ),
        body=GrantBody,
        form=grant_form,
        response=TableGrantResponse,
        errors=(*_no_table, errors.NoSuchApp),
        request_samples={"Read and write": {"read": True, "write": True}, "Nothing": {}},
        response_samples={"A grant": GRANT_SAMPLE},
    ),
)
