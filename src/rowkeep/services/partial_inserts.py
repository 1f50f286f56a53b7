"""Partial inserts: the good rows of a bulk are stored, and the bad ones reported."""

from __future__ import annotations

from functools import partial
from itertools import chain

import msgspec

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.partial_rows import FailedRow, too_many_failed
from rowkeep.codec.record_parts import encode
from rowkeep.errors.catalogue import AllRowsFailed, Busy
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.services.access import Caller
from rowkeep.services.conflicts import refused_problems
from rowkeep.services.row_requests import InsertRequest, PartlyInserted, PartlyUpserted
from rowkeep.storage import contract
from rowkeep.storage.contract import ReferenceConflict, Sifted, Steps, UniqueConflict, WriteKey
from rowkeep.storage.scripts.sifting import sift


class PartialInsert:
    """One partial bulk of a caller."""

    def __init__(
        self, caller: Caller, compiled: CompiledTable, request: InsertRequest, max_errors: int
    ) -> None:
        self._caller = caller
        self._compiled = compiled
        self._request = request
        self._max_errors = max_errors
        failed = {each.row for each in request.failed}
        count = len(request.rows) + len(failed)
        self._numbers = range(count) if not failed else [at for at in range(count) if at not in failed]
        """The numbers of the rows that could be read."""

    async def insert(self, plan: InsertPlan, key: WriteKey | None) -> PartlyInserted:
        """Insert the rows of the plan that can be stored. Raises TooManyFailedRows, Busy."""
        database = self._caller.workspace.database
        version = self._caller.snapshot.version
        try:
            inserted = await database.insert_partly(
                self._compiled.sql, plan, partial(self._sift, plan, version), version, key
            )
        except (UniqueConflict, ReferenceConflict) as conflict:
            raise Busy() from conflict
        return self.result(inserted)

    def _sift(self, plan: InsertPlan, version: int, written_on: str) -> Steps[Sifted]:
        sifted = yield from sift(
            self._caller.workspace.scripts, self._compiled.sql, plan, version, written_on
        )
        errors = sum(len(each.problems) for each in self._request.failed)
        errors += sum(len(each.indexes) + len(each.missing) for each in sifted.refused)
        if errors > self._max_errors:
            raise too_many_failed(self._max_errors)
        return sifted

    def result(self, inserted: contract.PartlyInserted) -> PartlyInserted:
        """The result for what storage has done."""
        accepted = inserted.sifted.accepted
        return PartlyInserted(
            self._compiled,
            self._request,
            inserted.stamp,
            self._caller.writer,
            [self._request.rows[at] for at in accepted],
            [self._numbers[at] for at in accepted],
            partial(self._failed, inserted.sifted),
        )

    def _failed(self, sifted: Sifted) -> list[FailedRow]:
        problems = partial(refused_problems, self._caller.sees, self._compiled)
        refused = [
            FailedRow(
                self._numbers[each.row],
                problems(self._request.rows[each.row], self._numbers[each.row], each),
            )
            for each in sifted.refused
        ]
        return sorted([*self._request.failed, *refused], key=lambda each: each.row)


def all_failed(result: PartlyInserted | PartlyUpserted) -> AllRowsFailed:
    """The error for a bulk none of whose rows could be written."""
    problems = list(chain.from_iterable(each.problems for each in result.failed_rows()))
    # encoded here, because there can be very many
    errors = msgspec.Raw(encode([each.entry() for each in problems]))
    members = {"errors": errors, **result.counts}
    if result.request.options.dry_run:
        members["dryRun"] = True
    return AllRowsFailed(problems[0].msg, problems=problems[:1], members=members)
