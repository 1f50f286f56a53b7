"""Filters, evaluated row by row in plain Python."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oracle.columns import find_column, type_of
from oracle.operands import OPERAND_TWINS
from oracle.values import canonical, comparable

Filter = dict[str, Any]
Record = dict[str, Any]


def resolve(wish: Filter, own: Mapping[str, str]) -> Filter:
    """The filter with every field named as its column is, and every value as its cells are compared.

    Raises LookupError or ValueError where the contract has 400 or 422.
    """
    if "not" in wish:
        return {"not": resolve(wish["not"], own)}
    if "field" not in wish:
        return wish | {"expressions": [resolve(each, own) for each in wish.get("expressions", [])]}
    column = find_column(wish["field"], own)
    resolved = wish | {"field": column}
    if "value" in wish:
        value, kind = wish["value"], type_of(column, own)
        several = isinstance(value, list)
        read = [canonical(kind, each) for each in value] if several else canonical(kind, value)
        resolved["value"] = comparable(kind, read)
    return resolved


def evaluate(filter_: Filter, row: Record) -> bool:
    """Whether ``row`` (column → comparable cell) passes a resolved filter. Two-valued throughout."""
    if "not" in filter_:
        return not evaluate(filter_["not"], row)
    if "field" in filter_:
        return OPERAND_TWINS[filter_["operand"]](row[filter_["field"]], filter_.get("value"))
    verdicts = [evaluate(each, row) for each in filter_["expressions"]]
    return any(verdicts) if filter_.get("operator") == "or" else all(verdicts)


def matching(wish: Filter, rows: list[Record], own: Mapping[str, str]) -> list[Record]:
    """Those of ``rows`` that the filter, as sent, finds; in the order they had."""
    resolved = resolve(wish, own)
    return [row for row in rows if evaluate(resolved, compared(row, own))]


def compared(row: Record, own: Mapping[str, str]) -> Record:
    """The row with its cells as they are compared."""
    return {column: comparable(type_of(column, own), cell) for column, cell in row.items()}
