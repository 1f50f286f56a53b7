"""Encrypted streams: data of any length in AES-256-GCM, in chunks as in the STREAM construction.

The nonce of a chunk is its number and whether it is the last one, so chunks cannot be exchanged, left out or
cut off. A key must be used for one stream only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from rowkeep.crypto.ciphers import KEY_BYTES, NONCE_BYTES, WrongKey

CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
SALT_BYTES = 16
SCRYPT_COST = 2**16
"""64 MiB of memory for each attempt to guess a passphrase."""


class Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


def key_of_passphrase(passphrase: bytes, salt: bytes) -> bytes:
    """The key of a passphrase (scrypt, RFC 7914)."""
    return Scrypt(salt, KEY_BYTES, n=SCRYPT_COST, r=8, p=1).derive(passphrase)


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([is_last])


class StreamSealer:
    """Encrypts one stream."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._waiting = bytearray()
        self._number = 0

    def add(self, data: bytes) -> bytes:
        """Take more of the stream; returns what is encrypted of it by now."""
        self._waiting += data
        sealed = bytearray()
        # the last chunk is not known before the end
        while len(self._waiting) > CHUNK_BYTES:
            sealed += self._seal(bytes(self._waiting[:CHUNK_BYTES]), is_last=False)
            del self._waiting[:CHUNK_BYTES]
        return bytes(sealed)

    def end(self) -> bytes:
        """The last chunk."""
        return self._seal(bytes(self._waiting), is_last=True)

    def _seal(self, chunk: bytes, *, is_last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, is_last=is_last), chunk, None)
        self._number += 1
        return sealed


def opened_chunks(reader: Reader, key: bytes) -> Iterator[bytes]:
    """The decrypted chunks of a stream. Raises WrongKey if the key is another, or the stream was changed or
    cut."""
    cipher = AESGCM(key)
    size = CHUNK_BYTES + TAG_BYTES
    number = 0
    chunk = _read_fully(reader, size)
    while True:
        following = _read_fully(reader, size) if len(chunk) == size else b""
        try:
            yield cipher.decrypt(_nonce(number, is_last=not following), chunk, None)
        except InvalidTag:
            raise WrongKey() from None
        if not following:
            return
        chunk, number = following, number + 1


def _read_fully(reader: Reader, size: int) -> bytes:
    found = bytearray()
    while len(found) < size and (more := reader.read(size - len(found))):
        found += more
    return bytes(found)
