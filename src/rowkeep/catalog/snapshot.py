"""Snapshots: tables, views and apps with everything compiled from their definitions, at one version."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from rowkeep.codec.rows import RowEncoder, TableCodec
from rowkeep.model.access import App, Grant
from rowkeep.model.names import ColumnNames
from rowkeep.model.tables import Table, name_key
from rowkeep.model.users import UserRights
from rowkeep.model.views import View
from rowkeep.plan.rows.relation import Relation
from rowkeep.sql.rows import TableSql
from rowkeep.sql.views import ViewSql


@dataclass(frozen=True, slots=True)
class CompiledView:
    """A view with everything compiled from its definition and those of its tables."""

    view: View
    tables: dict[str, Table]
    codec: RowEncoder
    sql: ViewSql
    target: Relation
    meta: msgspec.Raw


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """A table with everything compiled from its definition."""

    table: Table
    names: ColumnNames
    codec: TableCodec
    sql: TableSql
    target: Relation
    meta: msgspec.Raw
    """The ``metaInfo`` of all columns in a query's response."""


@dataclass(frozen=True, slots=True)
class CompiledApp:
    """An app with its grants by the id of a table or view, the key for its signatures, its writer id, and the
    key for its encrypted tokens, if it requires them."""

    app: App
    grants: dict[str, Grant]
    key: str
    writer: str
    jwe_key: str | None = None


@dataclass(slots=True)
class Snapshot:
    """The objects of a workspace that were read at one version."""

    version: int
    tables: dict[str, CompiledTable] = field(default_factory=dict)
    views: dict[str, CompiledView] = field(default_factory=dict)
    apps: dict[str, CompiledApp] = field(default_factory=dict)
    users: dict[str, UserRights] = field(default_factory=dict)

    def table(self, name: str) -> CompiledTable | None:
        """The table with this name, if it is cached."""
        return self.tables.get(name_key(name))
