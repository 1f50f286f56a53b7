"""Users: scripts over the users of an installation, in the catalog's database."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import sqlalchemy as sa

from rowkeep.errors.catalogue import NameTaken, NoSuchUser, preview
from rowkeep.model.access import Workspace
from rowkeep.model.users import User, email_key
from rowkeep.sql.dialects import Dialect
from rowkeep.sql.statements import STATEMENTS
from rowkeep.sql.system_tables import catalog_tables
from rowkeep.storage.contract import Row, Steps
from rowkeep.storage.migrations import alone

IDS_AT_ONCE = 500


def user_of(row: Row) -> User:
    return User(row[0], row[1], row[2], bool(row[3]), bool(row[4]), row[5])


class UserScripts:
    """The scripts of one catalog."""

    def __init__(self, dialect: Dialect, namespace: str | None) -> None:
        self._dialect = dialect
        self._namespace = namespace
        self._tables = catalog_tables(namespace)

    def _do(self, clause: sa.Executable) -> Steps[Sequence[Row]]:
        return (yield STATEMENTS.statement(clause, self._dialect))

    def _select(self, *more: sa.ColumnElement[Any]) -> sa.Select[Any]:
        users = self._tables.users.c
        return sa.select(
            users.id, users.email, users.name, users.is_admin, users.is_disabled, users.created_on, *more
        )

    def users(self, after: str, limit: int) -> Steps[list[User]]:
        """Users in the order of their creation."""
        key = self._tables.users.c.id
        rows = yield from self._do(self._select().where(key > after).order_by(key).limit(limit))
        return [user_of(row) for row in rows]

    def find(self, user: str) -> Steps[User | None]:
        """The user with this id or e-mail address."""
        if "\x00" in user:
            return None  # engines reject it
        users = self._tables.users.c
        rows = yield from self._do(
            self._select().where(sa.or_(users.id == user, users.email_key == email_key(user)))
        )
        return user_of(rows[0]) if rows else None

    def existing(self, user: str) -> Steps[User]:
        """The same. Raises NoSuchUser."""
        found = yield from self.find(user)
        if found is None:
            raise NoSuchUser(f"No such user: {preview(user)}.")
        return found

    def by_ids(self, ids: Collection[str]) -> Steps[dict[str, User]]:
        """The users with these ids, by id."""
        wanted = sorted(ids)
        found: dict[str, User] = {}
        for first in range(0, len(wanted), IDS_AT_ONCE):
            some = wanted[first : first + IDS_AT_ONCE]
            rows = yield from self._do(self._select().where(self._tables.users.c.id.in_(some)))
            found |= {row[0]: user_of(row) for row in rows}
        return found

    def with_password(self, email: str) -> Steps[tuple[User, str | None] | None]:
        """The user with this e-mail address, and the hash of the password."""
        if "\x00" in email:
            return None
        users = self._tables.users.c
        rows = yield from self._do(
            self._select(users.password_hash).where(users.email_key == email_key(email))
        )
        return (user_of(rows[0]), rows[0][6]) if rows else None

    def with_identity(self, identity: str) -> Steps[User | None]:
        """The user that an OpenID provider calls so."""
        rows = yield from self._do(self._select().where(self._tables.users.c.identity == identity))
        return user_of(rows[0]) if rows else None

    def has_any(self) -> Steps[bool]:
        return bool((yield from self._do(sa.select(self._tables.users.c.id).limit(1))))

    def create(
        self, user: User, password_hash: str | None = None, identity: str | None = None
    ) -> Steps[None]:
        """Raises NameTaken for an e-mail address that is taken."""
        yield from alone(self._dialect, self._namespace)
        yield from self._check_email(user)
        yield from self._do(
            sa.insert(self._tables.users).values(
                id=user.id,
                password_hash=password_hash,
                identity=identity,
                was_admin=user.is_admin,
                created_on=user.created_on,
                **_changeable(user),
            )
        )

    def change(
        self, user_id: str, change: Callable[[User], User], ends_sessions: Callable[[User, User], bool]
    ) -> Steps[User]:
        """Replace a user by the result of ``change``; if ``ends_sessions`` says so of both, the user is
        signed out everywhere. Raises NoSuchUser, NameTaken."""
        yield from alone(self._dialect, self._namespace)
        before = yield from self.existing(user_id)
        after = change(before)
        yield from self._check_email(after)
        users = self._tables.users
        update = sa.update(users).values(**_changeable(after)).where(users.c.id == before.id)
        yield from self._do(update.values(was_admin=True) if after.is_admin else update)
        if ends_sessions(before, after):
            yield from self.end_access(before.id)
        return after

    def _check_email(self, user: User) -> Steps[None]:
        users = self._tables.users.c
        same = sa.and_(users.email_key == email_key(user.email), users.id != user.id)
        if (yield from self._do(sa.select(users.id).where(same))):
            raise NameTaken(f"E-mail address {preview(user.email)} is already used.", pointer="/email")

    def set_password(self, user_id: str, password_hash: str) -> Steps[None]:
        """Set a password, and sign the user out everywhere."""
        users = self._tables.users
        yield from self._do(sa.update(users).values(password_hash=password_hash).where(users.c.id == user_id))
        yield from self.end_access(user_id)

    def replace_hash(self, user_id: str, before: str, after: str) -> Steps[None]:
        """Store another hash of the same password."""
        users = self._tables.users
        same = sa.and_(users.c.id == user_id, users.c.password_hash == before)
        yield from self._do(sa.update(users).values(password_hash=after).where(same))

    def has_identity(self, user_id: str) -> Steps[bool]:
        users = self._tables.users.c
        rows = yield from self._do(sa.select(users.identity).where(users.id == user_id))
        return bool(rows) and rows[0][0] is not None

    def set_identity(self, user_id: str, identity: str) -> Steps[None]:
        users = self._tables.users
        yield from self._do(sa.update(users).values(identity=identity).where(users.c.id == user_id))

    def end_access(self, user_id: str) -> Steps[None]:
        """End all sessions of a user, and delete the user's one-time links."""
        for table in (self._tables.sessions, self._tables.links):
            yield from self._do(sa.delete(table).where(table.c.user_id == user_id))

    def delete(self, user_id: str) -> Steps[None]:
        """Delete a user; the name remains, for the rows that the user wrote. Raises NoSuchUser."""
        yield from alone(self._dialect, self._namespace)
        user = yield from self.existing(user_id)
        users, former = self._tables.users, self._tables.former_users
        was = yield from self._do(sa.select(users.c.was_admin).where(users.c.id == user.id))
        yield from self._do(sa.insert(former).values(id=user.id, name=user.name, was_admin=bool(was[0][0])))
        yield from self.end_access(user.id)
        yield from self._do(sa.delete(users).where(users.c.id == user.id))

    # workspaces

    def record_workspace(self, user_id: str, workspace: Workspace) -> Steps[None]:
        """Record that a user has rights in a workspace. Raises NoSuchUser for a user that was deleted."""
        yield from alone(self._dialect, self._namespace)
        yield from self.existing(user_id)
        table = self._tables.user_workspaces
        same = sa.and_(table.c.user_id == user_id, table.c.workspace_id == workspace.id)
        if not (yield from self._do(sa.select(table.c.user_id).where(same))):
            yield from self._do(sa.insert(table).values(user_id=user_id, workspace_id=workspace.id))

    def writers(self, workspace: Workspace, after: str, limit: int) -> Steps[list[Row]]:
        """Id and name of the users that can have written rows of a workspace, by id, including deleted
        ones."""
        users, former, seen = self._tables.users, self._tables.former_users, self._tables.user_workspaces
        every = sa.union_all(
            sa.select(users.c.id, users.c.name, users.c.was_admin),
            sa.select(former.c.id, former.c.name, former.c.was_admin),
        ).subquery()
        in_workspace = sa.exists().where(seen.c.user_id == every.c.id, seen.c.workspace_id == workspace.id)
        rows = yield from self._do(
            sa.select(every.c.id, every.c.name)
            .where(every.c.id > after, sa.or_(every.c.was_admin, in_workspace))
            .order_by(every.c.id)
            .limit(limit)
        )
        return list(rows)


def _changeable(user: User) -> dict[str, Any]:
    return {
        "email": user.email,
        "email_key": email_key(user.email),
        "name": user.name,
        "is_admin": user.is_admin,
        "is_disabled": user.is_disabled,
    }
