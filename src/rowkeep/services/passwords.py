"""Passwords: hashed with argon2id in a few threads, so that neither the event loop nor the memory suffers."""

from __future__ import annotations

import asyncio
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from rowkeep.errors.catalogue import Busy, InvalidValue
from rowkeep.model.users import MAX_PASSWORD_BYTES, MIN_PASSWORD_LENGTH

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")

THREADS = 2
MAX_WAITING = 64
"""How many passwords can wait to be hashed; more are refused with 503."""

MEMORY_KIB, ITERATIONS, LANES = 19 * 1024, 2, 1
"""The parameters of argon2id (RFC 9106) that OWASP recommends."""


def check_new_password(password: str) -> None:
    """Raises InvalidValue."""
    length = len(password)
    if length < MIN_PASSWORD_LENGTH or not fits(password):
        raise InvalidValue(
            f"A password must have at least {MIN_PASSWORD_LENGTH} characters and at most "
            f"{MAX_PASSWORD_BYTES} bytes in UTF-8; got {length} characters.",
            pointer="/password",
        )


def fits(password: str) -> bool:
    """Whether a password is short enough to be hashed."""
    return len(password) <= MAX_PASSWORD_BYTES and len(password.encode()) <= MAX_PASSWORD_BYTES


def normal(password: str) -> str:
    """The form that is hashed: keyboards compose the same characters in different ways (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


class Passwords:
    """Hashes passwords and verifies them."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="rowkeep-passwords")
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Raises Busy."""
        return await self._run(partial(_hash, normal(password)))

    async def verify(self, password: str, known: str | None) -> tuple[bool, str | None]:
        """Whether the password is the one with the hash ``known``, and a new hash if that one is outdated.
        Without ``known``, the same work is done for nothing: the time does not show whether a user exists.
        Raises Busy."""
        return await self._run(partial(_verify, normal(password), known))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= MAX_WAITING:
            raise Busy("Too many people are signing in. Try again.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


@cache
def _hasher() -> PasswordHasher:
    # loaded when it is needed: most servers hash no password for days
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=ITERATIONS, memory_cost=MEMORY_KIB, parallelism=LANES)


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_hex())


def _hash(password: str) -> str:
    return _hasher().hash(password)


def _verify(password: str, known: str | None) -> tuple[bool, str | None]:
    from argon2.exceptions import InvalidHashError, VerificationError

    hasher, hash_of_nobody = _hasher(), _hash_of_nobody()
    try:
        hasher.verify(known or hash_of_nobody, password)
    except (VerificationError, InvalidHashError):
        return False, None
    if known is None:
        return False, None
    return True, hasher.hash(password) if hasher.check_needs_rehash(known) else None
