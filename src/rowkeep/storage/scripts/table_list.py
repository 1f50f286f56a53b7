"""Overview: scripts that read what a workspace offers to an app, or all of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

from rowkeep.model.tables import Table
from rowkeep.model.views import View
from rowkeep.sql.statements import Statement
from rowkeep.storage.contract import Row
from rowkeep.storage.scripts.access import Definitions
from rowkeep.storage.scripts.tables import stored_table

T = TypeVar("T")
Steps: TypeAlias = Generator[Statement, Sequence[Row], T]

_view_decoder = msgspec.json.Decoder(View)


class Offer(msgspec.Struct, frozen=True):
    """Tables and views as they were at one version, and the tables that the views need, by id."""

    version: int
    tables: list[Table]
    views: list[View]
    needed: dict[str, Table]


class Overview(Definitions):
    """The scripts of one workspace."""

    def offered_to(self, client_id: str | None) -> Steps[Offer]:
        """The tables and views that an app has a grant for; without an app, all of them."""
        version = yield from self.version()
        tables = [stored_table(text) for text in (yield from self._granted(self._system.tables, client_id))]
        views = [
            _view_decoder.decode(text) for text in (yield from self._granted(self._system.views, client_id))
        ]
        ids = {table_id for view in views for table_id in view.table_ids}
        return Offer(version, tables, views, (yield from self.needs.tables_of(ids)))

    def _granted(self, things: sa.Table, client_id: str | None) -> Steps[list[str]]:
        grants = self._system.grants
        found = sa.select(things.c.definition)
        if client_id is not None:
            is_granted = sa.select(grants.c.table_id).where(grants.c.client_id == client_id)
            found = found.where(things.c.id.in_(is_granted))
        return [row[0] for row in (yield from self.do(found))]
