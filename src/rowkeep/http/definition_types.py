"""Schema answers: what calls answer about all of a workspace, as types."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from rowkeep.http.response_types import Answer, Name, Table, View


class SchemaGrant(Answer):
    """What one app may do with one table or view."""

    app: Annotated[str, Meta(description="The app's name: client ids differ between installations.")]
    read: bool
    write: bool
    delete: bool
    table: Name | UnsetType = UNSET
    view: Name | UnsetType = UNSET


class Schema(Answer):
    """All that a workspace holds, in the order of names. `PUT` takes the same."""

    tables: list[Table]
    views: list[View]
    grants: list[SchemaGrant]
