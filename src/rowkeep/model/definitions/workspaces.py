"""Workspace definitions: all tables, views, grants and shared charts of one workspace as one JSON body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from rowkeep.model.access import App, Grant, GrantOf
from rowkeep.model.charts import DefinedChart
from rowkeep.model.definitions.charts import DefinitionChartBody, definition_of_chart, place_of_chart
from rowkeep.model.definitions.tables import TableBody, definition_of
from rowkeep.model.definitions.views import ViewBody, definition_of_view
from rowkeep.model.tables import Table, name_key
from rowkeep.model.views import View


class DefinitionGrantBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The rights of an app, identified by name, to one table or view."""

    app: str
    table: str | None = None
    view: str | None = None
    read: bool = False
    write: bool = False
    delete: bool = False

    @property
    def rights(self) -> Grant:
        return Grant(self.read, self.write, self.delete)


class WorkspaceDefinitionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The definitions, grants and shared charts of a workspace. A list that is missing or null stays
    unchanged."""

    tables: list[TableBody] | None = None
    views: list[ViewBody] | None = None
    grants: list[DefinitionGrantBody] | None = None
    charts: list[DefinitionChartBody] | None = None


class WorkspaceDefinition(msgspec.Struct, frozen=True):
    """The contents of a workspace, sorted by name, and its apps, which grants belong to. ``charts`` are the
    shared ones."""

    tables: Sequence[Table]
    views: Sequence[View]
    grants: Sequence[GrantOf]
    apps: Sequence[App]
    charts: Sequence[DefinedChart] = ()

    @property
    def tables_by_id(self) -> Mapping[str, Table]:
        return {table.id: table for table in self.tables}


def workspace_definition_form(schema: WorkspaceDefinition) -> dict[str, Any]:
    """The JSON form of a workspace definition: valid as a request body, with all keys, and without anything
    specific to this installation."""
    tables = schema.tables_by_id
    return {
        "tables": [definition_of(table, tables) for table in schema.tables],
        "views": [definition_of_view(view, tables) for view in schema.views],
        "grants": [
            {
                "app": given.app,
                "view" if given.is_on_view else "table": given.name,
                **msgspec.structs.asdict(given.grant),
            }
            for given in sorted(schema.grants, key=_place)
        ],
        "charts": [definition_of_chart(each) for each in sorted(schema.charts, key=place_of_chart)],
    }


def _place(given: GrantOf) -> tuple[str, str]:
    return name_key(given.name), given.app.casefold()
