"""Schema actions: what is done, one after the other, to make a workspace hold what a schema says."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rowkeep.model.access import Grant
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody


class DropView(msgspec.Struct, frozen=True):
    """``says`` is empty for a view that is made anew at the end."""

    name: str
    says: str


class DropTable(msgspec.Struct, frozen=True):
    name: str

    @property
    def says(self) -> str:
        return f"drop table {self.name} with all its rows"


class CreateTable(msgspec.Struct, frozen=True):
    body: TableBody
    where: str

    @property
    def says(self) -> str:
        return f"create table {self.body.name}"


class ChangeTable(msgspec.Struct, frozen=True):
    """Its steps are told when they are planned. ``is_whole`` if the body is the definition as sent, so that
    pointers into it mean something."""

    name: str
    body: TableBody
    where: str
    is_whole: bool = True


class CreateView(msgspec.Struct, frozen=True):
    body: ViewBody
    where: str
    says: str


class SetGrant(msgspec.Struct, frozen=True):
    """``says`` is empty where a view is made anew and its grants are given back."""

    name: str
    is_on_view: bool
    client_id: str
    grant: Grant
    where: str
    says: str


Action: TypeAlias = DropView | DropTable | CreateTable | ChangeTable | CreateView | SetGrant
