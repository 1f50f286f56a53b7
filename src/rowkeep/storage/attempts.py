"""Attempts: finds the rows of a partial upsert that an engine refuses, by writing parts of them.

All rows are tried first. A part that is refused is divided, at the row that the engine names or in halves,
until a single row is refused. So the first of several rows that exclude each other is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rowkeep.errors.catalogue import Busy, TooManyFailedRows
from rowkeep.model.tables import Table
from rowkeep.plan.rows.upserts import Outcome, UpsertPlan
from rowkeep.storage.contract import (
    ChangeRefused,
    NotStored,
    PartlyUpserted,
    ReferenceConflict,
    RefusedRow,
    Row,
    Sifted,
    UniqueConflict,
    UpsertedRows,
)

MAX_ATTEMPTS = 2000

REFUSALS = (UniqueConflict, ReferenceConflict, NotStored, ChangeRefused)


class Attempts:
    """The parts of these rows that are to be tried, in order."""

    def __init__(self, sifted: Sifted, plan: UpsertPlan, table: Table) -> None:
        self._sifted = sifted
        self._plan = plan
        self._waiting = [sifted.accepted] if sifted.accepted else []
        # a refused row may fit once later ones are written
        self._tries_again = any(
            column.reference is not None and column.reference.table == table.id for column in table.columns
        )
        self._has_accepted = False
        self._written: list[tuple[Sequence[int], UpsertedRows]] = []
        self._refusals: dict[int, Exception] = {}

    def parts(self) -> Iterator[Sequence[int]]:
        """Each part must be accepted or refused before the next one. Raises TooManyFailedRows."""
        attempts = 0
        while self._waiting:
            attempts += 1
            if attempts > MAX_ATTEMPTS:
                raise TooManyFailedRows(
                    f"Too many rows conflict with each other or with stored rows: {MAX_ATTEMPTS} attempts "
                    "did not find all of them. Nothing was written. Send fewer rows per request.",
                    pointer="/data",
                )
            yield self._waiting.pop()
            if not self._waiting and self._tries_again and self._has_accepted and self._refusals:
                self._waiting = [sorted(self._refusals)]
                self._refusals, self._has_accepted = {}, False

    def accept(self, part: Sequence[int], written: UpsertedRows) -> None:
        self._has_accepted = True
        self._written.append((part, written))

    def refuse(self, part: Sequence[int], refusal: Exception) -> None:
        """Raises Busy."""
        if isinstance(refusal, UniqueConflict) and refusal.index is None:
            raise Busy() from refusal
        if len(part) == 1:
            self._refusals[part[0]] = refusal
            return
        named = _named(refusal)
        if named is None:
            half = len(part) // 2
            self._wait(part[:half], part[half:])
            return
        self._refusals.update((part[at], refusal) for at in named)
        if isinstance(refusal, UniqueConflict):
            # the rows before it were written
            (at,) = named
            self._wait(part[:at], part[at + 1 :])
        else:
            self._wait([row for at, row in enumerate(part) if at not in named])

    def _wait(self, *parts: Sequence[int]) -> None:
        self._waiting += [part for part in reversed(parts) if part]

    def result(self) -> PartlyUpserted:
        """What was done with all rows, in their order."""
        later = [_refused_row(row, refusal) for row, refusal in self._refusals.items()]
        refused = sorted([*self._sifted.refused, *later], key=lambda each: each.row)
        accepted = sorted(row for part, _ in self._written for row in part)
        return PartlyUpserted(Sifted(accepted, refused), self._together(accepted))

    def _together(self, accepted: Sequence[int]) -> UpsertedRows:
        if len(self._written) == 1:
            return self._written[0][1]
        parts = [each for _, each in self._written]
        inserted, others = sum(each.inserted for each in parts), sum(each.others for each in parts)
        size = sum(each.size for each in parts)
        records: dict[int, Row | None] = {}
        outcomes: dict[int, Outcome] = {}
        for part, written in self._written:
            if written.rows is not None and written.outcomes is not None:
                records |= zip(part, written.rows, strict=True)
                outcomes |= zip(part, written.outcomes, strict=True)
        is_shown = (
            self._plan.shape.returns and len(outcomes) == len(accepted) and size <= self._plan.max_bytes
        )
        if not is_shown:
            return UpsertedRows(inserted, others, None, None)
        in_order = [records[row] for row in accepted]
        return UpsertedRows(inserted, others, [outcomes[row] for row in accepted], in_order, size)


def _named(refusal: Exception) -> set[int] | None:
    """The places, in the part, of the rows that an engine names."""
    if isinstance(refusal, NotStored):
        return set(refusal.places)
    if isinstance(refusal, UniqueConflict) and refusal.row is not None:
        return {refusal.row}
    if isinstance(refusal, ChangeRefused) and refusal.place is not None:
        return {refusal.place}
    return None


def _refused_row(row: int, refusal: Exception) -> RefusedRow:
    if isinstance(refusal, NotStored):
        return RefusedRow(row, is_incomplete=True)
    if isinstance(refusal, UniqueConflict) and refusal.index is not None:
        return RefusedRow(row, indexes=(refusal.index,))
    return RefusedRow(row, refusal=refusal)
