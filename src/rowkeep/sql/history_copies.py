"""History copies: the statements that read the records of a table as they are stored, and write them to
another database."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import sqlalchemy as sa

from rowkeep.model.column_types import Kind
from rowkeep.sql.copied_cells import CopiedCells
from rowkeep.sql.history_table import RECORD_COLUMNS, SEQ, HistoryTable, cell_id, key_id
from rowkeep.sql.statements import Statement, Template, statement, template


class HistoryCopySql:
    """The statements for the records of one table. ``columns`` are named by their ids."""

    def __init__(self, records: HistoryTable) -> None:
        self._records = records
        self._dialect = records.dialect
        first = len(RECORD_COLUMNS)
        self.columns = (*RECORD_COLUMNS, *(str(cell_id(column)) for column in records.columns))
        self.binary = tuple(at for at, c in enumerate(records.columns, first) if c.is_encrypted)
        """The places of the columns that contain bytes."""
        kinds = {at: self._dialect.kinds[column.kind] for at, column in enumerate(records.columns, first)}
        self.decoders = {at: kind.decode for at, kind in kinds.items() if kind.decode is not None}
        self.copied: dict[int, CopiedCells] = {
            at: kind.copied for at, kind in kinds.items() if kind.copied is not None
        }

    @property
    def place(self) -> tuple[str, str, list[str]]:
        """The namespace, the name and the columns of the records, for COPY."""
        physical = self._records.from_clause
        return str(physical.schema), str(physical.name), list(self.columns)

    def rows(self) -> Statement:
        """All records, in the order of their numbers. Numbers are doubles, not those of responses."""
        stored = self._records.from_clause
        cells: list[Any] = [stored.c[name] for name in RECORD_COLUMNS]
        for column in self._records.columns:
            cell = stored.c[cell_id(column)]
            kind = self._dialect.kinds[column.kind]
            cells.append(cell if column.kind is Kind.DOUBLE else kind.answered(cell))
        labelled = [cell.label(f"c{at}") for at, cell in enumerate(cells)]
        return statement(sa.select(*labelled).order_by(stored.c[SEQ]), self._dialect)

    def count(self) -> Statement:
        found = sa.select(sa.func.count()).select_from(self._records.from_clause)
        return statement(found, self._dialect)

    @cached_property
    def insert(self) -> Template:
        """Write one record, whose cells are the parameters ``c0``, ``c1`` and so on."""
        stored = self._records.from_clause
        values: dict[Any, Any] = {
            name: sa.bindparam(f"c{at}", type_=stored.c[name].type) for at, name in enumerate(RECORD_COLUMNS)
        }
        keys: dict[Any, Any] = {}
        for at, column in enumerate(self._records.columns, len(RECORD_COLUMNS)):
            kind = self._dialect.kinds[column.kind]
            cell = kind.open_parameter(f"c{at}")
            values[cell_id(column)] = kind.bound(cell)
            if kind.key is not None:
                keys[key_id(column)] = kind.key(cell)
        return template(sa.insert(stored).values(values | keys), self._dialect)
