"""Table list: the tables and views that an app or an administrator may use (contract, section 2)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from functools import partial

import msgspec

from rowkeep.codec.rows import encode
from rowkeep.model.access import Grant, Right
from rowkeep.model.tables import Column, Table, name_key
from rowkeep.model.views import View
from rowkeep.plan.views.bind import view_columns
from rowkeep.services.access import Caller
from rowkeep.storage.contract import StaleCatalog
from rowkeep.storage.scripts.table_list import Offer

SLICE = 50
"""How many tables are encoded before other requests get their turn."""


class ListedColumn(msgspec.Struct, rename="camel"):
    name: str
    type: str
    is_required: bool


class ListedTable(msgspec.Struct, rename="camel"):
    """A table or a view as the list has it."""

    name: str
    description: str
    kind: str
    columns: list[ListedColumn]
    rights: list[Right]


async def table_list(caller: Caller) -> bytes:
    """The encoded list, in the order of names. Raises StaleCatalog."""
    script = partial(caller.workspace.overview.offered_to, caller.client_id)
    offer = await caller.workspace.database.read(script)
    if offer.version != caller.snapshot.version:
        raise StaleCatalog()
    listed: list[msgspec.Raw] = []
    for each in _ordered(offer):
        listed.append(msgspec.Raw(encode(_listed(each, offer, caller))))
        if len(listed) % SLICE == 0:
            await asyncio.sleep(0)
    return encode({"tables": listed})


def _ordered(offer: Offer) -> Iterator[Table | View]:
    things: list[Table | View] = [*offer.tables, *offer.views]
    return iter(sorted(things, key=lambda thing: name_key(thing.name)))


def _listed(thing: Table | View, offer: Offer, caller: Caller) -> ListedTable:
    is_table = isinstance(thing, Table)
    columns: Iterable[Column] = (
        thing.columns if isinstance(thing, Table) else view_columns(thing, offer.needed)
    )
    return ListedTable(
        name=thing.name,
        description=thing.description,
        kind="table" if is_table else "view",
        columns=[ListedColumn(column.name, column.type, column.is_required) for column in columns],
        rights=_rights(caller.grants, thing.id, list(Right) if is_table else [Right.READ]),
    )


def _rights(grants: dict[str, Grant] | None, thing_id: str, all_of_them: list[Right]) -> list[Right]:
    if grants is None:
        return all_of_them
    grant = grants.get(thing_id, Grant())
    return [right for right in all_of_them if grant.allows(right)]
