"""Management API: the list of all endpoints, and the handler that serves them."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from rowkeep.catalog.catalog import Catalog
from rowkeep.codec.json_bodies import body_decoder
from rowkeep.errors.catalogue import InvalidBody, NoSuchWorkspace, Unauthenticated
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.management import admin_tokens, apps, definitions, tables, views, workspaces, writers
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest, Methods, parameters_of
from rowkeep.http.request import Request, flag, whole_number
from rowkeep.http.responses import Response, json_response, reply
from rowkeep.model.ids import Clock
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.services.apps import Apps
from rowkeep.services.definitions import WorkspaceDefinitions
from rowkeep.services.lists import DEFAULT_LIMIT, MAX_LIMIT, ListRequest, read_cursor
from rowkeep.services.offload import Offload
from rowkeep.services.tables import Tables
from rowkeep.services.views import Views
from rowkeep.services.workspaces import Workspaces
from rowkeep.services.writers import Writers
from rowkeep.storage.contract import StaleCatalog

PREFIX = "/api/v1"

ENDPOINTS: tuple[Endpoint, ...] = (
    *workspaces.ENDPOINTS,
    *tables.ENDPOINTS,
    *views.ENDPOINTS,
    *apps.ENDPOINTS,
    *writers.ENDPOINTS,
    *admin_tokens.ENDPOINTS,
    *definitions.ENDPOINTS,
)


class ManagementServices(msgspec.Struct, frozen=True):
    """The services that the endpoints use."""

    workspaces: Workspaces
    tables: Tables
    views: Views
    definitions: WorkspaceDefinitions
    apps: Apps
    admin_tokens: AdminTokens
    writers: Writers


def management_services(catalog: Catalog, clock: Clock, admin_tokens: AdminTokens) -> ManagementServices:
    """The services over an open catalog."""
    return ManagementServices(
        workspaces=Workspaces(catalog, clock),
        tables=Tables(catalog),
        views=Views(catalog),
        definitions=WorkspaceDefinitions(catalog),
        apps=Apps(catalog, clock),
        admin_tokens=admin_tokens,
        writers=Writers(catalog),
    )


class ManagementEndpoint:
    """Serves one endpoint, as an ASGI callable."""

    def __init__(
        self, endpoint: Endpoint, services: ManagementServices, offload: Offload, budget: BodyBudget
    ) -> None:
        self._endpoint = endpoint
        self._services = services
        self._offload = offload
        self._budget = budget
        self._decoder: msgspec.json.Decoder[Any] | None = (
            None if endpoint.body is None else body_decoder(endpoint.body)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, self._budget)
        try:
            await reply(self._answer(request, scope["path_params"]), scope, send)
        finally:
            request.release()

    async def _answer(self, request: Request, path: dict[str, str]) -> Response:
        token = request.bearer()
        if token is None:
            raise Unauthenticated("no token")
        admin_token = await self._services.admin_tokens.check(token)
        given = request.parameters(*parameters_of(self._endpoint))
        listed = _list_request(given)
        flags = {each.name: flag(given, each.name) for each in self._endpoint.flags}
        request.no_idempotency_key()
        texts = {each.name: given.get(each.name) for each in self._endpoint.texts}
        sent = await request.body()
        body: Any = None
        if self._decoder is not None:
            body = await self._offload.decode(sent, self._decoder)
        elif sent:
            raise InvalidBody("This endpoint takes no request body. Remove it.")
        try:
            management_request = ManagementRequest(path, body, listed, admin_token, flags, texts)
            done = await self._endpoint.call(self._services, management_request)
        except StaleCatalog:
            # the workspace is being deleted during the request, or its database is missing
            if "workspace" in path:
                await self._services.workspaces.check_database(path["workspace"])
            raise NoSuchWorkspace("The workspace was deleted.") from None
        form = self._endpoint.form
        return json_response(done if form is None else form(done), self._endpoint.status)


def _list_request(given: dict[str, str]) -> ListRequest:
    limit = whole_number(given, "limit", 1, MAX_LIMIT)
    after = read_cursor(given["cursor"]) if "cursor" in given else ""
    return ListRequest(DEFAULT_LIMIT if limit is None else limit, after)


def management_routes(services: ManagementServices, offload: Offload, budget: BodyBudget) -> list[BaseRoute]:
    """One route for each path, with all its methods."""
    paths: dict[str, dict[str, ManagementEndpoint]] = {}
    for endpoint in ENDPOINTS:
        calls = paths.setdefault(endpoint.path, {})
        calls[endpoint.method] = ManagementEndpoint(endpoint, services, offload, budget)
    return [Route(PREFIX + path, Methods(calls)) for path, calls in paths.items()]
