"""Refusals: log entries for requests with an invalid token or without a grant.

A client is never sent the cause, which would help an attacker to guess; the operator of the server needs it.
The token itself is never logged.
"""

from __future__ import annotations

from starlette.types import Scope

from rowkeep.errors.catalogue import QuotaExceeded, RowkeepError, Unauthenticated, excerpt
from rowkeep.http.audited import address_of, record_refusal
from rowkeep.limited_log import LimitedLog
from rowkeep.services.tokens import unverified_client_id

refusals = LimitedLog()
failures = LimitedLog()
unread = LimitedLog()


def is_refusal(error: RowkeepError) -> bool:
    """Whether a request was refused because of who sent it, or how many."""
    return error.status in (401, 403, 429) or isinstance(error, QuotaExceeded)


def log_refusal(error: RowkeepError, scope: Scope) -> None:
    """Log who was refused and why; the number of entries a minute is limited for each cause, address and
    client id."""
    client = scope.get("client")
    address = client[0] if client else None
    known = {
        "address": address,
        "client_id": _client_id(scope),
        "method": scope["method"],
        "path": excerpt(scope["path"]),
    }
    who = (address, known["client_id"])
    if isinstance(error, Unauthenticated):
        is_logged = refusals.warning("token refused", key=(error.cause, *who), cause=error.cause, **known)
    elif error.status in (401, 403):
        is_logged = refusals.info("request forbidden", key=(error.msg, *who), cause=error.msg, **known)
    else:
        is_logged = refusals.info("request limited", key=(error.code, *who), cause=error.msg, **known)
    if is_logged:
        record_refusal(error, scope, known["client_id"])


def admits_failure(cause: str, scope: Scope) -> bool:
    """Whether a failed sign-in is recorded: the number a minute is limited like that of refused requests."""
    address = address_of(scope)
    return failures.info("sign-in failed", key=(cause, address), cause=cause, address=address)


def admits_unread(cause: str, scope: Scope, actor: str) -> bool:
    """Whether a request of the management API that was refused before its call is recorded: the number a
    minute is limited in the same way, for each cause, address and sender."""
    address = address_of(scope)
    key = (cause, address, actor)
    return unread.info("change not read", key=key, cause=cause, address=address, actor=actor)


def _client_id(scope: Scope) -> str | None:
    """The client id in the token, which is not verified; None if the token has none."""
    for name, value in scope["headers"]:
        if name in (b"auth", b"authorization"):
            try:
                return unverified_client_id(value.decode("latin-1").strip().rpartition(" ")[2])
            except Unauthenticated:
                continue
    return None
