"""Foreign databases: reads the tables of a database that is not Rowkeep's, by SQLAlchemy's reflection, and
their rows, all from one snapshot. Nothing is written there."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.foreign_tables import ForeignSchema, ForeignTable
from rowkeep.sql.dialects import POSTGRES, SQLITE
from rowkeep.sql.foreign_tables import ForeignTableSql
from rowkeep.storage.contract import Row
from rowkeep.storage.foreign_reflection import reflected
from rowkeep.storage.snapshots import BATCH_BYTES, BATCH_ROWS

WAIT_SECONDS = 5.0
FIRST_ROWS, MOST_ROWS = 10, 500
SIZE_OF_OTHERS = 16
OURS = "_rowkeep_steps"


class ForeignDatabase(ABC):
    """One snapshot of a database."""

    @abstractmethod
    async def schema(self) -> ForeignSchema:
        """All tables. Raises SetupError."""

    @abstractmethod
    async def measure(self, table: ForeignTable) -> tuple[int, dict[str, int]]:
        """The number of rows, and the longest text of each column whose length the database does not
        ensure."""

    @abstractmethod
    def rows(self, table: ForeignTable) -> AsyncIterator[Sequence[Row]]:
        """All rows in batches, always in the same order."""

    @abstractmethod
    async def close(self) -> None: ...


class SqliteForeignDatabase(ForeignDatabase):
    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection

    @classmethod
    async def open(cls, path: Path) -> SqliteForeignDatabase:
        return cls(path, await asyncio.to_thread(_open_file, path))

    async def schema(self) -> ForeignSchema:
        return await asyncio.to_thread(self._reflect)

    def _reflect(self) -> ForeignSchema:
        engine = sa.create_engine("sqlite://", creator=lambda: self._connection, poolclass=StaticPool)
        try:
            with engine.connect() as connection:
                return reflected(connection, None)
        except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
            raise unreadable(str(self._path), error) from error

    async def measure(self, table: ForeignTable) -> tuple[int, dict[str, int]]:
        sql = ForeignTableSql(table, SQLITE, None)
        try:
            found = await asyncio.to_thread(lambda: self._connection.execute(sql.count()).fetchone())
        except sqlite3.Error as error:
            raise unreadable(table.name, error) from error
        return found[0], {name: size or 0 for name, size in zip(sql.measured, found[1:], strict=True)}

    async def rows(self, table: ForeignTable) -> AsyncIterator[Sequence[Row]]:
        try:
            cursor = self._connection.execute(ForeignTableSql(table, SQLITE, None).rows())
            while rows := await asyncio.to_thread(_next_batch, cursor):
                yield rows
        except sqlite3.Error as error:
            raise unreadable(table.name, error) from error

    async def close(self) -> None:
        await asyncio.to_thread(self._connection.close)


def _open_file(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise SetupError(f"No such database: {path}.")
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=WAIT_SECONDS,
    )
    # what is not UTF-8 is refused with its place, not with an error of the driver
    connection.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        connection.execute("BEGIN")
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        connection.close()
        raise unreadable(str(path), error) from error
    if OURS in names:
        connection.close()
        raise SetupError(f"{path} is a file of a Rowkeep store. Give the directory of the store instead.")
    return connection


def _next_batch(cursor: sqlite3.Cursor) -> list[Row]:
    found: list[Row] = []
    size = 0
    step = FIRST_ROWS
    while size < BATCH_BYTES and len(found) < BATCH_ROWS:
        some = cursor.fetchmany(min(step, BATCH_ROWS - len(found)))
        if not some:
            break
        found += some
        sample = some[:: 1 + len(some) // 50]
        mean = max(1, sum(map(_size, sample)) // len(sample))
        size += mean * len(some)
        step = max(1, min(MOST_ROWS, BATCH_BYTES // mean))
    return found


def _size(row: Row) -> int:
    return sum(len(cell) if isinstance(cell, str | bytes) else SIZE_OF_OTHERS for cell in row)


class PostgresForeignDatabase(ForeignDatabase):
    """``schema_name`` is the PostgreSQL schema whose tables are read."""

    def __init__(
        self, engine: AsyncEngine, connection: AsyncConnection, driver: Any, schema_name: str
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._driver = driver
        self._schema_name = schema_name

    @classmethod
    async def open(cls, url: str, schema_name: str) -> PostgresForeignDatabase:
        from rowkeep.storage.postgres.snapshots import connect

        driver = await connect(url, writes=False)

        async def give() -> Any:
            return driver

        engine = create_async_engine(
            "postgresql+asyncpg://", async_creator=give, poolclass=NullPool, isolation_level="REPEATABLE READ"
        )
        connection = await engine.connect()
        # one transaction for everything, which begins with the first statement
        await connection.execute(sa.text("SET LOCAL max_parallel_workers_per_gather = 0"))
        return cls(engine, connection, driver, schema_name)

    async def schema(self) -> ForeignSchema:
        try:
            if self._schema_name not in await self._connection.run_sync(
                lambda c: sa.inspect(c).get_schema_names()
            ):
                raise SetupError(f"The database has no schema {preview(self._schema_name)} (--schema).")
            return await self._connection.run_sync(reflected, self._schema_name)
        except sa.exc.SQLAlchemyError as error:
            raise unreadable(self._schema_name, error) from error

    async def measure(self, table: ForeignTable) -> tuple[int, dict[str, int]]:
        import asyncpg

        sql = ForeignTableSql(table, POSTGRES, self._schema_name)
        try:
            return await self._driver.fetchval(sql.count()), {}
        except asyncpg.PostgresError as error:
            raise unreadable(table.name, error) from error

    async def rows(self, table: ForeignTable) -> AsyncIterator[Sequence[Row]]:
        import asyncpg

        from rowkeep.storage.postgres.snapshots import batches

        sql = ForeignTableSql(table, POSTGRES, self._schema_name)
        try:
            async for rows in batches(self._driver, sql.rows()):
                yield rows
        except asyncpg.PostgresError as error:
            raise unreadable(table.name, error) from error

    async def close(self) -> None:
        await self._connection.close()
        await self._engine.dispose()


def unreadable(what: str, error: Exception) -> SetupError:
    """The error for a source that cannot be read."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0].rstrip(".")
    hint = " Another process has locked it; try again later." if "locked" in reason else ""
    return SetupError(f"The source {what} cannot be read: {reason}.{hint}")


async def open_foreign_database(url: str, schema_name: str) -> ForeignDatabase:
    """Raises SetupError for one that is missing, cannot be reached or read, or is a file of Rowkeep."""
    if url.startswith("sqlite:///"):
        return await SqliteForeignDatabase.open(Path(url.removeprefix("sqlite:///")))
    if url.startswith(("postgresql://", "postgres://")):
        return await PostgresForeignDatabase.open(url, schema_name)
    raise SetupError(
        f"The source must be sqlite:///FILE, sqlite:///DIRECTORY or postgresql://…; got {preview(url[:20])}."
    )
