"""The storage contract. One suite of tests checks every backend against these docstrings.

A workspace is one database: its tables, their definitions, its apps and its grants, with one version that
every change of the last three raises. Each read and write checks, in the same transaction, the version that
the caller planned with: so a request uses the old definitions and grants or the new ones, never a mixture,
and a revoked grant is revoked in all processes.

Code that is the same on every engine is written as *scripts*: generators that yield statements and receive
their rows. A backend runs a script as one transaction, in its own way.

Limits, the same on every engine:

- ``select``, ``update``, ``delete`` and ``batch`` run for at most ``max_query_seconds`` in the database; then
  they are cancelled there, nothing is written, and they raise QueryTimeout (see ``query_timeout``). Inserts
  and scripts (``read``, ``write``) have no such limit.
- Nothing waits for a turn or a lock longer than ``busy_timeout_seconds``; then it raises Busy.
- When the task that awaits a call is cancelled, its statement is cancelled in the database at once (a call
  that still waits for its turn leaves the queue), and its turn is free for others. A transaction that was
  cancelled before its commit writes nothing.
- Writes of other callers that have returned are on disk; a cancelled call never undoes them.
- ``close`` cancels long queries that still run.
- Pages and records of an update take about ``max_bytes`` at most (see ``rowkeep.storage.response_sizes``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeAlias, TypeVar

import msgspec

from rowkeep.model.access import Workspace
from rowkeep.model.history import Operation
from rowkeep.model.ids import IdSource, Stamp
from rowkeep.model.tables import Column, Index, Table
from rowkeep.plan.rows.select import SelectPlan
from rowkeep.plan.rows.upserts import Outcome, UpsertPlan
from rowkeep.plan.rows.writes import DeletePlan, InsertPlan, UpdatePlan
from rowkeep.plan.views.bind import BoundView
from rowkeep.sql.as_of import AsOfSql
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.pages import Pages
from rowkeep.sql.rows import TableSql
from rowkeep.sql.statements import Statement
from rowkeep.sql.views import ViewSql
from rowkeep.storage.inspection import Inspection

T = TypeVar("T")
Row: TypeAlias = Sequence[Any]
Steps: TypeAlias = Generator[Statement, Sequence[Row], T]
"""A part of a transaction: yields statements, receives the rows of each, and returns a result."""

Script: TypeAlias = Callable[[], Steps[T]]
"""A transaction: called again for each attempt."""


class StaleCatalog(Exception):
    """The caller planned with definitions or grants that have changed since.

    Nothing was written. The caller reads them again and plans again.
    """


class UniqueConflict(Exception):
    """A unique index contains the value already; nothing was written. ``index`` is None for a system table,
    ``row`` the position, in the request, of the row that did not fit, if the engine reports it."""

    def __init__(self, index: Index | None = None, row: int | None = None) -> None:
        super().__init__(index, row)
        self.index = index
        self.row = row


class ReferenceConflict(Exception):
    """A row would refer to a missing row, or a row that others refer to would be deleted; nothing was
    written."""


class NotStored(Exception):
    """These rows of an upsert, by their places, lack a required column, and their key is not stored; nothing
    was written."""

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(places)
        self.places = places


class ChangeRefused(Exception):
    """The result of a change does not fit its column; nothing was written. ``at`` is the place of the column
    in the update, ``row_key`` the ``_id`` of a stored row for which it does not fit, and ``place`` that of
    the row in an upsert."""

    def __init__(self, at: int, row_key: str, place: int | None = None) -> None:
        super().__init__(at, row_key, place)
        self.at = at
        self.row_key = row_key
        self.place = place


class BeyondRange(Exception):
    """A sum of doubles is too large for a double."""


class UnfitCells(Exception):
    """A statement found cells that are not of the type that its plan expects: the definition has changed
    meanwhile, or another program has written them."""


class Missing(msgspec.Struct, frozen=True):
    """A cell that refers to a missing row: its row in the request, its column, and the table and column that
    it refers to."""

    row: int
    column: Column
    table: Table
    there: str


class RefusedRow(msgspec.Struct, frozen=True):
    """A row of a partial bulk that cannot be stored: its position, the unique indexes that have its key
    already, and its cells that refer to nothing.

    In an upsert, ``is_repeated``: another row of the request has the same key; ``is_incomplete``: it lacks a
    required column, and its key is not stored; ``refusal``: another error of the write."""

    row: int
    indexes: tuple[Index, ...] = ()
    missing: tuple[Missing, ...] = ()
    is_repeated: bool = False
    is_incomplete: bool = False
    refusal: Exception | None = None


class Sifted(msgspec.Struct, frozen=True):
    """The rows of a partial bulk by their positions: those that can be stored, and the others.

    The script ``check`` runs in the transaction that writes the rows, before them, where that is another one
    than that of the sift: nothing is written if it raises."""

    accepted: Sequence[int]
    refused: Sequence[RefusedRow]
    check: Callable[[], Steps[None]] | None = None


Sift: TypeAlias = Callable[[str], Steps[Sifted]]
"""A script that only reads, for rows that are written at a moment."""


class PartlyInserted(msgspec.Struct, frozen=True):
    """The result of a partial bulk; the ids of the stamp belong to the accepted rows."""

    stamp: Stamp
    sifted: Sifted


class PartlyUpserted(msgspec.Struct, frozen=True):
    """The result of a partial upsert: what was done with the accepted rows, and the others, by their
    positions."""

    sifted: Sifted
    written: UpsertedRows


class NothingStored(Exception):
    """No row of a partial upsert could be stored."""

    def __init__(self, result: PartlyUpserted) -> None:
        super().__init__()
        self.result = result


class Load(msgspec.Struct, frozen=True):
    """The rows of a stream, which were received completely. ``parts`` reads their plans again each time it is
    called: inserts or upserts, none for several tables. ``count`` is the number of all rows. A dry run is
    undone after all checks.

    The script ``first`` runs in the transaction before its rows, and ``last`` after them, if all of them were
    written: nothing is written if one of them raises.
    """

    parts: Callable[[], Iterator[InsertPlan | UpsertPlan]]
    count: int
    is_upsert: bool = False
    is_dry_run: bool = False
    first: Script[None] | None = None
    last: Script[None] | None = None
    operation: Operation | None = None


class Loaded(msgspec.Struct, frozen=True):
    """How many rows of a load were inserted, and of how many the key was stored."""

    inserted: int
    others: int = 0


class PartRefused(Exception):
    """Rows of this part of a load do not fit; nothing was written. ``refusal`` is UniqueConflict,
    ReferenceConflict, NotStored or ChangeRefused, with places in the part."""

    def __init__(self, part: int, refusal: Exception) -> None:
        super().__init__(part, refusal)
        self.part = part
        self.refusal = refusal


class RowsRefused(Exception):
    """These rows of a load, each by its part and its place there, have a key that a unique index has already;
    nothing was written."""

    def __init__(self, index: Index, places: Sequence[tuple[int, int]]) -> None:
        super().__init__(index, places)
        self.index = index
        self.places = places


class StoredResponse(msgspec.Struct, frozen=True):
    """The response to a write as it is stored under its key: encrypted under the data key of this number. And
    the id of its operation; empty for one that an older version has stored."""

    status: int
    data_key: int
    response: bytes
    operation: str = ""


class WriteKey(msgspec.Struct, frozen=True):
    """The key of a write, unique for its writer until it expires. Times are in seconds since 1970.

    ``respond`` makes the stored response from the result of the write. It is called in the transaction of
    the write, in any thread, and again if the transaction is run again.
    """

    writer: str
    key: str
    now: int
    expires: int
    respond: Callable[[Any], StoredResponse]


class KeyUsed(Exception):
    """The key of a write was used before; nothing was written. ``stored`` is the response to that write."""

    def __init__(self, stored: StoredResponse) -> None:
        super().__init__()
        self.stored = stored


class Selected(msgspec.Struct, frozen=True):
    """One page: at most ``limit`` rows, in order, each with the requested columns; the number of rows that
    the filter finds, if it was requested; and the sort values of the last row if there are more rows.

    The page ends before the first row with which all of its rows would take more than ``max_bytes``: then
    ``next_key`` is set, and ``total`` still counts all rows. ``size`` is about how many bytes the rows take;
    0 where a backend knows without counting that they are few (less than a megabyte or so).
    """

    rows: Sequence[Row]
    total: int | None
    next_key: list[Any] | None
    size: int = 0


class UpdatedRows(msgspec.Struct, frozen=True):
    """How many rows were changed, and their records by ``_id``; None if they were not requested, or if they
    are more than ``max_records`` or take more than ``max_bytes``. For ``size`` see Selected."""

    count: int
    rows: Sequence[Row] | None
    size: int = 0


class UpsertedRows(msgspec.Struct, frozen=True):
    """How many rows were inserted, and of how many the key was stored; what happened to each row; and the
    record of each as it is stored now, None for one that was ignored and is not shown. There are no outcomes
    and records if they were not requested, or if they are more than ``max_records`` or take more than
    ``max_bytes``. For ``size`` see Selected."""

    inserted: int
    others: int
    outcomes: Sequence[Outcome] | None
    rows: Sequence[Row | None] | None
    size: int = 0


class InsertRows(msgspec.Struct, frozen=True):
    """An operation of a row script: the same as ``WorkspaceDatabase.insert``. Its result is a Stamp."""

    sql: TableSql
    plan: InsertPlan


class UpsertRows(msgspec.Struct, frozen=True):
    """The same as ``WorkspaceDatabase.upsert``. Its result is an UpsertedRows."""

    sql: TableSql
    plan: UpsertPlan


class UpdateRows(msgspec.Struct, frozen=True):
    """The same as ``WorkspaceDatabase.update``. Its result is an UpdatedRows."""

    sql: TableSql
    plan: UpdatePlan


class DeleteRows(msgspec.Struct, frozen=True):
    """The same as ``WorkspaceDatabase.delete``. Its result is the number of rows."""

    sql: TableSql
    plan: DeletePlan


class SelectRows(msgspec.Struct, frozen=True):
    """The same as ``WorkspaceDatabase.select``. Its result is a Selected."""

    sql: Pages
    plan: SelectPlan


RowOperation: TypeAlias = InsertRows | UpsertRows | UpdateRows | DeleteRows | SelectRows


class StoredOperation(msgspec.Struct, frozen=True):
    """The operation of a script, which is stored even if no row changes."""

    operation: Operation


class RecordedWrite(msgspec.Struct, frozen=True):
    """A statement that writes rows of a table from the records of its changes; it has no result. Raises
    UniqueConflict, ReferenceConflict."""

    sql: TableSql
    statement: Statement
    operation: Operation
    only_removes: bool


class InsertedRows(msgspec.Struct, frozen=True):
    """So many rows of a table were inserted by statements: where there are quotas, they are checked."""

    sql: TableSql
    count: int


class ReferencesWait(msgspec.Struct, frozen=True):
    """Check references only when this ``is_over``, on an engine that can; the others check them with each
    statement. Raises ReferenceConflict when it is over."""

    is_over: bool


UndoOperation: TypeAlias = StoredOperation | RecordedWrite | InsertedRows | ReferencesWait
"""What only an undo does."""

RowSteps: TypeAlias = Generator[RowOperation | UndoOperation | Statement, Any, T]
"""Yields operations, or statements that read, and receives the result of each; so a later operation can be
planned with the results of earlier ones."""

RowScript: TypeAlias = Callable[[], RowSteps[T]]
"""Several operations on rows as one transaction: called again for each attempt, in any thread."""


def operation_of(wanted: RowOperation | UndoOperation | Statement) -> Operation | None:
    """What the history records of an operation of a row script, if its table has a history."""
    if isinstance(wanted, SelectRows | Statement | InsertedRows | ReferencesWait):
        return None
    if isinstance(wanted, StoredOperation | RecordedWrite):
        return wanted.operation
    return wanted.plan.operation


class BatchKind(msgspec.Struct, frozen=True):
    """What is known of a row script before it runs. One that ``only_reads`` does not wait for writes; one
    that is a ``dry_run`` is undone at its end; the steps of one that ``is_large`` can take long in Python."""

    only_reads: bool = False
    dry_run: bool = False
    is_large: bool = False


EITHER = BatchKind()


EncodeRows: TypeAlias = Callable[[Sequence[Row]], bytes]
"""Encodes some rows of a stream; called in any thread."""


class RowStream(ABC):
    """All rows of a query, from one snapshot, encoded in parts of about :data:`STREAM_PART_BYTES`. The first
    part is already made."""

    first: bytes | None = None
    """The first part, until it is returned."""
    is_at_end = False
    """Whether the last part is made."""

    @property
    def is_done(self) -> bool:
        """Whether the last part was returned."""
        return self.is_at_end and self.first is None

    async def part(self) -> bytes:
        """The next part; it can be empty. It is made only when it is asked for.

        Raises QueryTimeout if it takes longer than ``max_query_seconds``, and, for a view, BeyondRange.
        """
        first, self.first = self.first, None
        return await self.next_part() if first is None else first

    @abstractmethod
    async def next_part(self) -> bytes:
        """Make the next part."""

    @abstractmethod
    def close(self) -> None:
        """Give up the snapshot, and cancel what runs in the database. It can be called twice."""


STREAM_PART_BYTES = 128 * 1024


class Database(ABC):
    """One database. In addition to the errors of a script, its methods raise Busy and StorageUnavailable."""

    dialect: Dialect
    namespace: str | None
    """The PostgreSQL schema that contains its tables; None on SQLite."""

    @property
    @abstractmethod
    def inspection(self) -> Inspection:
        """The scripts that look at what the engine has."""

    @abstractmethod
    async def read(self, script: Script[T]) -> T:
        """Run a script that only reads, on one snapshot. Raises StaleCatalog if a table is missing."""

    async def read_one(self, script: Script[T]) -> T:
        """The same for a script of one statement. Where a transaction costs round trips, there is none."""
        return await self.read(script)

    async def write_one(self, script: Script[T]) -> T:
        """The same as :meth:`write` for a script of one statement."""
        return await self.write(script)

    @abstractmethod
    async def write(self, script: Script[T]) -> T:
        """Run a script as one transaction: completely or not at all, on disk when this returns.

        Scripts that write run one after the other as soon as they have written to the same row. Raises
        UniqueConflict, ReferenceConflict, StaleCatalog.
        """


class WorkspaceDatabase(Database):
    """The database of one workspace.

    A write with a ``key`` stores the key and its response in its own transaction. If the key is stored
    already and has not expired, it raises KeyUsed. If another write with this key is running, it waits for
    it as for a lock, and raises IdempotencyInProgress instead of Busy where the engine names the lock.

    A dry run (``is_dry_run`` of a plan) does everything that the write does, in its transaction, and then
    undoes it: it returns or raises the same, nobody sees its rows, and it has no ``key``.
    """

    @abstractmethod
    def prepare(self, table: Table) -> TableSql:
        """The statements of one of its tables."""

    @abstractmethod
    def prepare_as_of(self, table: Table) -> AsOfSql:
        """The statements that read one of its tables, which has a history, as it was."""

    @abstractmethod
    def prepare_view(self, view: BoundView) -> ViewSql:
        """The statements of one of its views."""

    @abstractmethod
    async def select(self, sql: Pages, plan: SelectPlan, version: int) -> Selected:
        """One page of a table or a view and, if the plan counts, the number of all matching rows, from one
        snapshot.

        Rows that do not fit into ``max_bytes`` are not held in memory: no more are fetched once the page is
        full. Raises StaleCatalog, QueryTimeout, ResponseTooLarge if the first row alone takes more, and, for
        a view, BeyondRange.
        """

    @abstractmethod
    async def stream(self, sql: Pages, plan: SelectPlan, version: int, encode: EncodeRows) -> RowStream:
        """All rows of a table or a view that the plan finds, at most its ``limit``, from one snapshot.

        It uses a connection of its own, and no writer waits for it. It must be closed. Raises StaleCatalog,
        and what the stream's first part raises.
        """

    @abstractmethod
    async def insert(
        self, sql: TableSql, plan: InsertPlan, version: int, key: WriteKey | None = None
    ) -> Stamp:
        """Write all rows, or none; they are on disk when this returns.

        The ids of the stamp belong to the rows in their order, and increase strictly within a process and, to
        the second, across processes. Rows can refer to rows of the same request in any order. Raises
        StaleCatalog, UniqueConflict, ReferenceConflict, KeyUsed.
        """

    @abstractmethod
    async def insert_partly(
        self, sql: TableSql, plan: InsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyInserted:
        """Write the rows that ``sift`` accepts: all of them, or none. What it found still holds when they are
        written. If it accepts none, nothing is written, not even the key. Raises StaleCatalog, KeyUsed, and
        Busy if other writes changed each time what it had found."""

    @abstractmethod
    async def upsert(
        self, sql: TableSql, plan: UpsertPlan, version: int, key: WriteKey | None = None
    ) -> UpsertedRows:
        """Write all rows, or none: a row whose key is not stored is inserted, as by insert; otherwise the
        stored row is ignored, or the columns that the row brings are updated, as by update.

        It holds for writes at the same time: of several upserts with the same key, one inserts it. No key is
        twice in the plan. Raises StaleCatalog, UniqueConflict (for other indexes), ReferenceConflict,
        NotStored, ChangeRefused, KeyUsed.
        """

    @abstractmethod
    async def upsert_partly(
        self, sql: TableSql, plan: UpsertPlan, sift: Sift, version: int, key: WriteKey | None = None
    ) -> PartlyUpserted:
        """Upsert the rows that ``sift`` accepts, and refuse those of them that turn out to violate something
        else. Nothing is written, not even the key, if no row is left. Raises StaleCatalog, KeyUsed,
        TooManyFailedRows."""

    @abstractmethod
    async def load(self, sql: TableSql, load: Load, version: int, key: WriteKey | None = None) -> Loaded:
        """Write all rows of a load in one transaction, or none. Other writes wait meanwhile, or are Busy;
        reads do not wait.

        Ids and times are as in an insert; all rows have the same time. Rows that refer to rows of the same
        load can come in any order if they are inserted, and after these if they are upserted. No key is twice
        in one part of an upsert; what one part has written, a later one finds. Raises StaleCatalog,
        PartRefused, RowsRefused, ReferenceConflict if it cannot name the part, KeyUsed.
        """

    @abstractmethod
    async def update(
        self, sql: TableSql, plan: UpdatePlan, version: int, key: WriteKey | None = None
    ) -> UpdatedRows:
        """Change all matching rows, or none. ``Updated_On`` of each is later than it was, by a
        millisecond at least. A change of a cell starts from the cell as it is when the row is written: no
        other write comes between. Raises StaleCatalog, UniqueConflict, ReferenceConflict, ChangeRefused,
        KeyUsed, QueryTimeout, and AffectedOutOfBounds if the number of rows is not within the plan's
        bounds."""

    @abstractmethod
    async def delete(self, sql: TableSql, plan: DeletePlan, version: int, key: WriteKey | None = None) -> int:
        """Delete all matching rows, or none; returns their number. Raises StaleCatalog,
        ReferenceConflict, KeyUsed, QueryTimeout, and AffectedOutOfBounds as update does."""

    @abstractmethod
    async def batch(
        self, script: RowScript[T], version: int, kind: BatchKind = EITHER, key: WriteKey | None = None
    ) -> T:
        """Run the operations of a script as one transaction: all of them, or none. Its reads see one snapshot
        and what the operations before them wrote. All together run for at most ``max_query_seconds``.

        Raises what its operations and the script raise, and then nothing was written.
        """


class Store(ABC):
    """All databases of an installation: the catalog and the workspaces."""

    ids: IdSource
    catalog: Database

    @abstractmethod
    async def open(self, *, create: bool = True) -> None:
        """Open the catalog, which can be empty; it is created if it is missing and ``create`` is true.

        Raises StorageUnavailable, and SetupError, also for a catalog that is missing although there are
        databases of workspaces.
        """

    @abstractmethod
    async def discard(self) -> None:
        """Close, and remove what :meth:`open` created, if that failed or nobody has initialised the store."""

    @abstractmethod
    async def close(self) -> None:
        """Cancel long queries, finish everything else, and close all connections."""

    @abstractmethod
    async def workspace(self, workspace: Workspace) -> WorkspaceDatabase:
        """The database of a workspace, created now if it never was (it can still lack all tables). Raises
        StorageMissing for one that was created and is missing."""

    @abstractmethod
    async def present(self) -> list[str]:
        """The names of the workspaces' files or PostgreSQL schemas that exist."""

    @abstractmethod
    async def unreadable(self) -> list[str]:
        """Those of them that this process cannot read, or that are not databases."""

    @abstractmethod
    async def check_device(self) -> None:
        """Raises StorageFull or StorageReadOnly if rows cannot be written now, as far as it can be seen
        without a write, or StorageUnavailable."""

    @abstractmethod
    async def drop_workspace(self, workspace: Workspace) -> None:
        """Delete the database of a workspace with all of its data."""
