"""Engines: which tests do not need both."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any

import pytest

from . import citus

ENGINES = ["sqlite", "postgresql", *(["citus"] if os.environ.get(citus.VARIABLE) else [])]

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of what happens before a statement is made: it is the same whatever stores the rows."""


def first_on_each(
    names: str | tuple[str, ...], values: Collection[Any], ids: Any = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Parameters for such tests: the first of them on each engine, the others on SQLite."""
    several = (names,) if isinstance(names, str) else names
    first = next(iter(values))
    cells = (first,) if isinstance(names, str) else first

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        pytest.mark.first_on_each(**dict(zip(several, cells, strict=True)))(test)
        return pytest.mark.parametrize(names, values, ids=ids)(test)

    return mark


def first_way_on_each(fixture: str) -> pytest.MarkDecorator:
    """For tests with a fixture that has parameters: with the first of them on each engine, with the others on
    SQLite."""
    return pytest.mark.first_on_each(fixture)


def is_wanted(item: pytest.Item) -> bool:
    """Whether a test runs on its engine."""
    marker = item.get_closest_marker("first_on_each")
    call = getattr(item, "callspec", None)
    if marker is None or call is None or call.params["backend"] == "sqlite":
        return True
    # pytest numbers the values of fixtures; of others, it numbers the tests
    is_first_way = all(call.indices[fixture] == 0 for fixture in marker.args)
    return is_first_way and all(call.params[name] is value for name, value in marker.kwargs.items())
