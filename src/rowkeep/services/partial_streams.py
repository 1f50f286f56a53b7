"""Partial streams: the good rows of each block are stored as they arrive, and the bad ones reported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any, TypeAlias

from rowkeep.codec.streams.line_errors import BadLine, at_line
from rowkeep.codec.streams.readers import ReadBlock
from rowkeep.errors.catalogue import AllRowsFailed, RowkeepError
from rowkeep.metrics import ROWS_INSERTED
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.request_context import note_no_operation
from rowkeep.services.idempotency import Idempotency, KeyedRequest
from rowkeep.services.offload import Offload
from rowkeep.services.partial_inserts import PartialInsert
from rowkeep.services.row_requests import PartlyInserted, PartlyUpserted
from rowkeep.services.stream_requests import LineErrors, StreamResult, Written
from rowkeep.services.stream_tables import StreamTable
from rowkeep.services.timings import end_phase
from rowkeep.services.upserts import upsert
from rowkeep.storage.contract import EITHER, RowSteps, WriteKey

Result: TypeAlias = PartlyInserted | PartlyUpserted

UNLIMITED = 2**63
"""Errors beyond those that a response can have are counted, and do not end the stream."""


class PartialStream:
    """One stream of which each row is stored, or refused. It continues after definitions have changed."""

    def __init__(
        self,
        table: StreamTable,
        blocks: AsyncIterator[ReadBlock],
        offload: Offload,
        keyed: KeyedRequest[StreamResult] | None,
        keys: Idempotency,
        max_errors: int,
    ) -> None:
        self._table = table
        self._blocks = blocks
        self._offload = offload
        self._keyed = None if table.options.dry_run else keyed
        self._keys = keys
        self._errors = LineErrors(max_errors)
        self._written = Written()
        self._block: ReadBlock | None = None
        self._next: ReadBlock | None = None
        self._stopped: int | None = None
        self._next_line = 1
        self._has_stored = False
        self._is_key_stored = False

    @property
    def _has_written(self) -> bool:
        """Whether some rows were stored: else nothing is stored under the key either."""
        return bool(self._written.inserted or self._written.others)

    async def write(self) -> StreamResult:
        """Called again if definitions have changed: it continues with the block that was not stored. Raises
        AllRowsFailed, KeyUsed."""
        if self._keyed is not None and not self._has_stored:
            await self._keys.refuse_used(self._table.caller, self._keyed)
        if self._block is None:
            self._block = await self._read()
            if self._block is None and not self._has_stored:
                note_no_operation(self._table.caller.request)
        while self._block is not None:
            if self._next is None:
                self._next = await self._read()
            if self._keyed is not None and self._is_last:
                await self._keyed.read()
            end_phase("plan")
            await self._store(self._block)
            end_phase("db")
            self._block, self._next = self._next, None
        if self._keyed is not None and self._has_written and not self._is_key_stored:
            await self._store_key(self._keyed)
        return self._unless_all_failed()

    async def _read(self) -> ReadBlock | None:
        """The next block; None at the end, also if the rest cannot be read. Raises the error of a stream of
        which nothing can be read."""
        if self._stopped is not None:
            return None
        try:
            block = await anext(self._blocks, None)
        except RowkeepError as error:
            if self._block is None:
                raise
            self._errors.stop(error)
            self._stopped = self._next_line
            return None
        if block is not None:
            self._next_line = 1 + max([*block.lines[-1:], *(each.line for each in block.bad[-1:])], default=0)
        return block

    def _key(self, block: ReadBlock) -> Callable[[Callable[[Any], Any]], WriteKey | None]:
        keyed = self._keyed
        if keyed is None or not self._is_last:
            return lambda _result_of: None

        def make_key(result_of: Callable[[Any], Any]) -> WriteKey:
            def result(written: Any) -> StreamResult:
                errors = self._errors.copy()
                return self._result(self._added(block, result_of(written), errors), errors)

            return self._keys.write_key(self._table.caller, keyed, result)

        return make_key

    @property
    def _is_last(self) -> bool:
        """Whether the block that is stored now is the last one of a stream that was read to its end."""
        return self._next is None and self._stopped is None

    async def _store_key(self, keyed: KeyedRequest[StreamResult]) -> None:
        """Store the response under the key by itself: the last block, with which it would have been stored,
        has no good row, or the stream was not read to its end. Raises StaleCatalog."""
        caller = self._table.caller

        def nothing() -> RowSteps[None]:
            yield from ()

        try:
            await keyed.read()
            key = self._keys.write_key(caller, keyed, lambda _: self._result(self._written, self._errors))
            await caller.workspace.database.batch(nothing, caller.snapshot.version, EITHER, key)
        except RowkeepError as error:
            # what was stored stays, so it is reported
            self._errors.stop(error)

    async def _store(self, block: ReadBlock) -> None:
        """Store the rows of a block that can be stored. Raises StaleCatalog."""
        try:
            result = await self._write_rows(block, self._key(block))
        except RowkeepError as error:
            if not self._has_stored:
                raise
            # what was stored before stays, so it is reported
            self._errors.stop(error)
            self._stopped, self._next = min(block.lines, default=1), None
            return
        before = self._written
        self._written = await self._offload.run(
            partial(self._added, block, result, self._errors), is_refusable=False
        )
        self._has_stored = True
        self._is_key_stored = self._written != before and self._is_last

    async def _write_rows(
        self, block: ReadBlock, make_key: Callable[[Callable[[Any], Any]], WriteKey | None]
    ) -> Result:
        table, request = self._table, self._table.request(block)
        if table.options.is_upsert:
            settings = table.settings
            result = await upsert(table.caller, table.compiled, request, settings, self._offload, make_key)
            assert isinstance(result, PartlyUpserted)  # noqa: S101 - its mode is partial
            return result
        bulk = PartialInsert(table.caller, table.compiled, request, UNLIMITED)
        plan = await self._offload.run(partial(table.plan, block))
        assert isinstance(plan, InsertPlan)  # noqa: S101 - it only inserts
        with table.caller.slow.write("insert", lambda: table.compiled.sql.insert.text):
            inserted = await bulk.insert(plan, make_key(bulk.result))
        if not table.options.dry_run:
            ROWS_INSERTED.add(inserted.n_inserted)
        return inserted

    def _added(self, block: ReadBlock, result: Result, errors: LineErrors) -> Written:
        """The rows written so far, with those of this block; its errors are added."""
        line_of = block.lines.__getitem__
        refused = [
            BadLine(line_of(each.row), [at_line(problem, line_of) for problem in each.problems])
            for each in result.failed_rows()
        ]
        errors.add(sorted([*block.bad, *refused], key=lambda each: each.line))
        before = self._written
        if isinstance(result, PartlyUpserted):
            written = result.written
            return Written(before.inserted + written.inserted, before.others + written.others)
        return Written(before.inserted + result.n_inserted, before.others)

    def _result(self, written: Written, errors: LineErrors) -> StreamResult:
        return StreamResult(
            self._table.options, written, errors.failed, errors.lines, errors.omitted, self._stopped
        )

    def _unless_all_failed(self) -> StreamResult:
        """Raises AllRowsFailed."""
        result, first = self._result(self._written, self._errors), self._errors.first
        if first is None or self._has_written:
            return result
        members = {"errors": self._errors.listed(), **result.counts}
        raise AllRowsFailed(first.msg, problems=[first], members=members)
