"""Stored definitions: the one place that reads the definitions of tables and views as they are stored."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NoSuchTable, NoSuchView, preview
from rowkeep.model.tables import NAME, Table, name_key
from rowkeep.model.views import View
from rowkeep.sql.system_tables import WorkspaceTables
from rowkeep.storage.contract import Steps
from rowkeep.storage.scripts.steps import WorkspaceSteps

_table_decoder = msgspec.json.Decoder(Table)
_view_decoder = msgspec.json.Decoder(View)


def stored_table(definition: str) -> Table:
    """A table from its stored definition. The indexes of the first version had no ids: their ids were their
    positions."""
    table = _table_decoder.decode(definition)
    if len({index.id for index in table.indexes}) == len(table.indexes):
        return table
    indexes = tuple(msgspec.structs.replace(index, id=at) for at, index in enumerate(table.indexes))
    return msgspec.structs.replace(table, indexes=indexes)


def stored_view(definition: str) -> View:
    return _view_decoder.decode(definition)


def as_stored(definition: Table | View) -> str:
    """The definition as it is stored."""
    return msgspec.json.encode(definition).decode()


class StoredDefinitions(WorkspaceSteps):
    """Scripts that find definitions by their names and ids."""

    def find_table(self, name: str) -> Steps[Table | None]:
        """The table with this name, in any case."""
        if not NAME.fullmatch(name):
            return None
        rows = yield from self._do_known(_find_table, name_key=name_key(name))
        return stored_table(rows[0][0]) if rows else None

    def existing_table(self, name: str) -> Steps[Table]:
        """The same. Raises NoSuchTable."""
        table = yield from self.find_table(name)
        if table is None:
            raise NoSuchTable(f"No such table: {preview(name)}.")
        return table

    def tables_by(self, column: str, values: Collection[str]) -> Steps[dict[str, Table]]:
        """The tables with one of these values in a system table's column (``id`` or ``name_key``), by that
        value."""
        tables = self._system.tables
        # PostgreSQL refuses texts with U+0000, which no name has
        values = [each for each in values if "\0" not in each]
        if not values:
            return {}
        rows = yield from self._do(
            sa.select(tables.c[column], tables.c.definition).where(
                tables.c[column].in_([sa.literal(each) for each in sorted(values)])
            )
        )
        return {row[0]: stored_table(row[1]) for row in rows}

    def find_view(self, name: str) -> Steps[View | None]:
        """The view with this name, in any case."""
        if not NAME.fullmatch(name):
            return None
        rows = yield from self._do_known(_find_view, name_key=name_key(name))
        return stored_view(rows[0][0]) if rows else None

    def existing_view(self, name: str) -> Steps[View]:
        """The same. Raises NoSuchView."""
        view = yield from self.find_view(name)
        if view is None:
            raise NoSuchView(f"No such view: {preview(name)}.")
        return view


def _find_table(system: WorkspaceTables) -> sa.Executable:
    tables = system.tables
    return sa.select(tables.c.definition).where(tables.c.name_key == sa.bindparam("name_key"))


def _find_view(system: WorkspaceTables) -> sa.Executable:
    views = system.views
    return sa.select(views.c.definition).where(views.c.name_key == sa.bindparam("name_key"))
