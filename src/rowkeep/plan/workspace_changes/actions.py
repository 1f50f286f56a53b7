"""Actions: the steps, in order, that change a workspace to a new definition."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rowkeep.model.access import Grant
from rowkeep.model.definitions.charts import DefinitionChartBody
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody


class DropView(msgspec.Struct, frozen=True):
    """``description`` is empty for a view that is created again at the end: what belongs to it stays."""

    name: str
    description: str


class DropTable(msgspec.Struct, frozen=True):
    name: str

    @property
    def description(self) -> str:
        return f"drop table {self.name} with all its rows"


class CreateTable(msgspec.Struct, frozen=True):
    body: TableBody
    where: str

    @property
    def description(self) -> str:
        return f"create table {self.body.name}"


class ChangeTable(msgspec.Struct, frozen=True):
    """Its steps are known when they are planned. ``is_whole`` if the body is the definition in the request,
    so that pointers into it are valid."""

    name: str
    body: TableBody
    where: str
    is_whole: bool = True


class CreateView(msgspec.Struct, frozen=True):
    """``view_id`` is the id of a view that is created again; None for a new one."""

    body: ViewBody
    where: str
    description: str
    view_id: str | None = None


class SetGrant(msgspec.Struct, frozen=True):
    name: str
    is_on_view: bool
    client_id: str
    grant: Grant
    where: str
    description: str


class ChartChange(msgspec.Struct, frozen=True):
    """A chart is created (without ``chart_id``), changed or deleted (without ``body``). ``description`` is
    empty if it stays, and must only be checked with the columns of its table or view."""

    body: DefinitionChartBody | None
    chart_id: str | None
    where: str
    description: str


class ChangeCharts(msgspec.Struct, frozen=True):
    charts: tuple[ChartChange, ...]


Action: TypeAlias = DropView | DropTable | CreateTable | ChangeTable | CreateView | SetGrant | ChangeCharts
