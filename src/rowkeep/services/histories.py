"""Histories: what administrators do with the records of changes of a table."""

from __future__ import annotations

from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import Busy, NoSuchTable, preview
from rowkeep.model.data_requests import UpdateBody
from rowkeep.model.filters import Where
from rowkeep.model.management_requests import EraseHistoryBody
from rowkeep.model.tables import Table
from rowkeep.plan.rows.filters import plan_where
from rowkeep.sql.history_erasure import count_images, erase_images
from rowkeep.storage.contract import StaleCatalog, Steps
from rowkeep.storage.scripts.workspace import WorkspaceScripts

MAX_ATTEMPTS = 20
"""How often it is planned again because definitions changed meanwhile."""


class Erased(msgspec.Struct, frozen=True):
    """How many records had cells of the rows."""

    n_erased: int


class Histories:
    """The histories of tables. Every method raises NoSuchWorkspace and NoSuchTable."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def erase(self, workspace: str, name: str, body: EraseHistoryBody) -> Erased:
        """Empty the cells in all records of the rows that have, or had at any time that is recorded, a value
        in a column; nothing in a table without history. Raises UnknownColumn, InvalidValue."""
        sent = {"query": {"expressions": [{"field": body.column, "operand": "=", "value": body.value}]}}
        query = msgspec.convert(sent | {"data": {}}, UpdateBody).query
        for _ in range(MAX_ATTEMPTS):
            opened = await self._catalog.named(workspace)
            try:
                snapshot = await opened.snapshot()
                compiled = await opened.table(snapshot, name)
                if compiled is None:
                    raise NoSuchTable(f"No such table: {preview(name)}.")
                where = plan_where(compiled.target, query, 1, guarded=False)
                script = partial(
                    _erase, opened.scripts, compiled.table, where, snapshot.version, dry_run=body.dry_run
                )
                return Erased(await opened.database.write(script))
            except StaleCatalog:
                await self._catalog.renew(opened)
        raise Busy("Table definitions keep changing. Nothing was erased; try again.")


def _erase(
    scripts: WorkspaceScripts, table: Table, where: Where, version: int, *, dry_run: bool
) -> Steps[int]:
    """Raises StaleCatalog."""
    if table.history is None:
        return 0
    # a write comes first here, as in every transaction that writes
    yield from scripts.history.order_operations()
    if (yield from scripts.state.version()) != version:
        raise StaleCatalog
    records = yield from scripts.history.table_of(table)
    count = int((yield count_images(records, where))[0][0])
    if count and not dry_run:
        yield erase_images(records, where)
    return count
