"""Reference definitions, read and checked.

``"reference": {"table": t, "column": c}`` is a foreign key. Names must match exactly, as everywhere in
definitions; ids are stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rowkeep.errors.catalogue import InvalidDefinition, ProblemList, preview
from rowkeep.model.definitions.columns import ColumnBody, is_set
from rowkeep.model.tables import ROW_KEY, Column, Reference, Table, name_key


def referred_names(bodies: Iterable[ColumnBody]) -> set[str]:
    """The name keys of the tables that a definition references."""
    return {name for name, _ in _given(bodies)}


def referred_columns(bodies: Iterable[ColumnBody], tables: Mapping[str, Table]) -> set[tuple[str, str]]:
    """The ids of the tables that a definition references, of these ``tables`` by name key, with the names of
    the columns there."""
    return {(tables[name].id, str(column)) for name, column in _given(bodies) if name in tables}


def _given(bodies: Iterable[ColumnBody]) -> Iterator[tuple[str, object]]:
    """The name keys of tables, and the columns there, as they were sent."""
    for body in bodies:
        given_reference = body.reference
        if isinstance(given_reference, dict) and isinstance(given_reference.get("table"), str):
            yield name_key(given_reference["table"]), given_reference.get("column")


def read_reference(
    body: ColumnBody, column: Column, tables: Mapping[str, Table], where: str, problems: ProblemList
) -> Reference | None:
    """The reference of a column; None if it has none or an invalid one.

    ``tables`` has the tables that can be referenced, by name key, including the column's own table.
    """
    given_reference = body.reference
    if not is_set(given_reference):
        return None
    where = f"{where}/reference"
    if not isinstance(given_reference, dict) or set(given_reference) != {"table", "column"}:
        problems.add(InvalidDefinition, 'A reference must be {"table": …, "column": …} or {}.', where)
        return None
    table = (
        tables.get(name_key(given_reference["table"])) if isinstance(given_reference["table"], str) else None
    )
    if table is None:
        problems.add(
            InvalidDefinition, f"No such table: {preview(given_reference['table'])}.", f"{where}/table"
        )
        return None
    there = next((each for each in table.all_columns if each.name == given_reference["column"]), None)
    if there is None:
        message = f"Table {table.name} has no column {preview(given_reference['column'])}."
        problems.add(InvalidDefinition, message, f"{where}/column")
        return None
    refusal = _refusal(column, table, there)
    if refusal is not None:
        problems.add(InvalidDefinition, refusal, where)
        return None
    return Reference(table.id, there.id)


def is_unique(table: Table, column: Column) -> bool:
    """Whether two rows cannot have the same value in this column."""
    return column.name in (ROW_KEY, "sys_Id") or any(
        index.is_unique and [part.name for part in index.columns] == [column.name] for index in table.indexes
    )


def _refusal(column: Column, table: Table, there: Column) -> str | None:
    if column.is_encrypted or there.is_encrypted:
        return "An encrypted column can neither be a reference nor be referenced: each has its own key."
    if column.type != there.type:
        referenced = f"{table.name}.{there.name} of type {there.type}"
        return f"Column {column.name} of type {column.type} cannot reference {referenced}."
    if not column.is_comparable:
        return f"Column {column.name} of type {column.type} cannot be a reference."
    if not is_unique(table, there):
        return (
            f"A reference needs a unique column: {table.name} has no unique index on {there.name} alone. "
            "Create one first."
        )
    return None
