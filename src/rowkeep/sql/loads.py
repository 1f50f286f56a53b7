"""Loads: the statements around very many rows on SQLite: indexes that are dropped before and made again after
them, and the search for equal keys that prevent it."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, DropIndex

from rowkeep.model.tables import ROW_KEY, Index
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, ddl, template


class IndexBuild(msgspec.Struct, frozen=True):
    """How an index is dropped and made again. ``index`` is None for one that the table itself does not
    define."""

    drop: Statement
    create: Statement
    index: Index | None
    is_unique: bool


def index_builds(physical: PhysicalTable) -> list[IndexBuild]:
    """All indexes of a table, except that of its primary key."""
    defined: list[Index | None] = list(physical.table.indexes)
    defined += [None] * (len(physical.indexes) - len(defined))
    return [
        IndexBuild(
            ddl(DropIndex(made), physical.dialect),
            ddl(CreateIndex(made), physical.dialect),
            index,
            bool(made.unique),
        )
        for made, index in zip(physical.indexes, defined, strict=True)
    ]


def is_referred_to(physical: PhysicalTable) -> Statement:
    """Whether a table has foreign keys to this one: SQLite then needs its unique indexes."""
    text = (
        "SELECT 1 FROM sqlite_schema AS tables, pragma_foreign_key_list(tables.name) AS keys "
        "WHERE tables.type = 'table' AND keys.\"table\" = ? LIMIT 1"
    )
    return Statement(text, (str(physical.from_clause.name),))


def rows_up_to(physical: PhysicalTable, most: int) -> Statement:
    """How many rows a table has; no more than ``most`` are counted."""
    some = _some(sa.select(physical.from_clause.c[ROW_KEY]), most).subquery()
    return template(sa.select(sa.func.count()).select_from(some), physical.dialect).bind({})


def _some(rows: sa.Select[Any], most: int) -> sa.Select[Any]:
    return rows.limit(sa.literal_column(str(most))).offset(sa.literal_column("0"))


def equal_keys(physical: PhysicalTable, index: Index, most: int) -> Template:
    """The ids, from ``first`` on, of rows whose key in the index another row with a smaller id has."""
    parts = [physical.identity(part.name) for part in index.columns]
    row_key = physical.from_clause.c[ROW_KEY]
    number: Any = sa.func.row_number().over(partition_by=parts, order_by=row_key).label("number")
    keyed = sa.and_(*(part.is_not(None) for part in parts))
    each = sa.select(row_key.label("id"), number).where(keyed).subquery()
    first = sa.bindparam("first", type_=sa.Text())
    later = sa.select(each.c.id).where(each.c.number > sa.literal_column("1"), each.c.id >= first)
    return template(_some(later.order_by(each.c.id), most), physical.dialect)


def unmatched_references(physical: PhysicalTable) -> Statement:
    """The rows that refer to a row that is missing."""
    name = str(physical.from_clause.name).replace('"', '""')
    return Statement(f'PRAGMA foreign_key_check("{name}")')


def id_at(physical: PhysicalTable) -> Template:
    """The id of the row with the number ``number`` in SQLite's own order."""
    number = sa.bindparam("number", type_=sa.Integer())
    found = sa.select(physical.from_clause.c[ROW_KEY]).where(sa.literal_column("rowid") == number)
    return template(found, physical.dialect)
