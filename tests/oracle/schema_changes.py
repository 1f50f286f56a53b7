"""A table as a list of rows in Python, and what becomes of it when it is given another definition."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

POOLS: dict[str, list[Any]] = {
    "string": ["", "x", "1", "1.0", "-2.5", "true", "TRUE", "2020-03-28", "ŝ😀ŝ", "9007199254740993"],
    "number": [0, 1, -2.5, 263, 1e300, 9007199254740991],
    "integer": [0, 1, -7, 9007199254740993],
    "boolean": [True, False],
    "date": ["2020-03-28T07:02:09.652Z", "0001-01-01T00:00:00.000Z"],
}
"""For each type some values, in their canonical form; some of them are those of other types too."""

DATES = {"2020-03-28": "2020-03-28T00:00:00.000Z"} | {text: text for text in POOLS["date"]}
EXACT = 2**53 - 1


class Unfit(Exception):
    """Stored rows cannot be what the new definition says."""


@dataclass(frozen=True)
class ModelColumn:
    """``former`` is the name that it has before the change; None for a new column."""

    name: str
    type: str
    required: bool = False
    default: Any = None
    max_length: int | None = None
    former: str | None = None

    def form(self) -> dict[str, Any]:
        renamed = self.former not in (None, self.name)
        return {
            "name": self.name,
            "type": self.type,
            "isRequired": self.required,
            "maxLength": self.max_length or "",
            "default": "" if self.default is None else self.default,
        } | ({"renamedFrom": self.former} if renamed else {})


@dataclass(frozen=True)
class Model:
    columns: tuple[ModelColumn, ...]
    unique: tuple[str, ...] = ()
    """The columns of its one unique index, if it has one."""
    rows: list[Row] = field(default_factory=list)

    def definition(self, name: str) -> dict[str, Any]:
        index = {"name": "u", "isUnique": True, "columns": [{"name": each} for each in self.unique]}
        return {
            "name": name,
            "schemaDef": [column.form() for column in self.columns],
            "indexes": [index] if self.unique else [],
        }

    def changed(self, old: Model) -> Model:
        """This definition with the rows of the old one. Raises Unfit."""
        was = {column.name: column for column in old.columns}
        rows = [
            {column.name: _cell(column, was.get(column.former or ""), row) for column in self.columns}
            for row in old.rows
        ]
        columns = tuple(replace(column, former=column.name) for column in self.columns)
        made = Model(columns, self.unique, rows)
        if made.has_duplicates():
            raise Unfit
        return made

    def has_duplicates(self) -> bool:
        keys = [tuple(row[name] for name in self.unique) for row in self.rows]
        whole = [key for key in keys if None not in key]
        return bool(self.unique) and len(set(whole)) < len(whole)


def _cell(column: ModelColumn, was: ModelColumn | None, row: Row) -> Any:
    if was is None:
        cell = column.default
    else:
        cell = row[was.name]
        if cell is not None and was.type != column.type:
            cell = converted(cell, column.type)
        if cell is None and column.required:
            cell = column.default
    if cell is None and column.required:
        raise Unfit
    if column.max_length is not None and cell is not None and len(cell) > column.max_length:
        raise Unfit
    return cell


def converted(value: Any, target: str) -> Any:
    """A value as one of another type, exactly. Raises Unfit."""
    is_boolean, is_text = isinstance(value, bool), isinstance(value, str)
    if target == "string":
        return value if is_text else json.dumps(value).replace("1e+300", "1e300")
    if target == "boolean":
        if is_text and value.lower() in ("true", "false"):
            return value.lower() == "true"
        raise Unfit
    if target == "date":
        if is_text and value in DATES:
            return DATES[value]
        if is_text or is_boolean or value != int(value) or abs(value) > 10**14:
            raise Unfit
        return _moment(int(value))
    try:
        exact = None if is_boolean else Decimal(value if is_text else repr(value))
    except ArithmeticError:
        exact = None
    if exact is None or (is_text and value.lower() != value):
        raise Unfit
    whole = exact == exact.to_integral_value()
    if target == "integer":
        # a double that is no exact integer stays one
        if not whole or (isinstance(value, float) and abs(value) > EXACT) or abs(exact) >= 2**63:
            raise Unfit
        return int(exact)
    if whole and abs(exact) > EXACT and not isinstance(value, float):
        raise Unfit
    return int(exact) if whole and abs(exact) <= EXACT else float(exact)


def _moment(milliseconds: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{moment.microsecond // 1000:03d}Z"
