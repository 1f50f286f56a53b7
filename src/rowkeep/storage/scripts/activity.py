"""Activity: scripts over what the server processes have counted, in the catalog's database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from rowkeep.model.activity import Counts, TableOnDay
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import statement
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps


class ActivityScripts:
    """The scripts of one catalog. Times are in seconds since 1970."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        tables = catalog_tables(namespace)
        self._activity, self._sizes = tables.activity, tables.table_sizes

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield statement(clause, self._dialect))

    def add(self, started: int, process: str, counts: Counts, oldest: int) -> Steps[None]:
        """Store what a process has counted since then, and delete what is older than ``oldest``."""
        activity = self._activity
        text = msgspec.json.encode(counts).decode()
        yield from self._do(sa.insert(activity).values(started=started, process=process, counts=text))
        yield from self._do(sa.delete(activity).where(activity.c.started < oldest))

    def since(self, started: int) -> Steps[list[tuple[int, Counts]]]:
        """What all processes have counted since then, with its beginning."""
        activity = self._activity.c
        found = sa.select(activity.started, activity.counts).where(activity.started >= started)
        rows = yield from self._do(found.order_by(activity.started))
        return [(row[0], msgspec.json.decode(row[1], type=Counts)) for row in rows]

    def set_sizes(
        self, day: str, workspace_id: int, tables: Sequence[TableOnDay], oldest: str
    ) -> Steps[None]:
        """Store the sizes of the tables of a workspace on a day, again if they are stored, and delete those
        of days before ``oldest``."""
        sizes = self._sizes
        yield from self._do(sa.delete(sizes).where(sizes.c.day == day, sizes.c.workspace_id == workspace_id))
        yield from self._do(sa.delete(sizes).where(sizes.c.day < oldest))
        for each in tables:
            values = {"day": day, "workspace_id": workspace_id, "table_id": each.table_id}
            sizes_of = {"name": each.name, "rows": each.rows, "bytes": each.bytes}
            yield from self._do(sa.insert(sizes).values(**values, **sizes_of))

    def largest(self, limit: int) -> Steps[list[tuple[int, str]]]:
        """The largest tables on the last day of each workspace: workspace and table id."""
        sizes = self._sizes.c
        last = (
            sa.select(sizes.workspace_id, sa.func.max(sizes.day).label("day"))
            .group_by(sizes.workspace_id)
            .subquery()
        )
        joined = self._sizes.join(
            last, sa.and_(last.c.workspace_id == sizes.workspace_id, last.c.day == sizes.day)
        )
        clause = sa.select(sizes.workspace_id, sizes.table_id).select_from(joined)
        order = (sizes.bytes.desc(), sizes.workspace_id, sizes.table_id)
        return [(row[0], row[1]) for row in (yield from self._do(clause.order_by(*order).limit(limit)))]

    def growth(self, workspace_id: int, table_id: str, since: str) -> Steps[list[TableOnDay]]:
        """A table on each day since then."""
        sizes = self._sizes.c
        clause = sa.select(sizes.table_id, sizes.name, sizes.rows, sizes.bytes, sizes.day).where(
            sizes.workspace_id == workspace_id, sizes.table_id == table_id, sizes.day >= since
        )
        return [TableOnDay(*row) for row in (yield from self._do(clause.order_by(sizes.day)))]
