"""The calls of the management API that give out and take in definitions as a whole, as rows."""

from __future__ import annotations

from rowkeep import errors
from rowkeep.http import answers
from rowkeep.http.endpoints import Endpoint, Flag, Text
from rowkeep.http.schema_answers import Schema
from rowkeep.model.schemas import SchemaBody
from rowkeep.model.tables import NAME

_W = "/workspaces/{workspace}"

DRY_RUN = Flag("dryRun", "Whether only to answer the steps that this would take, and change nothing.")
ALLOW_DATA_LOSS = Flag("allowDataLoss", "Whether steps that lose data are meant, such as to drop a column.")
NEW_NAME = Text(
    "name",
    "The name to create it under, instead of the definition's own; what refers to itself follows.",
    {"type": "string", "pattern": f"^{NAME.pattern}$"},
)

SCHEMA_ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path=f"{_W}/tables/{{table}}/definition", name="exportTable",
        summary="Get the definition of a table, as `POST` and `PUT` take it",
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
        summary="Make all definitions and grants of a workspace so, in one transaction",
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
