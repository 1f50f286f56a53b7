"""Engines: which tests do not need both."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from . import citus

ENGINES = ["sqlite", "postgresql", *(["citus"] if os.environ.get(citus.VARIABLE) else [])]

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of what happens before a statement is made: it is the same whatever stores the rows."""


def first_on_each(
    names: str | tuple[str, ...], values: Sequence[Any], ids: Any = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Parameters for such tests: the first of them on each engine, the others on SQLite."""
    first = names if isinstance(names, str) else names[0]

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        pytest.mark.first_on_each(first)(test)
        return pytest.mark.parametrize(names, values, ids=ids)(test)

    return mark


def is_wanted(item: pytest.Item) -> bool:
    """Whether a test runs on its engine."""
    marker = item.get_closest_marker("first_on_each")
    call = getattr(item, "callspec", None)
    if marker is None or call is None:
        return True
    return call.params["backend"] == "sqlite" or call.indices[marker.args[0]] == 0
