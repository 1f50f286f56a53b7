"""Bulks of a table whose columns have just got other types, on connections that knew the old ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from definitions import column, table
from test_schema_changes import ALLOW, put

from support.workspace import Workspace, succeeded

CELLS: dict[str, Any] = {
    "string": "1",
    "number": 1,
    "integer": 1,
    "boolean": True,
    "date": "2020-03-28T07:02:09.652Z",
    "decimal": "1.5",
}

CLIENTS = 4
TIMES = 6
"""More than there are clients, so that each has a connection of its own and some use one again."""


@pytest.mark.parametrize("before", CELLS)
def test_bulks_after_a_change_of_types(workspace: Workspace, backend: str, before: str) -> None:
    # SQLite has one connection that writes
    times = 2 if backend == "sqlite" else TIMES
    names = {after: f"cells_to_{after}" for after in CELLS}
    bot = workspace.bot_with([table(name, column("Cell", before)) for name in names.values()])
    for after, name in names.items():

        def insert(cell: Any, name: str = name) -> None:
            succeeded(bot.bulk(name, [{"Cell": cell}] * 3))

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(insert, [CELLS[before]] * times))
            succeeded(bot.delete(name, {"all": True}))
            succeeded(put(workspace, table(name, column("Cell", after)), **ALLOW))
            list(threads.map(insert, [CELLS[after]] * times))
