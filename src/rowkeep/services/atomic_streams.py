"""Atomic streams: all rows are checked and staged as they arrive, then stored in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from rowkeep.codec.streams.line_errors import error_of, line_problem, placed
from rowkeep.codec.streams.readers import ReadBlock
from rowkeep.errors.catalogue import (
    MAX_PROBLEMS,
    DuplicateKey,
    Problem,
    ReferenceViolation,
    RowkeepError,
    pointer,
)
from rowkeep.metrics import count_upsert
from rowkeep.plan.rows.upserts import UpsertPlan, keys_of, missing_values
from rowkeep.services.conflicts import (
    explained_reference,
    find_insert_reference,
    find_upsert_reference,
    insert_unique_error,
    upsert_unique_error,
)
from rowkeep.services.idempotency import Idempotency, KeyedRequest
from rowkeep.services.offload import Offload
from rowkeep.services.refused_changes import upsert_change_error
from rowkeep.services.staged_rows import StagedPart, StagedRows, guarded, lacking_cells, temporary_file
from rowkeep.services.stream_keys import StreamKeys
from rowkeep.services.stream_requests import StreamResult, Written
from rowkeep.services.stream_tables import StreamTable
from rowkeep.services.timings import end_phase
from rowkeep.storage.contract import (
    ChangeRefused,
    Load,
    Loaded,
    NotStored,
    PartRefused,
    ReferenceConflict,
    RowsRefused,
    UniqueConflict,
    WriteKey,
)


class AtomicStream:
    """One stream of which all rows are stored, or none."""

    def __init__(
        self,
        table: StreamTable,
        blocks: AsyncIterator[ReadBlock],
        offload: Offload,
        keyed: KeyedRequest[StreamResult] | None,
        keys: Idempotency,
        directory: str | None,
    ) -> None:
        self._table = table
        self._blocks = blocks
        self._offload = offload
        self._keyed = None if table.options.dry_run else keyed
        self._keys = keys
        self._staged = StagedRows(directory)
        self._stream_keys = StreamKeys(temporary_file(directory)) if table.options.is_upsert else None
        self._is_staged = False
        self._error: RowkeepError | None = None
        self._problems: list[Problem] = []

    async def write(self) -> StreamResult:
        """Called again if definitions have changed: what was staged is stored then."""
        if self._error is not None:
            raise self._error
        if not self._is_staged:
            try:
                await self._stage()
            except RowkeepError as error:
                self._error = error
                raise
            self._is_staged = True
        end_phase("plan")
        result = await self._store()
        end_phase("db")
        return result

    async def _stage(self) -> None:
        """Raises the errors of all lines, as many as are listed."""
        try:
            async for block in self._blocks:
                await self._offload.run(partial(self._stage_block, block))
                if len(self._problems) >= MAX_PROBLEMS:
                    break
        except RowkeepError as error:
            self._problems += error.problems
            if len(self._problems) == len(error.problems):
                raise
        if not self._problems and self._stream_keys is not None:
            await self._offload.run(partial(self._find_repeated, self._stream_keys))
        if self._problems:
            raise error_of(self._problems)
        if self._keyed is not None:
            await self._keyed.read()

    def _stage_block(self, block: ReadBlock) -> None:
        block = self._table.without_changed_keys(block)
        for bad in block.bad:
            self._problems += bad.problems
        if self._problems or not block.rows:
            return
        try:
            plan = self._table.plan(block)
        except DuplicateKey as error:
            self._problems += placed(error, block.lines.__getitem__).problems
            return
        lacking = {}
        if isinstance(plan, UpsertPlan):
            lacking = lacking_cells(self._table.compiled.table, block.rows, plan.incomplete)
            if self._stream_keys is not None:
                guarded(partial(self._stream_keys.add, self._keys_of(plan)))
        self._staged.add(StagedPart(plan, block.lines, lacking))

    def _keys_of(self, plan: UpsertPlan) -> Sequence[tuple[Any, ...]]:
        return keys_of(self._table.compiled.table, plan.shape.key, plan.rows)

    def _find_repeated(self, keys: StreamKeys) -> None:
        """Find rows of several parts with the same key, by which the result would depend on their order."""
        hashes = guarded(partial(keys.repeated, MAX_PROBLEMS))
        if not hashes:
            return
        lines: dict[tuple[Any, ...], int] = {}
        for part in self._staged.parts():
            assert isinstance(part.plan, UpsertPlan)  # noqa: S101 - only upserts have these keys
            for line, key in zip(part.lines, self._keys_of(part.plan), strict=True):
                if hash(key) not in hashes or None in key:
                    continue
                if key in lines and len(self._problems) < MAX_PROBLEMS:
                    where, names = pointer(part.plan.shape.key[0]), " and ".join(part.plan.shape.key)
                    msg = f"Line {lines[key]} has the same {names}. Send each key once."
                    self._problems.append(line_problem(DuplicateKey, line, msg, where))
                lines.setdefault(key, line)

    async def _store(self) -> StreamResult:
        caller, sql = self._table.caller, self._table.compiled.sql
        options = self._table.options
        operation = caller.operation(self._table.compiled.table)
        load = Load(
            self._staged.plans,
            self._staged.count,
            options.is_upsert,
            options.dry_run,
            operation=operation,
        )
        try:
            with caller.slow.write("load", lambda: sql.insert.text):
                loaded = await caller.workspace.database.load(sql, load, caller.snapshot.version, self._key())
        except PartRefused as refused:
            raise await self._refusal(refused.part, refused.refusal) from refused
        except RowsRefused as refused:
            raise await self._duplicates(refused) from None
        except ReferenceConflict as conflict:
            raise await self._reference_error() from conflict
        options = self._table.options
        if not options.dry_run:
            count_upsert(loaded.inserted, loaded.others if options.action == "update" else 0)
        return self._result(loaded)

    def _key(self) -> WriteKey | None:
        if self._keyed is None:
            return None
        return self._keys.write_key(self._table.caller, self._keyed, self._result)

    def _result(self, loaded: Loaded) -> StreamResult:
        return StreamResult(self._table.options, Written(loaded.inserted, loaded.others))

    async def _refusal(self, number: int, refusal: Exception) -> Exception:
        part = await self._offload.run(partial(self._staged.part, number), is_refusable=False)
        error = await self._part_error(part, refusal)
        return placed(error, part.lines.__getitem__) if isinstance(error, RowkeepError) else error

    async def _part_error(self, part: StagedPart, refusal: Exception) -> Exception:
        """The error for rows of a part, with their places."""
        compiled, workspace, plan = self._table.compiled, self._table.caller.workspace, part.plan
        if isinstance(plan, UpsertPlan):
            rows = part.sent_rows()
            if isinstance(refusal, NotStored):
                return missing_values(compiled.table, rows, refusal.places, is_array=True)
            if isinstance(refusal, ChangeRefused):
                return upsert_change_error(compiled, plan, refusal, is_array=True)
            if isinstance(refusal, UniqueConflict):
                return await upsert_unique_error(workspace, compiled, plan, refusal, many=True)
            find = find_upsert_reference
            return await explained_reference(self._table.caller, find, compiled, plan, rows, {}, many=True)
        shown = compiled.codec.stored_cells.shown(plan.rows)
        if isinstance(refusal, UniqueConflict):
            return await insert_unique_error(workspace, compiled, shown, plan.rows, refusal, many=True)
        return await explained_reference(
            self._table.caller, find_insert_reference, compiled, shown, plan.rows, many=True
        )

    async def _duplicates(self, refused: RowsRefused) -> Exception:
        """The error for rows of several parts."""
        problems: list[Problem] = []
        places: dict[int, list[int]] = {}
        for part, place in refused.places:
            places.setdefault(part, []).append(place)
        for number, rows in places.items():
            for row in rows:
                error = await self._refusal(number, UniqueConflict(refused.index, row))
                if not isinstance(error, RowkeepError):
                    return error
                problems.append(error.problems[0])
        return error_of(problems)

    async def _reference_error(self) -> Exception:
        """The error for the first row that refers to a missing row, in any part."""
        error: Exception = ReferenceConflict()
        for number in range(self._staged.part_count):
            error = await self._refusal(number, ReferenceConflict())
            if isinstance(error, ReferenceViolation):
                break
        return error

    def close(self) -> None:
        self._staged.close()
        if self._stream_keys is not None:
            self._stream_keys.close()
