"""Users: people who sign in, their roles in workspaces, and their rights to tables and views."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum

import msgspec

from rowkeep.model.access import AdminToken, Grant
from rowkeep.model.values.case_folding import fold

MAX_PASSWORD_BYTES = 1024
MIN_PASSWORD_LENGTH = 10
MAX_EMAIL_LENGTH = 254

HIDDEN_TABLE = "a table that is not visible to you"
HIDDEN_VIEW = "a view that is not visible to you"
"""How errors call what a user may not see."""


class User(msgspec.Struct, frozen=True):
    """A person who can sign in. An administrator has all rights."""

    id: str
    email: str
    name: str
    is_admin: bool
    is_disabled: bool
    created_on: str


def email_key(email: str) -> str:
    """E-mail addresses are compared without regard to case."""
    return email.strip().casefold()


def is_same_address(one: str, other: str) -> bool:
    """Whether two e-mail addresses are the same but for upper and lower case. Addresses with the same key can
    be different ones: ``ß`` has the key of ``ss``, but is another letter in the name of a domain."""
    one, other = one.strip(), other.strip()
    return one.isascii() == other.isascii() and fold(one) == fold(other)


class Role(StrEnum):
    """What a user may do in a workspace: manage everything, edit rows, or read rows."""

    MANAGER = "manager"
    EDITOR = "editor"
    VIEWER = "viewer"


class SharedRight(StrEnum):
    """What a user may do with one table or view. Each right includes those before it."""

    READ = "read"
    EDIT = "edit"
    MANAGE = "manage"

    @property
    def rank(self) -> int:
        return list(SharedRight).index(self)

    @property
    def grant(self) -> Grant:
        """The same right as a grant on rows."""
        return Grant(True, self is not SharedRight.READ, self is not SharedRight.READ)


_OF_ROLES = {
    Role.MANAGER: SharedRight.MANAGE,
    Role.EDITOR: SharedRight.EDIT,
    Role.VIEWER: SharedRight.READ,
}


class UserRights(msgspec.Struct, frozen=True):
    """The rights of a user in one workspace: a role, shares by the id of a table or view, and what the user
    owns."""

    role: Role | None = None
    shares: Mapping[str, SharedRight] = {}
    owned: frozenset[str] = frozenset()

    @property
    def is_empty(self) -> bool:
        """Whether the workspace is invisible to the user."""
        return self.role is None and not self.shares and not self.owned

    def to(self, thing_id: str) -> SharedRight | None:
        """The right to a table or view; None if it is invisible to the user."""
        found = [] if self.role is None else [_OF_ROLES[self.role]]
        if thing_id in self.owned:
            found.append(SharedRight.MANAGE)
        if thing_id in self.shares:
            found.append(self.shares[thing_id])
        return max(found, key=lambda right: right.rank, default=None)

    def get(self, thing_id: str, default: Grant | None = None) -> Grant | None:
        """The right to a table or view as a grant on its rows."""
        right = self.to(thing_id)
        return default if right is None else right.grant


class Need(Enum):
    """What an endpoint of the management API needs. Admin tokens and administrators have all of it."""

    NOTHING = "nothing"
    """No authentication."""
    SIGN_IN = "sign-in"
    ADMIN = "admin"
    WORKSPACE = "workspace"
    """Any right in the workspace."""
    MEMBER = "member"
    """Any role in the workspace."""
    MANAGER = "manager"
    """The role manager."""
    READ = "read"
    """The right to read the table or view in the path."""
    MANAGE = "manage"
    """The right to manage the table or view in the path."""
    OWN = "own"
    """To own the table or view in the path, or the role manager."""


class Guard(msgspec.Struct, frozen=True):
    """What a request of a user must be allowed to do, checked in each of its transactions.

    ``names`` are those of the table (or, if ``on_view``, the view) that it is about; a name that a thing will
    only get need not exist. ``reads`` are the names of tables that a definition in the request reads.
    """

    user_id: str
    need: Need
    workspace: str
    names: tuple[str, ...] = ()
    on_view: bool = False
    reads: tuple[str, ...] = ()


class Device(msgspec.Struct, frozen=True):
    """From where a request comes: the address, and what the program says about itself (``User-Agent``)."""

    address: str = ""
    agent: str = ""


class Session(msgspec.Struct, frozen=True):
    """A session of a user. Times are in seconds since 1970; ``is_current`` marks that of the request."""

    id: str
    device: Device
    created: int
    last_seen: int
    expires: int
    is_current: bool


class Actor(msgspec.Struct, frozen=True):
    """Who sent a request: an admin token or a signed-in user. ``session`` is the hash of the session's
    token."""

    admin_token: AdminToken | None = None
    user: User | None = None
    session: str | None = None

    @property
    def is_admin(self) -> bool:
        return self.user is None or self.user.is_admin

    @property
    def key(self) -> str:
        """The id from which the id of the writer is derived."""
        if self.user is not None:
            return self.user.id
        assert self.admin_token is not None  # noqa: S101 - it is one of both
        return self.admin_token.id


class ListedThings(StrEnum):
    """Which tables or views a list has: one's own, those that others share with one, or all visible ones."""

    MINE = "mine"
    SHARED = "shared"
    ALL = "all"


class Asker(msgspec.Struct, frozen=True):
    """For whom a list of tables or views is, and which of them it has. To an administrator everything is
    visible; without a user, nothing is one's own."""

    listed: ListedThings = ListedThings.ALL
    user_id: str | None = None
    is_admin: bool = True


EVERYBODY = Asker()
"""Lists all tables and views."""


class Member(msgspec.Struct, frozen=True):
    """A user with a role in a workspace."""

    user: User
    role: Role


class Share(msgspec.Struct, frozen=True):
    """A user with a right to a table or view."""

    user: User
    right: SharedRight


class Shares(msgspec.Struct, frozen=True):
    """The owner of a table or view, if it has one, and the users it is shared with."""

    owner: User | None
    shares: list[Share]


class OneTimeLink(StrEnum):
    """What a one-time link does: make the first administrator, set a password, or sign in."""

    FIRST = "first"
    RESET = "reset"
    SIGN_IN = "sign-in"

    @property
    def path(self) -> str:
        """The page of the console that uses it."""
        return {"first": "/console/welcome", "reset": "/console/reset", "sign-in": "/console/link"}[
            self.value
        ]
