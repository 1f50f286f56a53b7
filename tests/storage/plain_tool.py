"""A plain SQL tool, as anyone might point at a workspace's database."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from rowkeep.model.access import Workspace

READ = """
import pickle, sqlite3, sys
try:
    with sqlite3.connect(sys.argv[1]) as connection:
        done = connection.execute(sys.argv[2]).fetchall()
except sqlite3.Error as error:
    done = error
sys.stdout.buffer.write(pickle.dumps(done))
"""


class Tool:
    """Any SQL tool: it knows the engine and nothing of Rowkeep."""

    def __init__(self, url: str, workspace: Workspace) -> None:
        self._url = url
        self._workspace = workspace
        self.engine = url.partition(":")[0]

    async def rows(self, text: str) -> list[Sequence[Any]]:
        """What a query finds, in the database or schema of the workspace."""
        return self._sqlite(text) if self.engine == "sqlite" else await self._postgresql(text)

    def _sqlite(self, text: str) -> list[Sequence[Any]]:
        directory = Path(self._url.removeprefix("sqlite:///"))
        path = directory / "workspaces" / f"{self._workspace.physical}.db"
        # in a process of its own: two libraries of SQLite in one process undo each other's locks
        done = subprocess.run([sys.executable, "-c", READ, path, text], stdout=subprocess.PIPE, check=True)
        found: list[Sequence[Any]] | Exception = pickle.loads(done.stdout)  # noqa: S301 - what READ wrote
        if isinstance(found, Exception):
            raise found
        return found

    async def _postgresql(self, text: str) -> list[Sequence[Any]]:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(f'SET search_path = "{self._workspace.physical}", pg_catalog')
            return [tuple(row) for row in await connection.fetch(text)]
        finally:
            await connection.close()
