"""Column definitions: the rows of ``schemaDef`` (contract, section 4), read and checked."""

from __future__ import annotations

from typing import Any

import msgspec

from rowkeep.errors.catalogue import (
    DuplicateColumn,
    InvalidDefinition,
    InvalidName,
    ProblemList,
    SystemColumn,
    pointer,
    preview,
)
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.tables import MAX_COLUMNS, NAME, SYSTEM_COLUMNS, Column, name_key
from rowkeep.model.values.scalars import Cell, Misfit

MAX_TEXT_LENGTH = 1_000_000_000
SYSTEM_NAMES = {name_key(column.name) for column in SYSTEM_COLUMNS}


class ColumnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One row of ``schemaDef``. ``""``, ``null``, ``{}`` and a missing key all mean "not set"."""

    name: Any = None
    type: Any = None
    is_required: Any = None
    is_encrypted: Any = None
    reference: Any = None
    max_length: Any = None
    default: Any = None
    read_only: Any = None
    renamed_from: Any = None


def is_set(value: object) -> bool:
    return value is not None and value != "" and value != {}


def check_name(name: object, what: str, where: str, problems: ProblemList) -> bool:
    """Whether ``name`` is a valid name; if not, a problem is added."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return True
    problems.add(InvalidName, invalid_name(name, what), where)
    return False


def invalid_name(name: object, what: str) -> str:
    """The message for an invalid name."""
    rule = "Names start with a letter, followed by up to 62 letters, digits or underscores"
    return f"{preview(name)} is not a valid {what} name. {rule}."


def read_columns(bodies: list[ColumnBody], problems: ProblemList) -> dict[int, Column]:
    """The columns of a definition by their position in ``schemaDef``, which can also list system columns.
    They have no ids and no references yet."""
    columns: dict[int, Column] = {}
    taken: set[str] = set()
    for at, body in enumerate(bodies):
        where = pointer("schemaDef", at)
        if body.read_only not in (None, False, "", True):
            problems.add(
                InvalidDefinition,
                f"readOnly must be true or false; got {preview(body.read_only)}.",
                f"{where}/readOnly",
            )
        if body.read_only is True:
            if not isinstance(body.name, str) or name_key(body.name) not in SYSTEM_NAMES:
                problems.add(
                    InvalidDefinition,
                    f"Column {preview(body.name)} cannot be readOnly: it is not a system column.",
                    f"{where}/readOnly",
                )
            continue
        column = _read_column(body, where, problems)
        if isinstance(body.name, str):
            if name_key(body.name) in taken:
                problems.add(
                    DuplicateColumn,
                    f"Duplicate column {preview(body.name)}. Names that differ only in case are the same.",
                    f"{where}/name",
                )
            taken.add(name_key(body.name))
        if column is not None:
            columns[at] = column
    if not columns and problems.first is None:
        problems.add(InvalidDefinition, "A table must have at least one column of its own.", "/schemaDef")
    if len(columns) > MAX_COLUMNS:
        problems.add(
            InvalidDefinition,
            f"A table can have at most {MAX_COLUMNS} columns; got {len(columns)}.",
            "/schemaDef",
        )
    return columns


def _read_column(body: ColumnBody, where: str, problems: ProblemList) -> Column | None:
    if isinstance(body.name, str) and name_key(body.name) in SYSTEM_NAMES:
        problems.add(
            SystemColumn,
            f"{body.name} is a system column, which every table has. Remove it from the definition.",
            f"{where}/name",
        )
        return None
    if not check_name(body.name, "column", f"{where}/name", problems):
        return None
    if not _check_type(body, where, problems):
        return None
    is_required = read_flag(body.is_required, "isRequired", where, problems)
    is_encrypted = read_flag(body.is_encrypted, "isEncrypted", where, problems)
    max_length = _read_max_length(body, where, problems)
    default: Cell = None
    if is_set(body.default) and is_encrypted:
        problems.add(
            InvalidDefinition,
            f"Column {body.name} is encrypted and cannot have a default: that is stored in plain text.",
            f"{where}/default",
        )
    elif is_set(body.default):
        try:
            default = COLUMN_TYPES[body.type].read(body.default)
        except Misfit as misfit:
            problems.add(
                InvalidDefinition,
                f"The default of column {body.name} {misfit}; got {preview(body.default)}.",
                f"{where}/default",
            )
    return Column(
        id="",
        name=body.name,
        type=body.type,
        is_required=is_required,
        is_encrypted=is_encrypted,
        max_length=max_length,
        default=default,
    )


def _check_type(body: ColumnBody, where: str, problems: ProblemList) -> bool:
    if isinstance(body.type, str) and body.type in COLUMN_TYPES:
        return True
    known = ", ".join(COLUMN_TYPES)
    problems.add(
        InvalidDefinition,
        f"Column {body.name} has the unknown type {preview(body.type)}. Types are {known}.",
        f"{where}/type",
    )
    return False


def read_flag(value: object, key: str, where: str, problems: ProblemList) -> bool:
    if isinstance(value, bool) or not is_set(value):
        return value is True
    problems.add(InvalidDefinition, f"{key} must be true or false; got {preview(value)}.", f"{where}/{key}")
    return False


def _read_max_length(body: ColumnBody, where: str, problems: ProblemList) -> int | None:
    value = body.max_length
    if not is_set(value):
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 10:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    where = f"{where}/maxLength"
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_TEXT_LENGTH:
        problems.add(
            InvalidDefinition,
            f"maxLength must be a whole number from 1 to {MAX_TEXT_LENGTH}; got {preview(body.max_length)}.",
            where,
        )
    else:
        # on a column that is not a string it has no effect, but definitions of other systems have it
        return value
    return None


def check_default_fits(column: Column, where: str, problems: ProblemList) -> None:
    if not isinstance(column.default, str) or not column.type_facts.is_text:
        return
    if column.max_length is not None and len(column.default) > column.max_length:
        problems.add(
            InvalidDefinition, f"The default of column {column.name} is longer than its maxLength.", where
        )
    if column.max_bytes is not None and len(column.default.encode()) > column.max_bytes:
        problems.add(
            InvalidDefinition, f"The default of column {column.name} is too long for its indexes.", where
        )
