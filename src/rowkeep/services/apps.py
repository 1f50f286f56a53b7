"""Apps: programs with their own credentials, managed by administrators."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial

import msgspec
from msgspec import UNSET, structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace, jwe_key_bound_to
from rowkeep.errors.catalogue import InvalidBody, InvalidName, RowkeepError, preview
from rowkeep.model.access import JWE_KEY_BYTES, MAX_SECRET_LENGTH, SECRET, App, GrantOf
from rowkeep.model.ids import CLIENT_ID, Clock, new_client_id
from rowkeep.model.management_requests import AppBody, AppPatch
from rowkeep.model.values.scalars import canonical_date
from rowkeep.rate_limits import parse_rate_limit
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.services.tokens import check_public_key
from rowkeep.storage.contract import Script, StaleCatalog

MAX_NAME = 100
MAX_AUDIENCE = 255


class AppWithSecret(msgspec.Struct, frozen=True):
    """An app, and its secret and its JWE key in plain text if they are new."""

    app: App
    secret: str | None = None
    jwe_key: str | None = None


class Apps:
    """The apps of workspaces. Every method raises NoSuchWorkspace, and NoSuchApp where it names one."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def create(self, workspace: str, body: AppBody) -> AppWithSecret:
        """The app with its secret, which is never shown again. Raises InvalidName, InvalidBody, NameTaken."""
        opened = await self._catalog.named(workspace)
        _check_brought(body)
        app = App(
            client_id=body.client_id or new_client_id(),
            name=check_label(body.name),
            algorithm=body.algorithm,
            created_on=canonical_date(self._clock()),
            max_affected=body.max_affected,
            allow_all=body.allow_all,
            rate_limit=_checked_rate(body.rate_limit),
            require_jti=body.require_jti,
            audience=_checked_audience(body.audience),
        )
        # checks the body before anything is written
        _with_credentials(opened, app, body.public_key, brought=body.client_secret)
        # the catalog first: a client id without an app is harmless, an app without a client id is not
        claim = partial(self._catalog.installation.claim_client, app.client_id, opened.workspace)
        is_claimed = await self._catalog.store.catalog.write(claim)
        try:
            created = await _create(opened, app, body)
        except (RowkeepError, StaleCatalog):
            if is_claimed:
                await self._release_client(opened, app.client_id)
            raise
        if not is_claimed:
            # the claim is from a failed request, which may have removed it just now
            await self._catalog.store.catalog.write(claim)
        opened.renew()
        return created

    async def _release_client(self, opened: OpenWorkspace, client_id: str) -> None:
        """Release the client id, unless another request has just created an app with it."""
        installation = self._catalog.installation
        await self._catalog.store.catalog.write(partial(installation.remove_client, client_id))
        _, app, _ = await opened.database.read(partial(opened.scripts.access.app, client_id))
        if app is not None:
            await self._catalog.store.catalog.write(
                partial(installation.claim_client, client_id, opened.workspace)
            )

    async def list(self, workspace: str, request: ListRequest) -> Listing[App]:
        opened = await self._catalog.named(workspace)
        found = await opened.database.read(
            partial(opened.scripts.access.apps, request.after, request.limit + 1)
        )
        return request.page(found, lambda app: app.name.casefold())

    async def get(self, workspace: str, client_id: str) -> App:
        opened = await self._catalog.named(workspace)
        return await opened.database.read(partial(opened.scripts.access.existing_app, client_id))

    async def change(self, workspace: str, client_id: str, patch: AppPatch) -> AppWithSecret:
        """Change the keys of the patch; another algorithm creates a new secret. Raises as create does."""
        return await self._change(workspace, client_id, partial(_patched, patch))

    async def rotate_secret(self, workspace: str, client_id: str) -> AppWithSecret:
        """Create a new secret; the old one becomes invalid. Raises InvalidBody for an app without a
        secret."""
        return await self._change(workspace, client_id, _rotated)

    async def rotate_jwe_key(self, workspace: str, client_id: str) -> AppWithSecret:
        """Create a new JWE key; the old one becomes invalid. Raises InvalidBody for an app that does not
        require JWE."""
        return await self._change(workspace, client_id, _jwe_rotated)

    async def _change(
        self, workspace: str, client_id: str, change: Callable[[OpenWorkspace, App], AppWithSecret]
    ) -> AppWithSecret:
        """Change the current state of an app, so that concurrent changes do not undo each other."""
        opened = await self._catalog.named(workspace)
        created: list[AppWithSecret] = []

        def changed(app: App) -> App:
            created.append(change(opened, app))
            return created[-1].app

        change_app = opened.scripts.access.change_app
        await opened.write_with_keys(lambda: partial(change_app, client_id, opened.keys.newest, changed))
        opened.renew()
        return created[-1]

    async def delete(self, workspace: str, client_id: str) -> None:
        """Delete the app and its grants; its rows stay."""
        opened = await self._catalog.named(workspace)
        await opened.database.write(partial(opened.scripts.access.delete_app, client_id))
        opened.renew()
        await self._release_client(opened, client_id)

    async def grants(self, workspace: str, client_id: str) -> Sequence[GrantOf]:
        opened = await self._catalog.named(workspace)
        return await opened.database.read(partial(opened.scripts.access.grants_of, client_id))

    async def token_keys(self, workspace: str, client_id: str) -> tuple[App, str, str | None]:
        """The app with its secret and its JWE key in plain text, for commands that sign tokens with direct
        access to the store."""
        opened = await self._catalog.named(workspace)
        app = await opened.database.read(partial(opened.scripts.access.existing_app, client_id))
        return app, await opened.signing_key(app), await opened.jwe_key(app)


