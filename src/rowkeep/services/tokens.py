"""Tokens: the JWTs of apps (contract, sections 2 and 10), created and checked."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from joserfc import jwe, jws
from joserfc.errors import BadSignatureError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import KeyFlexible, OctKey, RSAKey
from msgspec import UNSET, UnsetType

from rowkeep.codec.json_bodies import decode_body
from rowkeep.errors.catalogue import InvalidBody, RowkeepError, Unauthenticated
from rowkeep.metrics import TOKEN_MISSES
from rowkeep.model.access import MIN_RSA_BITS, Algorithm
from rowkeep.model.ids import CLIENT_ID, Clock

MAX_TOKEN_LENGTH = 8192
CACHED_TOKENS = 4096
MAX_DEPTH = 16
"""The maximum depth of a token's header and claims."""

JOSE_ERRORS = (JoseError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""The errors of the JOSE library for tokens: its own, and Python's where it does not check a type."""


class Claims(msgspec.Struct, frozen=True, rename="camel"):
    """The claims that are checked; others are ignored. Times are in seconds. ``jti`` and ``aud`` can have any
    type if the app does not require them."""

    app_id: str
    exp: int | float | UnsetType = UNSET
    nbf: int | float | UnsetType = UNSET
    iat: int | float | UnsetType = UNSET
    jti: Any = UNSET
    aud: Any = UNSET


class Header(msgspec.Struct, frozen=True):
    """The allowed header of a token. It is checked before the app is looked up, so that the response never
    shows whether a client id exists."""

    alg: str
    typ: str | UnsetType = UNSET
    cty: str | UnsetType = UNSET
    kid: str | UnsetType = UNSET
    crit: Any = UNSET
    b64: Any = UNSET


class EncryptedHeader(msgspec.Struct, frozen=True):
    """The allowed header of an encrypted token (JWE); ``kid`` is the client id."""

    alg: str
    enc: str
    kid: str
    typ: str | UnsetType = UNSET
    cty: str | UnsetType = UNSET
    zip: Any = UNSET
    crit: Any = UNSET
    b64: Any = UNSET


ALGORITHMS = {algorithm.value for algorithm in Algorithm}
KEY_ALGORITHMS = {"dir", "A256KW"}
ENCRYPTION = "A256GCM"
"""How tokens can be encrypted (RFC 7518, sections 4.4, 4.5 and 5.3)."""

_claims_decoder = msgspec.json.Decoder(Claims)
_header_decoder = msgspec.json.Decoder(Header)
_encrypted_header_decoder = msgspec.json.Decoder(EncryptedHeader)


@lru_cache(CACHED_TOKENS)
def unverified_client_id(token: str) -> str:
    """The client id in a token, to find its key. Raises Unauthenticated."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise Unauthenticated("token too long")
    parts = token.split(".")
    if len(parts) == 5:
        client_id = _client_id_of_encrypted(parts)
    elif len(parts) == 3:
        header, payload, _ = (_decode_segment(part) for part in parts)
        _check_header(header)
        client_id = _decode_claims(payload).app_id
    else:
        raise Unauthenticated()
    if not CLIENT_ID.fullmatch(client_id):
        raise Unauthenticated("malformed client id")
    return client_id


def _client_id_of_encrypted(parts: list[str]) -> str:
    text, *_ = (_decode_segment(part) for part in parts)
    header: EncryptedHeader = _decoded(text, _encrypted_header_decoder)
    if header.alg not in KEY_ALGORITHMS or header.enc != ENCRYPTION:
        raise Unauthenticated("wrong encryption")
    if header.zip is not UNSET:
        raise Unauthenticated("compressed token")
    if header.crit is not UNSET or header.b64 is not UNSET:
        raise Unauthenticated()
    if isinstance(header.cty, str) and header.cty.upper() != "JWT":
        raise Unauthenticated("not a nested token")
    return header.kid


def _decode_segment(segment: str) -> bytes:
    """Decode canonical base64url: unused bits must be zero, so that no byte can be changed."""
    try:
        decoded = base64.b64decode(segment + "=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Unauthenticated() from None
    if base64.urlsafe_b64encode(decoded).decode("ascii").rstrip("=") != segment:
        raise Unauthenticated()
    return decoded


def _check_header(text: bytes) -> None:
    header: Header = _decoded(text, _header_decoder)
    if header.alg not in ALGORITHMS:
        raise Unauthenticated("wrong algorithm")
    if header.crit is not UNSET or header.b64 is not UNSET:
        # extensions that a token requires, of which none are supported (RFC 7515, section 4.1.11)
        raise Unauthenticated()


def _decode_claims(payload: bytes) -> Claims:
    claims: Claims = _decoded(payload, _claims_decoder)
    return claims


def _decoded(text: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    try:
        return decode_body(text, decoder, MAX_DEPTH)
    except RowkeepError:
        raise Unauthenticated() from None


@lru_cache(CACHED_TOKENS)
def decrypted_token(token: str, jwe_key: str) -> str:
    """The signed token inside an encrypted one. Its signature is not checked here. Raises Unauthenticated."""
    client_id = unverified_client_id(token)
    try:
        found = jwe.decrypt_compact(token, _jwe_key(jwe_key), algorithms=[*KEY_ALGORITHMS, ENCRYPTION])
        inner = (found.plaintext or b"").decode("ascii")
    except JOSE_ERRORS:
        raise Unauthenticated("not encrypted with the app's key") from None
    if inner.count(".") != 2:
        raise Unauthenticated("not a nested token")
    if unverified_client_id(inner) != client_id:
        raise Unauthenticated("kid and appId differ")
    return inner


@lru_cache(CACHED_TOKENS)
def _jwe_key(key: str) -> OctKey:
    return OctKey.import_key(_decode_segment(key))


@lru_cache(CACHED_TOKENS)
def verified_claims(token: str, key: str, algorithm: Algorithm) -> Claims:
    """The claims of a token after its signature is checked with this key and algorithm.

    Pure, so that results can be cached by token, key and algorithm. Times are not checked here. Raises
    Unauthenticated.
    """
    TOKEN_MISSES.add()
    try:
        verified = jws.deserialize_compact(token, _key(key, algorithm), algorithms=[algorithm.value])
    except BadSignatureError:
        raise Unauthenticated("wrong signature") from None
    except UnsupportedAlgorithmError:
        raise Unauthenticated("wrong algorithm") from None
    except JOSE_ERRORS:
        raise Unauthenticated("malformed token") from None
    return _decode_claims(verified.payload)


@lru_cache(CACHED_TOKENS)
def _key(key: str, algorithm: Algorithm) -> KeyFlexible:
    return OctKey.import_key(key) if algorithm.secret_bytes else RSAKey.import_key(key)


def check_times(claims: Claims, clock: Clock, leeway_seconds: int) -> None:
    """Check exp, nbf and iat (RFC 7519, section 4.1) against the clock. Raises Unauthenticated."""
    if claims.exp is UNSET and claims.nbf is UNSET and claims.iat is UNSET:
        return
    now = clock().timestamp()
    if claims.exp is not UNSET and now >= claims.exp + leeway_seconds:
        raise Unauthenticated("expired")
    for start in (claims.nbf, claims.iat):
        if start is not UNSET and now < start - leeway_seconds:
            raise Unauthenticated("not valid yet")


def check_audience(claims: Claims, audience: str) -> None:
    """Check aud (RFC 7519, section 4.1.3). Raises Unauthenticated."""
    named = claims.aud if isinstance(claims.aud, list) else [claims.aud]
    if audience not in named:
        raise Unauthenticated("wrong audience")


def check_single_use(claims: Claims, now: float, max_seconds: int) -> None:
    """Check that a token can be used once: it has a ``jti``, and ends at most ``max_seconds`` from now.
    Raises Unauthenticated."""
    if not isinstance(claims.jti, str) or not claims.jti:
        raise Unauthenticated("no jti")
    if claims.exp is UNSET:
        raise Unauthenticated("no exp")
    if claims.exp > now + max_seconds:
        raise Unauthenticated("exp too far ahead")


def encrypt_token(token: str, client_id: str, jwe_key: str) -> str:
    """Encrypt a signed token in the way an app does."""
    header = {"alg": "dir", "enc": ENCRYPTION, "kid": client_id, "cty": "JWT"}
    return jwe.encrypt_compact(header, token, _jwe_key(jwe_key), algorithms=["dir", ENCRYPTION])


def sign_token(client_id: str, secret: str, algorithm: Algorithm, **claims: Any) -> str:
    """Create a token in the way an app does."""
    payload = msgspec.json.encode({"sub": "1234567890", "appId": client_id, **claims})
    header = {"alg": algorithm.value, "typ": "JWT"}
    return jws.serialize_compact(header, payload, _key(secret, algorithm), algorithms=[algorithm.value])


def check_public_key(pem: str | None) -> str:
    """A public RSA key in PEM, of at least 2,048 bits. Raises InvalidBody."""
    refusal = f"publicKey must be a public RSA key in PEM format with at least {MIN_RSA_BITS} bits."
    try:
        key = RSAKey.import_key(pem or "")
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm):
        raise InvalidBody(refusal, pointer="/publicKey") from None
    if key.is_private or key.raw_value.key_size < MIN_RSA_BITS:
        raise InvalidBody(refusal, pointer="/publicKey")
    return key.as_pem(private=False).decode()
