"""History erasure: the statements that remove the cells of rows from the records of their changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from rowkeep.model.filters import Where
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import Column
from rowkeep.sql.conditions import condition, where_name
from rowkeep.sql.dialects import Dialect, StoredKind
from rowkeep.sql.expressions import Expression
from rowkeep.sql.history_table import KEY_OF_ROW, KIND, HistoryTable, key_id, record_columns
from rowkeep.sql.statements import Statement, template


class Images:
    """The rows before changes, as a source of columns that can be compared."""

    def __init__(self, records: HistoryTable) -> None:
        self._records = records
        self.dialect: Dialect = records.dialect
        self.columns: Mapping[str, Column] = {column.name: column for column in records.table.all_columns}

    def kind(self, name: str) -> StoredKind:
        return self.dialect.kinds[self.columns[name].kind]

    def column(self, name: str) -> Expression:
        if name == "sys_Id" or self.columns[name].holds_sys_ids:
            return self.dialect.sys_id(self.identity(name))
        return self.identity(name)

    def identity(self, name: str) -> Expression:
        if self.kind(name).key is not None:
            return self._records.from_clause.c[key_id(self.columns[name])]
        return self._records.cell("_id" if name == "sys_Id" else name)


def count_images(records: HistoryTable, where: Where) -> Statement:
    """How many records have cells of the rows that a filter has found at any time."""
    stored = records.from_clause
    found = sa.select(sa.func.count()).select_from(stored).where(*_is_of(records, where))
    return _bound(found, records, where)


def erase_images(records: HistoryTable, where: Where) -> Statement:
    """Empty all cells of these records but those of system columns: that there was a change, when and by
    whom, remains."""
    stored = records.from_clause
    own = [column for column in records.columns if not column.is_system]
    cells = {
        stored.c[physical.name]: sa.null()
        for column in own
        for physical in record_columns(column, records.dialect)
    }
    return _bound(sa.update(stored).values(cells).where(*_is_of(records, where)), records, where)


def _is_of(records: HistoryTable, where: Where) -> list[sa.ColumnElement[bool]]:
    stored = records.from_clause
    assert where.shape is not None  # noqa: S101 - the filter has a condition
    rows: sa.Select[Any] = sa.select(stored.c[KEY_OF_ROW]).where(condition(Images(records), where.shape))
    return [
        stored.c[KEY_OF_ROW].in_(rows.correlate(None)),
        stored.c[KIND] != sa.literal_column(str(int(ChangeKind.INSERT))),
    ]


def _bound(clause: sa.Executable, records: HistoryTable, where: Where) -> Statement:
    values = {where_name(at): value for at, value in enumerate(where.values)}
    return template(clause, records.dialect).bind(values)
