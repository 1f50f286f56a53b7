"""Schema answers: what calls answer about all of a workspace, as types."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from rowkeep.http.response_types import Answer, Name, Table, View


class SchemaGrant(Answer):
    """The rights of one app to one table or view."""

    app: Annotated[
        str, Meta(description="The name of the app, because client ids differ between installations.")
    ]
    read: bool
    write: bool
    delete: bool
    table: Name | UnsetType = UNSET
    view: Name | UnsetType = UNSET


class Schema(Answer):
    """All definitions and grants of a workspace, sorted by name. `PUT` accepts the same form."""

    tables: list[Table]
    views: list[View]
    grants: list[SchemaGrant]
