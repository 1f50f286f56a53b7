"""Actions: the steps, in order, that change a workspace to a new definition."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rowkeep.model.access import Grant
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody


class DropView(msgspec.Struct, frozen=True):
    """``description`` is empty for a view that is created again at the end."""

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
    body: ViewBody
    where: str
    description: str


class SetGrant(msgspec.Struct, frozen=True):
    """``description`` is empty if a view is created again and gets its grants back."""

    name: str
    is_on_view: bool
    client_id: str
    grant: Grant
    where: str
    description: str


Action: TypeAlias = DropView | DropTable | CreateTable | ChangeTable | CreateView | SetGrant
