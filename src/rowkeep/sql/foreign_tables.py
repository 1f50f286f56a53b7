"""Foreign tables: the statements that read the rows of tables of other databases.

PostgreSQL gives cells as texts, numbers and booleans, which need no type of its driver. SQLite gives
them as it has them.
"""

from __future__ import annotations

from rowkeep.model.foreign_tables import Family, ForeignColumn, ForeignTable
from rowkeep.sql.dialects import CANONICAL_FORM, Dialect

FIRST_MOMENT, LAST_MOMENT = "0001-01-01", "9999-12-31 23:59:59.999999"


def _moments(zone: str) -> str:
    """Moments in the form of Rowkeep; those of years that it does not have, as PostgreSQL shows them."""
    return (
        f"CASE WHEN {{0}} BETWEEN '{FIRST_MOMENT}{zone}' AND '{LAST_MOMENT}{zone}' "
        f"THEN to_char({'timezone({1}, {0})' if zone else '{0}'}, '{CANONICAL_FORM}') ELSE {{0}}::text END"
    ).replace("{1}", "'UTC'")


POSTGRES_FORMS: dict[Family, str] = {
    Family.BOOLEAN: "{0}",
    Family.INTEGER: "{0}::int8",
    Family.DOUBLE: "{0}::float8",
    Family.DECIMAL: "{0}::text",
    Family.TEXT: "{0}::text",
    Family.MOMENT: _moments("+00"),
    Family.LOCAL_MOMENT: _moments(""),
    Family.DAY: _moments("").replace("{0}", "{0}::timestamp"),
    Family.JSON: "{0}::text",
    Family.ARRAY: "to_json({0})::text",
    Family.BINARY: "translate(encode({0}, 'base64'), E'\\n', '')",
    Family.OTHER: "{0}::text",
}


def quoted_name(name: str) -> str:
    """Any name as an identifier, the same on both engines."""
    return '"' + name.replace('"', '""') + '"'


class ForeignTableSql:
    """The statements for one table in ``schema``, None for SQLite. All rows are read in one order, the same
    each time if the table has not changed."""

    def __init__(self, table: ForeignTable, dialect: Dialect, schema: str | None) -> None:
        self._table = table
        self._forms = POSTGRES_FORMS if dialect.has_stored_functions else {}
        place = (
            quoted_name(table.name) if schema is None else f"{quoted_name(schema)}.{quoted_name(table.name)}"
        )
        # the rows of tables that inherit from this one are copied with those
        self._from = f"ONLY {place}" if self._forms and not table.is_partitioned else place

    def rows(self) -> str:
        cells = ", ".join(self._cell(column) for column in self._table.columns)
        order = "rowid" if self._table.has_row_numbers else ", ".join(map(quoted_name, self._table.key))
        return f"SELECT {cells} FROM {self._from}" + (f" ORDER BY {order}" if order else "")  # noqa: S608 - quoted

    def _cell(self, column: ForeignColumn) -> str:
        return self._forms.get(column.family, "{0}").replace("{0}", quoted_name(column.name))

    def count(self) -> str:
        """The number of rows, then the greatest length in each column of :attr:`measured`."""
        lengths = "".join(f", max(length({quoted_name(name)}))" for name in self.measured)
        return f"SELECT count(*){lengths} FROM {self._from}"  # noqa: S608 - quoted

    @property
    def measured(self) -> list[str]:
        """The columns whose declared length the database does not ensure."""
        if self._forms:
            return []
        return [column.name for column in self._table.columns if column.max_length is not None]
