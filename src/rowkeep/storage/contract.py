"""The storage contract. One suite of tests holds every backend to these docstrings.

A workspace is one database: its tables, their definitions, its apps and its grants, with one version that
every change of the last three raises. What is read and what is written is checked against the version that
the caller planned with, in the same transaction: so a request sees old definitions and grants or new ones,
never a mixture, and a grant that is revoked stays revoked, whichever process is asked.

What is the same on every engine is written as *scripts*: generators that yield statements and are sent the
rows. A backend runs a script as one transaction, in its own way.

Limits, the same on every engine:

- ``select``, ``update`` and ``delete`` run for at most ``max_query_seconds`` in the database; then they are
  cancelled there, nothing is written, and they raise QueryTimeout (see ``query_timeout``). Inserts and
  scripts (``read``, ``write``) have no such limit.
- Nothing waits for a turn or a lock longer than ``busy_timeout_seconds``; then it raises Busy.
- When the task that awaits a call is cancelled, its statement is cancelled in the database at once (a call
  that still waits for its turn just leaves the queue), and its turn is free for others. A transaction that
  was cancelled before its commit writes nothing.
- What others wrote and were told is on disk is never undone by a call that was cancelled.
- ``close`` cancels long queries that still run.
- Pages and records of an update take about ``max_bytes`` at most (see ``rowkeep.storage.response_sizes``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from rowkeep.model.access import Workspace
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Index, Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.pages import Pages
from rowkeep.sql.rows import TableSql
from rowkeep.sql.statements import Statement
from rowkeep.sql.views import ViewSql

T = TypeVar("T")
Row: TypeAlias = Sequence[Any]
Steps: TypeAlias = Generator[Statement, Sequence[Row], T]
"""A part of a transaction: yields statements, is sent the rows of each, and gives a result."""

Script: TypeAlias = Callable[[], Steps[T]]
"""A transaction: called anew for each try."""


class StaleCatalog(Exception):
    """The caller planned with definitions or grants that are no longer those of the database.

    Nothing was written. The caller reads them anew and plans again.
    """


class UniqueConflict(Exception):
    """A unique index holds the value already; nothing was written. ``index`` is None for a system table,
    ``row`` the place, in the request, of the row that did not fit, if the engine says."""

    def __init__(self, index: Index | None = None, row: int | None = None) -> None:
        super().__init__(index, row)
        self.index = index
        self.row = row


class ReferenceConflict(Exception):
    """A row would refer to what is not there, or what is referred to would go; nothing was written."""


class BeyondRange(Exception):
    """A sum of doubles is beyond what a double can hold."""


class Selected(msgspec.Struct, frozen=True):
    """One page: at most ``limit`` rows, in order, each with the answered columns; the number of rows that
    the filter finds, if it was asked for; and the sort values of the last row if there are more.

    The page ends before the first row with which all of its rows would take more than ``max_bytes``: then
    ``next_key`` is set, and ``total`` counts all rows as ever. ``size`` is about how many bytes the rows
    take; 0 where a backend knows without counting that they are few (less than a megabyte or so).
    """

    rows: Sequence[Row]
    total: int | None
    next_key: list[Any] | None
    size: int = 0


class UpdatedRows(msgspec.Struct, frozen=True):
    """How many rows were changed, and their records by ``_id``; None if not asked for, or if they are more
    than ``max_records`` or take more than ``max_bytes``. ``size`` is as that of Selected."""

    count: int
    rows: Sequence[Row] | None
    size: int = 0


class Database(ABC):
    """One database. Its methods raise, beside what a script raises, Busy and StorageUnavailable."""

    dialect: Dialect
    schema: str | None
    """Where its tables are on PostgreSQL; None on SQLite."""

    @abstractmethod
    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads, on one snapshot. Raises StaleCatalog if a table is missing."""

    @abstractmethod
    async def write(self, script: Script[T]) -> T:
        """Run a script as one transaction: all of it or nothing, on disk when this returns.

        Scripts that write are one behind the other as soon as they have written to the same row. Raises
        UniqueConflict, ReferenceConflict, StaleCatalog.
        """


class WorkspaceDatabase(Database):
    """The database of one workspace."""

    @abstractmethod
    def prepare(self, table: Table) -> TableSql:
        """The statements of one of its tables."""

    @abstractmethod
    def prepare_view(self, view: BoundView) -> ViewSql:
        """The statements of one of its views."""

    @abstractmethod
    async def select(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        """One page of a table or a view and, if the plan counts, the number of all rows that match, from one
        snapshot.

        Rows that do not fit into ``max_bytes`` are not held in memory: no more are fetched once the page is
        full. Raises StaleCatalog, QueryTimeout, ResponseTooLarge if the first row alone takes more, and, for
        a view, BeyondRange.
        """

    @abstractmethod
    async def insert(self, sql: TableSql, plan: InsertPlan, version: int) -> Stamp:
        """Write all rows, or none; they are on disk when this returns.

        The ids of the stamp belong to the rows in their order, and increase strictly within a process and,
        to the second, across processes. Rows may refer to rows of the same request, whatever their order.
        Raises StaleCatalog, UniqueConflict, ReferenceConflict.
        """

    @abstractmethod
    async def update(self, sql: TableSql, plan: UpdatePlan, version: int) -> UpdatedRows:
        """Change every row that matches, or none. Raises StaleCatalog, UniqueConflict, ReferenceConflict,
        QueryTimeout."""

    @abstractmethod
    async def delete(self, sql: TableSql, plan: DeletePlan, version: int) -> int:
        """Delete every row that matches, or none; gives their number. Raises StaleCatalog,
        ReferenceConflict, QueryTimeout."""


class Store(ABC):
    """All databases of an installation: the catalog and the workspaces."""

    ids: IdSource
    catalog: Database

    @abstractmethod
    async def open(self, *, create: bool = True) -> None:
        """Open the catalog, which may be empty, and is made if it is not there and ``create`` is true.

        Raises StorageUnavailable, and SetupError, also for a catalog that is missing although there are
        databases of workspaces.
        """

    @abstractmethod
    async def discard(self) -> None:
        """Close, and remove what :meth:`open` made, if that failed or nobody has initialised the store."""

    @abstractmethod
    async def close(self) -> None:
        """Cancel long queries, finish what else runs, and close everything."""

    @abstractmethod
    async def workspace(self, workspace: Workspace) -> WorkspaceDatabase:
        """The database of a workspace; if it was not made before, it is made now (it may still lack all
        tables). Raises StorageMissing for one that was made and is not there."""

    @abstractmethod
    async def present(self) -> list[str]:
        """The files or schemas of workspaces that there are, by name."""

    @abstractmethod
    async def drop_workspace(self, workspace: Workspace) -> None:
        """Take the database of a workspace away, with all that is in it."""
