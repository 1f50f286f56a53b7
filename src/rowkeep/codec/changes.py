"""Changes: reads ``{"$inc": 1}`` in the place of a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from rowkeep.codec.json_scan import first_keys
from rowkeep.errors.catalogue import InvalidBody, InvalidValue, RowkeepError, preview
from rowkeep.model.changes import CHANGE_MARK, Change
from rowkeep.model.column_types import COLUMN_TYPES, decode_value
from rowkeep.model.tables import Column
from rowkeep.model.values.scalars import Cell, Misfit

CHANGES = {change.value: change for change in Change}
KNOWN = " or ".join(CHANGES)

MOST_KEYS = 2
"""How many keys of an object are read: with more than one, it is refused."""

CheckedCell = Callable[[Column, object], Cell]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def sent_changes(column: Column, text: bytes) -> Mapping[str, msgspec.Raw] | None:
    """The members of a JSON text that is a change, or looks like one; None for a value."""
    if text[:1] != b"{" or column.type_facts.is_document:
        return None
    members: dict[str, msgspec.Raw] = _members.decode(first_keys(text, MOST_KEYS))
    return members if any(key.startswith(CHANGE_MARK) for key in members) else None


class RefusedChange(Exception):
    """A change that cannot be made: the class of the error, and its message after the name of the row."""

    def __init__(self, kind: type[RowkeepError], msg: str) -> None:
        super().__init__(msg)
        self.kind = kind


def read_change(
    column: Column, members: Mapping[str, msgspec.Raw], check: CheckedCell
) -> tuple[Change, Cell]:
    """A change of this column, and the cell that it adds. Raises RefusedChange, and ValueError or
    RecursionError if its value is not JSON."""
    name = next(iter(members))
    if len(members) != 1:
        raise _refused(column, f"takes one change; got an object with several keys. Send {KNOWN} alone")
    change = CHANGES.get(name)
    if change is None:
        got = "" if column.is_encrypted else f"; got {preview(name)}"
        raise _refused(column, f"takes the changes {KNOWN}{got}")
    if column.is_encrypted:
        raise _refused(
            column, f"is encrypted and cannot be changed by {name}. Send its new value", InvalidBody
        )
    if change not in column.type_facts.changes:
        raise _refused(
            column,
            f"is of type {column.type} and cannot be changed by {name}, which is for {_types_of(change)}. "
            "Send its new value",
        )
    if column.holds_sys_ids:
        raise _refused(column, f"references sys_Id and cannot be changed by {name}. Send its new value")
    value = decode_value(members[name])
    try:
        return change, check(column, value)
    except Misfit as misfit:
        raise RefusedChange(
            InvalidValue, f"The {name} of column {column.name} {misfit}; got {preview(value)}."
        ) from None


def refused_in_insert(column: Column, members: Mapping[str, msgspec.Raw]) -> RefusedChange:
    """The error for a change in an insert."""
    name = next(iter(members))
    if len(members) != 1 or name not in CHANGES:
        return _refused(column, "needs a value; got an object. Send the value itself")
    return _refused(
        column,
        f"cannot have {name} here: changes are only for updates and for upserts with the action "
        '"update". Send a value',
    )


def _refused(column: Column, rule: str, kind: type[RowkeepError] = InvalidValue) -> RefusedChange:
    return RefusedChange(kind, f"Column {column.name} {rule}.")


def _types_of(change: Change) -> str:
    *others, last = (entry.name for entry in COLUMN_TYPES.values() if change in entry.changes)
    return f"{', '.join(others)} or {last}" if others else last
