"""Retention: for how long a table keeps its rows.

``"retention": {"column": c, "days": n}``: rows whose date in column ``c`` is more than ``n`` days ago are
deleted in the background. Rows without a date stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rowkeep.errors.catalogue import InvalidDefinition, ProblemList, preview
from rowkeep.model.definitions.columns import is_set
from rowkeep.model.tables import Column, Retention, Table

MAX_DAYS = 36_500

FORM = 'An example is {"column": "Created_On", "days": 90}.'


def read_retention(sent: Any, columns: Iterable[Column], problems: ProblemList) -> Retention | None:
    """The retention in a definition of a table with these columns; None if it is not set."""
    if not is_set(sent):
        return None
    if not isinstance(sent, dict) or sent.keys() != {"column", "days"}:
        got = f"keys {', '.join(map(preview, sent))}" if isinstance(sent, dict) else preview(sent)
        message = f"retention must be an object with the keys column and days; got {got}. {FORM}"
        problems.add(InvalidDefinition, message, "/retention")
        return None
    name, days = sent["column"], sent["days"]
    column = next((each for each in columns if each.name == name), None)
    if column is None:
        problems.add(InvalidDefinition, f"The table has no column {preview(name)}.", "/retention/column")
    elif column.type != "date" or column.is_encrypted:
        kind = "encrypted" if column.is_encrypted else f"of type {column.type}"
        message = f"Column {column.name} is {kind}. Use a column of type date that is not encrypted."
        problems.add(InvalidDefinition, message, "/retention/column")
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MAX_DAYS:
        message = f"days must be a whole number from 1 to {MAX_DAYS:,}; got {preview(days)}."
        problems.add(InvalidDefinition, message, "/retention/days")
        return None
    return None if column is None else Retention(column.id, days)


def retention_of(table: Table) -> dict[str, Any]:
    """The member of a definition; nothing if it is not set."""
    if table.retention is None:
        return {}
    column = next(each for each in table.all_columns if each.id == table.retention.column)
    return {"retention": {"column": column.name, "days": table.retention.days}}
