"""Batch results: the values of the results of a batch, by JSON Pointer, before there are any responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec

from rowkeep.codec.rows import encode
from rowkeep.model.ids import Stamp
from rowkeep.plan.rows.result_references import INDEX, ResultReference
from rowkeep.services.row_requests import Deleted, Inserted, QueryPage, Updated, Upserted

Result: TypeAlias = Inserted | Upserted | Updated | Deleted | QueryPage

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])


MAX_VISITED_BYTES = 64 * 1024 * 1024
"""How many bytes of records are encoded and decoded for the references of one batch."""


class BatchResults:
    """The results of the operations that are done, in their order. ``max_bytes`` is the maximum size of all
    values that references stand for."""

    def __init__(self, max_bytes: int) -> None:
        self.done: list[Result] = []
        self._known: dict[tuple[int, tuple[str, ...]], msgspec.Raw] = {}
        self._visited = 0
        self._used = 0
        self._max_bytes = max_bytes

    def value(self, reference: ResultReference) -> msgspec.Raw:
        """The JSON of a value in a full response, whatever of it is returned. Raises
        InvalidResultReference."""
        place = (reference.operation, reference.tokens)
        value = self._known.get(place)
        if value is None:
            value = self._known[place] = self._find(reference)
        self._used += memoryview(value).nbytes
        if self._used > self._max_bytes:
            raise reference.invalid(
                f"is too much: all references of a batch stand for at most {self._max_bytes} bytes (the "
                "setting max_row_bytes)"
            )
        return value

    def _find(self, reference: ResultReference) -> msgspec.Raw:
        result = self.done[reference.operation]
        if _is_cut(result) and reference.tokens[:1] in (("records",), ("outcomes",)):
            raise reference.invalid(
                f"is not known: operation {reference.operation} returns counts only, as its records are more "
                "than the setting max_returned_records, or larger than max_response_bytes; write fewer rows"
            )
        place = _place(result, reference.tokens)
        if place is None:
            raise reference.invalid("does not exist in the results")
        text, tokens = place
        self._visited += memoryview(text).nbytes
        if self._visited > MAX_VISITED_BYTES:
            raise reference.invalid("is too much: the references of the batch use too many large records")
        found = _within(text, tokens)
        if found is None:
            raise reference.invalid("does not exist in the results")
        first = bytes(memoryview(found)[:1])
        if first in (b"{", b"["):
            kind = "an object" if first == b"{" else "an array"
            raise reference.invalid(f"is {kind}, but must be a single value")
        return found


def _is_cut(result: Result) -> bool:
    """Whether its records are too many to be returned."""
    if isinstance(result, Upserted):
        return result.written.rows is None
    return isinstance(result, Updated) and result.rows is None


Place: TypeAlias = tuple[msgspec.Raw, Sequence[str]]
"""The JSON of a part of a response, and the rest of a pointer."""


def _place(result: Result, tokens: Sequence[str]) -> Place | None:
    """The part of a response that a pointer leads to: one record, or the other members. None if there is no
    such record."""
    if isinstance(result, Deleted):
        return _json({"nDeleted": result.count}), tokens
    if isinstance(result, Updated):
        if tokens[:1] != ("records",) or result.rows is None:
            return _json({"nModified": result.count}), tokens
        updated = result.rows
        codec = result.table.codec
        return _in_records(tokens, len(updated), lambda at: codec.encode_records(updated[at : at + 1])[1:-1])
    if isinstance(result, QueryPage):
        return _in_page(result, tokens)
    if isinstance(result, Upserted):
        return _in_upsert(result, tokens)
    action = result.request.options.action
    if tokens[:1] == ("outcomes",) and action is not None:
        return _json({"outcomes": ["inserted"] * len(result.request.rows)}), tokens
    if not result.request.is_array and action is None:
        return msgspec.Raw(_inserted(result, 0)), tokens
    if tokens[:1] != ("records",):
        return _json({}), tokens
    return _in_records(tokens, len(result.request.rows), lambda at: _inserted(result, at))


def _in_upsert(result: Upserted, tokens: Sequence[str]) -> Place | None:
    written, codec = result.written, result.table.codec
    if written.rows is None:
        others = "nUpdated" if result.request.options.action == "update" else "nIgnored"
        counts = {"nInserted": written.inserted, "nUpdated": 0, "nIgnored": 0, others: written.others}
        return _json(counts), tokens
    if tokens[:1] != ("records",):
        return _json({"outcomes": written.outcomes}), tokens
    rows = written.rows
    return _in_records(tokens, len(rows), lambda at: encode(codec.some_records(rows[at : at + 1]))[1:-1])


def _in_page(page: QueryPage, tokens: Sequence[str]) -> Place | None:
    if tokens[:1] == ("queryResult",):
        rows, fields, codec = page.rows, page.fields, page.relation.codec
        return _in_records(
            tokens, len(rows), lambda at: codec.encode_records(rows[at : at + 1], fields)[1:-1]
        )
    members: dict[str, object] = {"hasMore": page.has_more, "metaInfo": page.meta}
    if page.total is not None:
        members["total"] = page.total
    if page.next_cursor is not None:
        members["nextCursor"] = page.next_cursor
    return _json(members), tokens


def _inserted(result: Inserted, at: int) -> bytes:
    """The record of one inserted row."""
    stamp, rows = result.stamp, result.request.rows[at : at + 1]
    own = Stamp(stamp.moment, stamp.prefix, stamp.start + at, 1)
    record = result.table.codec.encode_written(rows, own, result.writer, False)
    return record if isinstance(record, bytes) else b"".join(record)


def _in_records(tokens: Sequence[str], count: int, record: Callable[[int], bytes]) -> Place | None:
    _, *rest = tokens
    if not rest:
        return _json([]), ()
    at = _index(rest[0], count)
    return None if at is None else (msgspec.Raw(record(at)), rest[1:])


def _within(text: msgspec.Raw, tokens: Sequence[str]) -> msgspec.Raw | None:
    """The part of a JSON text at a pointer."""
    for token in tokens:
        first = bytes(memoryview(text)[:1])
        if first == b"{":
            members = _object_decoder.decode(text)
            if token not in members:
                return None
            text = members[token]
        elif first == b"[":
            items = _array_decoder.decode(text)
            at = _index(token, len(items))
            if at is None:
                return None
            text = items[at]
        else:
            return None
    return text


def _index(token: str, count: int) -> int | None:
    return int(token) if INDEX.fullmatch(token) and int(token) < count else None


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))
