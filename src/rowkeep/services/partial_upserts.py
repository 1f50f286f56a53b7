"""Partial upserts: the good rows of a bulk are inserted, or update or ignore stored rows; the bad ones are
reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.partial_rows import FailedRow, too_many_failed
from rowkeep.errors.catalogue import Busy, Problem
from rowkeep.model.tables import Index
from rowkeep.plan.rows.upserts import UpsertPlan, changed_keys
from rowkeep.services.access import Caller
from rowkeep.services.conflicts import refused_upsert_problems
from rowkeep.services.row_requests import InsertRequest, PartlyUpserted
from rowkeep.storage import contract
from rowkeep.storage.contract import ReferenceConflict, Sifted, Steps, UniqueConflict, WriteKey
from rowkeep.storage.scripts.upsert_sifting import sift_upsert


def without_changed_keys(request: InsertRequest, index: Index) -> InsertRequest:
    """The request with its rows that change a column of the key among those that failed."""
    numbers = _numbers(request)
    bad: dict[int, list[Problem]] = {
        at: problems
        for at, changed in request.changes.items()
        if (problems := changed_keys(index, changed, numbers[at]))
    }
    if not bad:
        return request
    failed = [*request.failed, *(FailedRow(numbers[at], problems) for at, problems in bad.items())]
    left = [at for at in range(len(request.rows)) if at not in bad]
    return msgspec.structs.replace(
        request,
        rows=[request.rows[at] for at in left],
        failed=sorted(failed, key=lambda each: each.row),
        changes={spot: request.changes[at] for spot, at in enumerate(left) if at in request.changes},
    )


def _numbers(request: InsertRequest) -> Sequence[int]:
    """The numbers of the rows that could be read."""
    failed = {each.row for each in request.failed}
    return [at for at in range(request.count) if at not in failed] if failed else range(request.count)


class PartialUpsert:
    """One partial upsert of a caller."""

    def __init__(
        self, caller: Caller, compiled: CompiledTable, request: InsertRequest, max_errors: int
    ) -> None:
        self._caller = caller
        self._compiled = compiled
        self._request = request
        self._max_errors = max_errors
        self._numbers = _numbers(request)

    async def upsert(
        self,
        plan: UpsertPlan,
        make_key: Callable[[Callable[[contract.PartlyUpserted], PartlyUpserted]], WriteKey | None],
    ) -> PartlyUpserted:
        """Write the rows of the plan that can be. Raises TooManyFailedRows, Busy."""
        version = self._caller.snapshot.version
        key = make_key(partial(self._result, plan))
        try:
            written = await self._caller.workspace.database.upsert_partly(
                self._compiled.sql, plan, partial(self._sift, plan, version), version, key
            )
        except (UniqueConflict, ReferenceConflict) as conflict:
            raise Busy() from conflict
        return self._result(plan, written)

    def _sift(self, plan: UpsertPlan, version: int, written_on: str) -> Steps[Sifted]:
        scripts = self._caller.workspace.scripts
        sifted = yield from sift_upsert(scripts, self._compiled.sql, plan, version, written_on)
        errors = sum(len(each.problems) for each in self._request.failed)
        errors += sum(max(1, len(each.indexes) + len(each.missing)) for each in sifted.refused)
        if errors > self._max_errors:
            raise too_many_failed(self._max_errors)
        return sifted

    def _result(self, plan: UpsertPlan, written: contract.PartlyUpserted) -> PartlyUpserted:
        return PartlyUpserted(
            self._compiled,
            self._request,
            written.written,
            [self._numbers[at] for at in written.sifted.accepted],
            partial(self._failed, plan, written.sifted),
        )

    def _failed(self, plan: UpsertPlan, sifted: Sifted) -> list[FailedRow]:
        problems = partial(
            refused_upsert_problems, self._caller.sees, self._compiled, plan, self._request.rows
        )
        refused = [
            FailedRow(self._numbers[each.row], problems(self._numbers[each.row], each))
            for each in sifted.refused
        ]
        return sorted([*self._request.failed, *refused], key=lambda each: each.row)
