"""Credentials: the app or administrator for whom `rowkeep rows` sends requests."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import TypeAlias

import msgspec

from rowkeep.client.app_keys import AppSigner, signer_of
from rowkeep.client.paths import path_part
from rowkeep.errors.catalogue import SetupError, preview


class AppCredentials(msgspec.Struct, frozen=True):
    """An app, and what signs its tokens."""

    signer: AppSigner

    prefix = "/api/public"
    operator = None

    @property
    def name(self) -> str:
        """Identifies the owner of idempotency keys, without secrets."""
        return self.signer.client_id

    def headers(self) -> dict[str, str]:
        """Those of one request: a token can be valid only once."""
        return {"auth": self.signer.token()}

    @property
    def refusal(self) -> str:
        return (
            f"Authentication failed for app {preview(self.signer.client_id)}: wrong secret, or the app is "
            "disabled or deleted."
        )


class AdminCredentials(msgspec.Struct, frozen=True):
    """An administrator in one workspace. The token is one of a server, or a temporary one of this process if
    it uses the store directly."""

    token: str
    workspace: str
    is_operator: bool

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

    @property
    def name(self) -> str:
        """Identifies the owner of idempotency keys, without secrets: each admin token has its own keys."""
        administrator = f"administrator of {self.workspace.lower()}"
        if self.is_operator:
            return administrator
        return f"{administrator}, token {hashlib.sha256(self.token.encode()).hexdigest()[:12]}"

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


Credentials: TypeAlias = AppCredentials | AdminCredentials


def credentials_of(app: str | None, workspace: str | None) -> Credentials:
    """The credentials of the app, if one is set, otherwise those of an administrator. Raises SetupError,
    NoSuchApp, StorageUnavailable."""
    if app is not None:
        return AppCredentials(signer_of(app))
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
