"""Binding: the values of a plan under the names of the parameters of its statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, UpdatePlan
from rowkeep.sql.changes import MAX_CELL_BYTES
from rowkeep.sql.conditions import after_name, where_name
from rowkeep.sql.physical_table import cell_name


def _named(name: Callable[[int], str], values: Sequence[Any]) -> dict[str, Any]:
    return dict(zip(_names(name, len(values)), values, strict=True))


@lru_cache(1024)
def _names(name: Callable[[int], str], count: int) -> tuple[str, ...]:
    return tuple(map(name, range(count)))


def select_values(plan: SelectPlan, constants: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """The values of a select. The limit is one row more than requested, which shows whether there are more
    rows. ``constants`` are the values of the table or view that is read."""
    values = _named(where_name, plan.where.values)
    if constants:
        values.update(constants)
    if plan.after:
        values.update(_named(after_name, plan.after))
    values["limit"] = plan.limit + 1
    values["offset"] = plan.offset
    values["max_bytes"] = plan.max_bytes
    return values


def stream_values(plan: SelectPlan, constants: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a stream, whose limit is exact."""
    return select_values(plan, constants) | {"limit": plan.limit}


def update_values(plan: UpdatePlan, cells: Sequence[Any], now: Any) -> dict[str, Any]:
    """``cells`` and ``now`` are those of the plan, as the engine takes them."""
    values = _named(where_name, plan.where.values)
    values.update(_named(cell_name, cells))
    values["now"] = now
    values["writer"] = plan.writer
    values["max_records"] = plan.max_records
    values["max_bytes"] = plan.max_bytes
    values[MAX_CELL_BYTES] = plan.max_cell_bytes
    return values


def delete_values(plan: DeletePlan) -> dict[str, Any]:
    return _named(where_name, plan.where.values)


def insert_values(row: Sequence[Any]) -> dict[str, Any]:
    return _named(cell_name, row)
