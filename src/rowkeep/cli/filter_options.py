"""Filter options: the options that select rows, and the filter that they create."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn

import msgspec
import typer

from rowkeep.client.answers import digits
from rowkeep.codec.json_bodies import refuse_repeated_keys
from rowkeep.errors.catalogue import RepeatedKey, SetupError, preview
from rowkeep.model.changes import Change

Where = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN=VALUE",
        help="Only rows that match this condition: =, !=, <, <=, > or >=. Can be repeated; all "
        "conditions must match.",
    ),
]
Filter = Annotated[
    str | None,
    typer.Option(
        "--filter", metavar="JSON", help="Only rows that match this filter, in the JSON form of the Data API."
    ),
]
RowId = Annotated[
    str | None, typer.Option("--id", metavar="ID", help="Only the row with this _id or sys_Id.")
]

_CONDITION = re.compile(r"\s*([^=!<>]+?)\s*(!=|<=|>=|=|<|>)(.*)", re.DOTALL)
_ASSIGNMENT = re.compile(r"\s*([^=]+?)\s*=(.*)", re.DOTALL)


def selection(
    where: list[str] | None, filter_: str | None, row_id: str | None = None, everything: bool = False
) -> dict[str, Any] | None:
    """The filter for these options; None if none is set. Raises BadParameter if more than one is set."""
    if sum((bool(where), filter_ is not None, row_id is not None, everything)) > 1:
        raise typer.BadParameter("--where, --filter, --id and --all cannot be used together")
    if filter_ is not None:
        found: dict[str, Any] = parsed(filter_, "--filter")
        return found
    if where:
        return {"expressions": [_comparison(condition) for condition in where]}
    if row_id is not None:
        return by_id(row_id)
    return {"all": True} if everything else None


def by_id(row_id: str) -> dict[str, Any]:
    """The filter that matches one row by its _id or sys_Id."""
    column = "sys_Id" if row_id.startswith("sys-") else "_id"
    return {"expressions": [{"field": column, "operand": "=", "value": row_id}]}


def _comparison(condition: str) -> dict[str, Any]:
    parts = _CONDITION.fullmatch(condition)
    if parts is None:
        raise typer.BadParameter(
            f"must be COLUMN=VALUE (or !=, <, <=, >, >=); got {preview(condition)}", param_hint="--where"
        )
    column, operand, value = parts.groups()
    return {"field": column, "operand": operand, "value": value.strip()}


CHANGES = {"--inc": Change.INCREMENT, "--append": Change.APPEND}


def parsed(text: str, what: str) -> Any:
    """JSON from the command line, with its numbers as they are written: a double has not all digits of a
    decimal. Raises SetupError."""
    try:
        found = json.loads(text, parse_float=digits, parse_int=digits, parse_constant=_refuse)
        refuse_repeated_keys(text.encode())
        msgspec.json.encode(found)  # not half of a surrogate pair
        return found
    except (ValueError, RecursionError) as error:
        raise SetupError(f"{what} is not valid JSON: {error}.") from None
    except RepeatedKey as error:
        raise SetupError(f"{what}: {error}") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number in JSON")


def assigned(assignments: Mapping[str, list[str] | None]) -> dict[str, Any]:
    """The row from the assignments of each option: ``--set`` sets a column, and each option in
    :data:`CHANGES` changes it. Raises BadParameter."""
    row: dict[str, Any] = {}
    for option, given in assignments.items():
        for assignment in given or ():
            parts = _ASSIGNMENT.fullmatch(assignment)
            if parts is None:
                raise typer.BadParameter(
                    f"must be COLUMN=VALUE; got {preview(assignment)}", param_hint=option
                )
            column, value = parts.groups()
            if column in row:
                raise typer.BadParameter(f"column {preview(column)} is set twice", param_hint=option)
            row[column] = {CHANGES[option].value: value} if option in CHANGES else value
    return row


def query_body(query: dict[str, Any] | None, fields: str | None, sort: list[str] | None) -> dict[str, Any]:
    """The body of a query with these options; the server validates it."""
    body: dict[str, Any] = {} if query is None else {"query": query}
    if fields is not None:
        body["fields"] = [name.strip() for name in fields.split(",")]
    if sort:
        body["sort"] = [_sort_key(key) for key in sort]
    return body


def _sort_key(key: str) -> dict[str, str]:
    name, _, order = key.partition(":")
    return {"field": name, "order": order or "asc"}


def count_of(rows: int) -> str:
    """ "1 row", "1,234 rows"."""
    return f"{rows:,} row" + ("" if rows == 1 else "s")
