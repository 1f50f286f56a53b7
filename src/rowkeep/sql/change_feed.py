"""Change feed: the statements that read recorded changes of one table, in the order of the feed.

Only the image before a change is stored. What the change left is the image before the next change of the same
row, or, if there is none, the row as it is now. Both are joined in one statement, which sees one snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from rowkeep.model.change_feeds import FeedCursor
from rowkeep.model.history import ChangeKind
from rowkeep.model.tables import ROW_KEY, Column, Table
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.expressions import Expression
from rowkeep.sql.history_table import HistoryTable, cell_id
from rowkeep.sql.names import column_name
from rowkeep.sql.pages import has_large_cells, number
from rowkeep.sql.physical_table import PhysicalTable
from rowkeep.sql.statements import Statement, Template, statement, template
from rowkeep.sql.system_tables import workspace_tables

LEAD = 7
"""Each row begins with the position, its own number, the kind, and the ``_id``, followed by the id, the
writer and the time of the operation."""

WRITTEN = ("Updated_By", "Updated_On")
"""What follows: who wrote the row that the change left, and when."""

CELLS = LEAD + len(WRITTEN)
"""Where the cells begin: all of the row before, then all of the row after."""


class ChangesSql:
    """The statements of one table. ``dropped`` are former columns of which the records have values."""

    def __init__(
        self, table: Table, dialect: Dialect, namespace: str | None, dropped: Sequence[Column] = ()
    ) -> None:
        self.columns = (*table.columns, *dropped)
        self._own = len(table.columns)
        self._written = [next(c for c in table.all_columns if c.name == name) for name in WRITTEN]
        self._table = table
        self._dialect = dialect
        self._history = HistoryTable(table, dialect, namespace, dropped)
        self._rows = PhysicalTable(table, dialect, namespace).from_clause
        self._system = workspace_tables(namespace)

    @cached_property
    def of_table(self) -> tuple[Template, Template]:
        """The sizes of a page of the table's changes, and the page."""
        return self._statements(self._in_feed_order())

    @cached_property
    def of_row(self) -> tuple[Template, Template]:
        """The same for the changes of one row."""
        return self._statements(self._of_one_row())

    @cached_property
    def newest(self) -> Statement:
        """The newest change, where positions are in the order of operations."""
        changes = self._history.from_clause.c
        newest = sa.select(changes.op, changes.seq).order_by(changes.op.desc(), changes.seq.desc())
        return statement(newest.limit(sa.literal_column("1")), self._dialect)

    def bound(self, chosen: Template, after: FeedCursor, limit: int, row_key: str | None = None) -> Statement:
        """A page of at most ``limit`` changes after a cursor."""
        values: Mapping[str, Any] = {
            "position": after.position, "seq": after.seq, "limit": limit, "row_key": row_key
        }  # fmt: skip
        return chosen.bind(values)

    @cached_property
    def decoders(self) -> dict[int, Callable[[Any], Any]]:
        """Converts the cells of some columns, by their places in a row of a page."""
        found: dict[int, Callable[[Any], Any]] = {}
        for at, column in enumerate(self.columns):
            decode = self._dialect.kinds[column.kind].decode
            if decode is not None:
                found[CELLS + at] = found[CELLS + len(self.columns) + at] = decode
        return found

    def _statements(self, base: sa.Subquery) -> tuple[Template, Template]:
        page = self._with_next(base)
        large = [cell for each in (True, False) for cell in self._cells(page, is_before=each, is_large=True)]
        lead = [page.joined.c[name] for name in ("position", "seq")]
        sizes = sa.select(*lead, _sum_of(large)).select_from(page.source).order_by(*lead)
        columns = [
            *(
                page.joined.c[name]
                for name in ("position", "seq", "kind", "row_key", "id", "writer", "stamped")
            ),
            *(self._after(page, column) for column in self._written),
            *self._cells(page, is_before=True),
            *self._cells(page, is_before=False),
        ]
        # by number: a label could be the name of a user's column
        labelled = [column.label(f"_{at}") for at, column in enumerate(columns)]
        whole = sa.select(*labelled).select_from(page.source).order_by(*lead)
        return template(sizes, self._dialect), template(whole, self._dialect)

    def _in_feed_order(self) -> sa.Subquery:
        """The first changes after a cursor, without their cells."""
        changes, operations = self._history.from_clause, self._system.operations
        if not self._dialect.has_concurrent_writers:
            # operations have their positions at once, in their own order
            found = (
                self._selected(changes, operations.c.position)
                .where(sa.tuple_(changes.c.op, changes.c.seq) > _place())
                .order_by(changes.c.op, changes.c.seq)
            )
            return _limited(found).subquery("base")
        ordered = self._system.operation_tables
        # an operation can have millions of changes: from each, no more are read than the page needs
        start = sa.case(
            (ordered.c.position == number("position"), number("seq")), else_=sa.literal_column("0")
        )
        some = (
            sa.select(changes.c.seq, changes.c.kind, changes.c.row_key)
            .where(changes.c.op == ordered.c.op, changes.c.seq > start)
            .order_by(changes.c.seq)
            .limit(number("limit"))
            .lateral("some")
        )
        joined = ordered.join(operations, operations.c.op == ordered.c.op).join(some, sa.true())
        found = (
            sa.select(ordered.c.position, some.c.seq, some.c.kind, some.c.row_key, *_facts(operations))
            .select_from(joined)
            .where(ordered.c.table_id == sa.literal_column(f"'{self._table.id}'"))
            .where(ordered.c.position >= number("position"))
            .order_by(ordered.c.position, some.c.seq)
        )
        return _limited(found).subquery("base")

    def _of_one_row(self) -> sa.Subquery:
        changes, operations = self._history.from_clause, self._system.operations
        found = (
            self._selected(changes, operations.c.position)
            .where(changes.c.row_key == sa.bindparam("row_key", type_=sa.Text()))
            .where(sa.tuple_(operations.c.position, changes.c.seq) > _place())
            .order_by(operations.c.position, changes.c.seq)
        )
        return _limited(found).subquery("base")

    def _selected(self, changes: Any, position: Any) -> sa.Select[Any]:
        operations = self._system.operations
        return sa.select(
            position, changes.c.seq, changes.c.kind, changes.c.row_key, *_facts(operations)
        ).select_from(changes.join(operations, operations.c.op == changes.c.op))

    def _with_next(self, base: sa.Subquery) -> _Joined:
        """The changes with their images, the next image of each row, and the row as it is."""
        later = self._history.from_clause.alias("later")
        next_seq = (
            sa.select(sa.func.min(later.c.seq))
            .where(later.c.row_key == base.c.row_key, later.c.seq > base.c.seq)
            .scalar_subquery()
        )
        joined = sa.select(*base.c, next_seq.label("next_seq")).subquery("found")
        image = self._history.from_clause.alias("image")
        following = self._history.from_clause.alias("following")
        rows = self._rows.alias("now")
        is_there = joined.c.kind != sa.literal_column(str(ChangeKind.DELETE.value))
        source = (
            joined.join(image, image.c.seq == joined.c.seq)
            .outerjoin(following, sa.and_(following.c.seq == joined.c.next_seq, is_there))
            .outerjoin(
                rows,
                sa.and_(
                    rows.c[column_name(ROW_KEY)] == joined.c.row_key, joined.c.next_seq.is_(None), is_there
                ),
            )
        )
        return _Joined(joined, image, following, rows, source)

    def _cells(self, page: _Joined, *, is_before: bool, is_large: bool = False) -> list[Expression]:
        return [
            self._answered(column, page.image.c[cell_id(column)])
            if is_before
            else self._after(page, column, is_dropped=at >= self._own)
            for at, column in enumerate(self.columns)
            if not is_large or has_large_cells(column)
        ]

    def _after(self, page: _Joined, column: Column, *, is_dropped: bool = False) -> Expression:
        """A cell of the row that the change left."""
        cell: Any = page.following.c[cell_id(column)]
        if not is_dropped:
            # the row as it is now was joined only if there is no later image
            cell = sa.func.coalesce(cell, page.rows.c[column_name(column.name)], type_=cell.type)
        return self._answered(column, cell)

    def _answered(self, column: Column, cell: Expression) -> Expression:
        if column.holds_sys_ids:
            return self._dialect.sys_id(cell)
        return self._dialect.kinds[column.kind].answered(cell)


class _Joined:
    """The parts of a statement that reads changes with their images."""

    def __init__(self, joined: Any, image: Any, following: Any, rows: Any, source: Any) -> None:
        self.joined = joined
        self.image = image
        self.following = following
        self.rows = rows
        self.source = source


def _limited(found: sa.Select[Any]) -> sa.Select[Any]:
    # with an offset, because the compiler for SQLite adds a parameter for a missing one
    return found.limit(number("limit")).offset(sa.literal_column("0"))


def _place() -> Any:
    """The place of a cursor, as parameters."""
    return sa.tuple_(number("position"), number("seq"))


def _facts(operations: sa.Table) -> list[Any]:
    return [operations.c.id, operations.c.writer, operations.c.stamped]


def _sum_of(cells: Sequence[Expression]) -> Expression:
    """How many bytes these cells of a row take."""
    none: Expression = sa.literal_column("0")
    total = none
    for cell in cells:
        total = total + sa.func.coalesce(sa.func.octet_length(cell), none)
    return total.label("size")
