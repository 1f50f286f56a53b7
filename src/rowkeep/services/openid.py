"""OpenID Connect: people sign in at a provider (code flow with PKCE, state and nonce), if it is configured.

Nothing is stored between the two requests of a sign-in: what the second one needs is in an encrypted cookie
of the browser, which so is known to be the one that started."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
import warnings
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from rowkeep.catalog.catalog import Catalog
from rowkeep.crypto.ciphers import Sealer, WrongKey
from rowkeep.errors.catalogue import NoSuchEndpoint, RowkeepError, SignInFailed
from rowkeep.limited_log import LimitedLog
from rowkeep.model.ids import Clock
from rowkeep.model.users import Device, User, is_same_address
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.audit import more_entry
from rowkeep.services.sessions import Sessions, SignedIn
from rowkeep.services.trusted_certificates import trusted_certificates
from rowkeep.services.users import MAX_NAME, check_email
from rowkeep.setting_rules import is_loopback
from rowkeep.settings import Settings
from rowkeep.storage.contract import Steps
from rowkeep.storage.migrations import alone

if TYPE_CHECKING:
    from authlib.integrations.httpx_client import AsyncOAuth2Client

log = structlog.get_logger(__name__)
faults = LimitedLog()

CALLBACK = "/api/v1/session/openid/callback"
SCOPE = "openid email profile"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with the keys of the provider; never one with a shared secret, and never none."""

SECONDS = 600
"""How long a sign-in may take at the provider."""

TIMEOUT_SECONDS = 10.0
LEEWAY_SECONDS = 60
MAX_FLOW_LENGTH = 3000
MAX_NEXT = 1000
NEXT = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*")
"""A path of the console, with a query."""

PURPOSE = "openid-sign-in"


class Refusal(StrEnum):
    """Why a sign-in has failed, as far as the person may know it; the rest is only logged."""

    FAILED = "sign_in_failed"
    NO_RESPONSE = "provider_unavailable"
    REFUSED = "provider_refused"
    EXPIRED = "sign_in_expired"
    UNKNOWN = "no_such_user"
    DISABLED = "user_disabled"


