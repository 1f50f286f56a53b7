"""App keys: the signing key of an app, from the environment or from the store."""

from __future__ import annotations

import asyncio
import os

from rowkeep.errors.catalogue import NoSuchApp, SetupError, preview
from rowkeep.model.access import MAX_SECRET_LENGTH, Algorithm


def signing_key_of(client_id: str) -> tuple[str, Algorithm]:
    """The key and algorithm for signing tokens of this app: ROWKEEP_APP_SECRET if it is set, otherwise those
    in the store.

    Raises SetupError, NoSuchApp, StorageUnavailable.
    """
    secret = os.environ.get("ROWKEEP_APP_SECRET")
    return (secret, _algorithm_of(secret)) if secret else _from_store(client_id)


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


def _from_store(client_id: str) -> tuple[str, Algorithm]:
    if os.environ.get("ROWKEEP_URL"):
        raise SetupError(
            "A running server does not return secrets. Set ROWKEEP_APP_SECRET to the secret of the app, "
            "or unset ROWKEEP_URL to use the store directly."
        )
    return asyncio.run(_signing_key(client_id))


async def _signing_key(client_id: str) -> tuple[str, Algorithm]:
    from rowkeep.model.ids import wall_clock
    from rowkeep.services.apps import Apps
    from rowkeep.services.local_store import open_store, shell_settings

    async with open_store(shell_settings()) as catalog:
        opened = await catalog.of_client(client_id)
        if opened is None:
            raise NoSuchApp(f"No such app: {preview(client_id)}.")
        app, key = await Apps(catalog, wall_clock).signing_key(opened.workspace.name, client_id)
    if not app.algorithm.secret_bytes:
        raise SetupError(
            f"App {preview(app.name)} uses {app.algorithm.value}: its tokens must be signed with its private "
            "key, which Rowkeep does not have."
        )
    return key, app.algorithm
