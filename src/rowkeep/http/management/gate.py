"""Gate: who sent a request of the management API, and whether they may do what it asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from starlette.types import Scope

from rowkeep.catalog.catalog import Catalog
from rowkeep.errors.catalogue import Forbidden, Unauthenticated
from rowkeep.http.management.endpoint import Endpoint, Sender
from rowkeep.http.request import Request
from rowkeep.http.session_cookie import FLOW_COOKIE, check_origin, cookie, is_secure, session_token
from rowkeep.model.definitions.references import referred_names
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.tables import name_key
from rowkeep.model.users import Actor, Device, Guard, Need
from rowkeep.settings import Settings

Services: TypeAlias = Any
"""The services of the endpoints."""


MAX_AGENT = 300


class Gate:
    """``services_of`` makes the services over a catalog: the shared one for administrators' tokens, and one
    with a guard for each request of a user."""

    def __init__(
        self, catalog: Catalog, services_of: Callable[[Catalog], Services], settings: Settings
    ) -> None:
        self._catalog = catalog
        self._services_of = services_of
        self.services = services_of(catalog)
        self._public_url = settings.public_url
        self.root_path = settings.root_path
        self.public_url = settings.public_url

    async def sender(self, endpoint: Endpoint, request: Request, scope: Scope) -> Sender:
        """Who sent the request. Raises Unauthenticated, CrossOrigin, and Forbidden for a user without the
        rights of an administrator where those are needed."""
        client = scope.get("client")
        session = session_token(request)
        actor = None
        if endpoint.need is Need.NOTHING:
            check_origin(request, scope, self._public_url, has_cookie=session is not None)
        else:
            actor = await self._actor(request, scope, session)
            if endpoint.need is Need.ADMIN and not actor.is_admin and "{workspace}" not in endpoint.path:
                raise Forbidden("This needs the rights of an administrator.")
        return Sender(
            actor=actor,
            session=session,
            flow=cookie(request, FLOW_COOKIE),
            device=Device(client[0] if client else "", agent_of(request)),
            is_secure=is_secure(request, scope, self._public_url),
        )

    async def _actor(self, request: Request, scope: Scope, session: str | None) -> Actor:
        token = request.bearer()
        if token is not None:
            return Actor(admin_token=await self.services.admin_tokens.check(token))
        if session is None:
            raise Unauthenticated("no token")
        check_origin(request, scope, self._public_url)
        actor: Actor = await self.services.sessions.check(session)
        return actor

    async def admit(
        self, endpoint: Endpoint, actor: Actor | None, path: dict[str, str], body: Any
    ) -> Services:
        """The services for a request. Their scripts check the rights of a user again, each in its own
        transaction. Raises NoSuchWorkspace, NoSuchTable, NoSuchView, Forbidden."""
        if actor is None or actor.user is None:
            return self.services
        if actor.user.is_admin:
            return self._services_of(self._catalog.for_user(actor.user.id, None))
        guard = None
        if "workspace" in path:
            guard = guard_of(endpoint, actor.user.id, path, body)
            await self._catalog.for_user(actor.user.id, guard).check_guard(path["workspace"])
            if endpoint.need is Need.ADMIN:
                raise Forbidden("This needs the rights of an administrator.")
        return self._services_of(self._catalog.for_user(actor.user.id, guard))


def agent_of(request: Request) -> str:
    """What the program of the request says about itself, cut and without what cannot be printed."""
    text = request.header(b"user-agent") or ""
    return "".join(filter(str.isprintable, text[:MAX_AGENT])).strip()


def guard_of(endpoint: Endpoint, user_id: str, path: dict[str, str], body: Any) -> Guard:
    """What a user must be allowed to do for this request."""
    on_view = "view" in path
    names = tuple(path[kind] for kind in ("table", "view") if kind in path)
    reads: set[str] = set()
    if isinstance(body, TableBody | ViewBody):
        former = body.renamed_from
        if names and isinstance(former, str) and former and name_key(former) != name_key(names[0]):
            names += (former,)
        named = body.table_names if isinstance(body, ViewBody) else referred_names(body.schema_def)
        reads = {name_key(name) for name in named}
        if isinstance(body, TableBody):
            reads -= {name_key(name) for name in (*names, body.name)}
    return Guard(user_id, endpoint.need, path["workspace"], names, on_view, tuple(sorted(reads)))
