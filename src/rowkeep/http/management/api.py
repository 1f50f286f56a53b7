"""Management API: the list of all endpoints, and the handler that serves them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from rowkeep.catalog.catalog import Catalog
from rowkeep.codec.json_bodies import body_decoder
from rowkeep.errors.catalogue import (
    InvalidBody,
    InvalidParameter,
    NoSuchWorkspace,
    RowkeepError,
    preview,
)
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.file_responses import Download, FileResponse
from rowkeep.http.management import (
    about,
    activity,
    admin_tokens,
    apps,
    audit,
    charts,
    definitions,
    files,
    members,
    openid,
    operations,
    own_sessions,
    sessions,
    shares,
    tables,
    users,
    views,
    webhooks,
    workspaces,
    writers,
)
from rowkeep.http.management.audited import record_unread, run_audited
from rowkeep.http.management.endpoint import (
    COMPLETED,
    Endpoint,
    ManagementRequest,
    Redirect,
    Sender,
    parameters_of,
)
from rowkeep.http.management.gate import Gate
from rowkeep.http.management.sessions import session_cookie
from rowkeep.http.methods import Methods
from rowkeep.http.request import Request, flag, whole_number
from rowkeep.http.responses import Response, json_response, reply
from rowkeep.http.routes import ROUTES
from rowkeep.model.definitions.tags import tag_of
from rowkeep.model.ids import Clock
from rowkeep.request_context import set_route
from rowkeep.services.about import About
from rowkeep.services.activity import ActivityReader
from rowkeep.services.admin_tokens import AdminTokens
from rowkeep.services.apps import Apps
from rowkeep.services.audit import AuditLog
from rowkeep.services.charts import Charts
from rowkeep.services.definitions import WorkspaceDefinitions
from rowkeep.services.file_imports.files import Files
from rowkeep.services.histories import Histories
from rowkeep.services.lists import DEFAULT_LIMIT, MAX_LIMIT, ListRequest, read_cursor
from rowkeep.services.offload import Offload
from rowkeep.services.openid import OpenId
from rowkeep.services.operations import Operations
from rowkeep.services.passwords import Passwords
from rowkeep.services.sessions import Sessions
from rowkeep.services.sharing import Sharing
from rowkeep.services.tables import Tables
from rowkeep.services.timings import end_phase
from rowkeep.services.users import Users
from rowkeep.services.views import Views
from rowkeep.services.webhooks.definitions import Webhooks, WebhookSending
from rowkeep.services.workspaces import Workspaces
from rowkeep.services.writers import Writers
from rowkeep.settings import Settings
from rowkeep.storage.contract import StaleCatalog

PREFIX = "/api/v1"

TAG = re.compile(r'"([\x21\x23-\x7e]*)"')
"""Finds the tags in If-None-Match."""

IF_MATCH = re.compile(r'\s*(?:W/)?"([\x21\x23-\x7e]*)"\s*')

ENDPOINTS: tuple[Endpoint, ...] = (
    *workspaces.ENDPOINTS,
    *tables.ENDPOINTS,
    *views.ENDPOINTS,
    *apps.ENDPOINTS,
    *writers.ENDPOINTS,
    *admin_tokens.ENDPOINTS,
    *definitions.ENDPOINTS,
    *sessions.ENDPOINTS,
    *own_sessions.ENDPOINTS,
    *openid.ENDPOINTS,
    *users.ENDPOINTS,
    *members.ENDPOINTS,
    *shares.ENDPOINTS,
    *audit.ENDPOINTS,
    *activity.ENDPOINTS,
    *about.ENDPOINTS,
    *files.ENDPOINTS,
    *operations.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *charts.ENDPOINTS,
)


class ManagementServices(msgspec.Struct, frozen=True):
    """The services that the endpoints use."""

    workspaces: Workspaces
    tables: Tables
    views: Views
    histories: Histories
    definitions: WorkspaceDefinitions
    apps: Apps
    admin_tokens: AdminTokens
    writers: Writers
    sessions: Sessions
    users: Users
    sharing: Sharing
    openid: OpenId
    audit: AuditLog
    activity: ActivityReader
    about: About
    files: Files
    operations: Operations
    webhooks: Webhooks
    charts: Charts
    root_path: str


def management_services(
    settings: Settings,
    clock: Clock,
    admin_tokens: AdminTokens,
    sessions: Sessions,
    passwords: Passwords,
    audit: AuditLog,
    activity_reader: ActivityReader,
    about: About,
    files: Files,
    sending: WebhookSending,
    catalog: Catalog,
) -> ManagementServices:
    """The services over an open catalog."""
    return ManagementServices(
        workspaces=Workspaces(catalog, clock),
        tables=Tables(catalog),
        histories=Histories(catalog),
        views=Views(catalog, settings),
        definitions=WorkspaceDefinitions(catalog, settings, clock),
        apps=Apps(catalog, clock),
        admin_tokens=admin_tokens,
        writers=Writers(catalog),
        sessions=sessions,
        users=Users(catalog, passwords),
        sharing=Sharing(catalog),
        openid=OpenId(catalog, sessions, settings, clock),
        audit=audit,
        activity=activity_reader,
        about=about,
        files=files,
        operations=Operations(catalog),
        webhooks=Webhooks(catalog, clock, sending),
        charts=Charts(catalog, settings, clock),
        root_path=settings.root_path,
    )


@cache
def _decoder(body: type[msgspec.Struct]) -> msgspec.json.Decoder[Any]:
    return body_decoder(body)


def make_decoders() -> None:
    """Make the decoders of all bodies, so that forked processes share them."""
    for endpoint in ENDPOINTS:
        if endpoint.body is not None:
            _decoder(endpoint.body)


class ManagementEndpoint:
    """Serves one endpoint, as an ASGI callable."""

    def __init__(self, endpoint: Endpoint, gate: Gate, offload: Offload, budget: BodyBudget) -> None:
        self._endpoint = endpoint
        self._gate = gate
        self._offload = offload
        self._budget = budget
        self._route = ROUTES.number(endpoint.method, PREFIX + endpoint.path)
        self._decoder: msgspec.json.Decoder[Any] | None = (
            None if endpoint.body is None else _decoder(endpoint.body)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        set_route(self._route)
        request = Request(scope, receive, self._budget)
        try:
            await reply(self._answer(request, scope), scope, send)
        finally:
            request.release()

    async def _answer(self, request: Request, scope: Scope) -> Response | FileResponse:
        path: dict[str, str] = scope["path_params"]
        sender = await self._gate.sender(self._endpoint, request, scope)
        end_phase("auth")
        try:
            management_request = await self._read(request, path, sender)
            services = await self._gate_services(sender, path, management_request.body)
        except RowkeepError as error:
            record_unread(self._endpoint, sender.actor, scope, error)
            raise
        end_phase("plan")
        call = partial(self._call, services, management_request)
        body = management_request.body
        is_dry_run = management_request.flags.get("dryRun") or getattr(body, "dry_run", False)
        if self._endpoint.action is None or is_dry_run:
            done = await call()
        else:
            scope.setdefault("state", {})[COMPLETED] = True
            done = await run_audited(self._endpoint, management_request, scope, call)
        end_phase("db")
        if isinstance(done, Redirect):
            return Response(303, b"", headers=((b"location", done.location.encode()), *done.cookies))
        if isinstance(done, Download):
            return FileResponse(done)
        form = self._endpoint.form
        response = json_response(done if form is None else form(done), self._endpoint.status)
        if self._endpoint.gives_tag and isinstance(response.body, bytes):
            response = _tagged(response, tag_of(response.body), request)
        if self._endpoint.sets_cookie:
            cookie = session_cookie(done, sender, self._gate.root_path)
            response = msgspec.structs.replace(response, headers=(*response.headers, cookie))
        return response

    async def _read(self, request: Request, path: dict[str, str], sender: Sender) -> ManagementRequest:
        """The parts of the request. Raises what is wrong with them."""
        given = request.parameters(
            *parameters_of(self._endpoint), or_others=self._endpoint.takes_any_parameters
        )
        listed = _list_request(given)
        flags = {each.name: flag(given, each.name) for each in self._endpoint.flags}
        request.no_idempotency_key()
        texts = {each.name: given.get(each.name) for each in self._endpoint.texts}
        body = request.stream() if self._endpoint.takes_file else await self._body(request)
        expected = _expected_tag(request) if self._endpoint.takes_tag else None
        return ManagementRequest(path, body, listed, sender, flags, texts, expected)

    async def _call(self, services: Any, request: ManagementRequest) -> Any:
        async with self._missing_database(request.path):
            return await self._endpoint.call(services, request)

    async def _gate_services(self, sender: Sender, path: dict[str, str], body: Any) -> Any:
        async with self._missing_database(path):
            return await self._gate.admit(self._endpoint, sender.actor, path, body)

    @asynccontextmanager
    async def _missing_database(self, path: dict[str, str]) -> AsyncIterator[None]:
        """Raises NoSuchWorkspace or StorageMissing for a workspace that is being deleted during the request,
        or whose database is missing."""
        try:
            yield
        except StaleCatalog:
            if "workspace" in path:
                await self._gate.services.workspaces.check_database(path["workspace"])
            raise NoSuchWorkspace("The workspace was deleted.") from None

    async def _body(self, request: Request) -> Any:
        sent = await request.body()
        if self._decoder is not None:
            return await self._offload.decode(sent, self._decoder)
        if sent:
            raise InvalidBody("This endpoint takes no request body. Remove it.")
        return None


def _expected_tag(request: Request) -> str | None:
    """The tag in If-Match; None if any definition will do. Proxies that compress responses make tags weak.
    Raises InvalidParameter."""
    sent = request.header(b"if-match")
    if sent is None or sent.strip() == "*":
        return None
    found = IF_MATCH.fullmatch(sent)
    if found is None:
        raise InvalidParameter(
            f'If-Match must have one ETag in double quotes, as in "0123abcd"; got {preview(sent)}.'
        )
    return found[1]


def _tagged(response: Response, tag: str, request: Request) -> Response:
    """The response with its tag; without its content if the request has the tag in If-None-Match. Proxies
    that compress responses make tags weak."""
    tagged = response.with_headers(((b"etag", f'"{tag}"'.encode()),))
    known = request.header(b"if-none-match")
    if known is None or (known.strip() != "*" and tag not in TAG.findall(known)):
        return tagged
    return Response(304, b"", headers=((b"vary", tagged.vary), *tagged.headers))


def _list_request(given: dict[str, str]) -> ListRequest:
    limit = whole_number(given, "limit", 1, MAX_LIMIT)
    after = read_cursor(given["cursor"]) if "cursor" in given else ""
    return ListRequest(DEFAULT_LIMIT if limit is None else limit, after)


def management_routes(gate: Gate, offload: Offload, budget: BodyBudget) -> list[BaseRoute]:
    """One route for each path, with all its methods."""
    paths: dict[str, dict[str, ManagementEndpoint]] = {}
    for endpoint in ENDPOINTS:
        calls = paths.setdefault(endpoint.path, {})
        calls[endpoint.method] = ManagementEndpoint(endpoint, gate, offload, budget)
    return [Route(PREFIX + path, Methods(calls)) for path, calls in paths.items()]
