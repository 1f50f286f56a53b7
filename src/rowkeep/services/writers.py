"""Writers: the names of those whose ids stand in ``Created_By`` and ``Updated_By``."""

from __future__ import annotations

from functools import partial
from typing import Any

from rowkeep.catalog.catalog import Catalog
from rowkeep.model.access import OPERATOR
from rowkeep.model.ids import writer_of
from rowkeep.services.lists import Listing, Page

APP, ADMINISTRATOR = "app", "administrator"

_CLIENT_IDS = "cs-"
"""What every client id begins with, so that a cursor shows how far the list has come."""


class Writers:
    """Administrators, then the apps of a workspace, each by its own id; those that were deleted included."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def list(self, workspace: str, page: Page) -> Listing:
        """Raises NoSuchWorkspace."""
        live = await self._catalog.named(workspace)
        wanted = page.limit + 1
        found: list[tuple[str, str, str]] = []
        if page.after == "":
            found.append((OPERATOR.id, OPERATOR.name, ADMINISTRATOR))
        is_at_apps = page.after.startswith(_CLIENT_IDS)
        if not is_at_apps:
            script = partial(self._catalog.installation.administrators, page.after, wanted)
            rows = await self._catalog.store.catalog.read(script)
            found += [(row[0], row[1] or row[0], ADMINISTRATOR) for row in rows]
        if len(found) < wanted:
            after = page.after if is_at_apps else ""
            rows = await live.database.read(partial(live.definitions.app_names, after, wanted - len(found)))
            found += [(row[0], row[1], APP) for row in rows]
        return page.listing("writers", found[:wanted], _form, lambda writer: writer[0])


def _form(writer: tuple[str, str, str]) -> dict[str, Any]:
    key, name, kind = writer
    return {"id": writer_of(key), "name": name, "kind": kind}
