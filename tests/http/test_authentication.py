"""Authentication of apps: which tokens hold, and one answer for all that do not."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from answers import good, problem

from rowkeep.settings import Settings
from support import plain
from support.bot import Bot
from support.engines import ON_SQLITE
from support.tokens import base64url, key_pair, segment, sign, signature
from support.workspace import PEOPLE, Workspace

pytestmark = ON_SQLITE

QUERY = "/api/public/tables/people/query"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
NOW = int(time.time())
LEEWAY_SECONDS = Settings().token_leeway_seconds


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app on HS256 that may read the table people."""
    shared.create_table(PEOPLE)
    return shared.bot({"people": "rwd"})


def with_token(bot: Bot, token: str | bytes) -> httpx.Response:
    return bot.request(
        "POST", QUERY, headers=[(b"auth", token.encode() if isinstance(token, str) else token)]
    )


def refused(response: httpx.Response) -> None:
    problem(response, 401, "unauthenticated")
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "RS256", "RS512"])
def test_each_algorithm(bot: Bot, shared: Workspace, algorithm: str) -> None:
    one = shared.bot({"people": "r"}, algorithm=algorithm)
    good(one.query("people"))
    good(one.request("POST", QUERY, headers={"Authorization": f"Bearer {one.token()}"}))
    for other in ("HS256", "HS512", "RS256", "RS512", "HS384", "RS384"):
        key = (
            one.secret
            if other[:2] == algorithm[:2]
            else {"HS": "x" * 64, "RS": key_pair().private}[other[:2]]
        )
        token = sign({"appId": one.client_id}, key, other)
        if other == algorithm:
            good(with_token(one, token))
        else:
            refused(with_token(one, token))


@pytest.mark.parametrize("algorithm", ["RS256", "RS512"])
def test_the_public_key_is_no_secret(bot: Bot, shared: Workspace, algorithm: str) -> None:
    """Whoever has the public key must not be able to sign with it."""
    one = shared.bot({"people": "r"}, algorithm=algorithm)
    public = key_pair().public
    for key in (public, public.strip(), public.rstrip("\n"), ""):
        for name in ("HS256", "HS512"):
            refused(with_token(one, sign({"appId": one.client_id}, key, name)))


def test_a_token_of_another_key(bot: Bot, shared: Workspace) -> None:
    one = shared.bot({"people": "r"}, algorithm="RS256")
    refused(with_token(one, sign({"appId": one.client_id}, key_pair(which=1).private, "RS256")))
    refused(with_token(bot, sign({"appId": one.client_id}, bot.secret)))
    refused(with_token(bot, sign({"appId": bot.client_id}, bot.secret + "x")))
    refused(with_token(bot, sign({"appId": bot.client_id}, "")))


@pytest.mark.parametrize(
    "name", ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "HS", "ES256", None, 256, ["HS256"]]
)
def test_other_algorithms_in_the_header(bot: Bot, name: Any) -> None:
    signed = f"{segment({'alg': name, 'typ': 'JWT'})}.{segment({'appId': bot.client_id})}"
    refused(with_token(bot, f"{signed}."))
    refused(with_token(bot, signed))
    refused(with_token(bot, f"{signed}.{base64url(signature(signed.encode(), bot.secret, 'HS256'))}"))


HEADERS: list[tuple[Any, bool]] = [
    ({"alg": "HS256"}, True),
    ({"alg": "HS256", "typ": "JWT"}, True),
    ({"typ": "JWT", "alg": "HS256", "kid": "any"}, True),
    ({"typ": "JWT"}, False),
    ({}, False),
    ([], False),
    ("HS256", False),
    (None, False),
    (b"not json", False),
    (b"\xff\xfe", False),
    (b"", False),
    ({"alg": "HS256", "crit": ["exp"]}, False),
    ({"alg": "HS256", "crit": ["b64"], "b64": False}, False),
]


@pytest.mark.parametrize(("header", "holds"), HEADERS)
def test_headers(bot: Bot, header: Any, holds: bool) -> None:
    # A header of None stands for the JSON null here, not for the usual one.
    token = sign({"appId": bot.client_id}, bot.secret, header=b"null" if header is None else header)
    response = with_token(bot, token)
    if holds:
        good(response)
    else:
        refused(response)


