"""Writers: the names for the ids in ``Created_By`` and ``Updated_By``."""

from __future__ import annotations

from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.model.access import OPERATOR
from rowkeep.services.lists import Listing, ListRequest

APP, ADMINISTRATOR, USER = "app", "administrator", "user"

_CLIENT_IDS, _USER_IDS = "cs-", "us-"
"""The prefixes of ids, which distinguish the parts of the list in a cursor."""


class Writer(msgspec.Struct, frozen=True):
    """An app, administrator or user; ``key`` is its client id, the id of its token, or its own id."""

    key: str
    name: str
    kind: str


class Writers:
    """Administrators, then the apps of a workspace, then the users that have or had rights there, each sorted
    by id; including deleted ones."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list(self, workspace: str, request: ListRequest) -> Listing[Writer]:
        """Raises NoSuchWorkspace."""
        opened = await self._catalog.named(workspace)
        wanted = request.limit + 1
        found: list[Writer] = []
        if request.after == "":
            found.append(Writer(OPERATOR.id, OPERATOR.name, ADMINISTRATOR))
        after = request.after
        database, installation = self._catalog.store.catalog, self._catalog.installation
        if not after.startswith((_CLIENT_IDS, _USER_IDS)):
            rows = await database.read(partial(installation.administrators, after, wanted))
            found += [Writer(row[0], row[1] or row[0], ADMINISTRATOR) for row in rows]
            after = ""
        if len(found) < wanted and not after.startswith(_USER_IDS):
            script = partial(opened.scripts.access.app_names, after, wanted - len(found))
            found += [Writer(row[0], row[1], APP) for row in await opened.database.read(script)]
            after = ""
        if len(found) < wanted:
            users = partial(self._catalog.users.writers, opened.workspace, after, wanted - len(found))
            found += [Writer(row[0], row[1], USER) for row in await database.read(users)]
        return request.page(found[:wanted], lambda writer: writer.key)
