"""Row requests: the requests and results of the row services, independent of the transport."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType
from typing import Protocol, TypeAlias, TypeVar

import msgspec

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.partial_rows import FailedRow
from rowkeep.codec.rows import Cells, RowEncoder, meta_info
from rowkeep.codec.stored_cells import Row
from rowkeep.model.changes import Changes
from rowkeep.model.data_requests import (
    DEFAULT_OPTIONS,
    DeleteBody,
    InsertOptions,
    QueryBody,
    RowRange,
    UpdateBody,
)
from rowkeep.model.ids import Stamp
from rowkeep.plan.rows.relation import Relation
from rowkeep.sql.pages import Pages
from rowkeep.storage.contract import UpsertedRows

R = TypeVar("R")

OK, MULTI_STATUS = 200, 207

ReadRequest: TypeAlias = Callable[[], Awaitable[R]]
"""Reads the request. It is called after the rights of the caller are checked, and again if definitions
change while the request runs, so it must not read a stream twice."""


class CompiledRelation(Protocol):
    """The table or view of a request, with everything that is compiled from its definition."""

    @property
    def codec(self) -> RowEncoder: ...

    @property
    def sql(self) -> Pages: ...

    @property
    def target(self) -> Relation: ...

    @property
    def meta(self) -> msgspec.Raw:
        """The JSON that describes all columns in the response to a query."""


class InsertRequest(msgspec.Struct, frozen=True):
    """Rows to insert, as the codec of their table decoded them: all of them, or none. In a partial bulk,
    ``failed`` are the rows that could not be read.

    ``is_array`` says that they were sent as an array, so that errors name the row. ``is_large`` rows are
    encrypted and encoded off the event loop. Without ``returns_rows`` only their number is returned.
    Cells that have a change in ``changes`` are what it adds.
    """

    rows: list[Cells]
    is_array: bool
    is_large: bool = False
    options: InsertOptions = DEFAULT_OPTIONS
    returns_rows: bool = True
    failed: Sequence[FailedRow] = ()
    changes: Changes = MappingProxyType({})

    @property
    def count(self) -> int:
        """The number of rows that were sent."""
        return len(self.rows) + len(self.failed)


class UpdateRequest(msgspec.Struct, frozen=True):
    """Rows to update by a filter. Without ``returns_rows`` only their number is returned."""

    body: UpdateBody
    returns_rows: bool = True


class DeleteRequest(msgspec.Struct, frozen=True):
    """Rows to delete by a filter."""

    body: DeleteBody


class QueryRequest(msgspec.Struct, frozen=True):
    """One page of the rows that match a filter."""

    body: QueryBody
    page: RowRange


class Inserted(msgspec.Struct, frozen=True):
    """Stored rows as they were sent, and the values that all of them have in common."""

    table: CompiledTable
    request: InsertRequest
    stamp: Stamp
    writer: str


class PartlyInserted(msgspec.Struct, frozen=True):
    """The result of a partial bulk: the stored ``rows`` as they were sent, and their ``numbers`` in the
    request. ``failed_rows`` makes the others with their errors, in their order."""

    table: CompiledTable
    request: InsertRequest
    stamp: Stamp
    writer: str
    rows: list[Cells]
    numbers: Sequence[int]
    failed_rows: Callable[[], list[FailedRow]]

    @property
    def n_inserted(self) -> int:
        return len(self.rows)

    @property
    def n_stored(self) -> int:
        """How many rows did not fail."""
        return len(self.rows)

    @property
    def n_failed(self) -> int:
        return self.request.count - len(self.rows)

    @property
    def counts(self) -> dict[str, int]:
        others = {} if self.request.options.action is None else {"nUpdated": 0, "nIgnored": 0}
        return {"nInserted": self.n_inserted, **others, "nFailed": self.n_failed}

    @property
    def size(self) -> int:
        """About how many bytes of stored cells its records have: those of the request, which are counted
        there."""
        return 0

    @property
    def status(self) -> int:
        """The status of its response."""
        return MULTI_STATUS if self.n_failed else OK


class Upserted(msgspec.Struct, frozen=True):
    """What an upsert did with the rows of a request."""

    table: CompiledTable
    request: InsertRequest
    written: UpsertedRows


class PartlyUpserted(msgspec.Struct, frozen=True):
    """The result of a partial upsert: what was done with the rows that did not fail, which have these
    ``numbers`` in the request. ``failed_rows`` makes the others with their errors, in their order."""

    table: CompiledTable
    request: InsertRequest
    written: UpsertedRows
    numbers: Sequence[int]
    failed_rows: Callable[[], list[FailedRow]]

    @property
    def n_stored(self) -> int:
        """How many rows did not fail."""
        return len(self.numbers)

    @property
    def n_failed(self) -> int:
        return self.request.count - len(self.numbers)

    @property
    def counts(self) -> dict[str, int]:
        written = self.written
        is_update = self.request.options.action == "update"
        updated, ignored = (written.others, 0) if is_update else (0, written.others)
        return {
            "nInserted": written.inserted, "nUpdated": updated, "nIgnored": ignored,
            "nFailed": self.n_failed,
        }  # fmt: skip

    @property
    def size(self) -> int:
        """About how many bytes its records have."""
        return self.written.size

    @property
    def status(self) -> int:
        """The status of its response."""
        return MULTI_STATUS if self.n_failed else OK


InsertResult: TypeAlias = Inserted | Upserted | PartlyInserted | PartlyUpserted


class Updated(msgspec.Struct, frozen=True):
    """The number of updated rows, and the rows if they are returned, about ``size`` bytes of JSON."""

    table: CompiledTable
    count: int
    rows: Sequence[Row] | None
    size: int
    is_dry_run: bool = False


class Deleted(msgspec.Struct, frozen=True):
    """The number of deleted rows."""

    count: int
    is_dry_run: bool = False


class QueryPage(msgspec.Struct, frozen=True):
    """One page of rows with the columns ``fields`` (None for all), about ``size`` bytes of JSON."""

    relation: CompiledRelation
    fields: tuple[str, ...] | None
    rows: Sequence[Row]
    size: int
    total: int | None
    has_more: bool
    next_cursor: str | None

    @property
    def meta(self) -> msgspec.Raw:
        """The JSON that describes the columns of the page."""
        if self.fields is None:
            return self.relation.meta
        return meta_info(map(self.relation.sql.physical.columns.__getitem__, self.fields))
