"""Baselines: the engine itself inserts the same stored rows into a copy of Rowkeep's table.

The table, indexes and rows are read from Rowkeep's own database after each of its bulk inserts, so they are
exactly the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg
import uvloop

SQLITE_MAGIC = b"SQLite format 3\0"
BARE_TABLE = "bare_rows"

StoredRow = Sequence[Any]


class Baseline(Protocol):
    """An engine that inserts stored rows."""

    def follow(self, table: str) -> None:
        """Create a copy of Rowkeep's table without its rows (`table` is the name in the API)."""
        ...

    def fresh_rows(self) -> list[StoredRow]:
        """The rows in Rowkeep's table that are new since the last call, in stored form and in their order."""
        ...

    def insert(self, batches: list[list[StoredRow]]) -> int:
        """Insert each batch in a separate durable transaction; returns the number of rows."""
        ...

    def all_rows(self) -> list[StoredRow]:
        """All rows in Rowkeep's table, in stored form."""
        ...

    def upsert(self, rows: list[StoredRow], key: str, changed: Sequence[str]) -> int:
        """Insert rows in one durable transaction, or change these columns of those whose key is stored."""
        ...

    def close(self) -> None:
        """Close all connections."""
        ...


class SqliteBaseline:
    """APSW's executemany into a copy of the table, in a file next to Rowkeep's: WAL, synchronous=FULL."""

    def __init__(self, store: Path, directory: Path) -> None:
        """`store` is Rowkeep's directory; `directory` is on the same file system."""
        self._store = store
        self._theirs: apsw.Connection | None = None
        self._seen: Any = 0
        self._ours = apsw.Connection(str(directory / "bare.sqlite"))

    def follow(self, table: str) -> None:
        self._close_theirs()
        self._theirs, self._table = find_sqlite_table(self._store, table)
        self._ours.pragma("page_size", self._theirs.pragma("page_size"))  # effective for the first table only
        self._ours.pragma("journal_mode", "wal")
        self._ours.pragma("synchronous", "full")
        definitions = (
            "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC"
        )
        for (definition,) in self._theirs.execute(definitions, (self._table,)).fetchall():
            self._ours.execute(str(definition))
        self._seen = 0
        self.fresh_rows()

    def fresh_rows(self) -> list[StoredRow]:
        assert self._theirs is not None
        query = f'SELECT rowid, * FROM "{self._table}" WHERE rowid > ? ORDER BY rowid'  # noqa: S608 — names from the engine's own catalog
        found = self._theirs.execute(query, (self._seen,)).fetchall()
        if found:
            self._seen = found[-1][0]
        return [row[1:] for row in found]

    def insert(self, batches: list[list[StoredRow]]) -> int:
        marks = ", ".join("?" * len(batches[0][0]))
        statement = f'INSERT INTO "{self._table}" VALUES ({marks})'  # noqa: S608 — the same
        for batch in batches:
            self._ours.execute("BEGIN IMMEDIATE")
            self._ours.executemany(statement, batch)
            self._ours.execute("COMMIT")
        return sum(len(batch) for batch in batches)

    def all_rows(self) -> list[StoredRow]:
        assert self._theirs is not None
        return self._theirs.execute(f'SELECT * FROM "{self._table}"').fetchall()  # noqa: S608 — the same

    def upsert(self, rows: list[StoredRow], key: str, changed: Sequence[str]) -> int:
        marks = ", ".join("?" * len(rows[0]))
        statement = f'INSERT INTO "{self._table}" VALUES ({marks}) {_on_conflict(key, changed)}'  # noqa: S608 — the same
        self._ours.execute("BEGIN IMMEDIATE")
        self._ours.executemany(statement, rows)
        self._ours.execute("COMMIT")
        return len(rows)

    def close(self) -> None:
        self._close_theirs()
        self._ours.close()

    def _close_theirs(self) -> None:
        if self._theirs is not None:
            self._theirs.close()


class PostgresBaseline:
    """asyncpg's binary COPY into a copy of the table, in a separate schema of the same database."""

    def __init__(self, url: str) -> None:
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._connection = self._runner.run(_connect(url))

    def follow(self, table: str) -> None:
        self._runner.run(self._copy_definition(table))
        self._seen = 0
        self.fresh_rows()

    async def _copy_definition(self, table: str) -> None:
        found = await self._connection.fetch(
            "SELECT oid::regclass::text AS name FROM pg_class WHERE relkind = 'r' AND relname = $1",
            table,
        )
        (self._theirs,) = [row["name"] for row in found]
        self._schema = f"bare_{table}"
        await self._connection.execute(f"CREATE SCHEMA {self._schema}")
        await self._connection.execute(
            f"CREATE TABLE {self._schema}.{BARE_TABLE} (LIKE {self._theirs} INCLUDING ALL)"
        )

    def fresh_rows(self) -> list[StoredRow]:
        query = f"SELECT * FROM {self._theirs} ORDER BY ctid OFFSET {self._seen}"  # noqa: S608 — names from the engine's own catalog
        found = self._runner.run(self._connection.fetch(query))
        self._seen += len(found)
        return [tuple(row) for row in found]

    def insert(self, batches: list[list[StoredRow]]) -> int:
        for batch in batches:
            self._runner.run(self._copy(batch))
        return sum(len(batch) for batch in batches)

    async def _copy(self, batch: list[StoredRow]) -> None:
        async with self._connection.transaction():
            await self._connection.copy_records_to_table(BARE_TABLE, schema_name=self._schema, records=batch)

    def all_rows(self) -> list[StoredRow]:
        query = f"SELECT * FROM {self._theirs}"  # noqa: S608 — names from the engine's own catalog
        return [tuple(row) for row in self._runner.run(self._connection.fetch(query))]

    def upsert(self, rows: list[StoredRow], key: str, changed: Sequence[str]) -> int:
        self._runner.run(self._upsert(rows, key, changed))
        return len(rows)

    async def _upsert(self, rows: list[StoredRow], key: str, changed: Sequence[str]) -> None:
        bare = f"{self._schema}.{BARE_TABLE}"
        async with self._connection.transaction():
            await self._connection.execute(f"CREATE TEMP TABLE copied (LIKE {bare}) ON COMMIT DROP")
            await self._connection.copy_records_to_table("copied", records=rows)
            await self._connection.execute(
                f"INSERT INTO {bare} SELECT * FROM copied {_on_conflict(key, changed)}"  # noqa: S608 — the same
            )

    def close(self) -> None:
        self._runner.run(self._connection.close())
        self._runner.close()


def _on_conflict(key: str, changed: Sequence[str]) -> str:
    cells = ", ".join(f'"{name}" = excluded."{name}"' for name in changed)
    return f'ON CONFLICT ("{key}") DO UPDATE SET {cells}'


async def _connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)


def find_sqlite_table(store: Path, table: str) -> tuple[apsw.Connection, str]:
    """The table with the rows of `table`, with the names of its file and in the file."""
    for file in sorted(store.rglob("*")):
        if not file.is_file() or file.open("rb").read(len(SQLITE_MAGIC)) != SQLITE_MAGIC:
            continue
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?"
        found = connection.execute(query, (table,)).fetchall()
        if found:
            return connection, str(found[0][0])
        connection.close()
    raise LookupError(f"No file below {store} holds a table {table}.")
