"""Request bodies of the management API, as msgspec decodes them."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.model.access import Algorithm
from rowkeep.model.data_requests import RowCount


class WorkspaceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str


class AdminTokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str = ""


class EraseHistoryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The records of the rows that have or had this value in the column. A dry run only counts them."""

    column: str
    value: str | int | float | bool
    dry_run: bool = False


class AppBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An app. ``clientId`` and ``clientSecret`` import an app; both or neither are required."""

    name: str
    algorithm: Algorithm = Algorithm.HS256
    public_key: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    max_affected: RowCount | None = None
    allow_all: bool = True
    rate_limit: str | None = None
    require_jti: bool = False
    audience: str | None = None
    require_jwe: bool = False


class AppPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Missing keys are not changed."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    algorithm: Algorithm | UnsetType = UNSET
    public_key: str | UnsetType | None = UNSET
    max_affected: RowCount | UnsetType | None = UNSET
    allow_all: bool | UnsetType = UNSET
    rate_limit: str | UnsetType | None = UNSET
    require_jti: bool | UnsetType = UNSET
    audience: str | UnsetType | None = UNSET
    require_jwe: bool | UnsetType = UNSET


class GrantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Missing keys are false. If all are false, the grant is deleted."""

    read: bool = False
    write: bool = False
    delete: bool = False
