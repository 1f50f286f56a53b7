"""Access: who is asking, and what they may do, as things stand when it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from rowkeep.catalog import Catalog, LiveWorkspace
from rowkeep.errors import (
    Busy,
    Forbidden,
    NoSuchTable,
    NoSuchView,
    QueryTimeout,
    RowkeepError,
    StorageUnavailable,
    Unauthenticated,
    quoted,
)
from rowkeep.live import LiveApp, LiveTable, LiveView, Snapshot
from rowkeep.model.access import Right
from rowkeep.model.identity import Clock
from rowkeep.services.tokens import check_times, unverified_client_id, verified_claims
from rowkeep.settings import Settings
from rowkeep.storage.base import StaleCatalog

T = TypeVar("T")

MAX_ATTEMPTS = 20
"""How often a request is planned anew because definitions or grants changed under it."""


class Caller(msgspec.Struct, frozen=True):
    """An app that proved who it is, and what was known of its workspace then."""

    workspace: LiveWorkspace
    snapshot: Snapshot
    app: LiveApp

    async def table(self, name: str, *rights: Right) -> LiveTable:
        """The table, if the app has all these rights to it. Raises NoSuchTable, Forbidden."""
        live = self.snapshot.table(name) or await self.workspace.table(self.snapshot, name)
        if live is None:
            raise NoSuchTable(f"There is no table {quoted(name)}.")
        grant = self.app.grants.get(live.table.id)
        for right in rights:
            if grant is None or not grant.allows(right):
                raise Forbidden(f"The app has no {right.value} grant for table {live.table.name}.")
        return live

    async def view(self, name: str) -> LiveView:
        """The view, if the app may read it, whatever it may do with the view's tables. Raises NoSuchView,
        Forbidden."""
        live = await self.workspace.view(self.snapshot, name)
        if live is None:
            raise NoSuchView(f"There is no view {quoted(name)}.")
        grant = self.app.grants.get(live.view.id)
        if grant is None or not grant.read:
            raise Forbidden(f"The app has no read grant for view {live.view.name}.")
        return live


class Access:
    """Authenticates apps and runs what they ask for."""

    def __init__(self, catalog: Catalog, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._leeway = settings.token_leeway_seconds
        self._clock = clock

    async def run(self, token: str, action: Callable[[Caller], Awaitable[T]]) -> T:
        """Do ``action`` for the app that signed ``token``.

        It is tried again, from the beginning, when it turns out that it went by old definitions, apps or
        grants: by storage, which checks with every statement, or before a refusal is given.
        """
        client_id = unverified_client_id(token)
        for _ in range(MAX_ATTEMPTS):
            workspace = self._catalog.known(client_id) or await self._catalog.of_client(client_id)
            if workspace is None:
                raise Unauthenticated("unknown app")
            try:
                snapshot = workspace.newest or await workspace.snapshot()
                try:
                    app = snapshot.apps.get(client_id) or await workspace.app(snapshot, client_id)
                    return await action(Caller(workspace, snapshot, self._prove(app, token)))
                except (Busy, QueryTimeout, StorageUnavailable):
                    raise
                except RowkeepError:
                    if await workspace.is_current(snapshot):
                        raise
            except StaleCatalog:
                pass
            await self._catalog.renew(workspace)
        raise Busy("The definitions change faster than the request can be planned. Nothing was written.")

    def _prove(self, app: LiveApp | None, token: str) -> LiveApp:
        """The app, if it may act and this token is one of its own. Raises Unauthenticated."""
        if app is None or not app.app.enabled:
            raise Unauthenticated("unknown app" if app is None else "app disabled")
        check_times(verified_claims(token, app.key, app.app.algorithm), self._clock, self._leeway)
        return app
