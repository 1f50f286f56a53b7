"""Images: the columns of a record that hold the row before a change, by the columns of the table."""

from __future__ import annotations

from rowkeep.model.tables import ROW_KEY, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.history_table import KEY_OF_ROW, cell_id, key_id
from rowkeep.sql.names import column_name, sort_key_name


def image_columns(table: Table, dialect: Dialect) -> dict[str, str]:
    """For each physical column of the table, that of its records; sort keys included."""
    names: dict[str, str] = {}
    for column in table.stored_columns:
        is_key = column.name == ROW_KEY
        names[str(column_name(column.name))] = KEY_OF_ROW if is_key else str(cell_id(column))
        if dialect.kinds[column.kind].key:
            names[str(sort_key_name(column.name))] = str(key_id(column))
    return names
