"""Batches: several operations on rows in one transaction (contract, section 8)."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import msgspec

from rowkeep.codec.batch_bodies import SentBatch, SentOperation, placed
from rowkeep.errors.catalogue import (
    AffectedOutOfBounds,
    Busy,
    IdempotencyInProgress,
    InvalidFilter,
    InvalidValue,
    Problem,
    ResponseTooLarge,
    RowkeepError,
    ShuttingDown,
    StorageUnavailable,
    TooManyCells,
)
from rowkeep.metrics import ROWS_DELETED, ROWS_INSERTED, ROWS_READ, ROWS_UPDATED, count_upsert
from rowkeep.model.access import App
from rowkeep.model.filters import Junction, Negation, Shape
from rowkeep.plan.rows.result_references import References, ResultReference
from rowkeep.plan.rows.upserts import missing_values
from rowkeep.request_context import note_no_operation
from rowkeep.services.access import Access, Caller, Credential
from rowkeep.services.batch_operations import KINDS, Around, Operation, Planned, QueryOperation
from rowkeep.services.batch_results import BatchResults, Result
from rowkeep.services.idempotency import Idempotency, KeyedRequest, Replayed
from rowkeep.services.offload import Offload
from rowkeep.services.row_requests import Deleted, QueryPage, ReadRequest, Updated, Upserted
from rowkeep.services.timings import end_phase
from rowkeep.settings import Settings
from rowkeep.sql.rows import PostgresTableSql, SqliteTableSql
from rowkeep.storage.contract import (
    BatchKind,
    BeyondRange,
    ChangeRefused,
    DeleteRows,
    InsertRows,
    NotStored,
    ReferenceConflict,
    RowOperation,
    RowScript,
    RowSteps,
    SelectRows,
    Steps,
    UniqueConflict,
    UpdateRows,
    UpsertRows,
    WriteKey,
)
from rowkeep.storage.response_sizes import sizes

FILTERS_OF_A_BATCH = 20
"""All filters of a batch together can have so many times the conditions of one filter."""

OF_NO_OPERATION = (Busy, IdempotencyInProgress, ShuttingDown, StorageUnavailable)
"""Errors of the batch as a whole."""

BEYOND_RANGE = "A sum in this view is too large for its type. Use a narrower filter."

RESULT_BYTES = 200
"""About what a result takes in addition to its records."""


class BatchRequest(msgspec.Struct, frozen=True):
    """Operations to be done in their order: all of them, or none. Without ``returns_rows``, only the numbers
    of changed rows are returned. ``is_large`` bodies are read off the event loop; ``size`` is how many bytes
    the body has."""

    sent: SentBatch
    returns_rows: bool = True
    is_large: bool = False
    size: int = 0


class BatchDone(msgspec.Struct, frozen=True):
    """The results of the operations."""

    request: BatchRequest
    results: Sequence[Result]


class _Prepared(msgspec.Struct):
    """An operation of a table that the caller may use. Without references, its request is read and planned
    before the transaction."""

    operation: Operation
    has_references: bool
    planned: Planned | None = None


class _Failed(msgspec.Struct, frozen=True):
    """The number of an operation that failed, and why."""

    number: int
    conflict: UniqueConflict | ReferenceConflict


class Batches:
    """Runs batches. Raises what the calls of its operations raise, with the operation in every pointer."""

    def __init__(self, access: Access, settings: Settings, offload: Offload, keys: Idempotency) -> None:
        self._access = access
        self._settings = settings
        self._offload = offload
        self._keys = keys

    def run(
        self,
        credential: Credential,
        read: ReadRequest[BatchRequest],
        keyed: KeyedRequest[BatchDone] | None = None,
    ) -> Awaitable[BatchDone | Replayed]:
        """Do all operations of the request, or none."""

        async def batch(caller: Caller) -> BatchDone:
            try:
                request = await read()
            except RowkeepError:
                # nobody knows its operations, so it is counted as one request without a table
                await caller.count()
                raise
            if caller.rate is not None:
                await caller.count([(each.relation, each.is_view) for each in request.sent.operations])
            around = Around(caller, self._settings)
            prepared = [
                await _usable(around, number, sent, request)
                for number, sent in enumerate(request.sent.operations)
            ]
            if keyed is not None and not request.sent.dry_run:
                await keyed.read()
            if request.is_large:
                await self._offload.run(partial(_prepare, prepared))
            else:
                _prepare(prepared)
            return await _Run(request, prepared, around).run(self._key(caller, request, keyed))

        if keyed is None:
            return self._access.run(credential, batch)
        return self._access.run(credential, partial(self._keys.run, keyed, batch))

    def _key(self, caller: Caller, request: BatchRequest, keyed: KeyedRequest[BatchDone] | None) -> Any:
        if keyed is None or request.sent.dry_run:
            return None
        return self._keys.write_key(caller, keyed, partial(BatchDone, request))


async def _usable(around: Around, number: int, sent: SentOperation, request: BatchRequest) -> _Prepared:
    """An operation of a table or view that the caller may use in this way."""
    kind = KINDS[sent.op]
    relation: Any
    with _placing(number):
        if sent.is_view:
            relation = await around.caller.view(sent.relation)
        else:
            relation = await around.caller.table(sent.relation, kind.rights_of(sent))
    returns_rows = request.returns_rows and not request.sent.dry_run
    operation = kind(around, sent, relation, returns_rows=returns_rows)
    return _Prepared(operation, sent.may_have_references())


@contextmanager
def _placing(number: int) -> Iterator[None]:
    """The errors of an operation get its place in the batch."""
    try:
        yield
    except RowkeepError as error:
        raise _placed(error, number) from None


def _placed(error: Exception, number: int) -> Exception:
    if isinstance(error, OF_NO_OPERATION) or not isinstance(error, RowkeepError):
        return error
    return placed(error, number)


def _prepare(prepared: Sequence[_Prepared]) -> None:
    """Read and plan the operations without references, and check the references of the others."""

    for number, each in enumerate(prepared):
        if each.has_references:
            with _placing(number):
                targets = _targets_of(each.operation, number)
            each.has_references = bool(targets)
            for target in targets:
                # its records are needed, whatever the response has
                prepared[target].operation.returns_rows = True
    for number, each in enumerate(prepared):
        if not each.has_references:
            with _placing(number):
                each.planned = each.operation.plan(each.operation.read(None))


def _targets_of(operation: Operation, number: int) -> set[int]:
    """The operations to whose results an operation refers."""
    targets: set[int] = set()

    def note(reference: ResultReference) -> msgspec.Raw:
        targets.add(reference.operation)
        return msgspec.Raw(b"null")

    operation.check_references(References(number, note))
    return targets


class _Run:
    """One run of a batch. Its script can run several times, but one run at a time."""

    def __init__(self, request: BatchRequest, prepared: Sequence[_Prepared], around: Around) -> None:
        self._request = request
        self._prepared = prepared
        self._workspace = around.caller.workspace
        self._version = around.caller.snapshot.version
        self._settings = around.settings
        self._only_reads = all(isinstance(each.operation, QueryOperation) for each in prepared)
        if self._only_reads:
            note_no_operation(around.caller.request)
        self._current = 0
        self._planned: Planned | None = None
        self._app = around.caller.app
        self._slow = around.caller.slow
        self._budget = _Budget(around.settings, self._app)

    async def run(self, key: WriteKey | None) -> BatchDone:
        if not self._prepared and key is None:
            return BatchDone(self._request, ())
        kind = BatchKind(self._only_reads, self._request.sent.dry_run, self._request.is_large)
        end_phase("plan")
        try:
            with self._slow.write("batch", self._texts):
                results = await self._workspace.database.batch(self._steps, self._version, kind, key)
        except (UniqueConflict, ReferenceConflict) as conflict:
            raise await self._explained(conflict) from conflict
        except NotStored as missing:
            raise self._missing(missing) from None
        except ChangeRefused as refused:
            raise self._refused(refused) from None
        except BeyondRange:
            raise placed(InvalidValue(BEYOND_RANGE), self._current) from None
        except RowkeepError as error:
            raise self._placed(error) from error.__cause__
        end_phase("db")
        if not self._request.sent.dry_run:
            for result in results:
                _count_rows(result)
        return BatchDone(self._request, results)

    def _texts(self) -> str:
        """The kinds of the operations."""
        return ", ".join(each.operation.sent.op for each in self._prepared)

    def _steps(self, failed: _Failed | None = None) -> RowSteps[list[Result]]:
        """Do the operations one after the other. If one ``failed`` before, raise the error that explains it
        instead of doing it again."""
        results = BatchResults(self._settings.max_row_bytes)
        self._budget = _Budget(self._settings, self._app)
        for number, each in enumerate(self._prepared):
            self._current = number
            planned = each.planned
            if planned is None:
                request = each.operation.read(References(number, results.value))
                planned = each.operation.plan(request)
            self._planned = planned
            operation = self._budget.limited(planned.operation)
            if failed is not None and failed.number == number:
                raise (yield from _explain(planned, failed.conflict))
            _compile(operation)
            found = yield operation
            results.done.append(self._budget.counted(planned.result(found)))
        return results.done

    def _missing(self, missing: NotStored) -> Exception:
        """The error for rows of an upsert that lack a required column."""
        assert self._planned is not None  # noqa: S101 - it failed after it was planned
        request, table = self._planned.request, self._planned.relation.table
        error = missing_values(table, request.rows, missing.places, is_array=request.is_array)
        return placed(error, self._current)

    def _refused(self, refused: ChangeRefused) -> Exception:
        assert self._planned is not None  # noqa: S101 - it failed after it was planned
        return _placed(self._planned.explain_change(refused), self._current)

    def _placed(self, error: RowkeepError) -> Exception:
        if isinstance(error, ResponseTooLarge) and self._budget.used > 0:
            error = ResponseTooLarge(
                f"The records of the batch are larger than {self._settings.max_response_bytes} bytes (the "
                "setting max_response_bytes). Query fewer rows or columns."
            )
        return _placed(error, self._current)

    async def _explained(self, conflict: UniqueConflict | ReferenceConflict) -> Exception:
        """The error for a conflict. What is stored is read as it was before the operation that failed: the
        operations before it are done again, and undone."""
        failed = _Failed(self._current, conflict)
        is_large = self._request.is_large
        if not is_large:
            assert self._planned is not None  # noqa: S101 - it failed after it was planned
            steps = _explain(self._planned, conflict)
            try:
                next(steps)
            except StopIteration as stop:
                # nothing needs to be read
                return _placed(stop.value, failed.number)
            steps.close()
        again: RowScript[list[Result]] = partial(self._steps, failed)
        kind = BatchKind(dry_run=True, is_large=is_large)
        try:
            await self._workspace.database.batch(again, self._version, kind)
        except (UniqueConflict, ReferenceConflict):
            pass
        except RowkeepError as error:
            return self._placed(error)
        return Busy("Rows changed during the batch. Nothing was written; try again.")


def _explain(planned: Planned, conflict: UniqueConflict | ReferenceConflict) -> Steps[Exception]:
    if isinstance(conflict, UniqueConflict):
        return planned.explain_unique(conflict)
    return planned.explain_reference()


class _Budget:
    """What all operations of a batch together may take. (The size of the body limits the rest.)"""

    def __init__(self, settings: Settings, app: App | None) -> None:
        self._max_affected = None if app is None else app.max_affected
        self._affected = 0
        self._max_cells = settings.max_bulk_cells
        self._max_conditions = FILTERS_OF_A_BATCH * settings.max_filter_expressions
        self._max_bytes = settings.max_response_bytes
        self._cells = 0
        self._conditions = 0
        self.used = 0

    def limited(self, planned: RowOperation) -> RowOperation:
        """The operation within what is left. Raises TooManyCells, InvalidFilter."""
        if isinstance(planned, InsertRows | UpsertRows):
            self._cells += len(planned.plan.rows) * len(planned.sql.table.columns)
            if self._cells > self._max_cells:
                raise TooManyCells(
                    f"The inserts of the batch have {self._cells} cells up to here (rows × columns); at most "
                    f"{self._max_cells} are allowed (the setting max_bulk_cells).",
                    pointer="/data",
                )
            return planned if isinstance(planned, InsertRows) else self._sized(planned)
        self._conditions += _conditions(planned.plan.where.shape)
        if self._conditions > self._max_conditions:
            raise InvalidFilter(
                f"All filters of a batch together can have at most {self._max_conditions} conditions "
                f"({FILTERS_OF_A_BATCH} times the setting max_filter_expressions).",
                pointer="/query",
            )
        return planned if isinstance(planned, DeleteRows) else self._sized(planned)

    def _sized(self, planned: UpsertRows | UpdateRows | SelectRows) -> RowOperation:
        left = max(0, self._max_bytes - self.used)
        plan = msgspec.structs.replace(planned.plan, max_bytes=left)
        return msgspec.structs.replace(planned, plan=plan)

    def _check_affected(self, count: int) -> None:
        self._affected += count
        if self._max_affected is not None and self._affected > self._max_affected:
            msg = (
                f"The updates and deletes of the batch affect {self._affected} rows up to here, but the "
                f"app may affect at most {self._max_affected} in one request. Nothing was written."
            )
            problem = Problem(msg, AffectedOutOfBounds.code, None, {"nMatched": self._affected})
            raise AffectedOutOfBounds(msg, problems=[problem])

    def counted(self, result: Result) -> Result:
        """The result with its size. Raises AffectedOutOfBounds."""
        if isinstance(result, Updated | Deleted):
            self._check_affected(result.count)
        self.used += RESULT_BYTES
        if isinstance(result, Upserted):
            self.used += result.written.size
        if isinstance(result, Updated | QueryPage):
            size = sum(sizes(result.rows or ()))
            self.used += size
            if isinstance(result, QueryPage):
                self.used += memoryview(result.meta).nbytes
            return msgspec.structs.replace(result, size=size)
        return result


def _count_rows(result: Result) -> None:
    if isinstance(result, QueryPage):
        ROWS_READ.add(len(result.rows))
    elif isinstance(result, Updated):
        ROWS_UPDATED.add(result.count)
    elif isinstance(result, Deleted):
        ROWS_DELETED.add(result.count)
    elif isinstance(result, Upserted):
        written = result.written
        count_upsert(written.inserted, written.others if result.request.options.action == "update" else 0)
    else:
        ROWS_INSERTED.add(result.request.count)


def _conditions(shape: Shape | None) -> int:
    if isinstance(shape, Junction):
        return sum(map(_conditions, shape.parts))
    if isinstance(shape, Negation):
        return _conditions(shape.part)
    return 0 if shape is None else 1


def _compile(planned: RowOperation) -> None:
    """Compile the statement here, where the steps of a large batch do not delay other requests; the database
    finds it in the cache."""
    if isinstance(planned, UpdateRows):
        planned.sql.update(planned.plan.shape)
    elif isinstance(planned, UpsertRows):
        cast("SqliteTableSql | PostgresTableSql", planned.sql).upsert(planned.plan.shape)
    elif isinstance(planned, DeleteRows):
        planned.sql.delete(planned.plan.where.shape)
    elif isinstance(planned, SelectRows):
        planned.sql.any_page(planned.plan)