def _check_brought(body: AppBody) -> None:
    """Check the credentials of an app that exists elsewhere. Raises InvalidBody; no message shows the
    secret."""
    client_id, secret = body.client_id, body.client_secret
    if client_id is None and secret is None:
        return
    if client_id is None or secret is None:
        missing = "clientId" if client_id is None else "clientSecret"
        raise InvalidBody(
            f"{missing} is missing. Send clientId and clientSecret together for an app that exists "
            "elsewhere, or neither for a new one.",
            pointer=f"/{missing}",
        )
    if not CLIENT_ID.fullmatch(client_id):
        raise InvalidBody(
            f'clientId must be "cs-" followed by a UUID in lower case; got {preview(client_id)}.',
            pointer="/clientId",
        )
    algorithm = body.algorithm
    if not algorithm.secret_bytes:
        raise InvalidBody(
            f"An app with algorithm {algorithm.value} has no secret. Send publicKey, without clientId and "
            "clientSecret.",
            pointer="/clientSecret",
        )
    least = algorithm.min_secret_length
    if not least <= len(secret) <= MAX_SECRET_LENGTH or not SECRET.fullmatch(secret):
        raise InvalidBody(
            f"clientSecret must have {least} to {MAX_SECRET_LENGTH} printable ASCII characters for "
            f"{algorithm.value}; got {len(secret)} characters"
            + ("." if SECRET.fullmatch(secret) else ", some of them not printable ASCII."),
            pointer="/clientSecret",
        )


async def _create(opened: OpenWorkspace, app: App, body: AppBody) -> AppWithSecret:
    """Store an app with its credentials. Returns it with these in plain text."""
    created: list[AppWithSecret] = []

    def create() -> Script[None]:
        made = _with_credentials(opened, app, body.public_key, brought=body.client_secret)
        created.append(_with_jwe_key(opened, made) if body.require_jwe else made)
        return partial(opened.scripts.access.create_app, created[-1].app, opened.keys.newest)

    await opened.write_with_keys(create)
    return created[-1]


def _patched(patch: AppPatch, opened: OpenWorkspace, app: App) -> AppWithSecret:
    changed = _with_new_credentials(patch, opened, _with_new_limits(patch, app))
    if patch.require_jwe is True and app.jwe_key is None:
        return _with_jwe_key(opened, changed)
    if patch.require_jwe is False:
        return structs.replace(changed, app=structs.replace(changed.app, jwe_key=None))
    return changed


