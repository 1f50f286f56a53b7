"""App keys: what signs the tokens of an app, from the environment or from the store."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any
from uuid import uuid4

import msgspec

from rowkeep.errors.catalogue import NoSuchApp, SetupError, preview
from rowkeep.model.access import JWE_KEY, MAX_SECRET_LENGTH, Algorithm

SINGLE_USE_SECONDS = 300
"""How long a token for one request is valid, unless ``exp`` is set."""


class AppSigner(msgspec.Struct, frozen=True):
    """Signs the tokens of an app, in the way that the app requires."""

    client_id: str
    key: str
    algorithm: Algorithm
    audience: str | None = None
    single_use: bool = False
    jwe_key: str | None = None

    def token(self, **claims: Any) -> str:
        """A new token with these claims, and those that the app requires."""
        from rowkeep.services.tokens import encrypt_token, sign_token

        if self.single_use:
            claims = {"jti": str(uuid4()), "exp": int(time.time()) + SINGLE_USE_SECONDS} | claims
        if self.audience is not None:
            claims["aud"] = self.audience
        token = sign_token(self.client_id, self.key, self.algorithm, **claims)
        return token if self.jwe_key is None else encrypt_token(token, self.client_id, self.jwe_key)


def signer_of(client_id: str) -> AppSigner:
    """What signs the tokens of this app: ROWKEEP_APP_SECRET and the other variables of an app if it is set,
    otherwise what is in the store.

    Raises SetupError, NoSuchApp, StorageUnavailable.
    """
    secret = os.environ.get("ROWKEEP_APP_SECRET")
    return _from_environment(client_id, secret) if secret else _from_store(client_id)


def _from_environment(client_id: str, secret: str) -> AppSigner:
    single_use = os.environ.get("ROWKEEP_APP_SINGLE_USE") or "false"
    if single_use not in ("true", "false"):
        raise SetupError(f"ROWKEEP_APP_SINGLE_USE must be true or false; got {preview(single_use)}.")
    jwe_key = os.environ.get("ROWKEEP_APP_JWE_KEY") or None
    if jwe_key is not None and not JWE_KEY.fullmatch(jwe_key):
        raise SetupError("ROWKEEP_APP_JWE_KEY must be the jweKey of the app: base64url of 32 bytes.")
    return AppSigner(
        client_id,
        secret,
        _algorithm_of(secret),
        os.environ.get("ROWKEEP_APP_AUDIENCE") or None,
        single_use == "true",
        jwe_key,
    )


def _algorithm_of(secret: str) -> Algorithm:
    """ROWKEEP_APP_ALGORITHM if it is set. Otherwise the length of the secret determines the algorithm:
    secrets that Rowkeep generated have the length that their algorithm needs, in base64url; all others are
    for HS256."""
    named = os.environ.get("ROWKEEP_APP_ALGORITHM")
    with_secrets = [algorithm for algorithm in Algorithm if algorithm.secret_bytes]
    if named and named not in with_secrets:
        raise SetupError(f"ROWKEEP_APP_ALGORITHM must be {' or '.join(with_secrets)}; got {preview(named)}.")
    made_here = {-(-each.secret_bytes * 4 // 3): each for each in with_secrets}
    algorithm = Algorithm(named) if named else made_here.get(len(secret), Algorithm.HS256)
    if not algorithm.min_secret_length <= len(secret) <= MAX_SECRET_LENGTH:
        raise SetupError(
            f"ROWKEEP_APP_SECRET must have {algorithm.min_secret_length} to {MAX_SECRET_LENGTH} characters "
            f"for {algorithm.value}; got {len(secret)}."
        )
    return algorithm


def _from_store(client_id: str) -> AppSigner:
    if os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            "A running server does not return secrets. Set ROWKEEP_APP_SECRET to the secret of the app, "
            "or unset ROWKEEP_URL to use the store directly."
        )
    return asyncio.run(_stored_signer(client_id))


async def _stored_signer(client_id: str) -> AppSigner:
    from rowkeep.model.ids import wall_clock
    from rowkeep.services.apps import Apps
    from rowkeep.services.audit import audited_command
    from rowkeep.services.local_store import open_store, shell_settings

    settings = shell_settings()
    async with open_store(settings) as catalog:
        opened = await catalog.of_client(client_id)
        if opened is None:
            raise NoSuchApp(f"No such app: {preview(client_id)}.")
        name, target = opened.workspace.name, f"app {client_id}"
        async with audited_command(catalog, settings, "app.token.sign", name, target):
            app, key, jwe_key = await Apps(catalog, wall_clock).token_keys(name, client_id)
    if not app.algorithm.secret_bytes:
        raise SetupError(
            f"App {preview(app.name)} uses {app.algorithm.value}: its tokens must be signed with its private "
            "key, which Rowkeep does not have."
        )
    return AppSigner(client_id, key, app.algorithm, app.audience, app.require_jti, jwe_key)
