"""Engines: which tests do not need both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

from . import citus

ENGINES = ["sqlite", "postgresql", *(["citus"] if os.environ.get(citus.VARIABLE) else [])]

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of what happens before a statement is made: it is the same whatever stores the rows."""


def first_on_each(
    names: str | tuple[str, ...], values: Sequence[Any], ids: Any = None
) -> pytest.MarkDecorator:
    """Parameters for such tests: the first of them on each engine, the others on SQLite."""
    names = (names,) if isinstance(names, str) else names
    cases = [each if len(names) > 1 else (each,) for each in values]
    chosen = [("sqlite", *each) for each in cases]
    chosen += [(engine, *cases[0]) for engine in ENGINES if engine != "sqlite"]
    return pytest.mark.parametrize(("backend", *names), chosen, ids=ids, indirect=["backend"])