def _with_new_limits(patch: AppPatch, app: App) -> App:
    if patch.name is not UNSET:
        app = structs.replace(app, name=check_label(patch.name))
    if patch.enabled is not UNSET:
        app = structs.replace(app, enabled=patch.enabled)
    if patch.max_affected is not UNSET:
        app = structs.replace(app, max_affected=patch.max_affected)
    if patch.allow_all is not UNSET:
        app = structs.replace(app, allow_all=patch.allow_all)
    if patch.rate_limit is not UNSET:
        app = structs.replace(app, rate_limit=_checked_rate(patch.rate_limit))
    if patch.require_jti is not UNSET:
        app = structs.replace(app, require_jti=patch.require_jti)
    if patch.audience is not UNSET:
        app = structs.replace(app, audience=_checked_audience(patch.audience))
    return app


def _with_new_credentials(patch: AppPatch, opened: OpenWorkspace, app: App) -> AppWithSecret:
    if patch.algorithm is not UNSET and patch.algorithm is not app.algorithm:
        app = structs.replace(app, algorithm=patch.algorithm)
        return _with_credentials(opened, app, patch.public_key or app.public_key)
    if patch.public_key is not UNSET:
        return _with_credentials(opened, app, patch.public_key, keeps_secret=True)
    return AppWithSecret(app)


def _rotated(opened: OpenWorkspace, app: App) -> AppWithSecret:
    if not app.algorithm.secret_bytes:
        raise InvalidBody(f"An app with algorithm {app.algorithm.value} has no secret. Change its publicKey.")
    return _with_credentials(opened, app, None)


def _jwe_rotated(opened: OpenWorkspace, app: App) -> AppWithSecret:
    if app.jwe_key is None:
        raise InvalidBody("The app does not require JWE. Set requireJwe to true to get a jweKey.")
    return _with_jwe_key(opened, AppWithSecret(app))


def _with_jwe_key(opened: OpenWorkspace, made: AppWithSecret) -> AppWithSecret:
    """The app with a new key for encrypted tokens: 32 random bytes."""
    key = secrets.token_urlsafe(JWE_KEY_BYTES)
    encrypted = opened.secrets.seal(key.encode(), jwe_key_bound_to(made.app.client_id))
    return structs.replace(made, app=structs.replace(made.app, jwe_key=encrypted), jwe_key=key)


def _with_credentials(
    opened: OpenWorkspace,
    app: App,
    public_key: str | None,
    *,
    keeps_secret: bool = False,
    brought: str | None = None,
) -> AppWithSecret:
    """The app with the credentials that its algorithm needs: a secret, returned in plain text, or a public
    key. The secret is new unless it is ``brought``."""
    if not app.algorithm.secret_bytes:
        return AppWithSecret(structs.replace(app, secret=None, public_key=check_public_key(public_key)))
    if public_key is not None and (keeps_secret or app.public_key != public_key):
        raise InvalidBody(
            f"An app with algorithm {app.algorithm.value} has a secret, not a publicKey.",
            pointer="/publicKey",
        )
    if keeps_secret:
        return AppWithSecret(app)
    secret = brought or secrets.token_urlsafe(app.algorithm.secret_bytes)
    encrypted = opened.secrets.seal(secret.encode(), app.client_id)
    return AppWithSecret(structs.replace(app, secret=encrypted, public_key=None), secret)


def _checked_rate(text: str | None) -> str | None:
    """A rate limit; none if it is empty. Raises InvalidBody."""
    if text is None or text == "":
        return None
    try:
        parse_rate_limit(text)
    except ValueError as error:
        raise InvalidBody(f"rateLimit {error}", pointer="/rateLimit") from None
    return text


def _checked_audience(text: str | None) -> str | None:
    """What must be in ``aud``; none if it is empty. Raises InvalidBody."""
    if text is None or text == "":
        return None
    if len(text) > MAX_AUDIENCE or not text.isprintable():
        raise InvalidBody(
            f"audience must have 1 to {MAX_AUDIENCE} printable characters; got {preview(text)}.",
            pointer="/audience",
        )
    return text


def check_label(name: str) -> str:
    """A name for people: 1 to 100 printable characters. Raises InvalidName."""
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or name != name.strip():
        raise InvalidName(
            f"{preview(name)} is not a valid name. Names have 1 to {MAX_NAME} printable characters, without "
            "spaces at the start or end.",
            pointer="/name",
        )
    return name
