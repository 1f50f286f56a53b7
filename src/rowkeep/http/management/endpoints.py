"""The management API: its calls as rows, and the one handler that serves them all."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from rowkeep.codec.json_bodies import body_decoder
from rowkeep.errors import catalogue as errors
from rowkeep.errors.catalogue import InvalidBody, Unauthenticated
from rowkeep.http import response_types as answers
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.management.definitions import ALLOW_DATA_LOSS, DRY_RUN, NEW_NAME, SCHEMA_ENDPOINTS
from rowkeep.http.management.endpoint import Asked, Endpoint, Methods, parameters_of
from rowkeep.http.request import Request, flag, whole_number
from rowkeep.http.responses import Answer, json_answer, reply
from rowkeep.model.access import Grant
from rowkeep.model.definitions.copies import table_named, view_named
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.definitions.views import ViewBody
from rowkeep.model.management_requests import AdminTokenBody, AppBody, AppPatch, GrantBody, WorkspaceBody
from rowkeep.services.admin_tokens import Administrators
from rowkeep.services.apps import Apps
from rowkeep.services.definitions import Schemas
from rowkeep.services.lists import DEFAULT_LIMIT, MAX_LIMIT, Page, read_cursor
from rowkeep.services.offload import Offload
from rowkeep.services.tables import Tables
from rowkeep.services.views import Views
from rowkeep.services.workspaces import Workspaces
from rowkeep.services.writers import Writers
from rowkeep.storage.contract import StaleCatalog

PREFIX = "/api/v1"


class AdminServices(msgspec.Struct, frozen=True):
    """What the management API is made of."""

    workspaces: Workspaces
    tables: Tables
    views: Views
    schemas: Schemas
    apps: Apps
    administrators: Administrators
    writers: Writers


def _grant(body: GrantBody) -> Grant:
    return Grant(body.read, body.write, body.delete)


_W = "/workspaces/{workspace}"
_T = f"{_W}/tables/{{table}}"
_V = f"{_W}/views/{{view}}"
_A = f"{_W}/apps/{{clientId}}"
_no_workspace = errors.NoSuchWorkspace
_no_table = (errors.NoSuchWorkspace, errors.NoSuchTable)
_no_view = (errors.NoSuchWorkspace, errors.NoSuchView)
_bad_view = (
    errors.InvalidDefinition, errors.InvalidName, errors.DuplicateColumn, errors.UnknownColumn,
    errors.UnknownOperand, errors.InvalidFilter, errors.NameTaken,
)  # fmt: skip
_wrong_definition = (
    errors.InvalidDefinition,
    errors.InvalidName,
    errors.DuplicateColumn,
    errors.SystemColumn,
)
_no_app = (errors.NoSuchWorkspace, errors.NoSuchApp)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET", path="/workspaces", name="listWorkspaces", summary="List workspaces",
        call=lambda do, asked: do.workspaces.list(asked.page), answer=answers.Workspaces, is_list=True,
    ),
    Endpoint(
        method="POST", path="/workspaces", name="createWorkspace", summary="Create a workspace",
        call=lambda do, asked: do.workspaces.create(asked.body), body=WorkspaceBody,
        answer=answers.Workspace, status=201, errors=(errors.InvalidName, errors.NameTaken),
    ),
    Endpoint(
        method="GET", path=_W, name="getWorkspace", summary="Get a workspace",
        call=lambda do, asked: do.workspaces.get(asked.path["workspace"]),
        answer=answers.Workspace, errors=(_no_workspace,),
    ),
    Endpoint(
        method="DELETE", path=_W, name="deleteWorkspace",
        summary="Delete a workspace with all its tables, apps and grants",
        call=lambda do, asked: do.workspaces.delete(asked.path["workspace"]),
        status=204, errors=(_no_workspace, errors.DeleteNotAllowed),
    ),
    Endpoint(
        method="GET", path=f"{_W}/tables", name="listTables", summary="List the tables of a workspace",
        call=lambda do, asked: do.tables.list(asked.path["workspace"], asked.page),
        answer=answers.Tables, is_list=True, errors=(_no_workspace,),
    ),
    Endpoint(
        method="POST", path=f"{_W}/tables", name="createTable", summary="Create a table from its definition",
        call=lambda do, asked: do.tables.create(
            asked.path["workspace"], table_named(asked.body, asked.texts["name"])
        ),
        body=TableBody, answer=answers.Table, status=201, texts=(NEW_NAME,),
        errors=(_no_workspace, *_wrong_definition, errors.NameTaken),
    ),
    Endpoint(
        method="GET", path=_T, name="getTable", summary="Get the definition of a table",
        call=lambda do, asked: do.tables.get(asked.path["workspace"], asked.path["table"]),
        answer=answers.Table, errors=_no_table,
    ),
    Endpoint(
        method="PUT", path=_T, name="changeTable",
        summary="Replace the definition of a table, and adapt its rows",
        call=lambda do, asked: do.tables.change(
            asked.path["workspace"], asked.path["table"], asked.body,
            dry_run=asked.flags["dryRun"], allow_data_loss=asked.flags["allowDataLoss"],
        ),
        body=TableBody, answer=answers.Table, other_answer=answers.Steps, flags=(DRY_RUN, ALLOW_DATA_LOSS),
        errors=(
            *_no_table, *_wrong_definition, errors.NameTaken, errors.DataLoss, errors.IncompatibleRows,
            errors.TooManyColumns, errors.StillReferenced,
        ),
    ),
    Endpoint(
        method="DELETE", path=_T, name="deleteTable", summary="Delete a table with its rows and grants",
        call=lambda do, asked: do.tables.drop(asked.path["workspace"], asked.path["table"]),
        status=204, errors=(*_no_table, errors.StillReferenced),
    ),
    Endpoint(
        method="GET", path=f"{_T}/grants", name="listTableGrants",
        summary="List the grants of a table",
        call=lambda do, asked: do.tables.grants(asked.path["workspace"], asked.path["table"]),
        answer=answers.TableGrants, errors=_no_table,
    ),
    Endpoint(
        method="PUT", path=f"{_T}/grants/{{clientId}}", name="setGrant",
        summary="Set the rights of an app to a table; all false deletes the grant",
        call=lambda do, asked: do.tables.set_grant(
            asked.path["workspace"], asked.path["table"], asked.path["clientId"], _grant(asked.body)
        ),
        body=GrantBody, answer=answers.TableGrant, errors=(*_no_table, errors.NoSuchApp),
    ),
    Endpoint(
        method="GET", path=f"{_W}/views", name="listViews", summary="List the views of a workspace",
        call=lambda do, asked: do.views.list(asked.path["workspace"], asked.page),
        answer=answers.Views, is_list=True, errors=(_no_workspace,),
    ),
    Endpoint(
        method="POST", path=f"{_W}/views", name="createView", summary="Create a view from its definition",
        call=lambda do, asked: do.views.create(
            asked.path["workspace"], view_named(asked.body, asked.texts["name"])
        ),
        body=ViewBody, answer=answers.View, status=201, texts=(NEW_NAME,),
        errors=(_no_workspace, *_bad_view),
    ),
    Endpoint(
        method="GET", path=_V, name="getView", summary="Get the definition of a view",
        call=lambda do, asked: do.views.get(asked.path["workspace"], asked.path["view"]),
        answer=answers.View, errors=_no_view,
    ),
    Endpoint(
        method="PUT", path=_V, name="replaceView",
        summary="Replace the definition of a view, or rename it with `renamedFrom`",
        call=lambda do, asked: do.views.replace(asked.path["workspace"], asked.path["view"], asked.body),
        body=ViewBody, answer=answers.View, errors=(*_no_view, *_bad_view),
    ),
    Endpoint(
        method="DELETE", path=_V, name="deleteView", summary="Delete a view with its grants",
        call=lambda do, asked: do.views.drop(asked.path["workspace"], asked.path["view"]),
        status=204, errors=_no_view,
    ),
    Endpoint(
        method="GET", path=f"{_V}/definition", name="exportView",
        summary="Get the definition of a view in the form that `POST` and `PUT` accept",
        call=lambda do, asked: do.views.get(asked.path["workspace"], asked.path["view"]),
        answer=answers.View, errors=_no_view,
    ),
    Endpoint(
        method="GET", path=f"{_V}/grants", name="listViewGrants", summary="List the grants of a view",
        call=lambda do, asked: do.views.grants(asked.path["workspace"], asked.path["view"]),
        answer=answers.ViewGrants, errors=_no_view,
    ),
    Endpoint(
        method="PUT", path=f"{_V}/grants/{{clientId}}", name="setViewGrant",
        summary="Set the right of an app to read a view; false deletes the grant",
        call=lambda do, asked: do.views.set_grant(
            asked.path["workspace"], asked.path["view"], asked.path["clientId"], _grant(asked.body)
        ),
        body=GrantBody, answer=answers.ViewGrant, errors=(*_no_view, errors.NoSuchApp),
    ),
    Endpoint(
        method="GET", path=f"{_W}/apps", name="listApps", summary="List the apps of a workspace",
        call=lambda do, asked: do.apps.list(asked.path["workspace"], asked.page),
        answer=answers.Apps, is_list=True, errors=(_no_workspace,),
    ),
    Endpoint(
        method="POST", path=f"{_W}/apps", name="createApp",
        summary="Create an app; its secret is shown only in this response",
        call=lambda do, asked: do.apps.create(asked.path["workspace"], asked.body), body=AppBody,
        answer=answers.ChangedApp, status=201, errors=(_no_workspace, errors.InvalidName, errors.NameTaken),
    ),
    Endpoint(
        method="GET", path=_A, name="getApp", summary="Get an app",
        call=lambda do, asked: do.apps.get(asked.path["workspace"], asked.path["clientId"]),
        answer=answers.App, errors=_no_app,
    ),
    Endpoint(
        method="PATCH", path=_A, name="changeApp",
        summary="Rename, enable or disable an app, or change its algorithm or public key",
        call=lambda do, asked: do.apps.change(asked.path["workspace"], asked.path["clientId"], asked.body),
        body=AppPatch, answer=answers.ChangedApp, errors=(*_no_app, errors.InvalidName, errors.NameTaken),
    ),
    Endpoint(
        method="DELETE", path=_A, name="deleteApp", summary="Delete an app and its grants",
        call=lambda do, asked: do.apps.delete(asked.path["workspace"], asked.path["clientId"]),
        status=204, errors=_no_app,
    ),
    Endpoint(
        method="POST", path=f"{_A}/secret", name="rotateSecret",
        summary="Replace the secret of an app, with immediate effect",
        call=lambda do, asked: do.apps.rotate_secret(asked.path["workspace"], asked.path["clientId"]),
        answer=answers.ChangedApp, errors=(*_no_app, errors.InvalidBody),
    ),
    Endpoint(
        method="GET", path=f"{_A}/grants", name="listAppGrants", summary="List the grants of an app",
        call=lambda do, asked: do.apps.grants(asked.path["workspace"], asked.path["clientId"]),
        answer=answers.Grants, errors=_no_app,
    ),
    Endpoint(
        method="GET", path=f"{_W}/writers", name="listWriters",
        summary="List the writers of rows: the names of the ids in `Created_By` and `Updated_By`",
        call=lambda do, asked: do.writers.list(asked.path["workspace"], asked.page),
        answer=answers.Writers, is_list=True, errors=(_no_workspace,),
    ),
    Endpoint(
        method="GET", path="/admin-tokens", name="listAdminTokens", summary="List admin tokens",
        call=lambda do, asked: do.administrators.list(asked.page), answer=answers.AdminTokens, is_list=True,
    ),
    Endpoint(
        method="POST", path="/admin-tokens", name="createAdminToken",
        summary="Create an admin token; it is shown only in this response",
        call=lambda do, asked: do.administrators.create(asked.body), body=AdminTokenBody,
        answer=answers.NewAdminToken, status=201, errors=(errors.InvalidName,),
    ),
    Endpoint(
        method="GET", path="/admin-tokens/current", name="getCurrentAdminToken",
        summary="Get the admin token of this request, with its id as a writer",
        call=lambda do, asked: do.administrators.current(asked.administrator),
        answer=answers.CurrentAdminToken,
    ),
    Endpoint(
        method="DELETE", path="/admin-tokens/{id}", name="deleteAdminToken", summary="Revoke an admin token",
        call=lambda do, asked: do.administrators.delete(asked.path["id"]),
        status=204, errors=(errors.NoSuchAdminToken, errors.DeleteNotAllowed),
    ),
    *SCHEMA_ENDPOINTS,
)  # fmt: skip


class AdminCall:
    """Serves one endpoint, as an ASGI callable."""

    def __init__(
        self, endpoint: Endpoint, services: AdminServices, offload: Offload, budget: BodyBudget
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

    async def _answer(self, request: Request, path: dict[str, str]) -> Answer:
        token = request.bearer()
        if token is None:
            raise Unauthenticated("no token")
        administrator = await self._services.administrators.check(token)
        given = request.parameters(*parameters_of(self._endpoint))
        page = _page(given)
        flags = {each.name: flag(given, each.name) for each in self._endpoint.flags}
        if self._endpoint.method != "GET":
            request.no_idempotency_key()
        texts = {each.name: given.get(each.name) for each in self._endpoint.texts}
        sent = await request.body()
        body: Any = None
        if self._decoder is not None:
            body = await self._offload.decode(sent, self._decoder)
        elif sent:
            raise InvalidBody("This endpoint takes no request body. Remove it.")
        try:
            asked = Asked(path, body, page, administrator, flags, texts)
            done = await self._endpoint.call(self._services, asked)
        except StaleCatalog:
            # a workspace loses its tables under a call if it is deleted at this moment, or its database is
            if "workspace" in path:
                await self._services.workspaces.check_database(path["workspace"])
            raise errors.NoSuchWorkspace("The workspace was deleted.") from None
        return json_answer(done, self._endpoint.status)


def _page(given: dict[str, str]) -> Page:
    limit = whole_number(given, "limit", 1, MAX_LIMIT)
    after = read_cursor(given["cursor"]) if "cursor" in given else ""
    return Page(DEFAULT_LIMIT if limit is None else limit, after)


def admin_routes(services: AdminServices, offload: Offload, budget: BodyBudget) -> list[BaseRoute]:
    """A route for each path, with all its methods."""
    paths: dict[str, dict[str, AdminCall]] = {}
    for endpoint in ENDPOINTS:
        calls = paths.setdefault(endpoint.path, {})
        calls[endpoint.method] = AdminCall(endpoint, services, offload, budget)
    return [Route(PREFIX + path, Methods(calls)) for path, calls in paths.items()]
