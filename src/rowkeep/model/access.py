"""Access: apps, grants, workspaces and administrators."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

MIN_RSA_BITS = 2048

MIN_SECRET_LENGTH, MAX_SECRET_LENGTH = 32, 512
"""The maximum length of a secret that is sent when an app is created."""

JWE_KEY_BYTES = 32
"""The size of a key for ``A256GCM`` and ``A256KW`` (RFC 7518, sections 4.4 and 5.3)."""

JWE_KEY = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""The same in canonical base64url."""

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
        """The minimum length of a secret: the number of bytes of the hash (RFC 7518, section 3.2)."""
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
    """A program with its own credentials: an encrypted ``secret`` or a ``public_key``.

    ``max_affected`` limits how many rows one request of the app may update and delete; without
    ``allow_all`` it cannot use ``{"all": true}`` there. ``rate_limit`` replaces the setting of that name.
    With ``require_jti``, each token is valid for one request; ``audience`` must be in ``aud`` of its tokens;
    with an encrypted ``jwe_key``, its tokens must be encrypted with that key.
    """

    client_id: str
    name: str
    algorithm: Algorithm
    secret: bytes | None = None
    public_key: str | None = None
    enabled: bool = True
    created_on: str
    max_affected: int | None = None
    allow_all: bool = True
    rate_limit: str | None = None
    require_jti: bool = False
    audience: str | None = None
    jwe_key: bytes | None = None


class GrantOf(msgspec.Struct, frozen=True):
    """A grant with its app and the ``name`` of its table or view."""

    client_id: str
    app: str
    name: str
    grant: Grant
    is_on_view: bool = False


class Workspace(msgspec.Struct, frozen=True):
    """An isolation unit: one database. ``physical`` is the name of its file or PostgreSQL schema.

    ``is_made`` says that its database was created: if it is missing after that, it is an error.
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
"""The administrator that commands act as when they use the store directly, without a token."""
