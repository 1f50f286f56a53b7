"""Sessions: people sign in with a password or a one-time link, and out (contract, section 11)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from functools import partial
from ipaddress import IPv6Address, ip_address

import msgspec

from rowkeep.catalog.catalog import Catalog
from rowkeep.crypto.ciphers import hash_token
from rowkeep.errors.catalogue import (
    Forbidden,
    InvalidLink,
    InvalidValue,
    NoSuchSession,
    SignInFailed,
    TooManySignIns,
    Unauthenticated,
    preview,
)
from rowkeep.model.audit import ActorKind, AuditActor
from rowkeep.model.ids import Clock
from rowkeep.model.user_requests import (
    FirstUserBody,
    LinkBody,
    NewPasswordBody,
    PasswordChangeBody,
    SignInBody,
)
from rowkeep.model.users import Actor, Device, OneTimeLink, Session, User, email_key
from rowkeep.model.values.scalars import canonical_date
from rowkeep.services.audit import note_target, write_audited
from rowkeep.services.passwords import Passwords, check_new_password, fits
from rowkeep.services.users import check_email, check_user_name
from rowkeep.settings import Settings
from rowkeep.storage.contract import Script, Steps
from rowkeep.storage.migrations import alone

SESSION_PREFIX, LINK_PREFIX = "rks_", "rkl_"
"""The prefixes identify the secrets, for example in secret scanners."""

MAX_SESSION_TOKEN = 64
MAX_FAILURES_OF_ACCOUNT, MAX_FAILURES_OF_ADDRESS = 5, 20
FAILURE_SECONDS = 60
LINK_SECONDS = 24 * 3600
NEVER = 2**53
"""The first link is valid until there is a user."""

MAX_LISTED = 100
"""How many of a user's sessions are listed."""

ID = re.compile(r"se-[0-9a-f]{24}")

SEEN_SECONDS = 60
"""How exactly it is stored when a session was last used."""

IPV6_NETWORK_BITS = 64


class SignedIn(msgspec.Struct, frozen=True):
    """A new session: its secret token, which is not stored, and how long it lasts."""

    user: User
    token: str
    seconds: int


def page_of(kind: OneTimeLink, token: str, settings: Settings, url: str | None = None) -> str:
    """The page of the console that uses a link: a URL, or a path if the server does not know its own. The
    secret is in the fragment, which browsers never send."""
    return f"{url or settings.public_url}{settings.root_path}{kind.path}#{token}"


def new_link_token() -> str:
    return LINK_PREFIX + secrets.token_urlsafe(32)


