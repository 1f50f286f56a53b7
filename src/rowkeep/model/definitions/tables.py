"""Table definitions: the JSON form of a table (contract, section 4), read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, TypeAlias

import msgspec

from rowkeep.errors.catalogue import DuplicateColumn, InvalidDefinition, ProblemList, pointer, preview
from rowkeep.model.definitions.columns import (
    ColumnBody,
    check_default_fits,
    check_name,
    is_set,
    read_columns,
    read_flag,
)
from rowkeep.model.definitions.history import history_of, read_history
from rowkeep.model.definitions.references import read_reference
from rowkeep.model.definitions.retention import read_retention, retention_of
from rowkeep.model.tables import (
    MAX_DESCRIPTION,
    MAX_INDEX_COLUMNS,
    MAX_INDEXES,
    SYSTEM_COLUMNS,
    Column,
    Index,
    IndexColumn,
    Table,
    name_key,
    text_limits,
)

Identify: TypeAlias = Callable[[dict[int, Column], ProblemList], list[Column]]
"""Assigns ids and keys to the columns of a definition, which come by position."""


class IndexColumnBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    order: Any = None


class IndexBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    name: str
    columns: list[IndexColumnBody]
    is_unique: Any = None


class EmptyObject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``{}``, which means not set."""


class TableBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The definition of a table in a request."""

    name: str
    schema_def: list[ColumnBody]
    description: str | EmptyObject | None = None
    indexes: list[IndexBody] | EmptyObject | Literal[""] | None = None
    renamed_from: str | EmptyObject | None = None
    retention: Any = None
    history: Any = None


def renames_in(body: TableBody) -> dict[str, object]:
    """The former names in a definition, by JSON Pointer; without those of system columns."""
    sent = {"/renamedFrom": body.renamed_from} | {
        pointer("schemaDef", at, "renamedFrom"): column.renamed_from
        for at, column in enumerate(body.schema_def)
        if column.read_only is not True
    }
    return {where: name for where, name in sent.items() if is_set(name) and name != EmptyObject()}


def read_table(body: TableBody, table_id: str, tables: Mapping[str, Table], key: int) -> Table:
    """The table of a definition. Raises all errors in it together, with pointers.

    ``tables`` has the tables that its columns can reference, by name key; ``key`` is the number of the data
    key for encrypted columns.
    """
    problems = ProblemList()
    for where in renames_in(body):
        problems.add(
            InvalidDefinition,
            "A new table cannot have renamedFrom. To rename an existing one, use PUT.",
            where,
        )
    return read_definition(body, table_id, tables, partial(_numbered, key), problems)


def _numbered(key: int, places: dict[int, Column], _problems: ProblemList) -> list[Column]:
    return [
        msgspec.structs.replace(column, id=f"c{number}", key=key)
        for number, column in enumerate(places.values(), start=1)
    ]


def read_definition(
    body: TableBody, table_id: str, tables: Mapping[str, Table], identify: Identify, problems: ProblemList
) -> Table:
    """The table of a definition, without regard to former names; ``identify`` assigns the ids of columns.
    Raises ``problems`` and all errors in the definition together."""
    check_name(body.name, "table", "/name", problems)
    description = read_description(body.description, problems)
    places = read_columns(body.schema_def, problems)
    sent = body.indexes if isinstance(body.indexes, list) else []
    indexes = _read_indexes(sent, tuple(places.values()), problems)
    problems.raise_if_any()
    columns = tuple(identify(places, problems))
    problems.raise_if_any()
    table = Table(
        id=table_id,
        name=body.name,
        description=description,
        columns=columns,
        columns_made=len(columns),
        indexes=indexes,
        retention=read_retention(body.retention, (*columns, *SYSTEM_COLUMNS), problems),
        history=read_history(body.history, problems),
    )
    return _refined(table, body, list(places), tables, problems)


def read_description(sent: object, problems: ProblemList) -> str:
    description = sent if isinstance(sent, str) else ""
    if len(description) > MAX_DESCRIPTION:
        problems.add(
            InvalidDefinition,
            f"A description can have at most {MAX_DESCRIPTION} characters; got {len(description)}.",
            "/description",
        )
    if "\x00" in description:
        problems.add(
            InvalidDefinition, "A description must not contain the character U+0000.", "/description"
        )
    return description


def _refined(
    table: Table, body: TableBody, places: list[int], tables: Mapping[str, Table], problems: ProblemList
) -> Table:
    """The table with references and limits, which need all columns to be known."""
    known = {**tables, name_key(table.name): table}
    columns = [
        msgspec.structs.replace(
            column,
            reference=read_reference(body.schema_def[at], column, known, pointer("schemaDef", at), problems),
        )
        for at, column in zip(places, table.columns, strict=True)
    ]
    limits = text_limits(tuple(columns), table.indexes)
    columns = [msgspec.structs.replace(column, max_bytes=limits.get(column.name)) for column in columns]
    for at, column in zip(places, columns, strict=True):
        check_default_fits(column, pointer("schemaDef", at, "default"), problems)
    problems.raise_if_any()
    return msgspec.structs.replace(table, columns=tuple(columns))


def _read_indexes(
    bodies: list[IndexBody], columns: tuple[Column, ...], problems: ProblemList
) -> tuple[Index, ...]:
    known = {column.name: column for column in (*columns, *SYSTEM_COLUMNS)}
    indexes: list[Index] = []
    taken: set[str] = set()
    for at, body in enumerate(bodies):
        where = pointer("indexes", at)
        if check_name(body.name, "index", f"{where}/name", problems):
            if name_key(body.name) in taken:
                problems.add(InvalidDefinition, f"Duplicate index {preview(body.name)}.", f"{where}/name")
            taken.add(name_key(body.name))
        is_unique = read_flag(body.is_unique, "isUnique", where, problems)
        parts = _read_index_columns(body, known, where, problems)
        indexes.append(Index(body.name, parts, is_unique, at))
    if len(indexes) > MAX_INDEXES:
        problems.add(
            InvalidDefinition,
            f"A table can have at most {MAX_INDEXES} indexes; got {len(indexes)}.",
            "/indexes",
        )
    return tuple(indexes)


def _read_index_columns(
    body: IndexBody, known: Mapping[str, Column], where: str, problems: ProblemList
) -> tuple[IndexColumn, ...]:
    if not 1 <= len(body.columns) <= MAX_INDEX_COLUMNS:
        problems.add(
            InvalidDefinition,
            f"An index must have 1 to {MAX_INDEX_COLUMNS} columns; got {len(body.columns)}.",
            f"{where}/columns",
        )
    parts: dict[str, IndexColumn] = {}
    for at, part in enumerate(body.columns):
        spot = f"{where}{pointer('columns', at)}"
        if part.name not in known:
            problems.add(
                InvalidDefinition,
                f"Index {preview(body.name)}: the table has no column {preview(part.name)}.",
                f"{spot}/name",
            )
        column = known.get(part.name)
        if column is not None and not column.is_comparable:
            problems.add(
                InvalidDefinition,
                f"Column {part.name} is of type {column.type}, which cannot be indexed.",
                f"{spot}/name",
            )
        if part.name in parts:
            problems.add(DuplicateColumn, f"Column {part.name} is in the index twice.", f"{spot}/name")
        if is_set(part.order) and part.order not in ("asc", "desc"):
            problems.add(
                InvalidDefinition,
                f'order must be "asc" or "desc"; got {preview(part.order)}.',
                f"{spot}/order",
            )
        parts[part.name] = IndexColumn(part.name, part.order == "desc")
    return tuple(parts.values())


def definition_of(table: Table, tables: Mapping[str, Table]) -> dict[str, Any]:
    """The JSON form of a table, with all keys; ``""`` and ``{}`` mean not set. ``tables`` has the tables that
    it references, by id."""
    return {
        "name": table.name,
        "description": table.description,
        "schemaDef": [
            {
                "name": column.name,
                "type": column.type,
                "isRequired": column.is_required,
                "isEncrypted": column.is_encrypted,
                "reference": _reference_of(column, {**tables, table.id: table}),
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
        **retention_of(table),
        **history_of(table),
    }


def _reference_of(column: Column, tables: Mapping[str, Table]) -> dict[str, str]:
    if column.reference is None:
        return {}
    table = tables[column.reference.table]
    there = next(each for each in table.all_columns if each.id == column.reference.column)
    return {"table": table.name, "column": there.name}
