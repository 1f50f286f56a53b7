"""Access: apps, what they may do, and who is asking."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

MIN_RSA_BITS = 2048

MIN_SECRET_LENGTH, MAX_SECRET_LENGTH = 32, 512
"""Of a secret that an app brings along."""

SECRET = re.compile(r"[ -~]+")
"""Printable ASCII."""


class Algorithm(StrEnum):
    """The algorithm with which an app signs its tokens (RFC 7518, section 3.1).

    ``secret_bytes`` is 0 for algorithms without a secret.
    """

    HS256 = "HS256"
    HS512 = "HS512"
    RS256 = "RS256"
    RS512 = "RS512"

    @property
    def secret_bytes(self) -> int:
        return {"HS256": 32, "HS512": 64}.get(self, 0)

    @property
    def min_secret_length(self) -> int:
        """The fewest characters of a secret: no fewer than the bytes of the hash (RFC 7518, section 3.2)."""
        return max(MIN_SECRET_LENGTH, self.secret_bytes)


class Right(StrEnum):
    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class Grant(msgspec.Struct, frozen=True):
    """The rights of one app to one table or view."""

    read: bool = False
    write: bool = False
    delete: bool = False

    def allows(self, right: Right) -> bool:
        return bool(getattr(self, right))

    @property
    def is_empty(self) -> bool:
        return not (self.read or self.write or self.delete)


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A program with credentials of its own: a ``secret``, which is sealed, or a ``public_key``."""

    client_id: str
    name: str
    algorithm: Algorithm
    secret: bytes | None = None
    public_key: str | None = None
    enabled: bool = True
    created_on: str


class GrantOf(msgspec.Struct, frozen=True):
    """A grant, with whom it is given to and on what: the ``name`` of a table, or of a view."""

    client_id: str
    app: str
    name: str
    grant: Grant
    is_on_view: bool = False


class Workspace(msgspec.Struct, frozen=True):
    """An isolation unit: one database. ``physical`` names its file or schema.

    ``is_made`` says that its database was made: one that is missing from then on is a fault, not new.
    """

    id: int
    name: str
    created_on: str
    is_made: bool = False

    @property
    def physical(self) -> str:
        return f"w{self.id}_{self.name.lower()}"[:60]


class AdminToken(msgspec.Struct, frozen=True):
    """An administrator's token; only its hash is stored."""

    id: str
    name: str
    created_on: str


OPERATOR = AdminToken("at-000000000000000000000000", "rowkeep command", "1970-01-01T00:00:00.000Z")
"""Who commands act as that work on the store itself, with no token."""
