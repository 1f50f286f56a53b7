"""Checks: conditions on existing rows that a change of a table requires."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

import msgspec

from rowkeep.errors.catalogue import pointer
from rowkeep.model.definitions.table_updates import Redefinition
from rowkeep.model.tables import Column, Index
from rowkeep.plan.table_changes.matching import RemainingColumn, below, formerly, names_of


class Need(Enum):
    """A condition on existing rows."""

    NO_ROWS = "there is no row"
    NO_EMPTY = "no cell is empty"
    SHORT = "every text keeps to the limits"
    DISTINCT = "no two rows are the same"
    PRESENT = "what is referred to is there"


class Check(msgspec.Struct, frozen=True):
    """A condition on the columns ``names``, and the message for rows that violate it.

    The names are those before the change, or with ``is_late`` those after it, because the values are only
    known when it is made.
    """

    need: Need
    names: tuple[str, ...]
    message: str
    where: str
    column: Column | None = None
    is_late: bool = False


def index_checks(
    created: tuple[Index, ...], former: dict[str, str | None], written: set[str], wanted: Redefinition
) -> Iterator[Check]:
    """Checks for new indexes: if unique, existing values must be unique."""
    places = {index.name: at for at, index in enumerate(wanted.table.indexes)}
    for index in created:
        if index.is_unique:
            names = tuple(part.name for part in index.columns)
            was = formerly(index, former)
            is_late = was is None or bool(written & names_of(index))
            yield Check(
                Need.DISTINCT,
                names if was is None or is_late else tuple(part.name for part in was),
                f"Index {index.name} cannot be unique: {{rows}} the same {' and '.join(names)} as another.",
                pointer("indexes", places[index.name]),
                is_late=is_late,
            )


def added_checks(origins: dict[str, Column | None], wanted: Redefinition) -> Iterator[Check]:
    """Checks for new columns: a required one needs a default if there are rows."""
    for column in wanted.table.columns:
        if origins[column.name] is None and column.is_required and column.default is None:
            message = f"Column {column.name} is required and has no default: {{rows}} no value for it."
            yield Check(Need.NO_ROWS, (), message, wanted.where(column.name, "default"))


def column_checks(remaining: list[RemainingColumn], wanted: Redefinition) -> Iterator[Check]:
    """Checks for existing columns: their cells must fit the new rules. Converted cells are checked when they
    are converted."""
    for pair in remaining:
        was, now = pair.before, pair.after
        if now.is_required and not was.is_required and now.default is None:
            message = f"Column {now.name} cannot be required: {{rows}} no value in it."
            yield Check(Need.NO_EMPTY, (was.name,), message, wanted.where(now.name, "isRequired"))
        if pair.converts or not now.is_text:
            continue
        if below(now.max_length, was.max_length):
            message = f"Column {now.name} cannot have maxLength {now.max_length}: {{rows}} a longer value."
            yield Check(Need.SHORT, (was.name,), message, wanted.where(now.name, "maxLength"), now)
        elif below(now.max_bytes, was.max_bytes):
            message = (
                f"Column {now.name} can have at most {now.max_bytes} bytes in this index: "
                "{rows} a longer value."
            )
            yield Check(Need.SHORT, (was.name,), message, "/indexes", now)


def reference_checks(columns: list[Column], wanted: Redefinition) -> Iterator[Check]:
    """Checks for new references: the referenced values must exist."""
    for column in columns:
        message = f"Column {column.name} cannot be a reference: {{rows}} a value that does not exist there."
        where = wanted.where(column.name, "reference")
        yield Check(Need.PRESENT, (column.name,), message, where, column, is_late=True)
