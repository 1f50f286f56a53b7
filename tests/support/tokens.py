"""Tokens: JWTs signed without the server's JWT library, so that tests do not depend on it."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import os
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def segment(part: Any) -> str:
    """One part of a token: base64url of JSON, or of bytes."""
    return base64url(part if isinstance(part, bytes) else json.dumps(part).encode())


def sign(payload: Any, key: str, algorithm: str = "HS256", header: Any = None) -> str:
    """A JWT. ``key`` is the secret as printed or a private key in PEM; ``header`` replaces the default
    one."""
    header = {"alg": algorithm, "typ": "JWT"} if header is None else header
    signed = f"{segment(header)}.{segment(payload)}"
    return f"{signed}.{base64url(signature(signed.encode(), key, algorithm))}"


def signature(message: bytes, key: str, algorithm: str) -> bytes:
    """The signature of RFC 7518 for HS256, HS384, HS512, RS256, RS512; empty for ``none``."""
    if algorithm == "none":
        return b""
    kind, bits = algorithm[:2], algorithm[2:]
    if kind == "HS":
        return hmac.new(key.encode(), message, getattr(hashlib, f"sha{bits}")).digest()
    return _private_key(key).sign(message, padding.PKCS1v15(), getattr(hashes, f"SHA{bits}")())


@functools.cache
def _private_key(pem: str) -> rsa.RSAPrivateKey:
    """The key in this PEM: to check it takes longer than to sign with it."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def encrypt(
    token: str, key: str, header: Any, *, wrapped: bool = False, plaintext: bytes | None = None
) -> str:
    """A JWE in compact form around a token: A256GCM with the key itself (``dir``), or with a random key that
    is ``wrapped`` in it (A256KW). ``plaintext`` replaces the token."""
    outer = base64.urlsafe_b64decode(key + "=")
    inner = os.urandom(32) if wrapped else outer
    sealed = aes_key_wrap(outer, inner) if wrapped else b""
    nonce, aad = os.urandom(12), segment(header)
    made = AESGCM(inner).encrypt(nonce, token.encode() if plaintext is None else plaintext, aad.encode())
    return ".".join((aad, *map(base64url, (sealed, nonce, made[:-16], made[-16:]))))


class KeyPair(NamedTuple):
    """An RSA key pair in PEM."""

    private: str
    public: str


@functools.cache
def key_pair(bits: int = 2048, which: int = 0) -> KeyPair:
    """An RSA key pair, generated once for each ``bits`` and ``which``."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private_pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public_pem = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return KeyPair(private_pem.decode(), public_pem.decode())
