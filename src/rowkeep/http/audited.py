"""Audited: the entries of the audit log that requests cause."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import structs
from starlette.types import Scope

from rowkeep.errors.catalogue import RowkeepError, Unauthenticated, excerpt
from rowkeep.model.audit import NOBODY, ActorKind, AuditActor, Outcome, short
from rowkeep.services.audit import AuditLog

AUDIT = "rowkeep.audit"
"""The key of the audit log in the scope of a request."""

RECORDED = "rowkeep.audit.recorded"
"""The key that says that the entry of a refused request was made elsewhere."""

KINDS = {
    "table": "table",
    "view": "view",
    "clientId": "app",
    "user": "user",
    "session": "session",
    "file": "file",
    "webhook": "webhook",
    "chart": "chart",
    "delivery": "delivery",
    "id": "admin-token",
}
"""The parts of paths that name what a request is about."""


def target_of(path: Mapping[str, str]) -> str:
    """What the path of a request is about, such as ``table people, app cs-…``."""
    return ", ".join(f"{KINDS[part]} {short(value)}" for part, value in path.items() if part in KINDS)


def address_of(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def record_refusal(error: RowkeepError, scope: Scope, client_id: str | None) -> None:
    """Record a request that was refused. The caller limits how often."""
    audit: AuditLog | None = scope.get(AUDIT)
    if audit is None or scope.get(RECORDED):
        return
    is_limit = error.status not in (401, 403)
    actor = NOBODY if client_id is None else AuditActor(ActorKind.APP, client_id)
    entry = audit.entry(
        actor,
        "request.limited" if is_limit else "request.refused",
        workspace=short(scope.get("path_params", {}).get("workspace", "")),
        target=f"{scope['method']} {excerpt(scope['path'])}",
        cause=short(error.cause if isinstance(error, Unauthenticated) else f"{error.code}: {error.msg}"),
        address=address_of(scope),
    )
    audit.add_later(structs.replace(entry, result=Outcome.REFUSED))
