"""Batch bodies: the operations of a batch, each with its members not yet decoded.

The members of an operation are those of the body of its own endpoint. They are decoded later, as that body,
when its table is known and references to earlier results are replaced.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

import msgspec

from rowkeep.codec.json_bodies import complaint, decode_body
from rowkeep.errors.catalogue import (
    InvalidBody,
    MalformedJson,
    RowkeepError,
    TooManyOperations,
    UnknownKey,
    pointer,
    preview,
)
from rowkeep.model.column_types import decode_value
from rowkeep.model.data_requests import RowRange

MAX_OPERATIONS = 1000
OPERATION_LEVELS = 2
"""The array of operations, and the operation."""

MAX_ROW_NUMBER = 2**63 - 1
MAY_BE_REFERENCES = (b"$ref", b"\\u00")
"""What a text with references contains: as it is, or escaped."""


class Op(StrEnum):
    """The kinds of operations."""

    INSERT = "insert"
    BULK = "bulk"
    UPDATE = "update"
    DELETE = "delete"
    QUERY = "query"


class SentOperation(msgspec.Struct, frozen=True):
    """One operation. ``relation`` is the name of its table or, if ``is_view``, of its view; ``members`` are
    those of the body, and ``page`` is the range of a query."""

    op: Op
    relation: str
    is_view: bool
    members: dict[str, msgspec.Raw]
    page: RowRange = RowRange()

    @property
    def body(self) -> bytes:
        """The body as that of a request of its own."""
        return msgspec.json.encode(self.members)

    def may_have_references(self) -> bool:
        """Whether it may contain references to earlier results."""
        texts = list(map(bytes, self.members.values()))
        return any(mark in text for text in texts for mark in MAY_BE_REFERENCES)


class SentBatch(msgspec.Struct, frozen=True):
    operations: list[SentOperation]
    dry_run: bool


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    operations: list[msgspec.Raw]
    dry_run: bool = False


_body_decoder = msgspec.json.Decoder(_Body)
_members_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])

OF_THE_BATCH = ("dryRun",)
NOT_IN_A_BATCH = ("mode", "stream")


def decode_batch(body: bytes, max_depth: int) -> SentBatch:
    """Raises TooManyOperations, and what :func:`decode_body` raises."""
    decoded: _Body = decode_body(body, _body_decoder, max_depth + OPERATION_LEVELS, marks_halves=True)
    if len(decoded.operations) > MAX_OPERATIONS:
        raise TooManyOperations(
            f"A batch can have at most {MAX_OPERATIONS} operations; got {len(decoded.operations)}.",
            pointer="/operations",
        )
    operations = []
    for number, raw in enumerate(decoded.operations):
        try:
            operations.append(_operation(raw))
        except RowkeepError as error:
            raise placed(error, number) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise placed(MalformedJson(complaint(error, bytes(raw), "It")), number) from None
    return SentBatch(operations, decoded.dry_run)


def placed(error: RowkeepError, number: int) -> RowkeepError:
    """The error of an operation, as that of the batch."""
    return error.placed(pointer("operations", number), f"Operation {number}")


def _operation(raw: msgspec.Raw) -> SentOperation:
    try:
        members: dict[str, msgspec.Raw] = _members_decoder.decode(raw)
    except msgspec.ValidationError:
        raise InvalidBody(f"An operation must be an object; got {preview(_value(raw))}.") from None
    op = _op(members.pop("op", None))
    for name in OF_THE_BATCH:
        if name in members:
            raise InvalidBody(f'"{name}" is a member of the batch, not of an operation.', pointer=f"/{name}")
    for name in NOT_IN_A_BATCH:
        if name in members:
            raise InvalidBody(
                f'"{name}" is not supported in a batch: all of it is done, or nothing.', pointer=f"/{name}"
            )
    is_view = op is Op.QUERY and "view" in members
    if is_view and "table" in members:
        raise InvalidBody('Send either "table" or "view", not both.', pointer="/view")
    relation = _name(members, "view" if is_view else "table")
    page = _page(members) if op is Op.QUERY else RowRange()
    return SentOperation(op, relation, is_view, members, page)


def _op(raw: msgspec.Raw | None) -> Op:
    value = None if raw is None else _value(raw)
    if isinstance(value, str) and value in Op.__members__.values():
        return Op(value)
    names = ", ".join(f'"{op}"' for op in Op)
    got = "" if raw is None else f"; got {preview(value)}"
    raise InvalidBody(f'"op" must be one of {names}{got}.', pointer="/op")


def _name(members: dict[str, msgspec.Raw], key: str) -> str:
    raw = members.pop(key, None)
    if raw is None:
        raise InvalidBody(f'The operation has no "{key}".', pointer=f"/{key}")
    value = _value(raw)
    if not isinstance(value, str):
        raise InvalidBody(f'"{key}" must be a string; got {preview(value)}.', pointer=f"/{key}")
    return value


def _page(members: dict[str, msgspec.Raw]) -> RowRange:
    for name in ("sys_limit", "sys_offset"):
        if name in members:
            right = name.removeprefix("sys_")
            raise UnknownKey(f'Unknown key "{name}". In a batch, it is "{right}".', pointer=f"/{name}")
    limit, offset = _number(members, "limit", 1), _number(members, "offset", 0)
    return RowRange(RowRange().limit if limit is None else limit, offset)


def _number(members: dict[str, msgspec.Raw], key: str, least: int) -> int | None:
    raw = members.pop(key, None)
    if raw is None:
        return None
    value = _value(raw)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= MAX_ROW_NUMBER:
        raise InvalidBody(
            f'"{key}" must be a whole number of {least} or more; got {preview(value)}.', pointer=f"/{key}"
        )
    return value


def _value(raw: msgspec.Raw) -> Any:
    """A value for a check; arrays and objects are not decoded, nor numbers of thousands of digits."""
    text = bytes(raw)
    if text[:1] in (b"[", b"{"):
        return [] if text[:1] == b"[" else {}
    try:
        return decode_value(text)
    except msgspec.ValidationError:
        return -math.inf if text[:1] == b"-" else math.inf
