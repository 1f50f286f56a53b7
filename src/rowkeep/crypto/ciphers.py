"""Ciphers: derived keys and encryption.

The master key encrypts the data keys of workspaces. All other secrets of a workspace are encrypted with keys
derived from its data key (HKDF, RFC 5869), so that replacing the master key changes only the data keys.
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
    """A key as base64url without padding, the form in settings and key files."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode("ascii")


def decode_key(text: str, source: str) -> bytes:
    """Decode a key of 32 bytes. Raises SetupError with the name of its ``source``."""
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SetupError(f"{source} must be base64url of {KEY_BYTES} bytes.")
    return key


class WrongKey(Exception):
    """A value was encrypted with an unknown key."""


class Sealer:
    """Encrypts and decrypts small secrets with AES-256-GCM and one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._cipher = AESGCM(key)

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        """Encrypt ``secret``; it can only be decrypted with the same ``bound_to``."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, bound_to.encode())

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Decrypt a secret. Raises WrongKey if its key or ``bound_to`` was another."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())
        except InvalidTag:
            raise WrongKey() from None

    def derive(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """A key of ``length`` bytes for one purpose (HKDF-SHA256, RFC 5869)."""
        return HKDF(SHA256(), length, salt=None, info=f"rowkeep:{purpose}".encode()).derive(self._key)

    def fingerprint(self) -> str:
        """Identifies this key without revealing it."""
        return self.derive("fingerprint").hex()[:16]


class ColumnCipher:
    """Encrypts the cells of one column with AES-SIV (RFC 5297): authenticated, and deterministic, so that
    equal cells stay equal. Bound to ids that never change: in another column the same bytes cannot be
    decrypted.

    While a data key is replaced, some cells are still encrypted with the old one: ``keys`` has the current
    key first.
    """

    def __init__(self, keys: Sequence[bytes], bound_to: str) -> None:
        self._ciphers = [AESSIV(key) for key in keys]
        self._bound_to = [bound_to.encode()]

    def seal(self, text: bytes) -> bytes:
        """Encrypt ``text`` with the current key; the result is 16 bytes longer."""
        return self._ciphers[0].encrypt(text, self._bound_to)

    def seal_each(self, text: bytes) -> tuple[bytes, ...]:
        """Encrypt ``text`` with each key: all possible stored values of its cell."""
        return tuple(cipher.encrypt(text, self._bound_to) for cipher in self._ciphers)

    def open(self, sealed: bytes) -> bytes:
        """Decrypt a cell. Raises CorruptedCell if it was encrypted for another column, or modified."""
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
        """The cipher of one column, with its own key derived from each of these data keys."""
        column = f"column:{table_id}:{column_id}"
        keys = [self._sealers[number].derive(column, 2 * KEY_BYTES) for number in numbers]
        return ColumnCipher(keys, column)

    def derive_each(self, purpose: str) -> list[bytes]:
        """A key for one purpose from each data key, the newest first."""
        return [sealer.derive(purpose) for sealer in self._sealers.values()]


class SecretSealer:
    """Encrypts secrets of one purpose with the newest data key, and decrypts them with any."""

    def __init__(self, data: DataKeys, purpose: str = "app-secrets") -> None:
        self._sealers = [Sealer(key) for key in data.derive_each(purpose)]
        self.number = data.newest
        """The number of the data key that secrets are encrypted with."""

    def seal(self, secret: bytes, bound_to: str) -> bytes:
        return self._sealers[0].seal(secret, bound_to)

    def open(self, sealed: bytes, bound_to: str) -> bytes:
        """Raises WrongKey."""
        return open_sealed(self._sealers, sealed, bound_to)[1]


def open_sealed(sealers: Iterable[Sealer], sealed: bytes, bound_to: str) -> tuple[Sealer, bytes]:
    """Decrypt a secret with one of several keys; returns the key, too. Raises WrongKey if none is right."""
    for sealer in sealers:
        with suppress(WrongKey):
            return sealer, sealer.open(sealed, bound_to)
    raise WrongKey()


def new_data_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def hash_token(token: str) -> str:
    """The stored hash of an admin token, which has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
