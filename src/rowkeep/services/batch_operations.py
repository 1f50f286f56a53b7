"""Batch operations: each kind of operation of a batch, from its members to its result.

A kind reads the body (as that of a request of its own), plans it, makes the result of what storage returns,
and explains a conflict. None of this waits for anything, because it runs in the transaction of the batch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, ClassVar

import msgspec
from msgspec import UNSET

from rowkeep.catalog.snapshot import CompiledTable
from rowkeep.codec.batch_bodies import Op, SentOperation
from rowkeep.codec.json_bodies import body_decoder, complaint, decode_body
from rowkeep.codec.rows import InsertLimits
from rowkeep.errors.catalogue import InvalidBody, MalformedJson
from rowkeep.model.access import Right
from rowkeep.model.data_requests import Conflict, DeleteBody, QueryBody, UpdateBody
from rowkeep.plan.rows.result_references import References
from rowkeep.plan.rows.select import plan_select
from rowkeep.plan.rows.writes import plan_delete, plan_update
from rowkeep.services.access import Caller
from rowkeep.services.batch_results import Result
from rowkeep.services.conflicts import (
    find_delete_reference,
    find_insert_reference,
    find_insert_unique,
    find_update_reference,
    find_update_unique,
    find_upsert_reference,
    find_upsert_unique,
)
from rowkeep.services.offload import LARGE_BYTES, LARGE_CELLS
from rowkeep.services.refused_changes import update_change_error, upsert_change_error
from rowkeep.services.row_requests import (
    CompiledRelation,
    Deleted,
    DeleteRequest,
    Inserted,
    InsertRequest,
    QueryPage,
    QueryRequest,
    Updated,
    UpdateRequest,
    Upserted,
)
from rowkeep.services.rows import (
    DELETE_RIGHTS,
    INSERT_RIGHTS,
    QUERY_RIGHTS,
    UPDATE_RIGHTS,
    insert_plan,
    next_cursor_of,
)
from rowkeep.services.upserts import plan_rows
from rowkeep.settings import Settings
from rowkeep.storage.contract import (
    ChangeRefused,
    DeleteRows,
    InsertRows,
    RowOperation,
    SelectRows,
    Steps,
    UniqueConflict,
    UpdateRows,
    UpsertRows,
)
from rowkeep.storage.scripts.tables import Tables

_update_decoder = body_decoder(UpdateBody)
_delete_decoder = body_decoder(DeleteBody)
_query_decoder = body_decoder(QueryBody)
_conflict_decoder = msgspec.json.Decoder(Conflict)


class Around(msgspec.Struct, frozen=True):
    """What all operations of a batch have in common."""

    caller: Caller
    settings: Settings

    @property
    def limits(self) -> InsertLimits:
        settings = self.settings
        return InsertLimits(settings.max_bulk_cells, settings.max_json_depth, settings.max_row_bytes)


class Planned(ABC):
    """A planned operation."""

    def __init__(self, around: Around, relation: Any, request: Any, operation: Any) -> None:
        self.around = around
        self.relation = relation
        self.request = request
        self.operation = operation

    @abstractmethod
    def result(self, found: Any) -> Result:
        """The result, from that of storage."""

    def explain_unique(self, conflict: UniqueConflict) -> Steps[Exception]:
        """Script: the error for a value that a unique index contains already."""
        raise NotImplementedError

    def explain_reference(self) -> Steps[Exception]:
        """Script: the error for a violated reference."""
        raise NotImplementedError

    def explain_change(self, refused: ChangeRefused) -> Exception:
        """The error for a change of a stored cell with a result that does not fit."""
        raise NotImplementedError

    @property
    def tables(self) -> Tables:
        return self.around.caller.workspace.scripts.tables


class PlannedInsert(Planned):
    operation: InsertRows
    request: InsertRequest

    def result(self, found: Any) -> Inserted:
        return Inserted(self.relation, self.request, found, self.operation.plan.writer)

    def explain_unique(self, conflict: UniqueConflict) -> Steps[Exception]:
        rows, many = self.request.rows, self.request.is_array
        return find_insert_unique(self.relation, rows, self.operation.plan.rows, conflict, many)

    def explain_reference(self) -> Steps[Exception]:
        rows, many = self.request.rows, self.request.is_array
        stored, sees = self.operation.plan.rows, self.around.caller.sees
        return find_insert_reference(self.tables, sees, self.relation, rows, stored, many)


class PlannedUpsert(Planned):
    operation: UpsertRows
    request: InsertRequest

    def result(self, found: Any) -> Upserted:
        return Upserted(self.relation, self.request, found)

    def explain_unique(self, conflict: UniqueConflict) -> Steps[Exception]:
        return find_upsert_unique(self.relation, self.operation.plan, conflict, self.request.is_array)

    def explain_reference(self) -> Steps[Exception]:
        request = self.request
        return find_upsert_reference(
            self.tables,
            self.around.caller.sees,
            self.relation,
            self.operation.plan,
            request.rows,
            request.changes,
            request.is_array,
        )

    def explain_change(self, refused: ChangeRefused) -> Exception:
        is_array = self.request.is_array
        return upsert_change_error(self.relation, self.operation.plan, refused, is_array=is_array)


class PlannedUpdate(Planned):
    operation: UpdateRows
    request: UpdateRequest

    def result(self, found: Any) -> Updated:
        return Updated(self.relation, found.count, found.rows, found.size)

    def explain_unique(self, conflict: UniqueConflict) -> Steps[Exception]:
        return find_update_unique(self.relation, self.operation.plan, conflict)

    def explain_reference(self) -> Steps[Exception]:
        return find_update_reference(self.tables, self.around.caller.sees, self.relation, self.operation.plan)

    def explain_change(self, refused: ChangeRefused) -> Exception:
        sent = self.request.body.data
        return update_change_error(self.relation, self.operation.plan, sent, refused)


class PlannedDelete(Planned):
    operation: DeleteRows

    def result(self, found: Any) -> Deleted:
        return Deleted(found)

    def explain_reference(self) -> Steps[Exception]:
        return find_delete_reference(self.tables, self.around.caller.sees, self.relation, self.operation.plan)


class PlannedQuery(Planned):
    operation: SelectRows
    relation: CompiledRelation

    def result(self, found: Any) -> QueryPage:
        plan = self.operation.plan
        cursor = next_cursor_of(plan, found, self.around.caller.workspace.cursors)
        has_more = found.next_key is not None
        return QueryPage(
            self.relation, plan.shape.fields, found.rows, found.size, found.total, has_more, cursor
        )


class Operation(ABC):
    """One operation. ``returns_rows`` says whether the records of an update are needed."""

    rights: ClassVar[tuple[Right, ...]]
    decoder: ClassVar[msgspec.json.Decoder[Any] | None] = None
    """Decodes the body; None if the codec of the table does."""

    def __init__(self, around: Around, sent: SentOperation, relation: Any, *, returns_rows: bool) -> None:
        self.around = around
        self.sent = sent
        self.relation = relation
        self.returns_rows = returns_rows

    @classmethod
    def rights_of(cls, sent: SentOperation) -> tuple[Right, ...]:  # noqa: ARG003 - for inserts
        """The rights to its table that an operation needs."""
        return cls.rights

    def check_references(self, references: References) -> None:
        """Visit all references, without reading anything else."""
        self._with_references(references)
        if self.decoder is not None:
            _with_filter(self._decoded(self.decoder), references)

    @abstractmethod
    def read(self, references: References | None) -> Any:
        """The request, with values for its references; None if it has none."""

    @abstractmethod
    def plan(self, request: Any) -> Planned: ...

    def _planned(self, kind: type[Planned], request: Any, operation: RowOperation) -> Planned:
        return kind(self.around, self.relation, request, operation)

    def _decoded(self, decoder: msgspec.json.Decoder[Any], references: References | None = None) -> Any:
        body = msgspec.json.encode(self._with_references(references))
        return decode_body(body, decoder, self.around.settings.max_json_depth, marks_halves=True)

    def _with_references(self, references: References | None) -> dict[str, msgspec.Raw]:
        """The members, with values for the references in ``data``."""
        members = self.sent.members
        if references is None or "data" not in members or not isinstance(self.relation, CompiledTable):
            return members
        data = members["data"]
        try:
            return members | {"data": references.in_data(data, self.relation.names)}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedJson(complaint(error, bytes(data), '"data"'), pointer="/data") from None


class InsertOperation(Operation):
    rights = INSERT_RIGHTS
    relation: CompiledTable

    def read(self, references: References | None) -> InsertRequest:
        body = msgspec.json.encode(self._with_references(references))
        decoded = self.relation.codec.decode_rows(body, self.around.limits)
        rows, is_array, options, _, changes = decoded
        if self.sent.op is Op.BULK and not is_array:
            raise InvalidBody('"data" must be an array of rows; got an object.', pointer="/data")
        is_large = len(body) > LARGE_BYTES or len(rows) * len(self.relation.table.columns) > LARGE_CELLS
        return InsertRequest(rows, is_array, is_large, options, self.returns_rows, changes=changes)

    @classmethod
    def rights_of(cls, sent: SentOperation) -> tuple[Right, ...]:
        on_conflict = sent.members.get("onConflict")
        with suppress(msgspec.DecodeError):
            if on_conflict is not None and _conflict_decoder.decode(on_conflict).action == "update":
                return UPDATE_RIGHTS
        return cls.rights

    def plan(self, request: InsertRequest) -> Planned:
        conflict = request.options.on_conflict
        if conflict is not UNSET and request.options.is_upsert:
            caller, settings = self.around.caller, self.around.settings
            plan = plan_rows(caller, self.relation, request, conflict, settings)
            return self._planned(PlannedUpsert, request, UpsertRows(self.relation.sql, plan))
        inserted = insert_plan(self.around.caller, self.relation, request)
        return self._planned(PlannedInsert, request, InsertRows(self.relation.sql, inserted))


class UpdateOperation(Operation):
    rights = UPDATE_RIGHTS
    decoder = _update_decoder
    relation: CompiledTable

    def read(self, references: References | None) -> UpdateRequest:
        body: UpdateBody = self._decoded(_update_decoder, references)
        return UpdateRequest(_with_filter(body, references), self.returns_rows)

    def plan(self, request: UpdateRequest) -> Planned:
        plan = plan_update(
            self.relation.target,
            self.relation.codec,
            request.body,
            self.around.caller.writer,
            self.around.settings,
            minimal=not request.returns_rows,
            app=self.around.caller.app,
            operation=self.around.caller.operation(self.relation.table),
        )
        return self._planned(PlannedUpdate, request, UpdateRows(self.relation.sql, plan))


class DeleteOperation(Operation):
    rights = DELETE_RIGHTS
    decoder = _delete_decoder
    relation: CompiledTable

    def read(self, references: References | None) -> DeleteRequest:
        body: DeleteBody = self._decoded(_delete_decoder)
        return DeleteRequest(_with_filter(body, references))

    def plan(self, request: DeleteRequest) -> Planned:
        settings, app = self.around.settings, self.around.caller.app
        operation = self.around.caller.operation(self.relation.table)
        plan = plan_delete(self.relation.target, request.body, settings, app, operation)
        return self._planned(PlannedDelete, request, DeleteRows(self.relation.sql, plan))


class QueryOperation(Operation):
    rights = QUERY_RIGHTS
    decoder = _query_decoder
    relation: CompiledRelation

    def read(self, references: References | None) -> QueryRequest:
        page, most = self.sent.page, self.around.settings.max_page_size
        if page.limit > most:
            raise InvalidBody(
                f'"limit" can be at most {most} (the setting max_page_size); got {page.limit}.',
                pointer="/limit",
            )
        body: QueryBody = self._decoded(_query_decoder)
        if isinstance(body.as_of, str):
            raise InvalidBody(
                'A batch reads rows as they are now. Remove "asOf", and query the past on its own.',
                pointer="/asOf",
            )
        if page.offset is not None and isinstance(body.cursor, str):
            raise InvalidBody('Send either "cursor" or "offset", not both.', pointer="/cursor")
        return QueryRequest(_with_filter(body, references), page)

    def plan(self, request: QueryRequest) -> Planned:
        cursors = self.around.caller.workspace.cursors
        settings = self.around.settings
        plan = plan_select(self.relation.target, request.body, request.page, settings, cursors)
        return self._planned(PlannedQuery, request, SelectRows(self.relation.sql, plan))


KINDS: dict[Op, type[Operation]] = {
    Op.INSERT: InsertOperation,
    Op.BULK: InsertOperation,
    Op.UPDATE: UpdateOperation,
    Op.DELETE: DeleteOperation,
    Op.QUERY: QueryOperation,
}


def _with_filter(body: Any, references: References | None) -> Any:
    """A body with values for the references in its filter."""
    if references is None or body.query is msgspec.UNSET:
        return body
    return msgspec.structs.replace(body, query=references.in_filter(body.query))
