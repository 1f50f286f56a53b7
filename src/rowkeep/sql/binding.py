"""Binding: the values of a plan under the names of the parameters of its statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, UpdatePlan
from rowkeep.sql.changes import MAX_CELL_BYTES
from rowkeep.sql.conditions import after_name, where_name
from rowkeep.sql.physical_table import cell_name


class _Numbered:
    """The names of parameters that differ only by a number, made once."""

    def __init__(self, name: Callable[[int], str]) -> None:
        self._name = name
        self._made: list[str] = []

    def name_all(self, values: Sequence[Any]) -> dict[str, Any]:
        """The values under the first of these names."""
        names = self._made
        if len(names) < len(values):
            # in one step, because several threads can bind
            self._made = names = [self._name(at) for at in range(len(values))]
        named: dict[str, Any] = {}
        # for a few values, dict() and zip() take longer than a loop
        for at, value in enumerate(values):
            named[names[at]] = value
        return named


_in_filter, _in_cursor, _in_row = _Numbered(where_name), _Numbered(after_name), _Numbered(cell_name)


def select_values(plan: SelectPlan, constants: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """The values of a select. The limit is one row more than requested, which shows whether there are more
    rows. ``constants`` are the values of the table or view that is read."""
    values = _in_filter.name_all(plan.where.values)
    if constants:
        values.update(constants)
    if plan.after:
        values.update(_in_cursor.name_all(plan.after))
    values["limit"] = plan.limit + 1
    values["offset"] = plan.offset
    values["max_bytes"] = plan.max_bytes
    return values


def stream_values(plan: SelectPlan, constants: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a stream, whose limit is exact."""
    return select_values(plan, constants) | {"limit": plan.limit}


def update_values(plan: UpdatePlan, cells: Sequence[Any], now: Any) -> dict[str, Any]:
    """``cells`` and ``now`` are those of the plan, as the engine takes them."""
    values = _in_filter.name_all(plan.where.values)
    values.update(_in_row.name_all(cells))
    values["now"] = now
    values["writer"] = plan.writer
    values["max_records"] = plan.max_records
    values["max_bytes"] = plan.max_bytes
    values[MAX_CELL_BYTES] = plan.max_cell_bytes
    return values


def delete_values(plan: DeletePlan) -> dict[str, Any]:
    return _in_filter.name_all(plan.where.values)


def insert_values(row: Sequence[Any]) -> dict[str, Any]:
    return _in_row.name_all(row)
