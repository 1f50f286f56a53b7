"""Refusals: log entries for requests with an invalid token or without a grant.

A client is never sent the cause, which would help an attacker to guess; the operator of the server needs it.
The token itself is never logged.
"""

from __future__ import annotations

from starlette.types import Scope

from rowkeep.errors.catalogue import RowkeepError, Unauthenticated, excerpt
from rowkeep.limited_log import LimitedLog
from rowkeep.services.tokens import unverified_client_id

refusals = LimitedLog()


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
        refusals.warning("token refused", key=(error.cause, *who), cause=error.cause, **known)
    else:
        refusals.info("request forbidden", key=(error.msg, *who), cause=error.msg, **known)


def _client_id(scope: Scope) -> str | None:
    """The client id in the token, which is not verified; None if the token has none."""
    for name, value in scope["headers"]:
        if name in (b"auth", b"authorization"):
            try:
                return unverified_client_id(value.decode("latin-1").strip().rpartition(" ")[2])
            except Unauthenticated:
                continue
    return None
