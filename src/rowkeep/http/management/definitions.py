"""The calls of the management API that give out and take in definitions as a whole, as rows."""

from __future__ import annotations

from rowkeep.errors import catalogue as errors
from rowkeep.http import response_types as answers
from rowkeep.http.definition_types import Schema
from rowkeep.http.management.endpoint import Endpoint, Flag, Text
from rowkeep.model.definitions.workspaces import SchemaBody
from rowkeep.model.tables import NAME

_W = "/workspaces/{workspace}"

DRY_RUN = Flag("dryRun", "Return the steps of the change without doing them.")
ALLOW_DATA_LOSS = Flag("allowDataLoss", "Allow steps that lose data, such as dropping a column.")
NEW_NAME = Text(
    "name",
    "The name to use instead of the name in the definition; references to itself use it too.",
    {"type": "string", "pattern": f"^{NAME.pattern}$"},
)

SCHEMA_ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path=f"{_W}/tables/{{table}}/definition", name="exportTable",
        summary="Get the definition of a table in the form that `POST` and `PUT` accept",
        call=lambda do, asked: do.tables.get(asked.path["workspace"], asked.path["table"]),
        answer=answers.Table, errors=(errors.NoSuchWorkspace, errors.NoSuchTable),
    ),
    Endpoint(
        method="GET", path=f"{_W}/schema", name="getSchema",
        summary="Get all definitions and grants of a workspace",
        call=lambda do, asked: do.schemas.get(asked.path["workspace"]),
        answer=Schema, errors=(errors.NoSuchWorkspace,),
    ),
    Endpoint(
        method="PUT", path=f"{_W}/schema", name="applySchema",
        summary="Replace all definitions and grants of a workspace, in one transaction",
        call=lambda do, asked: do.schemas.apply(
            asked.path["workspace"], asked.body,
            dry_run=asked.flags["dryRun"], allow_data_loss=asked.flags["allowDataLoss"],
        ),
        body=SchemaBody, answer=answers.Steps, flags=(DRY_RUN, ALLOW_DATA_LOSS),
        errors=(
            errors.NoSuchWorkspace, errors.NoSuchApp, errors.InvalidDefinition, errors.InvalidName,
            errors.DuplicateColumn, errors.SystemColumn, errors.UnknownColumn, errors.UnknownOperand,
            errors.InvalidFilter, errors.NameTaken, errors.StillReferenced, errors.DataLoss,
            errors.IncompatibleRows, errors.TooManyColumns,
        ),
    ),
)  # fmt: skip
"""Grants are by the names of apps, for client ids differ between installations."""
