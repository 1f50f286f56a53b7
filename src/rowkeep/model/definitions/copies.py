"""Copies: a definition that was exported under one name and is created under another."""

from __future__ import annotations

from msgspec.structs import replace

from rowkeep.errors.catalogue import InvalidName
from rowkeep.model.definitions.columns import ColumnBody, invalid_name
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import NAME, name_key


def table_named(body: TableBody, name: str | None) -> TableBody:
    """A table's definition with another name, if one is given; references to the table itself follow.
    Raises InvalidName."""
    if name is None:
        return body
    _check(name, "table")
    columns = [_following(column, body.name, name) for column in body.schema_def]
    return replace(body, name=name, schema_def=columns)


def view_named(body: ViewBody, name: str | None) -> ViewBody:
    """A view's definition with another name, if one is given. Raises InvalidName."""
    if name is None:
        return body
    _check(name, "view")
    return replace(body, name=name)


def _check(name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        raise InvalidName(invalid_name(name, what))


def _following(column: ColumnBody, former: str, name: str) -> ColumnBody:
    wanted = column.reference
    if not isinstance(wanted, dict) or not isinstance(wanted.get("table"), str):
        return column
    if name_key(wanted["table"]) != name_key(former):
        return column
    return replace(column, reference=wanted | {"table": name})
