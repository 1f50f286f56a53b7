"""Copied cells: the values for PostgreSQL's binary COPY, made from cells that are text in other
statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import repeat
from operator import floordiv, sub
from typing import Any, TypeAlias

from rowkeep.model.values.scalars import moments_of

CopiedCells: TypeAlias = Callable[[Collection[Any]], Mapping[Any, Any]]
"""Maps distinct cells to the values that COPY takes; none of the cells is null."""

POSTGRES_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def copied_decimals(cells: Collection[Any]) -> dict[Any, Any]:
    return dict(zip(cells, map(Decimal, cells), strict=True))


def copied_moments(cells: Collection[Any]) -> dict[Any, Any]:
    moments = moments_of(cells)
    return dict(zip(moments, _stored_moments(moments.values()), strict=True))


def copied_moment(moment: datetime) -> tuple[int]:
    return next(_stored_moments([moment]))


def _stored_moments(moments: Iterable[Any]) -> Iterator[tuple[int]]:
    """Timestamps as PostgreSQL has them, each in a tuple, because the connections take tuples."""
    return zip(map(floordiv, map(sub, moments, repeat(POSTGRES_EPOCH)), repeat(MICROSECOND)), strict=True)
