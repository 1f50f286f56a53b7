"""Requests of the Data API, as msgspec decodes and checks them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.model.values.scalars import MAX_EXACT

RowCount: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_EXACT)]


class Node(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"not_": "not", "all_": "all"}):
    """Any node of a filter in a request: a comparison, a filter or a ``not``. The plan checks which one it
    is."""

    field: str | UnsetType = UNSET
    operand: str | UnsetType = UNSET
    value: Any = UNSET
    expressions: list[Node] | UnsetType = UNSET
    operator: str | UnsetType = UNSET
    not_: Node | UnsetType = UNSET
    all_: Any = UNSET


class SortKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    field: str
    order: Literal["asc", "desc"] = "asc"


class QueryBody(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"as_of": "asOf"}
):
    """The body of a query. All keys are optional. ``asOf`` is a moment of the past (RFC 3339): the query
    reads the table, which must have a history, as it was then."""

    query: Node | UnsetType = UNSET
    fields: list[str] | UnsetType = UNSET
    sort: list[SortKey] | UnsetType = UNSET
    count: Literal["exact", "none"] = "exact"
    cursor: str | UnsetType = UNSET
    as_of: str | UnsetType = UNSET


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """If the filter matches fewer rows than ``minAffected`` or more than ``maxAffected``, none is changed.
    With ``dryRun`` everything is checked, and nothing is stored."""

    data: dict[str, msgspec.Raw]
    query: Node | UnsetType = UNSET
    min_affected: RowCount | UnsetType = UNSET
    max_affected: RowCount | UnsetType = UNSET
    dry_run: bool = False


class DeleteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """If the filter matches fewer rows than ``minAffected`` or more than ``maxAffected``, none is deleted.
    With ``dryRun`` everything is checked, and nothing is stored."""

    query: Node | UnsetType = UNSET
    min_affected: RowCount | UnsetType = UNSET
    max_affected: RowCount | UnsetType = UNSET
    dry_run: bool = False


ConflictAction: TypeAlias = Literal["error", "ignore", "update"]
InsertMode: TypeAlias = Literal["atomic", "partial"]


class Conflict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an insert does with a row whose key is stored already: ``columns`` are those of a unique index, in
    any order."""

    columns: list[str]
    action: ConflictAction


class InsertOptions(msgspec.Struct, frozen=True):
    """The members of the body of an insert other than ``data``. A mode is only for an array of rows."""

    on_conflict: Conflict | UnsetType = UNSET
    mode: InsertMode | UnsetType = UNSET
    dry_run: bool = False

    @property
    def action(self) -> ConflictAction | None:
        return None if self.on_conflict is UNSET else self.on_conflict.action

    @property
    def is_upsert(self) -> bool:
        """Whether a row may find its key stored, and so need not bring all columns."""
        return self.action in ("ignore", "update")

    @property
    def is_partial(self) -> bool:
        return self.mode == "partial"


DEFAULT_OPTIONS = InsertOptions()


class InsertBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One row, or several rows as an array."""

    data: dict[str, msgspec.Raw] | list[msgspec.Raw]
    on_conflict: Conflict | UnsetType = UNSET
    mode: InsertMode | UnsetType = UNSET
    dry_run: bool = False


class RowRange(msgspec.Struct, frozen=True):
    """``sys_limit`` and ``sys_offset``; None if no offset was given."""

    limit: int = 10
    offset: int | None = None
