"""Migrations: a workspace gets the same statements whether they are compiled for it or for any namespace."""

from __future__ import annotations

import pytest

from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect
from rowkeep.storage.migrations import WORKSPACE_STEPS, Step, statements_of


@pytest.mark.parametrize("dialect", [SQLITE, POSTGRES], ids=["sqlite", "postgresql"])
@pytest.mark.parametrize("step", WORKSPACE_STEPS)
def test_statements_of_a_step(step: Step, dialect: Dialect) -> None:
    namespaces = [f"w12_{'name' * 15}"[:length] for length in (5, 21, 22, 23, 24, 60)]
    for namespace in (None, *namespaces):
        assert list(statements_of(step, dialect, namespace)) == step(dialect, namespace)
