"""Audited: requests of the management API that change something, with their entries in the audit log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import structs
from starlette.types import Scope

from rowkeep.errors.catalogue import RowkeepError
from rowkeep.http.audited import AUDIT, RECORDED, address_of, target_of
from rowkeep.http.management.endpoint import Endpoint, ManagementRequest
from rowkeep.http.refusal_log import admits_failure, admits_unread, is_refusal
from rowkeep.model.audit import AuditEntry, Outcome, actor_of, short, shown_details
from rowkeep.model.users import Actor
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
    draft = _entry(
        audit,
        endpoint.action,
        actor,
        scope,
        workspace=_workspace_of(endpoint, request),
        target=target_of(request.path) or _created(endpoint, request),
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


def record_unread(endpoint: Endpoint, actor: Actor | None, scope: Scope, error: RowkeepError) -> None:
    """Record a request to change something that was refused before its call: its body or its parameters
    cannot be read, or the sender does not see what it is about. How often is limited. Nothing is recorded of
    a sender who is unknown, nor where others record that the sender may not do this."""
    audit: AuditLog | None = scope.get(AUDIT)
    if audit is None or actor is None or endpoint.action is None or not 400 <= error.status < 500:
        return
    if is_refusal(error) or b"dryRun=true" in scope["query_string"]:
        return
    if not admits_unread(error.code, scope, actor.key):
        return
    path: dict[str, str] = scope["path_params"]
    workspace = str(short(path.get("workspace", "")))
    entry = _entry(audit, endpoint.action, actor, scope, workspace=workspace, target=target_of(path))
    audit.add_later(structs.replace(entry, result=Outcome.FAILED, cause=error.code))


def _entry(audit: AuditLog, action: str, actor: Actor | None, scope: Scope, **values: Any) -> AuditEntry:
    is_local = audit.command is not None and (actor is None or actor.user is None)
    return audit.entry(
        actor_of(actor, audit.command if is_local else None),
        action,
        address="" if audit.command is not None else address_of(scope),
        **values,
    )


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
