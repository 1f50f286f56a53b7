"""Result references: ``{"$ref": "/0/_id"}`` in an operation of a batch stands for a value of an earlier
result.

The reference is a JSON Pointer (RFC 6901) into the array of results. It may stand where a single value may
stand: as a cell, in an atomic change of a cell, as a value in a filter and in its lists. In a json column it
is a plain value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET

from rowkeep.errors.catalogue import InvalidResultReference, UnknownColumn, pointer, preview
from rowkeep.model.data_requests import Node
from rowkeep.model.names import ColumnNames
from rowkeep.model.values.scalars import ExactDouble

KEY = "$ref"
INDEX = re.compile("0|[1-9][0-9]{0,17}")
WRONG_ESCAPE = re.compile("~(?![01])")
MAX_POINTER = 10_000

_row_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_value_decoder = msgspec.json.Decoder(float_hook=ExactDouble)


class ResultReference(msgspec.Struct, frozen=True):
    """A reference to a value in the result of an operation; ``where`` is its place in the request."""

    text: str
    operation: int
    tokens: tuple[str, ...]
    where: str

    def invalid(self, reason: str) -> InvalidResultReference:
        return InvalidResultReference(f"{preview(self.text)} {reason}.", pointer=self.where)


Resolve: TypeAlias = Callable[[ResultReference], msgspec.Raw]
"""Finds the JSON of the value. Raises InvalidResultReference."""


class References:
    """Replaces the references in the operation with this number."""

    def __init__(self, number: int, resolve: Resolve) -> None:
        self._number = number
        self._resolve = resolve

    def in_data(self, data: msgspec.Raw, names: ColumnNames) -> msgspec.Raw:
        """The rows of an insert, or the cells of an update, with values for references."""
        text = bytes(data)
        if text[:1] == b"{":
            return self._in_row(data, names, "/data")
        if text[:1] != b"[":
            return data
        rows = _rows_decoder.decode(text)
        replaced = [self._in_row(row, names, pointer("data", at)) for at, row in enumerate(rows)]
        return msgspec.Raw(msgspec.json.encode(replaced))

    def _in_row(self, row: msgspec.Raw, names: ColumnNames, where: str) -> msgspec.Raw:
        if bytes(row)[:1] != b"{":
            return row
        cells = _row_decoder.decode(row)
        changed = False
        for key, cell in cells.items():
            if bytes(cell)[:1] != b"{" or _is_document(names, key):
                continue
            cells[key] = self._in_cell(cell, where + pointer(key))
            changed = True
        return msgspec.Raw(msgspec.json.encode(cells)) if changed else row

    def _in_cell(self, cell: msgspec.Raw, where: str) -> msgspec.Raw:
        members = _row_decoder.decode(cell)
        if KEY in members:
            return self._value(members, where)
        # an atomic change, such as {"$inc": {"$ref": …}}
        for name, inner in members.items():
            if bytes(inner)[:1] == b"{":
                found = _row_decoder.decode(inner)
                if KEY in found:
                    members[name] = self._value(found, where + pointer(name))
        return msgspec.Raw(msgspec.json.encode(members))

    def in_filter(self, node: Node, where: str = "/query") -> Node:
        """The filter with values for references."""
        changes: dict[str, Any] = {}
        if node.value is not UNSET:
            changes["value"] = self._in_value(node.value, f"{where}/value")
        if isinstance(node.expressions, list):
            changes["expressions"] = [
                self.in_filter(part, f"{where}/expressions/{at}") for at, part in enumerate(node.expressions)
            ]
        if isinstance(node.not_, Node):
            changes["not_"] = self.in_filter(node.not_, f"{where}/not")
        return msgspec.structs.replace(node, **changes) if changes else node

    def _in_value(self, value: Any, where: str) -> Any:
        if isinstance(value, list):
            return [
                self._in_value(each, f"{where}/{at}") if isinstance(each, dict) else each
                for at, each in enumerate(value)
            ]
        if isinstance(value, dict) and KEY in value:
            return _value_decoder.decode(self._value(value, where))
        return value

    def _value(self, members: dict[str, Any], where: str) -> msgspec.Raw:
        reference = self._read(members, where)
        if reference.operation >= self._number:
            raise reference.invalid(
                f"does not refer to an earlier operation: this one has the number {self._number}"
            )
        return self._resolve(reference)

    def _read(self, members: dict[str, Any], where: str) -> ResultReference:
        if len(members) > 1:
            raise InvalidResultReference(
                f'An object with "{KEY}" stands for a value and can have no other keys.', pointer=where
            )
        text = members[KEY]
        if isinstance(text, msgspec.Raw):
            text = msgspec.json.decode(text) if bytes(text)[:1] not in (b"{", b"[") else []
        if not isinstance(text, str):
            got = f"; got {preview(text)}"
            raise InvalidResultReference(f'"{KEY}" must be a string{got}.', pointer=where)
        first, *tokens = text[1:].split("/")
        if (
            not text.startswith("/")
            or len(text) > MAX_POINTER
            or WRONG_ESCAPE.search(text)
            or not INDEX.fullmatch(first)
        ):
            raise InvalidResultReference(
                f"{preview(text)} is not a valid reference. Send a JSON Pointer (RFC 6901) that begins with "
                'the number of an operation, such as "/0/_id".',
                pointer=where,
            )
        plain = tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)
        return ResultReference(text, int(first), plain, where)


def _is_document(names: ColumnNames, key: str) -> bool:
    """Whether a cell is a JSON value, in which nothing is replaced. The name may be wrong, which is found
    later."""
    try:
        return names.find(key, "", _no_hints).type_facts.is_document
    except UnknownColumn:
        return False


def _no_hints() -> bool:
    return False
