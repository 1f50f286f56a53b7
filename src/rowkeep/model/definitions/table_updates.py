"""Table updates: the definition in a PUT, with renames from former names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rowkeep.errors.catalogue import InvalidDefinition, ProblemList, pointer, preview
from rowkeep.model.definitions.columns import check_name
from rowkeep.model.definitions.tables import TableBody, read_definition, renames_in
from rowkeep.model.tables import Column, Table, name_key


class Redefinition(msgspec.Struct, frozen=True):
    """The new state of a table. ``origins`` maps the name of each column to its former column, None if it is
    new; ``places`` maps it to its position in ``schemaDef``."""

    table: Table
    origins: dict[str, Column | None]
    places: dict[str, int]

    def where(self, column: str, *keys: str) -> str:
        """A JSON Pointer to a column of the definition, or to one of its keys."""
        return pointer("schemaDef", self.places[column], *keys)


def former_name(body: TableBody) -> str | None:
    """The former name of the table, if the definition has one."""
    return body.renamed_from if isinstance(body.renamed_from, str) and body.renamed_from else None


def read_redefinition(
    body: TableBody, path_name: str, before: Table, tables: Mapping[str, Table], key: int
) -> Redefinition:
    """What a definition changes in the table ``before``. Raises all errors in it together.

    ``tables`` has the tables that its columns can reference, by name key; ``key`` is the number of the data
    key for columns that were not encrypted before.
    """
    problems = ProblemList()
    renames = renames_in(body)
    for where, former in renames.items():
        check_name(former, "table" if where == "/renamedFrom" else "column", where, problems)
    if name_key(body.name) != name_key(path_name):
        problems.add(
            InvalidDefinition,
            f"The name {preview(body.name)} does not match {preview(path_name)} in the path. To rename a "
            "table, PUT its definition to the path with the new name and set renamedFrom to the old name.",
            "/name",
        )
    found = _Origins(before, renames, key)
    # the table cannot be referenced by its former name
    others = {key: table for key, table in tables.items() if table.id != before.id}
    table = read_definition(body, before.id, others, found.identify, problems)
    column_count = before.columns_made + sum(was is None for was in found.origins.values())
    return Redefinition(
        msgspec.structs.replace(table, columns_made=column_count), found.origins, found.places
    )


class _Origins:
    """Finds the former column of each column of the new definition."""

    def __init__(self, before: Table, renames: dict[str, object], key: int) -> None:
        self.origins: dict[str, Column | None] = {}
        self.places: dict[str, int] = {}
        self._before = before
        self._key = key
        self._renames = renames
        self._former = {name_key(column.name): column for column in before.columns}
        self._taken: dict[str, str] = {}

    def identify(self, places: dict[int, Column], problems: ProblemList) -> list[Column]:
        """The columns with the ids of their former columns, or new ids; and with their data keys, if they
        stay encrypted."""
        column_count = self._before.columns_made
        found = []
        for at, column in places.items():
            self.places[column.name] = at
            was = self.origins[column.name] = self._origin(column.name, at, problems)
            column_count += was is None
            given: dict[str, Any] = {"id": f"c{column_count}", "key": self._key}
            if was is not None:
                given["id"] = was.id
                if was.is_encrypted and column.is_encrypted:
                    given |= {"key": was.key, "old_key": was.old_key}
            found.append(msgspec.structs.replace(column, **given))
        return found

    def _origin(self, name: str, at: int, problems: ProblemList) -> Column | None:
        where = pointer("schemaDef", at, "renamedFrom")
        renamed = where in self._renames
        key = name_key(str(self._renames.get(where, name)))
        if key not in self._former and name_key(name) in self._former:
            # already renamed: the same definition can be sent again
            key = name_key(name)
        if key in self._taken:
            other = self._taken[key]
            problems.add(
                InvalidDefinition,
                f"Columns {other} and {name} cannot both be renamed from {self._former[key].name}.",
                where if renamed else pointer("schemaDef", self.places[other], "renamedFrom"),
            )
        elif key in self._former:
            self._taken[key] = name
        elif renamed:
            problems.add(
                InvalidDefinition,
                f"Table {self._before.name} has no column {preview(self._renames[where])}.",
                where,
            )
        return self._former.get(key)
