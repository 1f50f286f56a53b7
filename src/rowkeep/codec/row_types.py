"""Row types: the types that rows are decoded to and records encoded from, made once for each table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.model.tables import Column, Table


def wire_type(column: Column) -> Any:
    """The type that the strict decoder accepts for this column."""
    wire = column.type_facts.wire
    if column.type_facts.is_raw:
        return wire
    if column.type_facts.is_text:
        # a code point has at most 4 bytes, so this many characters always fit
        limits = [column.max_length, column.max_bytes and column.max_bytes // 4]
        known = [limit for limit in limits if limit is not None]
        wire = Annotated[str, Meta(max_length=min(known))] if known else str
    return wire if column.is_required else wire | None


def strict_row(table: Table, *, is_upsert: bool = False) -> Any:
    """A Struct of exactly this table's columns. Rows of an upsert can lack each of them.

    Its fields are numbered and renamed to the columns, because a column's name can be forbidden in Python.
    """
    fields: list[Any] = []
    for at, column in enumerate(table.columns):
        required = column.is_required and column.default is None and not is_upsert
        wire = wire_type(column)
        fields.append((f"c{at}", wire if required else wire | UnsetType) + (() if required else (UNSET,)))
    return msgspec.defstruct(
        "Row",
        fields,
        kw_only=True,
        frozen=True,
        gc=False,
        forbid_unknown_fields=True,
        rename={f"c{at}": column.name for at, column in enumerate(table.columns)},
    )


def strict_body(row: Any) -> Any:
    """``{"data": row or [row, …]}``."""
    return msgspec.defstruct(
        "Body", [("data", row | list[row])], frozen=True, gc=False, forbid_unknown_fields=True
    )


def record_type(names: Sequence[str]) -> Any:
    """A Struct that is encoded as an object with these keys, in this order."""
    fields = [(f"c{at}", Any) for at in range(len(names))]
    rename = {f"c{at}": name for at, name in enumerate(names)}
    return msgspec.defstruct("Record", fields, frozen=True, gc=False, rename=rename)
