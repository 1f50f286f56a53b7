"""Table list: the tables and views that an app or an administrator can use (contract, section 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.model.access import Grant, Right
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.model.views import View
from rowkeep.plan.views.bind import view_columns
from rowkeep.services.access import Caller
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.scripts.table_list import TableListing


class ListedReference(msgspec.Struct):
    table: str
    column: str


class ListedColumn(msgspec.Struct, rename="camel"):
    """``reference`` is missing if the caller cannot use the table that the column references."""

    name: str
    type: str
    is_required: bool
    reference: ListedReference | UnsetType = UNSET


class ListedTable(msgspec.Struct, rename="camel"):
    """A table or a view as the list has it."""

    name: str
    description: str
    kind: str
    columns: list[ListedColumn]
    rights: list[Right]


UsableTables: TypeAlias = Iterator[ListedTable]
"""Sorted by name. There can be thousands, so each is created only when it is needed."""


async def table_list(caller: Caller) -> UsableTables:
    """The tables and views that the caller can use. Raises StaleCatalog."""
    script = partial(caller.workspace.scripts.table_list.usable_by, caller.client_id)
    offer = await caller.workspace.database.read(script)
    if offer.version != caller.snapshot.version:
        raise StaleCatalog()
    usable = {table.id: table for table in offer.tables}
    return (_listed(each, offer, usable, caller) for each in _ordered(offer))


def _ordered(offer: TableListing) -> Iterator[Table | View]:
    things: list[Table | View] = [*offer.tables, *offer.views]
    return iter(sorted(things, key=lambda thing: name_key(thing.name)))


def _listed(
    thing: Table | View, offer: TableListing, usable: Mapping[str, Table], caller: Caller
) -> ListedTable:
    is_table = isinstance(thing, Table)
    columns: Iterable[Column] = (
        thing.columns if isinstance(thing, Table) else view_columns(thing, offer.needed)
    )
    return ListedTable(
        name=thing.name,
        description=thing.description,
        kind="table" if is_table else "view",
        columns=[
            ListedColumn(
                column.name,
                column.type,
                column.is_required,
                _reference(column, usable) if is_table else UNSET,
            )
            for column in columns
        ],
        rights=_rights(caller.grants, thing.id, list(Right) if is_table else [Right.READ]),
    )


def _reference(column: Column, usable: Mapping[str, Table]) -> ListedReference | UnsetType:
    """The table and column that a column references, if the caller can use that table."""
    if column.reference is None or column.reference.table not in usable:
        return UNSET
    table = usable[column.reference.table]
    there = next(each.name for each in table.all_columns if each.id == column.reference.column)
    return ListedReference(table.name, there)


def _rights(grants: dict[str, Grant] | None, thing_id: str, all_of_them: list[Right]) -> list[Right]:
    if grants is None:
        return all_of_them
    grant = grants.get(thing_id, Grant())
    return [right for right in all_of_them if grant.allows(right)]
