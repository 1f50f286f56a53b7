"""Audited: requests of the management API that change something, with their entries in the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import Scope

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.audited import AUDIT, RECORDED, address_of, target_of
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.refusal_log import admits_failure
from rowkeep.model.audit import actor_of, short, shown_details
from rowkeep.services.apps import AppWithSecret
from rowkeep.services.audit import AuditLog
from rowkeep.services.charts import ChartOfUser
from rowkeep.services.webhooks.definitions import WebhookWithSecret

CREATED_IN = ("table", "view")
"""The things whose names are in the body of the request that creates them."""


async def run_audited(
    endpoint: Endpoint, request: ManagementRequest, scope: Scope, call: Callable[[], Awaitable[Any]]
) -> Any:
    """Run the call of an endpoint that has an action."""
    audit: AuditLog | None = scope.get(AUDIT)
    assert endpoint.action is not None  # noqa: S101 - checked by the caller
    if audit is None:
        return await call()
    actor = request.sender.actor
    is_local = audit.command is not None and (actor is None or actor.user is None)
    draft = audit.entry(
        actor_of(actor, audit.command if is_local else None),
        endpoint.action,
        workspace=_workspace_of(endpoint, request),
        target=target_of(request.path) or _created(endpoint, request),
        address="" if audit.command is not None else address_of(scope),
        # what somebody types to sign in can be a password in the wrong field
        details={} if actor is None else shown_details(request.body),
    )
    try:
        return await audit.run(
            draft,
            call,
            is_atomic=endpoint.stores_entry,
            target_of=_made,
            admits=None if actor is not None else lambda cause: admits_failure(cause, scope),
        )
    except RowkeepError:
        scope[RECORDED] = True
        raise


def _workspace_of(endpoint: Endpoint, request: ManagementRequest) -> str:
    if "workspace" in request.path:
        return str(short(request.path["workspace"]))
    return str(short(request.body.name)) if endpoint.action == "workspace.create" else ""


def _created(endpoint: Endpoint, request: ManagementRequest) -> str:
    """What a request creates, if its name is in the body."""
    kind = (endpoint.action or "").partition(".")[0]
    name = getattr(request.body, "name", None) or request.texts.get("name")
    return f"{kind} {short(name)}" if kind in CREATED_IN and isinstance(name, str) else ""


def _made(done: Any) -> str:
    """The app, webhook or chart that a request has created."""
    if isinstance(done, ChartOfUser):
        return f"chart {done.defined.chart.id}"
    if isinstance(done, WebhookWithSecret):
        return f"webhook {done.defined.webhook.id}"
    return f"app {done.app.client_id}" if isinstance(done, AppWithSecret) else ""