class Sessions:
    """The sessions of an installation."""

    def __init__(self, catalog: Catalog, passwords: Passwords, settings: Settings, clock: Clock) -> None:
        self._catalog = catalog
        self._database = catalog.store.catalog
        self._scripts = catalog.sessions
        self._users = catalog.users
        self._passwords = passwords
        self._settings = settings
        self._seconds = settings.session_hours * 3600
        self._clock = clock

    def _now(self) -> int:
        return int(self._clock().timestamp())

    async def check(self, token: str) -> Actor:
        """The user whose session this is, read from the store each time. Raises Unauthenticated."""
        if len(token) > MAX_SESSION_TOKEN:
            raise Unauthenticated("unknown session")
        now, token_hash = self._now(), hash_token(token)
        found = await self._database.read(partial(self._scripts.find, token_hash, now))
        if found is None:
            raise Unauthenticated("unknown session")
        if now - found.last_seen >= SEEN_SECONDS:
            await self._database.write(partial(self._scripts.saw, token_hash, now))
        return Actor(user=found.user, session=token_hash)

    async def sign_in(self, body: SignInBody, device: Device) -> SignedIn:
        """Raises SignInFailed, TooManySignIns, and InvalidValue for a password that nobody can have."""
        if not fits(body.password):
            raise InvalidValue("The password is too long.", pointer="/password")
        await self._count(body.email, device.address)
        found = await self._database.read(partial(self._users.with_password, body.email))
        user, known = found if found is not None else (None, None)
        if user is not None:
            note_target(f"user {user.id}")
        is_right, newer = await self._passwords.verify(body.password, known)
        if user is None or user.is_disabled or not is_right or known is None:
            raise SignInFailed()
        if newer is not None:
            await self._database.write(partial(self._users.replace_hash, user.id, known, newer))

        def succeed() -> Steps[User]:
            yield from alone(self._database.dialect, self._database.namespace)
            # the password may have been changed while it was verified
            now = yield from self._users.with_password(body.email)
            if now is None or now[0].is_disabled or now[1] != (newer or known):
                raise SignInFailed()
            yield from self._scripts.forget_attempts(_account_key(body.email))
            yield from self._scripts.forget_attempts(_address_key(device.address), 1)
            return now[0]

        return await self._start(succeed, device)

    async def _count(self, email: str, address: str) -> None:
        """Count the sign-in as failed before it is tried, so that no number of requests at once gets more
        tries. Raises TooManySignIns."""
        now = self._now()
        for key, most in (
            # first the address: one that is refused must not lock accounts
            (_address_key(address), MAX_FAILURES_OF_ADDRESS),
            (_account_key(email), MAX_FAILURES_OF_ACCOUNT),
        ):
            script = partial(self._scripts.count_attempt, key, now, FAILURE_SECONDS)
            count, expires = await self._database.write(script)
            if count > most:
                raise TooManySignIns(min(max(expires - now, 1), FAILURE_SECONDS))

    async def first(self, body: FirstUserBody, device: Device) -> SignedIn:
        """Create the first administrator with the one-time link of the installation. Raises InvalidLink,
        InvalidValue."""
        check_new_password(body.password)
        stamp = self._catalog.store.ids.stamp(1)
        user = User(
            id=f"us-{next(stamp.ids())}",
            email=check_email(body.email),
            name=check_user_name(body.name),
            is_admin=True,
            is_disabled=False,
            created_on=canonical_date(stamp.moment),
        )
        await self._check_link(body.token, OneTimeLink.FIRST)
        password_hash = await self._passwords.hash(body.password)

        def create() -> Steps[User]:
            yield from alone(self._database.dialect, self._database.namespace)
            yield from self._use(body.token, OneTimeLink.FIRST)
            if (yield from self._users.has_any()):
                raise InvalidLink("There is a user already. Sign in, or ask an administrator for a link.")
            yield from self._users.create(user, password_hash)
            return user

        return await self._start(create, device)

    async def set_password(self, body: NewPasswordBody, device: Device) -> SignedIn:
        """Set a password with a one-time link, which ends all other sessions of the user. Raises InvalidLink,
        InvalidValue."""
        check_new_password(body.password)
        await self._check_link(body.token, OneTimeLink.RESET)
        password_hash = await self._passwords.hash(body.password)

        def change() -> Steps[User]:
            user = yield from self._use_for_user(body.token, OneTimeLink.RESET)
            yield from self._users.set_password(user.id, password_hash)
            yield from self._scripts.forget_attempts(_account_key(user.email))
            return user

        return await self._start(change, device)

    async def sign_in_by_link(self, body: LinkBody, device: Device) -> SignedIn:
        """Raises InvalidLink."""
        use = partial(self._use_for_user, body.token, OneTimeLink.SIGN_IN)
        return await self._start(use, device)

    async def start_for(self, user: User, device: Device) -> SignedIn:
        """A session for a user that an OpenID provider has authenticated. Raises SignInFailed."""

        def find() -> Steps[User]:
            yield from alone(self._database.dialect, self._database.namespace)
            found = yield from self._users.find(user.id)
            if found is None or found.is_disabled:
                raise SignInFailed("This user is disabled. Ask an administrator.")
            return found

        return await self._start(find, device)

    async def change_password(self, actor: Actor, body: PasswordChangeBody, device: Device) -> SignedIn:
        """Change one's own password, which ends all other sessions. Raises SignInFailed, TooManySignIns,
        InvalidValue."""
        check_new_password(body.password)
        user = signed_in_user(actor)
        await self.sign_in_check(user, body.current_password, device.address)
        password_hash = await self._passwords.hash(body.password)

        def change() -> Steps[User]:
            yield from alone(self._database.dialect, self._database.namespace)
            yield from self._users.set_password(user.id, password_hash)
            return user

        return await self._start(change, device)

    async def sign_in_check(self, user: User, password: str, address: str) -> None:
        """Raises SignInFailed, TooManySignIns for a wrong password."""
        await self._count(user.email, address)
        found = await self._database.read(partial(self._users.with_password, user.email))
        known = None if found is None else found[1]
        is_right, _ = await self._passwords.verify(password, known) if fits(password) else (False, None)
        if not is_right:
            raise SignInFailed("The current password is wrong.")

        def forget() -> Steps[None]:
            yield from self._scripts.forget_attempts(_account_key(user.email))
            yield from self._scripts.forget_attempts(_address_key(address), 1)

        await self._database.write(forget)

    async def end(self, token: str) -> None:
        """Sign out. An unknown session is not an error."""
        if len(token) > MAX_SESSION_TOKEN:
            return
        token_hash = hash_token(token)
        found = await self._database.read(partial(self._scripts.find, token_hash, self._now()))
        end = partial(self._scripts.end, token_hash)
        if found is None:
            await self._database.write(end)
            return
        await write_audited(self._catalog, end, actor_of=lambda _: _audited_user(found.user))

    async def list(self, actor: Actor) -> Sequence[Session]:
        """The sessions of the signed-in user, the current one first. Raises Forbidden."""
        user = signed_in_user(actor)
        script = partial(self._scripts.of_user, user.id, self._now(), actor.session, MAX_LISTED)
        return await self._database.read(script)

    async def end_one(self, actor: Actor, session_id: str) -> None:
        """End one of the user's own sessions. Raises NoSuchSession, Forbidden."""
        user = signed_in_user(actor)
        missing = NoSuchSession(
            f"You have no session {preview(session_id)}: it has ended, or it is not yours."
        )
        if not ID.fullmatch(session_id):
            raise missing

        def end() -> Steps[None]:
            if not (yield from self._scripts.end_one(user.id, session_id)):
                raise missing

        await write_audited(self._catalog, end)

    async def end_others(self, actor: Actor) -> None:
        """End all sessions of the signed-in user but the current one. Raises Forbidden."""
        user = signed_in_user(actor)
        script = partial(self._scripts.end_others, user.id, actor.session)
        await write_audited(self._catalog, script, f"user {user.id}")

    async def has_users(self) -> bool:
        return await self._database.read(self._users.has_any)

    async def new_link(self, kind: OneTimeLink, user: str) -> str:
        """A link for a user, by id or e-mail address. Raises NoSuchUser."""
        token, expires = new_link_token(), self._now() + LINK_SECONDS

        def add() -> Steps[None]:
            yield from alone(self._database.dialect, self._database.namespace)
            found = yield from self._users.existing(user)
            if kind is OneTimeLink.RESET:
                # whoever knows the old password, or has its session, is signed out now
                yield from self._users.end_access(found.id)
            yield from self._scripts.add_link(hash_token(token), kind, found.id, expires)

        await write_audited(self._catalog, add)
        return page_of(kind, token, self._settings)

    async def _check_link(self, token: str, kind: OneTimeLink) -> None:
        """Refuse an unknown link before a password is hashed for it. Raises InvalidLink."""
        script = partial(self._scripts.has_link, hash_token(token), kind, self._now())
        if len(token) > MAX_SESSION_TOKEN or not await self._database.read(script):
            raise InvalidLink()

    def _use(self, token: str, kind: OneTimeLink) -> Steps[str]:
        """Use up a link; returns the id of its user. Raises InvalidLink."""
        used = None
        if len(token) <= MAX_SESSION_TOKEN:
            used = yield from self._scripts.use_link(hash_token(token), kind, self._now())
        if used is None:
            raise InvalidLink()
        return used.user_id

    def _use_for_user(self, token: str, kind: OneTimeLink) -> Steps[User]:
        yield from alone(self._database.dialect, self._database.namespace)
        user = yield from self._users.find((yield from self._use(token, kind)))
        if user is None or user.is_disabled:
            raise InvalidLink()
        return user

    async def _start(self, authenticate: Script[User], device: Device) -> SignedIn:
        """Start a session, with a new token, for the user that ``authenticate`` returns; in one
        transaction."""
        token, now = SESSION_PREFIX + secrets.token_urlsafe(32), self._now()
        expires = now + self._seconds

        def start() -> Steps[User]:
            user = yield from authenticate()
            yield from self._scripts.start(hash_token(token), user.id, now, expires, device)
            return user

        user = await write_audited(self._catalog, start, actor_of=_audited_user)
        return SignedIn(user, token, self._seconds)


def signed_in_user(actor: Actor) -> User:
    """Raises Forbidden for an admin token, which is not a user."""
    if actor.user is None:
        raise Forbidden("This endpoint is for signed-in users; the request has an admin token.")
    return actor.user


def _audited_user(user: User) -> AuditActor:
    return AuditActor(ActorKind.USER, user.id, user.email)


def _account_key(email: str) -> str:
    """Not the address itself: those of strangers are not stored."""
    return "account:" + hashlib.sha256(email_key(email).encode()).hexdigest()


def _address_key(address: str) -> str:
    """A network, because one customer of a provider has a whole network of IPv6 addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return "address:unknown"
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or IPv6Address(int(found) >> IPV6_NETWORK_BITS << IPV6_NETWORK_BITS)
    return f"address:{found}"


async def delete_expired_sessions(catalog: Catalog, clock: Clock) -> None:
    """Delete expired sessions and links, and failed sign-ins that are no longer counted."""
    now, database = int(clock().timestamp()), catalog.store.catalog
    if await database.read(partial(catalog.sessions.has_expired, now)):
        await database.write(partial(catalog.sessions.delete_expired, now))
