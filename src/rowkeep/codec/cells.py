"""Cells: reads one JSON value as the cell of a column, and reports what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rowkeep.codec.changes import RefusedChange, read_change, refused_in_insert, sent_changes
from rowkeep.codec.json_bodies import complaint
from rowkeep.codec.json_scan import has_half, marked_halves
from rowkeep.errors.catalogue import InvalidValue, MalformedJson, MissingValue, ProblemList, preview
from rowkeep.model.changes import Change
from rowkeep.model.column_types import decode_value
from rowkeep.model.tables import Column
from rowkeep.model.values.json_values import MAX_DOCUMENT_BYTES
from rowkeep.model.values.scalars import HALF_SURROGATES, Cell, Misfit

TOO_LARGE = "must not have a number of more than 4300 digits"


def _decoded_value(raw: bytes) -> Any:
    """A decoded value; an array or object that is too large for any column is not decoded in full."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        first = raw[:1]
        if first in (b"[", b"{"):
            return [] if first == b"[" else {}
    return decode_value(raw)


def read_cell(
    column: Column,
    raw: msgspec.Raw,
    where: str,
    prefix: str,
    problems: ProblemList,
    changes: dict[str, Change] | None,
) -> Cell:
    text = marked_halves(bytes(raw))
    if has_half(text):
        problems.add(InvalidValue, f"{prefix}Column {column.name} {HALF_SURROGATES}.", where)
        return None
    try:
        if (sent := sent_changes(column, text)) is not None:
            return _read_change(column, sent, where, prefix, problems, changes)
        value = _decoded_value(text)
    except msgspec.ValidationError:
        # a number of thousands of digits
        problems.add(InvalidValue, f"{prefix}Column {column.name} {TOO_LARGE}.", where)
        return None
    except (ValueError, RecursionError) as error:
        raise MalformedJson(complaint(error, text, "The value"), pointer=where) from None
    if value is None or (value == "" and column.reads_empty_as_null):
        if column.is_required:
            problems.add(MissingValue, f"{prefix}Column {column.name} is required.", where)
        return None
    try:
        return checked_cell(column, raw if column.type_facts.is_raw else value)
    except Misfit as misfit:
        received = "" if column.is_encrypted else f"; got {preview(value)}"
        problems.add(InvalidValue, f"{prefix}Column {column.name} {misfit}{received}.", where)
        return None


def _read_change(
    column: Column,
    sent: Mapping[str, msgspec.Raw],
    where: str,
    prefix: str,
    problems: ProblemList,
    changes: dict[str, Change] | None,
) -> Cell:
    """What a change adds; the change itself is added to ``changes``, which is None where none is allowed."""
    try:
        if changes is None:
            raise refused_in_insert(column, sent)
        changes[column.name], cell = read_change(column, sent, checked_cell)
        return cell
    except RefusedChange as refused:
        problems.add(refused.kind, f"{prefix}{refused}", where)
        return None


def checked_cell(column: Column, value: object) -> Cell:
    """One value as a cell of this column, within its limits. Raises Misfit."""
    cell = column.type_facts.read(value)
    if isinstance(cell, str) and column.type_facts.is_text:
        if column.max_length is not None and len(cell) > column.max_length:
            raise Misfit(f"must have at most {column.max_length} characters (maxLength)")
        if column.max_bytes is not None and len(cell.encode()) > column.max_bytes:
            raise Misfit(f"must have at most {column.max_bytes} bytes, because it is indexed")
    return cell
