"""Credentials: the app or administrator for whom `rowkeep rows` sends requests."""

from __future__ import annotations

import os
import secrets
from typing import Any, TypeAlias

import msgspec

from rowkeep.client.app_keys import signing_key_of
from rowkeep.client.paths import path_part
from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.model.access import OPERATOR, Algorithm
from rowkeep.model.ids import writer_of
from rowkeep.services.tokens import sign_token


class AppCredentials(msgspec.Struct, frozen=True):
    """An app and its signing key."""

    client_id: str
    key: str
    algorithm: Algorithm

    prefix = "/api/public"
    operator = None

    @property
    def writer(self) -> str:
        """The value of ``Created_By`` in the rows that it writes."""
        return writer_of(self.client_id)

    def headers(self, **claims: Any) -> dict[str, str]:
        return {"auth": sign_token(self.client_id, self.key, self.algorithm, **claims)}

    @property
    def refusal(self) -> str:
        return (
            f"Authentication failed for app {preview(self.client_id)}: wrong secret, or the app is disabled "
            "or deleted."
        )


class AdminCredentials(msgspec.Struct, frozen=True):
    """An administrator in one workspace. The token is one of a server, or a temporary one of this process if
    it uses the store directly."""

    token: str
    workspace: str
    is_operator: bool

    writer = writer_of(OPERATOR.id)
    """The value of ``Created_By`` if a command uses the store directly."""

    refusal = (
        "Authentication failed: ROWKEEP_ADMIN_TOKEN is not a valid admin token of the server at ROWKEEP_URL."
    )

    @property
    def prefix(self) -> str:
        return f"/api/v1/workspaces/{path_part(self.workspace)}/data"

    @property
    def operator(self) -> str | None:
        """The token that the application in this process must accept."""
        return self.token if self.is_operator else None

    def headers(self, **_claims: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


Credentials: TypeAlias = AppCredentials | AdminCredentials


def credentials_of(app: str | None, workspace: str | None) -> Credentials:
    """The credentials of the app, if one is set, otherwise those of an administrator. Raises SetupError,
    NoSuchApp, StorageUnavailable."""
    if app is not None:
        return AppCredentials(app, *signing_key_of(app))
    workspace = workspace or "main"
    if not os.environ.get("ROWKEEP_URL"):
        return AdminCredentials(secrets.token_urlsafe(), workspace, True)
    token = os.environ.get("ROWKEEP_ADMIN_TOKEN")
    if not token:
        raise SetupError(
            "ROWKEEP_URL is set, but ROWKEEP_ADMIN_TOKEN is not. Set it, or pass --app and set "
            "ROWKEEP_APP_SECRET, or unset ROWKEEP_URL to use the store directly."
        )
    return AdminCredentials(token, workspace, False)