class OpenIdFailed(Exception):
    """A sign-in at the provider has failed."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Flow(msgspec.Struct, frozen=True):
    """A sign-in that was started. ``expires`` is in seconds since 1970, ``next`` the page of the console to
    open afterwards."""

    state: str
    nonce: str
    verifier: str
    expires: int
    next: str = ""


class Callback(msgspec.Struct, frozen=True):
    """What the provider sends back through the browser."""

    code: str | None
    state: str | None
    error: str | None
    issuer: str | None


class StartedFlow(msgspec.Struct, frozen=True):
    """The page of the provider, and the encrypted :class:`Flow`."""

    url: str
    sealed: str


class FinishedFlow(msgspec.Struct, frozen=True):
    """A new session, and the page of the console to open."""

    signed_in: SignedIn
    next: str


class Metadata(msgspec.Struct, frozen=True):
    """The part of a provider's metadata that is used (OpenID Connect Discovery, section 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class OpenId:
    """Sign-in at the provider in the settings."""

    def __init__(self, catalog: Catalog, sessions: Sessions, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._users = catalog.users
        self._sessions = sessions
        self._settings = settings
        self._clock = clock
        self._domains = [each.strip().lower() for each in settings.openid_domains.split(",") if each.strip()]

    @property
    def is_on(self) -> bool:
        return bool(self._settings.openid_issuer)

    async def start(self, page: str | None = None) -> StartedFlow:
        """``page`` is the one to open afterwards; a page outside the console is ignored. Raises
        NoSuchEndpoint if it is not configured, and OpenIdFailed if the provider does not respond."""
        self._check_on()
        is_ours = page is not None and len(page) <= MAX_NEXT and NEXT.fullmatch(page)
        flow = Flow(
            secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48),
            self._now() + SECONDS, page if is_ours and page else "",
        )  # fmt: skip
        try:
            async with self._client() as client:
                metadata = await self._metadata(client)
                url, _ = client.create_authorization_url(
                    metadata.authorization_endpoint,
                    state=flow.state,
                    nonce=flow.nonce,
                    code_verifier=flow.verifier,
                )
        except _faults_of_providers() as error:
            cause = "the provider does not respond as it should"
            raise _failed(cause, error, Refusal.NO_RESPONSE) from None
        sealer = await self._sealer()
        sealed = sealer.seal(msgspec.json.encode(flow), PURPOSE)
        return StartedFlow(url, base64.urlsafe_b64encode(sealed).decode())

    async def finish(self, callback: Callback, sealed: str | None, device: Device) -> FinishedFlow:
        """Raises NoSuchEndpoint, OpenIdFailed."""
        self._check_on()
        flow = await self._flow(sealed)
        if not hmac.compare_digest((callback.state or "").encode(), flow.state.encode()):
            cause = "wrong state: the sign-in was started in another browser"
            raise _failed(cause, refusal=Refusal.EXPIRED)
        if callback.issuer is not None and callback.issuer != self._settings.openid_issuer:
            raise _failed("the response is of another issuer")
        if callback.error is not None or not callback.code:
            raise _failed("refused by the provider", callback.error, Refusal.REFUSED)
        try:
            claims = await self._claims(callback.code, flow)
        except _faults_of_providers() as error:
            raise _failed("the provider's token is invalid", error) from None
        user = await self._user_of(claims)
        try:
            return FinishedFlow(await self._sessions.start_for(user, device), flow.next)
        except SignInFailed:
            raise _failed("the user is disabled", user.email, Refusal.DISABLED) from None

    def _check_on(self) -> None:
        if not self.is_on:
            raise NoSuchEndpoint("Sign-in by OpenID Connect is not configured.")

    async def _flow(self, sealed: str | None) -> Flow:
        try:
            if sealed is None or len(sealed) > MAX_FLOW_LENGTH:
                raise ValueError
            opened = (await self._sealer()).open(base64.urlsafe_b64decode(sealed), PURPOSE)
            flow = msgspec.json.decode(opened, type=Flow)
        except (WrongKey, ValueError):
            cause = "the cookie of the sign-in is missing or invalid"
            raise _failed(cause, refusal=Refusal.EXPIRED) from None
        if flow.expires <= self._now():
            raise _failed("the sign-in took too long", refusal=Refusal.EXPIRED)
        return flow

    async def _sealer(self) -> Sealer:
        return Sealer(await self._catalog.derive_key(PURPOSE))

    def _now(self) -> int:
        return int(self._clock().timestamp())

    def _client(self) -> AsyncOAuth2Client:
        with warnings.catch_warnings():
            # it prefers a library with another name and the same content, and always warns of that
            import authlib.deprecate

            warnings.simplefilter("ignore", authlib.deprecate.AuthlibDeprecationWarning)
            from authlib.integrations.httpx_client import AsyncOAuth2Client
        settings = self._settings
        return AsyncOAuth2Client(
            client_id=settings.openid_client_id,
            client_secret=settings.openid_client_secret or None,
            scope=SCOPE,
            redirect_uri=settings.public_url + settings.root_path + CALLBACK,
            code_challenge_method="S256",
            timeout=TIMEOUT_SECONDS,
            verify=trusted_certificates(),
            trust_env=not is_loopback(settings.openid_issuer),
        )

    async def _metadata(self, client: AsyncOAuth2Client) -> Metadata:
        issuer = self._settings.openid_issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        response = await client.request("GET", url, withhold_token=True)
        response.raise_for_status()
        metadata = msgspec.json.decode(response.content, type=Metadata)
        if metadata.issuer != issuer:
            raise ValueError(f"the metadata is of the issuer {metadata.issuer}")
        return metadata

    async def _claims(self, code: str, flow: Flow) -> dict[str, Any]:
        """The claims of the ID token for a code, all checked (OpenID Connect Core, section 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.jwk import KeySet

        async with self._client() as client:
            metadata = await self._metadata(client)
            token = await client.fetch_token(metadata.token_endpoint, code=code, code_verifier=flow.verifier)
            response = await client.request("GET", metadata.jwks_uri, withhold_token=True)
            response.raise_for_status()
        keys = KeySet.import_key_set(msgspec.json.decode(response.content))
        decoded = jwt.decode(token["id_token"], keys, algorithms=ALGORITHMS)
        options: Any = {
            "iss": {"essential": True, "value": self._settings.openid_issuer},
            "aud": {"essential": True, "value": self._settings.openid_client_id},
            "sub": {"essential": True},
        }
        checked = {
            "nonce": flow.nonce,
            "client_id": self._settings.openid_client_id,
            "access_token": token.get("access_token"),
        }
        claims = CodeIDToken(decoded.claims, decoded.header, options, checked)
        claims.validate(now=self._now(), leeway=LEEWAY_SECONDS)
        return dict(claims)

    async def _user_of(self, claims: dict[str, Any]) -> User:
        """The user with this identity; else the one with its verified e-mail address; else a new one without
        rights, if that is set. Raises OpenIdFailed."""
        identity = f"{self._settings.openid_issuer} {claims['sub']}"
        email = str(claims.get("email") or "")
        is_verified = claims.get("email_verified") in (True, "true")
        if self._domains and (not is_verified or email.rpartition("@")[2].lower() not in self._domains):
            cause = "the e-mail address is not verified, or its domain is not in openid_domains"
            raise _failed(cause, email, Refusal.UNKNOWN)
        stamp = self._catalog.store.ids.stamp(1)
        created = more_entry(self._catalog, "user.create")

        def find() -> Steps[User]:
            yield from alone(self._database.dialect, self._database.namespace)
            known = yield from self._users.with_identity(identity)
            if known is not None:
                return known
            if not is_verified:
                cause = "the provider has not verified the e-mail address"
                raise _failed(cause, email, Refusal.UNKNOWN)
            user = yield from self._users.find(email)
            if user is not None:
                if not is_same_address(user.email, email):
                    # a similar address, or the id of a user
                    raise _failed("the user has another e-mail address", email, Refusal.UNKNOWN)
                if (yield from self._users.has_identity(user.id)):
                    cause = "the user with this e-mail address is another one of the provider"
                    raise _failed(cause, email, Refusal.UNKNOWN)
                yield from self._users.set_identity(user.id, identity)
                return user
            if not self._settings.openid_creates_users:
                raise _failed("no user has this e-mail address", email, Refusal.UNKNOWN)
            made = User(
                id=f"us-{next(stamp.ids())}",
                email=check_email(email),
                name=_name_of(claims, email),
                is_admin=False,
                is_disabled=False,
                created_on=canonical_date(stamp.moment),
            )
            yield from self._users.create(made, identity=identity)
            if created is not None:
                entry = msgspec.structs.replace(created, target=f"user {made.id}")
                yield from self._catalog.audit.add([entry])
            return made

        try:
            return await self._database.write(partial(find))
        except RowkeepError as error:
            if error.status >= 500:
                raise
            raise _failed("the user cannot be created", error) from None


def _name_of(claims: dict[str, Any], email: str) -> str:
    name = "".join(c for c in str(claims.get("name") or "") if c.isprintable()).strip()
    return (name or email)[:MAX_NAME]


def _failed(cause: str, detail: object = None, refusal: Refusal = Refusal.FAILED) -> OpenIdFailed:
    """The error for a sign-in; its cause is only logged."""
    faults.warning(
        "openid sign-in failed", key=cause, cause=cause, detail=None if detail is None else repr(detail)[:300]
    )
    return OpenIdFailed(refusal)


def _faults_of_providers() -> tuple[type[Exception], ...]:
    """What is raised for a provider that cannot be reached, or whose responses are invalid."""
    import httpx
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    return (
        httpx.HTTPError, httpx.InvalidURL, AuthlibBaseError, JoseError, msgspec.MsgspecError, ValueError,
        KeyError, TypeError,
    )  # fmt: skip
