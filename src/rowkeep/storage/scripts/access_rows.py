"""Access rows: apps and grants as rows of the system tables."""

from __future__ import annotations

from typing import Any

import msgspec

from rowkeep.errors.catalogue import NameTaken, preview
from rowkeep.model.access import Algorithm, App, Grant
from rowkeep.storage.contract import Row


def client_id_taken(client_id: str) -> NameTaken:
    """The error for a client id that belongs to an app already, in this workspace or in another."""
    return NameTaken(
        f"Client id {preview(client_id)} is already used by another app. Delete that app first, or "
        "leave clientId and clientSecret out to get new ones.",
        pointer="/clientId",
    )


def grant_of(row: Row) -> Grant:
    return Grant(*map(bool, row))


def app_of(row: Row) -> App:
    client_id, name, _, algorithm, secret, public_key, enabled, created_on, *limits = row
    max_affected, allow_all, rate_limit, require_jti, audience, jwe_key = limits
    return App(
        client_id=client_id,
        name=name,
        algorithm=Algorithm(algorithm),
        secret=None if secret is None else bytes(secret),
        public_key=public_key,
        enabled=bool(enabled),
        created_on=created_on,
        max_affected=max_affected,
        allow_all=bool(allow_all),
        rate_limit=rate_limit,
        require_jti=bool(require_jti),
        audience=audience,
        jwe_key=None if jwe_key is None else bytes(jwe_key),
    )


def app_values(app: App) -> dict[str, Any]:
    values = msgspec.structs.asdict(app)
    return values | {"algorithm": app.algorithm.value, "name_key": app.name.casefold()}
