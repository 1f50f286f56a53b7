"""Writers: the names for the ids in ``Created_By`` and ``Updated_By``."""

from __future__ import annotations

from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.model.access import OPERATOR
from rowkeep.services.lists import Listing, ListRequest

APP, ADMINISTRATOR = "app", "administrator"

_CLIENT_IDS = "cs-"
"""The prefix of client ids, which distinguishes the two parts of the list in a cursor."""


class Writer(msgspec.Struct, frozen=True):
    """An app or administrator; ``key`` is its client id or the id of its token."""

    key: str
    name: str
    kind: str


class Writers:
    """Administrators, then the apps of a workspace, each sorted by id; including deleted ones."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list(self, workspace: str, request: ListRequest) -> Listing[Writer]:
        """Raises NoSuchWorkspace."""
        opened = await self._catalog.named(workspace)
        wanted = request.limit + 1
        found: list[Writer] = []
        if request.after == "":
            found.append(Writer(OPERATOR.id, OPERATOR.name, ADMINISTRATOR))
        is_at_apps = request.after.startswith(_CLIENT_IDS)
        if not is_at_apps:
            script = partial(self._catalog.installation.administrators, request.after, wanted)
            rows = await self._catalog.store.catalog.read(script)
            found += [Writer(row[0], row[1] or row[0], ADMINISTRATOR) for row in rows]
        if len(found) < wanted:
            after = request.after if is_at_apps else ""
            rows = await opened.database.read(
                partial(opened.scripts.access.app_names, after, wanted - len(found))
            )
            found += [Writer(row[0], row[1], APP) for row in rows]
        return request.page(found[:wanted], lambda writer: writer.key)
