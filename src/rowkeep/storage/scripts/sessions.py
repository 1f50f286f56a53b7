"""Sessions: scripts over sessions, one-time links and failed sign-ins, in the catalog's database."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa

from rowkeep.model.users import Device, OneTimeLink, Session, User
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.migrations import alone
from rowkeep.storage.scripts.users import user_of

SESSION_ID, ID_DIGITS = "se-", 24
"""The id of a session has the first digits of its stored hash, from which nobody gets the token."""


class FoundSession(msgspec.Struct, frozen=True):
    """A session that has not expired, with its user. Times are in seconds since 1970."""

    user: User
    last_seen: int
    expires: int


class UsedLink(msgspec.Struct, frozen=True):
    """A one-time link that was just used up."""

    kind: OneTimeLink
    user_id: str


class SessionScripts:
    """The scripts of one catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._tables = catalog_tables(namespace)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    # sessions

    def find(self, token_hash: str, now: int) -> Steps[FoundSession | None]:
        """The session with this token, unless it has expired or its user is disabled."""
        users, sessions = self._tables.users.c, self._tables.sessions.c
        rows = yield from self._do(
            sa.select(
                users.id, users.email, users.name, users.is_admin, users.is_disabled, users.created_on,
                sessions.last_seen, sessions.expires,
            )
            .select_from(self._tables.sessions.join(self._tables.users, users.id == sessions.user_id))
            .where(sessions.hash == token_hash, sessions.expires > now, ~users.is_disabled)
        )  # fmt: skip
        return FoundSession(user_of(rows[0]), rows[0][6], rows[0][7]) if rows else None

    def start(
        self, token_hash: str, user_id: str, now: int, expires: int, device: Device | None = None
    ) -> Steps[None]:
        sessions, known = self._tables.sessions, device or Device()
        yield from self._do(
            sa.insert(sessions).values(
                hash=token_hash,
                user_id=user_id,
                created=now,
                last_seen=now,
                expires=expires,
                address=known.address,
                agent=known.agent,
            )
        )

    def of_user(self, user_id: str, now: int, current: str | None, limit: int) -> Steps[list[Session]]:
        """The sessions of a user, that with the hash ``current`` first, then the most recently used."""
        sessions = self._tables.sessions.c
        rows = yield from self._do(
            sa.select(
                sessions.hash, sessions.address, sessions.agent, sessions.created, sessions.last_seen,
                sessions.expires,
            )
            .where(sessions.user_id == user_id, sessions.expires > now)
            .order_by(sessions.hash != (current or ""), sessions.last_seen.desc(), sessions.hash)
            .limit(limit)
        )  # fmt: skip
        return [
            Session(
                id=SESSION_ID + token_hash[:ID_DIGITS],
                device=Device(address or "", agent or ""),
                created=int(created),
                last_seen=int(last_seen),
                expires=int(expires),
                is_current=token_hash == current,
            )
            for token_hash, address, agent, created, last_seen, expires in rows
        ]

    def end_one(self, user_id: str, session_id: str) -> Steps[bool]:
        """End a session of a user; returns whether it existed."""
        digits = session_id.removeprefix(SESSION_ID)
        sessions = self._tables.sessions
        rows = yield from self._do(
            sa.delete(sessions)
            .where(sessions.c.user_id == user_id, sessions.c.hash >= digits, sessions.c.hash < digits + "g")
            .returning(sessions.c.hash)
        )
        return bool(rows)

    def end_others(self, user_id: str, current: str | None) -> Steps[None]:
        """End all sessions of a user but that with the hash ``current``."""
        sessions = self._tables.sessions
        yield from self._do(
            sa.delete(sessions).where(sessions.c.user_id == user_id, sessions.c.hash != (current or ""))
        )

    def saw(self, token_hash: str, now: int) -> Steps[None]:
        sessions = self._tables.sessions
        yield from self._do(sa.update(sessions).values(last_seen=now).where(sessions.c.hash == token_hash))

    def end(self, token_hash: str) -> Steps[None]:
        sessions = self._tables.sessions
        yield from self._do(sa.delete(sessions).where(sessions.c.hash == token_hash))

    def last_seen(self, ids: Sequence[str]) -> Steps[dict[str, int]]:
        """When some users were last seen, as far as their sessions exist."""
        sessions = self._tables.sessions.c
        rows = yield from self._do(
            sa.select(sessions.user_id, sa.func.max(sessions.last_seen))
            .where(sessions.user_id.in_(ids))
            .group_by(sessions.user_id)
        )
        return {row[0]: int(row[1]) for row in rows}

    # one-time links

    def add_link(self, token_hash: str, kind: OneTimeLink, user_id: str, expires: int) -> Steps[None]:
        """Store a link for a user (``""`` for the first one), instead of an earlier one of its kind."""
        links = self._tables.links
        yield from self._do(sa.delete(links).where(links.c.user_id == user_id, links.c.kind == kind.value))
        yield from self._do(
            sa.insert(links).values(hash=token_hash, kind=kind.value, user_id=user_id, expires=expires)
        )

    def has_link(self, token_hash: str, kind: OneTimeLink, now: int) -> Steps[bool]:
        """Whether a link of this kind can be used."""
        links = self._tables.links.c
        same = sa.and_(links.hash == token_hash, links.kind == kind.value, links.expires > now)
        return bool((yield from self._do(sa.select(links.hash).where(same))))

    def use_link(self, token_hash: str, kind: OneTimeLink, now: int) -> Steps[UsedLink | None]:
        """Use up a link of this kind: of several requests, only one gets it."""
        links = self._tables.links
        rows = yield from self._do(
            sa.delete(links)
            .where(links.c.hash == token_hash, links.c.kind == kind.value, links.c.expires > now)
            .returning(links.c.user_id)
        )
        return UsedLink(kind, rows[0][0]) if rows else None

    # failed sign-ins

    def count_attempt(self, key: str, now: int, seconds: int) -> Steps[tuple[int, int]]:
        """Count a sign-in as failed until it has succeeded. Returns how many were counted for the key, and
        when they are forgotten. All processes count together."""
        yield from alone(self._dialect, self._namespace)
        failures = self._tables.failures
        rows = yield from self._do(
            sa.select(failures.c.failures, failures.c.expires).where(
                failures.c.key == key, failures.c.expires > now
            )
        )
        # a later time was stored while the clock was wrong
        count, expires = (
            (int(rows[0][0]) + 1, min(int(rows[0][1]), now + seconds)) if rows else (1, now + seconds)
        )
        yield from self._do(sa.delete(failures).where(failures.c.key == key))
        yield from self._do(sa.insert(failures).values(key=key, failures=count, expires=expires))
        return count, expires

    def forget_attempts(self, key: str, count: int | None = None) -> Steps[None]:
        """Forget the failed sign-ins of a key, or only some of them."""
        failures = self._tables.failures
        if count is None:
            yield from self._do(sa.delete(failures).where(failures.c.key == key))
        else:
            yield from self._do(
                sa.update(failures)
                .values(failures=failures.c.failures - count)
                .where(failures.c.key == key, failures.c.failures >= count)
            )

    def delete_expired(self, now: int) -> Steps[None]:
        """Delete expired sessions and links, and failed sign-ins that are no longer counted."""
        for table in (self._tables.sessions, self._tables.links, self._tables.failures):
            yield from self._do(sa.delete(table).where(table.c.expires <= now))

    def has_expired(self, now: int) -> Steps[bool]:
        """Whether there is something to delete."""
        for table in (self._tables.sessions, self._tables.links, self._tables.failures):
            rows = yield from self._do(sa.select(table.c.expires).where(table.c.expires <= now).limit(1))
            if rows:
                return True
        return False
