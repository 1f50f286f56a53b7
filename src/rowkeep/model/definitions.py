"""Definitions: the one JSON form of a table (contract, section 4), read and written."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from rowkeep.errors import (
    DuplicateColumn,
    InvalidDefinition,
    InvalidName,
    ProblemList,
    SystemColumn,
    Unsupported,
    pointer,
    quoted,
)
from rowkeep.model.cells import Cell, Misfit
from rowkeep.model.columns import COLUMN_TYPES, LATER_TYPES
from rowkeep.model.tables import (
    MAX_COLUMNS,
    MAX_DESCRIPTION,
    MAX_INDEX_COLUMNS,
    MAX_INDEXES,
    NAME,
    SYSTEM_COLUMNS,
    Column,
    Index,
    IndexColumn,
    Table,
    name_key,
    text_limits,
)

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


class IndexColumnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    order: Any = None


class IndexBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    columns: list[IndexColumnBody]
    is_unique: Any = None


class EmptyObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``{}``, one of the ways to say that nothing is set."""


class TableBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A definition as sent."""

    name: str
    schema_def: list[ColumnBody]
    description: str | EmptyObject | None = None
    indexes: list[IndexBody] | EmptyObject | Literal[""] | None = None


def is_set(value: object) -> bool:
    return value is not None and value != "" and value != {}


def check_name(name: object, what: str, where: str, problems: ProblemList) -> bool:
    """Whether ``name`` has the form of names; else a problem is added."""
    if isinstance(name, str) and NAME.fullmatch(name):
        return True
    rule = "a letter, then up to 62 letters, digits or _"
    problems.add(InvalidName, f"{quoted(name)} is no name for {what}: it takes {rule}.", where)
    return False


def read_table(body: TableBody, table_id: str) -> Table:
    """The table that a definition describes. Raises all that is wrong with it, with pointers."""
    problems = ProblemList()
    check_name(body.name, "a table", "/name", problems)
    description = body.description if isinstance(body.description, str) else ""
    if len(description) > MAX_DESCRIPTION:
        problems.add(
            InvalidDefinition, f"A description has at most {MAX_DESCRIPTION} characters.", "/description"
        )
    if "\x00" in description:
        problems.add(InvalidDefinition, "A description must not hold U+0000.", "/description")
    columns = _read_columns(body.schema_def, problems)
    sent = body.indexes if isinstance(body.indexes, list) else []
    indexes = _read_indexes(sent, columns, problems)
    problems.raise_if_any()
    limits = text_limits(columns, indexes)
    columns = tuple(msgspec.structs.replace(c, max_bytes=limits.get(c.name)) for c in columns)
    for at, column in enumerate(columns):
        _check_default_fits(column, pointer("schemaDef", at, "default"), problems)
    problems.raise_if_any()
    return Table(id=table_id, name=body.name, description=description, columns=columns, indexes=indexes)


def _read_columns(bodies: list[ColumnBody], problems: ProblemList) -> tuple[Column, ...]:
    columns: list[Column] = []
    taken: set[str] = set()
    for at, body in enumerate(bodies):
        where = pointer("schemaDef", at)
        if body.read_only not in (None, False, "", True):
            problems.add(InvalidDefinition, "readOnly is true or false.", f"{where}/readOnly")
        if body.read_only is True:
            if not isinstance(body.name, str) or name_key(body.name) not in SYSTEM_NAMES:
                problems.add(
                    InvalidDefinition,
                    f"Column {quoted(body.name)} is marked readOnly, which only system columns can be.",
                    f"{where}/readOnly",
                )
            continue
        column = _read_column(body, where, problems)
        if isinstance(body.name, str):
            if name_key(body.name) in taken:
                problems.add(
                    DuplicateColumn,
                    f"There are two columns {quoted(body.name)}; case makes no difference.",
                    f"{where}/name",
                )
            taken.add(name_key(body.name))
        if column is not None:
            columns.append(column)
    if not columns and problems.first is None:
        problems.add(InvalidDefinition, "A table has at least one column of its own.", "/schemaDef")
    if len(columns) > MAX_COLUMNS:
        problems.add(InvalidDefinition, f"A table has at most {MAX_COLUMNS} columns.", "/schemaDef")
    return tuple(columns)


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
    is_required = _flag(body.is_required, "isRequired", where, problems)
    if _flag(body.is_encrypted, "isEncrypted", where, problems):
        problems.add(Unsupported, "This version has no encrypted columns.", f"{where}/isEncrypted")
    if is_set(body.reference):
        problems.add(Unsupported, "This version has no references.", f"{where}/reference")
    max_length = _read_max_length(body, where, problems)
    default: Cell = None
    if is_set(body.default):
        try:
            default = COLUMN_TYPES[body.type].read(body.default)
        except Misfit as misfit:
            problems.add(
                InvalidDefinition, f"The default of column {body.name} {misfit}.", f"{where}/default"
            )
    return Column(
        name=body.name, type=body.type, is_required=is_required, max_length=max_length, default=default
    )


def _check_type(body: ColumnBody, where: str, problems: ProblemList) -> bool:
    if isinstance(body.type, str) and body.type in COLUMN_TYPES:
        return True
    if isinstance(body.type, str) and body.type in LATER_TYPES:
        problems.add(Unsupported, f"This version has no columns of type {body.type}.", f"{where}/type")
    else:
        known = ", ".join(COLUMN_TYPES)
        problems.add(
            InvalidDefinition,
            f"Column {body.name} has the type {quoted(body.type)}; types are {known}.",
            f"{where}/type",
        )
    return False


def _flag(value: object, key: str, where: str, problems: ProblemList) -> bool:
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
    elif not COLUMN_TYPES[body.type].is_text:
        problems.add(
            InvalidDefinition,
            f"Column {body.name} is of type {body.type}; only strings have a maxLength.",
            where,
        )
    else:
        return value
    return None


def _check_default_fits(column: Column, where: str, problems: ProblemList) -> None:
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


def _read_indexes(
    bodies: list[IndexBody], columns: tuple[Column, ...], problems: ProblemList
) -> tuple[Index, ...]:
    known = {column.name for column in (*columns, *SYSTEM_COLUMNS)}
    indexes: list[Index] = []
    taken: set[str] = set()
    for at, body in enumerate(bodies):
        where = pointer("indexes", at)
        if check_name(body.name, "an index", f"{where}/name", problems):
            if name_key(body.name) in taken:
                problems.add(InvalidDefinition, f"There are two indexes {body.name}.", f"{where}/name")
            taken.add(name_key(body.name))
        is_unique = _flag(body.is_unique, "isUnique", where, problems)
        parts = _read_index_columns(body, known, where, problems)
        indexes.append(Index(body.name, parts, is_unique))
    if len(indexes) > MAX_INDEXES:
        problems.add(InvalidDefinition, f"A table has at most {MAX_INDEXES} indexes.", "/indexes")
    return tuple(indexes)


def _read_index_columns(
    body: IndexBody, known: set[str], where: str, problems: ProblemList
) -> tuple[IndexColumn, ...]:
    if not 1 <= len(body.columns) <= MAX_INDEX_COLUMNS:
        problems.add(
            InvalidDefinition, f"An index has from 1 to {MAX_INDEX_COLUMNS} columns.", f"{where}/columns"
        )
    parts: dict[str, IndexColumn] = {}
    for at, part in enumerate(body.columns):
        spot = f"{where}{pointer('columns', at)}"
        if part.name not in known:
            problems.add(
                InvalidDefinition,
                f"Index {quoted(body.name)} names {quoted(part.name)}, which is no column of the table.",
                f"{spot}/name",
            )
        if part.name in parts:
            problems.add(DuplicateColumn, f"The index names {part.name} twice.", f"{spot}/name")
        if is_set(part.order) and part.order not in ("asc", "desc"):
            problems.add(InvalidDefinition, "order is asc or desc.", f"{spot}/order")
        parts[part.name] = IndexColumn(part.name, part.order == "desc")
    return tuple(parts.values())


def definition_of(table: Table) -> dict[str, Any]:
    """The JSON form of a table, every key present; ``""`` and ``{}`` where nothing is set."""
    return {
        "name": table.name,
        "description": table.description,
        "schemaDef": [
            {
                "name": column.name,
                "type": column.type,
                "isRequired": column.is_required,
                "isEncrypted": False,
                "reference": {},
                "maxLength": "" if column.max_length is None else column.max_length,
                "default": "" if column.default is None else column.default,
            }
            for column in table.columns
        ],
        "indexes": [
            {
                "name": index.name,
                "isUnique": index.is_unique,
                "columns": [
                    {"name": part.name, "order": "desc" if part.descending else "asc"}
                    for part in index.columns
                ],
            }
            for index in table.indexes
        ],
    }
