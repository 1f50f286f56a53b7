"""Staged rows: the plans of a stream in a temporary file, until the stream has arrived completely.

So a slow client keeps no transaction open, and memory is constant. The file has no name, and disappears with
the process. Cells of encrypted columns are encrypted in it, as they are stored.
"""

from __future__ import annotations

import errno
import marshal
import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from io import SEEK_END
from typing import IO, Any, TypeVar, cast

import msgspec
from msgspec import UNSET

from rowkeep.codec.stored_cells import Row
from rowkeep.errors.catalogue import StorageFull, StorageUnavailable
from rowkeep.model.tables import Table
from rowkeep.plan.rows.upserts import UpsertPlan, UpsertShape
from rowkeep.plan.rows.writes import InsertPlan

T = TypeVar("T")
Plan = InsertPlan | UpsertPlan

LENGTH_BYTES = 8
BUFFER_BYTES = 256 * 1024


class StagedPart(msgspec.Struct, frozen=True):
    """A plan, the line of each of its rows, and for its incomplete rows, by their places, the numbers of the
    columns that they lack."""

    plan: Plan
    lines: Sequence[int]
    lacking: dict[int, tuple[int, ...]] = {}

    def sent_rows(self) -> list[Row]:
        """The rows without the cells that they lack."""
        rows: list[Row] = [tuple(row) for row in self.plan.rows]
        for place, columns in self.lacking.items():
            rows[place] = tuple(UNSET if at in columns else cell for at, cell in enumerate(rows[place]))
        return rows


def temporary_file(directory: str | None) -> IO[bytes]:
    """A file without a name. Raises StorageFull, StorageUnavailable."""
    make = partial(tempfile.TemporaryFile, buffering=BUFFER_BYTES, dir=directory)
    return cast("IO[bytes]", guarded(make))


def remove(file: IO[bytes]) -> None:
    """Close a temporary file. That the rest of it cannot be written any more does not matter."""
    with suppress(OSError):
        file.close()


class StagedRows:
    """The plans of one stream. Not for several threads at once."""

    def __init__(self, directory: str | None) -> None:
        self._file = temporary_file(directory)
        self._shapes: list[UpsertShape] = []
        self._first: Plan | None = None
        self.count = 0
        self.part_count = 0

    def add(self, part: StagedPart) -> None:
        """Raises StorageFull, StorageUnavailable."""
        plan, lines = part.plan, part.lines
        where = (lines.start, lines.stop) if isinstance(lines, range) else array("Q", lines).tobytes()
        rest: tuple[Any, ...] = ()
        if isinstance(plan, UpsertPlan):
            if plan.shape not in self._shapes:
                self._shapes.append(plan.shape)
            shape = self._shapes.index(plan.shape)
            rest = shape, [*plan.flags], sorted(plan.incomplete), part.lacking
        if self._first is None:
            self._first = plan
        sent = marshal.dumps(([*map(tuple, plan.rows)], plan.rekeyed, where, rest))
        guarded(lambda: self._file.write(len(sent).to_bytes(LENGTH_BYTES) + sent))
        self.count += len(plan.rows)
        self.part_count += 1

    def plans(self) -> Iterator[Plan]:
        """All plans, from the beginning."""
        return (part.plan for part in self.parts())

    def parts(self) -> Iterator[StagedPart]:
        at = 0
        end = guarded(lambda: self._file.seek(0, SEEK_END))
        while at < end:
            guarded(lambda where=at: self._file.seek(where))  # type: ignore[misc] # mypy does not infer it
            length = int.from_bytes(self._file.read(LENGTH_BYTES))
            yield self._part(self._file.read(length))
            at += LENGTH_BYTES + length

    def part(self, number: int) -> StagedPart:
        return next(part for at, part in enumerate(self.parts()) if at == number)

    def _part(self, sent: bytes) -> StagedPart:
        rows, rekeyed, where, rest = marshal.loads(sent)  # noqa: S302 - this process wrote it
        lines: Sequence[int] = range(*where) if isinstance(where, tuple) else array("Q", where)
        first = self._first
        assert first is not None  # noqa: S101 - there is a part
        if not rest:
            return StagedPart(msgspec.structs.replace(first, rows=rows, rekeyed=rekeyed), lines)
        shape, flags, incomplete, lacking = rest
        plan = msgspec.structs.replace(
            first,
            rows=rows,
            rekeyed=rekeyed,
            shape=self._shapes[shape],
            flags=flags,
            incomplete=frozenset(incomplete),
        )
        return StagedPart(plan, lines, lacking)

    def close(self) -> None:
        """Remove the file."""
        remove(self._file)


def lacking_cells(table: Table, rows: Sequence[Row], places: frozenset[int]) -> dict[int, tuple[int, ...]]:
    """The numbers of the columns that these rows lack."""
    width = range(len(table.columns))
    return {place: tuple(at for at in width if rows[place][at] is UNSET) for place in places}


def guarded(work: Callable[[], T]) -> T:
    """Raises StorageFull, StorageUnavailable."""
    try:
        return work()
    except OSError as error:
        raise _failure(error) from error


def _failure(error: OSError) -> StorageUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The device of stream_directory has no space left. Nothing was written.")
    return StorageUnavailable("The rows of the stream cannot be stored in stream_directory.")
