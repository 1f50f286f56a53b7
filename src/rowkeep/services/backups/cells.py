"""Cells: the types of the cells of each part of a backup, and what they must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from rowkeep.model.column_types import Kind
from rowkeep.model.tables import ROW_KEY, Column
from rowkeep.model.values.scalars import CANONICAL_DATE, MAX_INTEGER, MIN_INTEGER, check_dates
from rowkeep.sql.backups import SystemTable, system_cell_types
from rowkeep.sql.history_table import RECORD_COLUMNS

Int64: TypeAlias = Annotated[int, Meta(ge=MIN_INTEGER, le=MAX_INTEGER)]
RowKey: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{24}$", max_length=24)]
Check: TypeAlias = Callable[[list[Any]], None]
"""Raises ValueError if one of these cells, none of which is null, is invalid."""

MAX_DECIMAL = 4096
"""The digits of a decimal and its places are fewer."""

KINDS: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.DOUBLE: float,
    Kind.INT64: Int64,
    Kind.BOOLEAN: bool,
    Kind.MOMENT: Annotated[str, Meta(pattern=CANONICAL_DATE, max_length=24)],
    Kind.DECIMAL: Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", max_length=MAX_DECIMAL)],
    Kind.DOCUMENT: str,
    Kind.SEALED: bytes,
}
"""The type of each kind in JSON; bytes are base64."""

RECORDS: Sequence[Any] = (Int64, Int64, Annotated[int, Meta(ge=0, le=2)], RowKey)
"""The types of RECORD_COLUMNS."""

_document = msgspec.json.Decoder()


def _check_documents(cells: list[Any]) -> None:
    for cell in cells:
        try:
            _document.decode(cell)
        except (ValueError, RecursionError):
            raise ValueError("a text that is not JSON") from None


def _check_moments(cells: list[Any]) -> None:
    try:
        check_dates(cells)
    except ValueError:
        raise ValueError("a date that the calendar does not have") from None


CHECKS: Mapping[Kind, Check] = {Kind.MOMENT: _check_moments, Kind.DOCUMENT: _check_documents}
"""What the type alone does not say."""


class CellTypes(msgspec.Struct, frozen=True):
    """The names and types of the cells of a row, and further checks of some by their places. ``place`` says
    which table it is, for errors."""

    names: tuple[str, ...]
    types: tuple[Any, ...]
    checks: Mapping[int, Check] = {}
    place: str = ""


def of_system_table(table: SystemTable, names: tuple[str, ...]) -> CellTypes:
    """Those of the rows of a system table."""
    types = system_cell_types(table)
    return CellTypes(names, tuple(types[name] for name in names))


def of_rows(columns: Sequence[Column], name: str) -> CellTypes:
    """Those of the rows of a table."""
    types = tuple(
        RowKey if column.name == ROW_KEY else _type(column, can_be_null=not column.is_required)
        for column in columns
    )
    names = tuple(column.name for column in columns)
    return CellTypes(names, types, _checks(columns, 0), f"table {name}, ")


def of_records(columns: Sequence[Column], name: str) -> CellTypes:
    """Those of the records of the changes of a table, without their first columns."""
    types = (*RECORDS, *(_type(column, can_be_null=True) for column in columns))
    names = (*RECORD_COLUMNS, *(column.name for column in columns))
    return CellTypes(names, types, _checks(columns, len(RECORD_COLUMNS)), f"history of table {name}, ")


def _type(column: Column, *, can_be_null: bool) -> Any:
    type_ = KINDS[column.kind]
    return type_ | None if can_be_null else type_


def _checks(columns: Sequence[Column], first: int) -> dict[int, Check]:
    return {at: CHECKS[column.kind] for at, column in enumerate(columns, first) if column.kind in CHECKS}
