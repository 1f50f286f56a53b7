"""Keys: what is derived from one, and sealed under it.

The master key wraps the data key of each workspace; all else that a workspace keeps secret is sealed under
keys derived from its data key (HKDF, RFC 5869), so that a new master key has little to re-wrap.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from rowkeep.errors.catalogue import CorruptedCell, SetupError

KEY_BYTES = 32
NONCE_BYTES = 12


def encode_key(key: bytes) -> str:
    """A key as base64url without padding, the form that settings and key files hold."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode("ascii")


def decode_key(text: str, source: str) -> bytes:
    """The 32 bytes that ``text`` spells; SetupError, naming ``source``, if it does not."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(f"{source} must be base64url of {KEY_BYTES} bytes.")
    return key


class WrongKey(Exception):
    """Something was sealed under another key than those at hand."""


class Sealer:
    """Seals and opens small secrets with AES-256-GCM under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        """``secret`` encrypted; it can be opened only with the same ``bound_to``."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """What was sealed. Raises WrongKey if it was sealed under another key or for something else."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            raise WrongKey() from None

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key of ``length`` bytes for one purpose (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), length, salt=None, info=f"rowkeep:{purpose}".encode()).derive(self._key)

    def fingerprint(self) -> str:
        """Tells this key from others without giving anything of it away."""
        return self.derive("fingerprint").hex()[:16]


class ColumnCipher:
    """Encrypts the cells of one column with AES-SIV (RFC 5297): authenticated, and deterministic, so that
    equal cells stay equal. Bound to ids that never change: in another column the same bytes do not open.

    While a data key is replaced, cells may still be sealed under the old one: ``keys`` has the present key
    first.
    """

    def __init__(self, keys: Sequence[bytes], bound_to: str) -> None:
        self._ciphers = [AESSIV(key) for key in keys]
        self._bound_to = [bound_to.encode()]

    def seal(self, text: bytes) -> bytes:
        """``text`` encrypted under the present key; 16 bytes longer."""
        return self._ciphers[0].encrypt(text, self._bound_to)

    def seal_each(self, text: bytes) -> tuple[bytes, ...]:
        """``text`` encrypted under each key: all that its cell may be stored as."""
        return tuple(cipher.encrypt(text, self._bound_to) for cipher in self._ciphers)

    def open(self, sealed: bytes) -> bytes:
        """What was sealed. Raises CorruptedCell if it was not sealed for this column, or changed since."""
        for cipher in self._ciphers:
            with suppress(InvalidTag):
                return cipher.decrypt(sealed, self._bound_to)
        raise CorruptedCell()


class DataKeys:
    """The data keys of one workspace, by number: one, or two while the old one is replaced."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._sealers = {number: Sealer(keys[number]) for number in sorted(keys, reverse=True)}

    @property
    def newest(self) -> int:
        return next(iter(self._sealers))

    def knows(self, numbers: Iterable[int]) -> bool:
        return self._sealers.keys() >= set(numbers)

    def cipher(self, table_id: str, column_id: str, numbers: Sequence[int]) -> ColumnCipher:
        """What encrypts the cells of one column, under a key of its own from each of these data keys."""
        column = f"column:{table_id}:{column_id}"
        keys = [self._sealers[number].derive(column, 2 * KEY_BYTES) for number in numbers]
        return ColumnCipher(keys, column)

    def derive_each(self, purpose: str) -> list[bytes]:
        """A key for one purpose from each data key, the newest first."""
        return [sealer.derive(purpose) for sealer in self._sealers.values()]


class SecretSealer:
    """Seals an app's secrets under the newest data key, and opens what was sealed under any."""

    def __init__(self, data: DataKeys) -> None:
        self._sealers = [Sealer(key) for key in data.derive_each("app-secrets")]

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        return self._sealers[0].seal(secret, bound_to)

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises WrongKey."""
        return open_sealed(self._sealers, sealed, bound_to)


def open_sealed(sealers: Iterable[Sealer], sealed: bytes, bound_to: str) -> bytes:
    """What was sealed under one of several keys. Raises WrongKey if it was under none of them."""
    for sealer in sealers:
        with suppress(WrongKey):
            return sealer.open(sealed, bound_to)
    raise WrongKey()


def new_data_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def hash_token(token: str) -> str:
    """What is kept of an admin token. It has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
