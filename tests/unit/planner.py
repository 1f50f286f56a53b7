"""One table without a server or a database: what is read of a body, what is planned of it, what is answered.

Requests have the names and arguments of the tests' client of the Data API, without the table's name, so a
case reads the same here and over HTTP. Each gives an :class:`Outcome`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.codec.rows import TableCodec
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.base import RowkeepError
from rowkeep.model.data_requests import DeleteBody, QueryBody, RowRange, UpdateBody
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.ids import IdSource
from rowkeep.model.names import ColumnNames
from rowkeep.plan.rows.cursors import CursorSigner
from rowkeep.plan.rows.relation import Relation
from rowkeep.plan.rows.select import SelectPlan, plan_select
from rowkeep.plan.rows.writes import plan_delete, plan_update
from rowkeep.settings import Settings

FIRST_PAGE = RowRange()
WRITER = "st-6b2c1b5e-6c2f-4a5e-9d5d-0f3f6a2b7c11"
SIGNER = CursorSigner(b"a key of the tests")
QUERY, UPDATE, DELETE = map(body_decoder, (QueryBody, UpdateBody, DeleteBody))


class Outcome:
    """What a request comes to: ``value``, or the ``error`` that refuses it."""

    def __init__(self, plan: Callable[[], Any]) -> None:
        self.value: Any = None
        self.error: RowkeepError | None = None
        try:
            self.value = plan()
        except RowkeepError as error:
            self.error = error


def good(outcome: Outcome) -> Any:
    """The value of a request that must not be refused."""
    if outcome.error is not None:
        raise outcome.error
    return outcome.value


def problem(
    outcome: Outcome, status: int | tuple[int, ...], code: str | None = None, pointer: str | None = None
) -> RowkeepError:
    """The error of a request that must be refused, its status, and the first problem's code and pointer."""
    error = outcome.error
    assert error is not None, f"taken: {outcome.value!r:.500}"
    first = error.problems[0]
    assert error.status in ((status,) if isinstance(status, int) else status), (error.status, first)
    assert first.code == error.code
    assert first.msg == error.msg
    assert 1 <= len(error.problems) <= 100
    if code is not None:
        assert first.code == code, first
    if pointer is not None:
        assert first.pointer == pointer, first
    return error


def pointers(error: RowkeepError) -> list[str | None]:
    """Where each problem of a refusal points."""
    return [each.pointer for each in error.problems]


class Planner:
    """A table of this definition, as ``POST .../tables`` takes it, and requests for it."""

    def __init__(
        self, definition: dict[str, Any], settings: Settings | None = None, table_id: str = "t"
    ) -> None:
        self.table = read_table(msgspec.convert(definition, TableBody), table_id, {}, 1)
        self.settings = settings or Settings()
        names = ColumnNames(self.table)
        self.forms = StoredCells(self.table, {})
        self.codec = TableCodec(self.table, names, self.forms)
        self.target = Relation(self.table.id, names, self.forms.store_cell, self.forms.find_cell)
        self._ids = IdSource()

    # requests as JSON text

    def insert_text(self, body: str | bytes) -> Outcome:
        """The text of the answer to an insert or a bulk."""
        return Outcome(lambda: self._written(_bytes(body)))

    def update_text(self, body: str | bytes) -> Outcome:
        """The cells that an update sets, by column."""

        def plan() -> dict[str, Any]:
            sent = decode_body(_bytes(body), UPDATE, marks_halves=True)
            plan = plan_update(self.target, self.codec, sent, WRITER, self.settings, minimal=False)
            return dict(zip(plan.shape.columns, plan.cells, strict=True))

        return Outcome(plan)

    def delete_text(self, body: str | bytes) -> Outcome:
        """The plan of a delete."""
        return Outcome(
            lambda: plan_delete(
                self.target, decode_body(_bytes(body), DELETE, marks_halves=True), self.settings
            )
        )

    def query_text(self, body: str | bytes, page: RowRange = FIRST_PAGE) -> Outcome:
        """The plan of a query."""

        def plan() -> SelectPlan:
            sent = decode_body(_bytes(body), QUERY, marks_halves=True)
            return plan_select(self.target, sent, page, self.settings, SIGNER)

        return Outcome(plan)

    # requests as values

    def insert(self, data: Any) -> Outcome:
        """The record, or the records of an array."""
        return Outcome(lambda: json.loads(self._written(body_of({"data": data}))))

    def update(self, query: Any, data: Any) -> Outcome:
        return self.update_text(body_of({"query": query, "data": data}))

    def delete(self, query: Any) -> Outcome:
        return self.delete_text(body_of({"query": query}))

    def query(self, body: Any, page: RowRange = FIRST_PAGE) -> Outcome:
        return self.query_text(body_of(body), page)

    def _written(self, body: bytes) -> bytes:
        rows, many, *_ = self.codec.decode_rows(body)
        self.forms.store(rows)
        return self.codec.encode_written(rows, self._ids.stamp(len(rows)), WRITER, many)


def body_of(value: Any) -> bytes:
    """JSON as the tests' client sends it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _bytes(body: str | bytes) -> bytes:
    return body.encode() if isinstance(body, str) else body
