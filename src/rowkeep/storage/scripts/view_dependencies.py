"""View needs: which views cannot do without a table or a column, asked before either goes or changes."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NoSuchView, StillReferenced, preview
from rowkeep.model.tables import NAME, Table, name_key
from rowkeep.model.views import View, columns_by_key
from rowkeep.plan.views.read import broken_by
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import Statement, statement
from rowkeep.sql.system_tables import workspace_tables
from rowkeep.storage.contract import Row

T = TypeVar("T")
Steps: TypeAlias = Generator[Statement, Sequence[Row], T]

MAX_TOLD = 10
"""How many views an error names."""

_view_decoder = msgspec.json.Decoder(View)
_table_decoder = msgspec.json.Decoder(Table)


class ViewNeeds:
    """Scripts over the views of one workspace, for whoever changes what they need."""

    def __init__(self, dialect: Dialect, schema: str | None) -> None:
        self._dialect = dialect
        self._system = workspace_tables(schema)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield statement(clause, self._dialect))

    def existing_view(self, name: str) -> Steps[View]:
        """The view of that name, whatever its case. Raises NoSuchView."""
        views = self._system.views
        same_name = views.c.name_key == name_key(name)
        rows = (
            (yield from self._do(sa.select(views.c.definition).where(same_name)))
            if NAME.fullmatch(name)
            else ()
        )
        if not rows:
            raise NoSuchView(f"No such view: {preview(name)}.")
        return _view_decoder.decode(rows[0][0])

    def views_needing(self, table_id: str, column_id: str | None = None) -> Steps[list[View]]:
        """The views that need a table, or a column of it, in the order of their names."""
        views, uses = self._system.views, self._system.view_tables
        rows = yield from self._do(
            sa.select(views.c.definition)
            .select_from(views.join(uses, uses.c.view_id == views.c.id))
            .where(uses.c.table_id == table_id)
            .order_by(views.c.name_key)
        )
        found = [_view_decoder.decode(row[0]) for row in rows]
        return [view for view in found if view.needs(table_id, column_id)]

    def check_drop(self, table: Table) -> Steps[None]:
        """Raises StillReferenced if a view needs the table."""
        views = yield from self.views_needing(table.id)
        if views:
            raise StillReferenced(
                f"Table {table.name} is used by {_told(views)}. Change or delete that first."
            )

    def check_change(self, before: Table, after: Table) -> Steps[None]:
        """Raises StillReferenced if there is a view that a change of a table would leave without a column, or
        with one that cannot be compared, summed or filtered as the view does. Renamed columns it follows."""
        views = yield from self.views_needing(before.id)
        kept = columns_by_key(after)
        for key, column in columns_by_key(before).items():
            needing = [view for view in views if view.needs(before.id, key)]
            if key not in kept and needing:
                raise StillReferenced(
                    f"Column {column.name} of table {before.name} is used by {_told(needing)}. "
                    "Change or delete that first."
                )
        others = {table_id for view in views for table_id in view.table_ids}
        tables = (yield from self.tables_of(others)) | {after.id: after}
        for view in views:
            problem = broken_by(view, tables)
            if problem is not None:
                raise StillReferenced(f"This change would break view {view.name}: {problem}")

    def tables_of(self, ids: Collection[str]) -> Steps[dict[str, Table]]:
        """The tables with these ids, by id."""
        tables = self._system.tables
        if not ids:
            return {}
        rows = yield from self._do(
            sa.select(tables.c.id, tables.c.definition).where(
                tables.c.id.in_([sa.literal(each) for each in sorted(ids)])
            )
        )
        return {row[0]: _table_decoder.decode(row[1]) for row in rows}


def _told(views: Sequence[View]) -> str:
    names = ", ".join(view.name for view in views[:MAX_TOLD])
    more = f" and {len(views) - MAX_TOLD} more" if len(views) > MAX_TOLD else ""
    return f"view{'s' if len(views) > 1 else ''} {names}{more}"
