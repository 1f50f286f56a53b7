"""Targets: the workspace that is copied into."""

from __future__ import annotations

from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import NameTaken, NoSuchWorkspace
from rowkeep.model.ids import wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.services.workspaces import Workspaces


async def find_target(catalog: Catalog, name: str, *, create: bool) -> OpenWorkspace | None:
    """The workspace with this name; if it is missing, it is created, or None. One without a database has
    nothing yet, and counts as missing. Raises InvalidName."""
    try:
        found = await catalog.store.catalog.read(partial(catalog.installation.workspace, name))
    except NoSuchWorkspace:
        if not create:
            return None
        await create_workspace(catalog, name)
    else:
        if not found.is_made and not create:
            return None
    return await catalog.named(name)


async def create_workspace(catalog: Catalog, name: str) -> bool:
    """Create this workspace; false if it exists. Raises InvalidName."""
    try:
        await Workspaces(catalog, wall_clock).create(WorkspaceBody(name))
    except NameTaken:
        return False
    return True
