"""Admin tokens, of which only hashes are stored."""

from __future__ import annotations

import hmac
import secrets
from functools import partial

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.crypto.ciphers import hash_token
from rowkeep.errors.catalogue import Unauthenticated
from rowkeep.model.access import OPERATOR, AdminToken
from rowkeep.model.ids import Stamp
from rowkeep.model.management_requests import AdminTokenBody
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.apps import check_label
from rowkeep.services.audit import write_audited
from rowkeep.services.lists import Listing, ListRequest

PREFIX = "rka_"
"""The prefix identifies admin tokens, for example in secret scanners."""


def new_admin_token(name: str, stamp: Stamp) -> tuple[AdminToken, str]:
    """A new token and its text, which is shown only once; its id has the time of its creation."""
    token = AdminToken(f"at-{next(stamp.ids())}", name, canonical_date(stamp.moment))
    return token, PREFIX + secrets.token_urlsafe(32)


class NewAdminToken(msgspec.Struct, frozen=True):
    """A token that was just created, with its text, which is not stored."""

    token: AdminToken
    text: str


class AdminTokens:
    """``operator`` is a token that is valid in this process only, for commands."""

    def __init__(self, catalog: Catalog, operator: str | None = None) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._operator = operator

    async def check(self, token: str) -> AdminToken:
        """The administrator whose token this is, read from the store each time. Raises Unauthenticated."""
        if self._operator is not None and hmac.compare_digest(token.encode(), self._operator.encode()):
            return OPERATOR
        script = partial(self._catalog.installation.admin_token, hash_token(token))
        found = await self._database.read_one(script)
        if found is None:
            raise Unauthenticated("unknown admin token")
        return found

    async def check_id(self, token_id: str) -> None:
        """Raises Unauthenticated if the token with this id was revoked."""
        if self._operator is not None and token_id == OPERATOR.id:
            return
        script = partial(self._catalog.installation.has_admin_token, token_id)
        if not await self._database.read_one(script):
            raise Unauthenticated("unknown admin token")

    async def create(self, body: AdminTokenBody) -> NewAdminToken:
        """Raises InvalidName."""
        name = check_label(body.name) if body.name else ""
        token, text = new_admin_token(name, self._catalog.store.ids.stamp(1))
        script = partial(self._catalog.installation.add_admin_token, token, hash_token(text))
        await write_audited(self._catalog, script, f"admin-token {token.id}")
        return NewAdminToken(token, text)

    async def list(self, request: ListRequest) -> Listing[AdminToken]:
        script = partial(self._catalog.installation.admin_tokens, request.after, request.limit + 1)
        return request.page(await self._database.read(script), lambda each: each.id)

    async def delete(self, token_id: str) -> None:
        """Revoke the token. Raises NoSuchAdminToken, or DeleteNotAllowed for the last one."""
        remove = partial(self._catalog.installation.remove_admin_token, token_id)
        await write_audited(self._catalog, remove)
