"""Used tokens: each ``jti`` of an app with ``requireJti`` is accepted once, in all processes, for as long as
its token is valid."""

from __future__ import annotations

import hashlib
import math
from functools import partial

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy, StorageUnavailable, Unauthenticated
from rowkeep.model.ids import Clock
from rowkeep.services.tokens import Claims, check_single_use
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog

CLOCKS_SECONDS = 300
"""How long a ``jti`` is stored after its token has expired, because the clocks of servers differ."""

DELETED_AT_ONCE = 500
"""How many one transaction deletes."""


class UsedTokens:
    """Uses tokens up."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._leeway = settings.token_leeway_seconds
        self._max_seconds = settings.max_token_seconds
        self._clock = clock

    async def use(self, workspace: OpenWorkspace, client_id: str, claims: Claims) -> None:
        """Use a token whose other claims were checked. Raises Unauthenticated."""
        now = self._clock().timestamp()
        check_single_use(claims, now, self._max_seconds + self._leeway)
        assert isinstance(claims.exp, int | float)  # noqa: S101 - checked just now
        # a hash, because the text can be long
        jti = hashlib.sha256(claims.jti.encode("utf-8", "surrogatepass")).hexdigest()
        expires = math.ceil(claims.exp) + self._leeway
        use = partial(workspace.scripts.used_tokens.use, client_id, jti, math.floor(now), expires)
        if not await workspace.database.write(use):
            raise Unauthenticated("jti used before")


async def delete_used_tokens(catalog: Catalog, clock: Clock) -> None:
    """Delete the ``jti`` of expired tokens, in all workspaces in use, a few in each transaction."""
    now = int(clock().timestamp()) - CLOCKS_SECONDS
    for workspace in catalog.in_use():
        scripts, database = workspace.scripts.used_tokens, workspace.database
        try:
            while await database.read(partial(scripts.has_expired, now)):
                await database.write(partial(scripts.delete_expired, now, DELETED_AT_ONCE))
        except (StaleCatalog, StorageUnavailable, Busy):
            # the workspace was deleted or is missing, which others log; or it has no time now
            continue