CLAIMS: list[tuple[Any, bool]] = [
    ({"sub": 5, "more": {"a": [1]}}, True),
    ({"exp": NOW + 3600}, True),
    ({"exp": NOW + 3600.5}, True),
    ({"exp": NOW - 60}, False),
    ({"exp": NOW - 3600}, False),
    ({"exp": 0}, False),
    ({"exp": -1}, False),
    ({"exp": str(NOW + 3600)}, False),
    ({"exp": None}, False),
    ({"exp": True}, False),
    ({"exp": [NOW + 3600]}, False),
    ({"nbf": NOW - 3600}, True),
    ({"nbf": NOW + 3600}, False),
    ({"nbf": NOW + 3600.5}, False),
    ({"nbf": "now"}, False),
    ({"iat": NOW - 3600}, True),
    ({"iat": 0}, True),
    ({"iat": NOW + 3600}, False),
    ({"iat": "then"}, False),
    ({"iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 3600}, True),
    ({"iat": NOW - 70, "nbf": NOW - 70, "exp": NOW - 60}, False),
]


@pytest.mark.parametrize(("claims", "holds"), CLAIMS)
def test_claims(bot: Bot, claims: dict[str, Any], holds: bool) -> None:
    for _ in range(2):  # the second time from the server's memory, if it has one
        response = with_token(bot, bot.token(**claims))
        if holds:
            good(response)
        else:
            refused(response)


def test_a_token_that_held_before_expires(bot: Bot) -> None:
    # the clocks of others may be half a minute off
    token = bot.token(exp=time.time() - LEEWAY_SECONDS + 2)
    statuses = set()
    while 401 not in statuses:
        statuses.add(with_token(bot, token).status_code)
        time.sleep(0.05)
    assert statuses <= {200, 401}


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" * 400, b"1e308", b"NaN", b"9" * 30])
@pytest.mark.parametrize("claim", [b"exp", b"nbf", b"iat"])
def test_numbers_beyond_all_clocks(bot: Bot, claim: bytes, number: bytes) -> None:
    payload = b'{"appId":"%s","%s":%s}' % (bot.client_id.encode(), claim, number)
    response = with_token(bot, sign(payload, bot.secret))
    if response.status_code != 200:
        refused(response)
    assert response.status_code == 401 or claim == b"exp" or number.startswith(b"-")


PAYLOADS: list[Any] = [
    {"sub": "1234567890"},
    {"appId": None},
    {"appId": ""},
    {"appId": 5},
    {"appId": True},
    {"appId": ["{id}"]},
    {"appId": {"{id}": 1}},
    {"appid": "{id}"},
    {"AppId": "{id}"},
    {"appId": " {id}"},
    {"appId": "{ID}"},
    {"appId": "cs-00000000-0000-4000-8000-000000000000"},
    {"appId": "' or 1=1 --"},
    {"appId": "\x00"},
    {"appId": "\ud800"},
    {"appId": "x" * 3000},
    [],
    ["{id}"],
    "{id}",
    5,
    None,
    b"",
    b"{",
    b"\xff",
    b"[" * 4000,
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda payload: repr(payload)[:40])
def test_payloads_without_a_good_app(bot: Bot, payload: Any) -> None:
    def filled(part: Any) -> Any:
        if isinstance(part, dict):
            return {filled(name): filled(value) for name, value in part.items()}
        if isinstance(part, list):
            return [filled(value) for value in part]
        if isinstance(part, str):
            return part.replace("{id}", bot.client_id).replace("{ID}", bot.client_id.upper())
        return part

    refused(with_token(bot, sign(filled(payload), bot.secret)))


def test_every_changed_character(bot: Bot) -> None:
    """Whichever is changed, the token holds no more; even the last, of which two bits carry nothing."""
    token = bot.token()
    good(with_token(bot, token))
    for at, character in enumerate(token):
        if character == ".":
            continue
        changed = ALPHABET[ALPHABET.index(character) ^ 1]
        refused(with_token(bot, token[:at] + changed + token[at + 1 :]))
    good(with_token(bot, token))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512", "RS256", "RS512"])
def test_only_the_canonical_spelling_holds(bot: Bot, shared: Workspace, algorithm: str) -> None:
    one = shared.bot({"people": "r"}, algorithm=algorithm)
    token = one.token()
    good(with_token(one, token))
    for other in range(64):
        changed = token[:-1] + ALPHABET[other]
        if changed != token:
            refused(with_token(one, changed))
    for changed in (
        token + "=",
        token + "==",
        token + "A",
        token[:-1],
        token.replace("-", "+").replace("_", "/") + "=",
    ):
        refused(with_token(one, changed))


SHAPES = [
    "",
    ".",
    "..",
    "...",
    "a.b.c",
    "garbage",
    "{head}.{payload}",
    "{head}.{payload}.",
    "{head}..{signature}",
    ".{payload}.{signature}",
    "{head}.{payload}.{signature}.",
    "{head}.{payload}.{signature}.x",
    "{head}.{payload}.{signature}.x.y",
    "{head}..{payload}..{signature}",
    "{head}. {payload}. {signature}",
    "{head}.\t{payload}.\t{signature}",
    "{head} {payload} {signature}",
    "{payload}.{head}.{signature}",
    "Bearer {head}.{payload}.{signature}x",
    "{head}.{payload}.{signature},{head}.{payload}.{signature}",
    "{head}.{payload}.{signature} {head}.{payload}.{signature}",
    "{head}.{payload}.{signature}\xff",
    "\xc3\xa9{head}.{payload}.{signature}",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_no_token(bot: Bot, shape: str) -> None:
    head, payload, last = bot.token().split(".")
    token = shape.format(head=head, payload=payload, signature=last)
    refused(with_token(bot, token.encode("latin-1")))


@pytest.mark.parametrize("size", [5_000, 20_000, 60_000, 1_000_000])
def test_oversized_tokens(bot: Bot, size: int) -> None:
    """Headers too large for the server's HTTP library may be answered by it."""
    with plain.client(base_url=bot.server_url, timeout=None) as client:
        for token in ("a" * size, bot.token(more="a" * size)):
            try:
                response = client.post(QUERY, headers={"auth": token})
            except httpx.TransportError:
                continue
            assert response.status_code in (200, 400, 401, 431)
    good(bot.query("people"))
