"""Hostile tokens: all are refused, and none costs more than a look at its header or one key."""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from rowkeep.errors.catalogue import Unauthenticated
from rowkeep.services import tokens
from rowkeep.services.tokens import (
    Claims,
    check_audience,
    check_single_use,
    decrypted_token,
    encrypt_token,
    unverified_client_id,
)
from support.tokens import base64url, encrypt, segment, sign

CLIENT = "cs-9b510c8b-41ad-42b4-8d6a-849ecf150429"
KEY = base64url(secrets.token_bytes(32))
INNER = sign({"appId": CLIENT}, "x" * 43)
HEADER: dict[str, Any] = {"alg": "dir", "enc": "A256GCM", "kid": CLIENT}


def test_what_rowkeep_encrypts_is_what_clients_encrypt() -> None:
    for token in (encrypt_token(INNER, CLIENT, KEY), encrypt(INNER, KEY, HEADER)):
        assert unverified_client_id(token) == CLIENT
        assert decrypted_token(token, KEY) == INNER


def nested(depth: int) -> Any:
    return "x" if depth == 0 else {"a": nested(depth - 1)}


BAD_HEADERS: dict[str, Any] = {
    "zip": HEADER | {"zip": "DEF"},
    "zip null": HEADER | {"zip": None},
    "no kid": {"alg": "dir", "enc": "A256GCM"},
    "kid number": HEADER | {"kid": 1},
    "kid array": HEADER | {"kid": [CLIENT]},
    "kid other form": HEADER | {"kid": CLIENT.upper()},
    "crit": HEADER | {"crit": ["exp"]},
    "b64": HEADER | {"b64": False},
    "cty": HEADER | {"cty": "json"},
    "cty number": HEADER | {"cty": 7},
    "password": HEADER | {"alg": "PBES2-HS512+A256KW", "p2s": "c2FsdA", "p2c": 2_000_000_000},
    "rsa": HEADER | {"alg": "RSA-OAEP-256"},
    "rsa1_5": HEADER | {"alg": "RSA1_5"},
    "ecdh": HEADER | {"alg": "ECDH-ES", "epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
    "other wrapping": HEADER | {"alg": "A128KW"},
    "signature as encryption": HEADER | {"alg": "HS256"},
    "none": HEADER | {"alg": "none"},
    "other content encryption": HEADER | {"enc": "A128CBC-HS256"},
    "shorter key": HEADER | {"enc": "A128GCM"},
    "nested": HEADER | {"x": nested(40)},
    "not an object": ["dir"],
    "text": "dir",
}


@pytest.mark.parametrize("header", BAD_HEADERS.values(), ids=BAD_HEADERS)
def test_bad_headers_are_refused_without_a_key(header: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(tokens, "jwe")
    with pytest.raises(Unauthenticated):
        unverified_client_id(encrypt(INNER, KEY, header))


@pytest.mark.parametrize(
    "token",
    [
        "....",
        "a.b.c.d.e",
        encrypt(INNER, KEY, HEADER) + ".",
        encrypt(INNER, KEY, HEADER) + "=",
        segment(HEADER) + ".é.b.c.d",
        segment(b"\xff\xfe") + ".a.b.c.d",
        segment(b'{"alg":"dir","alg":"dir","enc":"A256GCM","kid":"' + CLIENT.encode() + b'"}') + "." * 4,
        encrypt("x" * 20_000, KEY, HEADER),
    ],
    ids=range(8),
)
def test_malformed_ones(token: str) -> None:
    with pytest.raises(Unauthenticated):
        unverified_client_id(token)


INSIDE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "claims": lambda: json.dumps({"appId": CLIENT}).encode(),
    "another encrypted token": lambda: encrypt(INNER, KEY, HEADER).encode(),
    "compressed": lambda: zlib.compress(INNER.encode()),
    "a bomb": lambda: zlib.compress(b"a" * 10_000_000)[:5_000],
    "another app's": lambda: sign({"appId": CLIENT.replace("9", "8")}, "x" * 43).encode(),
    "not ascii": lambda: INNER.encode() + "é".encode(),
}


@pytest.mark.parametrize("inside", INSIDE.values(), ids=INSIDE)
def test_only_a_signed_token_may_be_inside(inside: Callable[[], bytes]) -> None:
    token = encrypt("", KEY, HEADER, plaintext=inside())
    with pytest.raises(Unauthenticated):
        decrypted_token(token, KEY)


def test_a_wrong_key_and_each_changed_part() -> None:
    for wrapped in (False, True):
        header = HEADER | ({"alg": "A256KW"} if wrapped else {})
        token = encrypt(INNER, KEY, header, wrapped=wrapped)
        assert decrypted_token(token, KEY) == INNER
        with pytest.raises(Unauthenticated):
            decrypted_token(token, base64url(secrets.token_bytes(32)))
        parts = token.split(".")
        for at in range(5):
            for changed in ("", "A" + parts[at], parts[at][:-4], parts[at] + "AAAA"):
                if changed == parts[at]:
                    continue
                with pytest.raises(Unauthenticated):
                    decrypted_token(".".join((*parts[:at], changed, *parts[at + 1 :])), KEY)


NOW = 1_795_000_000.5


@pytest.mark.parametrize("jti", ["a", "é" * 1000, " "])
def test_single_use(jti: str) -> None:
    check_single_use(Claims(CLIENT, exp=NOW + 3600, jti=jti), NOW, 3600)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 1},
        {"jti": "a"},
        {"jti": "", "exp": NOW + 1},
        {"jti": 1, "exp": NOW + 1},
        {"jti": None, "exp": NOW + 1},
        {"jti": ["a"], "exp": NOW + 1},
        {"jti": "a", "exp": NOW + 3601},
        {"jti": "a", "exp": 1e308},
    ],
    ids=str,
)
def test_no_single_use(claims: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated):
        check_single_use(Claims(CLIENT, **claims), NOW, 3600)


@pytest.mark.parametrize("aud", ["rows", ["rows"], ["a", "rows"], [None, "rows"]], ids=str)
def test_audience(aud: Any) -> None:
    check_audience(Claims(CLIENT, aud=aud), "rows")


@pytest.mark.parametrize("aud", [None, "", "row", "ROWS", [], [["rows"]], {"rows": 1}, 5], ids=str)
def test_other_audience(aud: Any) -> None:
    with pytest.raises(Unauthenticated):
        check_audience(Claims(CLIENT, aud=aud), "rows")
    with pytest.raises(Unauthenticated):
        check_audience(Claims(CLIENT), "rows")
