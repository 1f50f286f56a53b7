"""Column definitions: the rows of ``schemaDef`` (contract, section 4), read and checked."""

from __future__ import annotations

from typing import Any

import msgspec

from rowkeep.errors import (
    DuplicateColumn,
    InvalidDefinition,
    InvalidName,
    ProblemList,
    SystemColumn,
    pointer,
    preview,
)
from rowkeep.model.cells import Cell, Misfit
from rowkeep.model.columns import COLUMN_TYPES
from rowkeep.model.tables import MAX_COLUMNS, NAME, SYSTEM_COLUMNS, Column, name_key

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
    """Whether ``name`` has the form of names; else a problem is added."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return True
    rule = "a letter, then up to 62 letters, digits or _"
    problems.add(InvalidName, f"{preview(name)} is no name for {what}: it takes {rule}.", where)
    return False


def read_columns(bodies: list[ColumnBody], problems: ProblemList) -> dict[int, Column]:
    """The columns that a definition describes, by their place in ``schemaDef``, where system columns may
    stand too; they have no ids yet, and refer to nothing."""
    columns: dict[int, Column] = {}
    taken: set[str] = set()
    for at, body in enumerate(bodies):
        where = pointer("schemaDef", at)
        if body.read_only not in (None, False, "", True):
            problems.add(InvalidDefinition, "readOnly is true or false.", f"{where}/readOnly")
        if body.read_only is True:
            if not isinstance(body.name, str) or name_key(body.name) not in SYSTEM_NAMES:
                problems.add(
                    InvalidDefinition,
                    f"Column {preview(body.name)} is marked readOnly, which only system columns can be.",
                    f"{where}/readOnly",
                )
            continue
        column = _read_column(body, where, problems)
        if isinstance(body.name, str):
            if name_key(body.name) in taken:
                problems.add(
                    DuplicateColumn,
                    f"There are two columns {preview(body.name)}; case makes no difference.",
                    f"{where}/name",
                )
            taken.add(name_key(body.name))
        if column is not None:
            columns[at] = column
    if not columns and problems.first is None:
        problems.add(InvalidDefinition, "A table has at least one column of its own.", "/schemaDef")
    if len(columns) > MAX_COLUMNS:
        problems.add(InvalidDefinition, f"A table has at most {MAX_COLUMNS} columns.", "/schemaDef")
    return columns


def _read_column(body: ColumnBody, where: str, problems: ProblemList) -> Column | None:
    if isinstance(body.name, str) and name_key(body.name) in SYSTEM_NAMES:
        problems.add(
            SystemColumn, f"{body.name} is a system column; every table has it already.", f"{where}/name"
        )
        return None
    if not check_name(body.name, "a column", f"{where}/name", problems):
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
            f"Column {body.name} is encrypted and can have no default, which would be kept in the clear.",
            f"{where}/default",
        )
    elif is_set(body.default):
        try:
            default = COLUMN_TYPES[body.type].read(body.default)
        except Misfit as misfit:
            problems.add(
                InvalidDefinition, f"The default of column {body.name} {misfit}.", f"{where}/default"
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
        f"Column {body.name} has the type {preview(body.type)}; types are {known}.",
        f"{where}/type",
    )
    return False


def read_flag(value: object, key: str, where: str, problems: ProblemList) -> bool:
    if isinstance(value, bool) or not is_set(value):
        return value is True
    problems.add(InvalidDefinition, f"{key} is true or false.", f"{where}/{key}")
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
            f"maxLength is a whole number from 1 to {MAX_TEXT_LENGTH}, or its digits.",
            where,
        )
    else:
        # a column that is no string keeps it without effect, as definitions of other systems have it
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
