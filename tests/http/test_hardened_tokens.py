"""Hardened tokens: apps that require jti, an audience or encryption (contract, section 10)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import good, problem

from support.bot import Bot
from support.engines import first_on_each
from support.tokens import encrypt, key_pair, sign
from support.workspace import PEOPLE, Workspace, succeeded


@pytest.fixture
def people_table(workspace: Workspace) -> Workspace:
    workspace.create_table(PEOPLE)
    return workspace


class HardenedApp:
    """An app with some of the requirements, and its tokens."""

    def __init__(self, workspace: Workspace, **required: Any) -> None:
        body = {"name": f"app_{uuid4().hex[:12]}", **required}
        self.made = succeeded(workspace.admin.post(f"{workspace.path}/apps", json=body))
        self.client_id = self.made["clientId"]
        self.path = f"{workspace.path}/apps/{self.client_id}"
        secret = self.made.get("clientSecret") or key_pair().private
        self.bot = Bot(workspace.server.url, self.client_id, secret, self.made["algorithm"])
        workspace.grant(self.client_id, "people", "rwd")

    def once(self, seconds: float = 60, **claims: Any) -> str:
        """A token that is valid once."""
        return self.bot.token(**{"jti": uuid4().hex, "exp": int(time.time() + seconds), **claims})

    def header(self, **others: Any) -> dict[str, Any]:
        return {"alg": "dir", "enc": "A256GCM", "kid": self.client_id, "cty": "JWT", **others}

    def query(self, token: str) -> httpx.Response:
        path = "/api/public/tables/people/query"
        return self.bot.request("POST", path, headers={"auth": token})


def test_a_jti_is_valid_once(people_table: Workspace) -> None:
    app = HardenedApp(people_table, requireJti=True)
    assert app.made["requireJti"] is True
    token = app.once()
    good(app.query(token))
    problem(app.query(token), 401, "unauthenticated")
    again = app.once(jti="the same")
    good(app.query(again))
    # another token with the same jti
    problem(app.query(app.once(jti="the same", iat=int(time.time()))), 401, "unauthenticated")
    # each app has its own
    other = HardenedApp(people_table, requireJti=True)
    good(other.query(other.once(jti="the same")))


def test_a_refused_token_uses_up_no_jti(people_table: Workspace) -> None:
    app = HardenedApp(people_table, requireJti=True, audience="rows")
    jti = uuid4().hex
    claims = {"appId": app.client_id, "jti": jti, "exp": int(time.time()) + 60, "aud": "rows"}
    problem(app.query(sign(claims, "x" * 43)), 401, "unauthenticated")
    problem(app.query(app.once(jti=jti, aud="others")), 401, "unauthenticated")
    problem(app.query(app.once(jti=jti, aud="rows", seconds=-60)), 401, "unauthenticated")
    good(app.query(app.once(jti=jti, aud=["others", "rows"])))


@first_on_each(
    "claims",
    [
        {"jti": ""},
        {"jti": 7},
        {"jti": None},
        {"jti": ["a"]},
        {"exp": None},
        {"exp": time.time() + 86_400},
        {"exp": 1e300},
    ],
    ids=["empty", "number", "null", "array", "no-exp", "exp-in-a-day", "exp-never"],
)
def test_jti_and_exp_are_required(shared_app: HardenedApp, claims: dict[str, Any]) -> None:
    problem(shared_app.query(shared_app.once(**claims)), 401, "unauthenticated")


@pytest.fixture(scope="module")
def shared_app(shared: Workspace) -> HardenedApp:
    shared.create_table(PEOPLE)
    return HardenedApp(shared, requireJti=True)


def test_of_many_requests_with_one_token_one_is_done(people_table: Workspace) -> None:
    app = HardenedApp(people_table, requireJti=True)
    token = app.once()
    with ThreadPoolExecutor(8) as pool:
        found = sorted(response.status_code for response in pool.map(app.query, [token] * 16))
    assert found == [200] + [401] * 15


def test_the_audience_must_be_named(people_table: Workspace) -> None:
    app = HardenedApp(people_table, audience="rows")
    good(app.query(app.bot.token(aud="rows")))
    good(app.query(app.bot.token(aud=["other", "rows"])))
    for refused in ({}, {"aud": "Rows"}, {"aud": []}, {"aud": {"rows": 1}}, {"aud": 1}, {"aud": [["rows"]]}):
        problem(app.query(app.bot.token(**refused)), 401, "unauthenticated")
    succeeded(people_table.admin.patch(app.path, json={"audience": None}))
    good(app.query(app.bot.token(aud={"rows": 1}, jti=3)))


@pytest.mark.parametrize("algorithm", ["HS256", "RS512"])
def test_encrypted_tokens(people_table: Workspace, algorithm: str) -> None:
    key = {"publicKey": key_pair().public} if algorithm == "RS512" else {}
    app = HardenedApp(people_table, requireJwe=True, algorithm=algorithm, **key)
    first = app.made["jweKey"]
    assert app.made["requireJwe"] is True
    assert "jweKey" not in good(people_table.admin.get(app.path))
    token = app.bot.token()
    good(app.query(encrypt(token, first, app.header())))
    good(app.query(encrypt(token, first, app.header(alg="A256KW"), wrapped=True)))
    problem(app.query(token), 401, "unauthenticated")
    rotated = succeeded(people_table.admin.post(f"{app.path}/jwe-key"))
    assert rotated["jweKey"] != first
    assert "clientSecret" not in rotated
    problem(app.query(encrypt(token, first, app.header())), 401, "unauthenticated")
    good(app.query(encrypt(token, rotated["jweKey"], app.header())))
    off = succeeded(people_table.admin.patch(app.path, json={"requireJwe": False}))
    assert (off["requireJwe"], "jweKey" in off) == (False, False)
    good(app.query(token))
    problem(app.query(encrypt(token, rotated["jweKey"], app.header())), 401, "unauthenticated")
    problem(people_table.admin.post(f"{app.path}/jwe-key"), 400, "invalid_body")
    on = succeeded(people_table.admin.patch(app.path, json={"requireJwe": True}))
    assert on["jweKey"] not in (first, rotated["jweKey"])
    assert "jweKey" not in succeeded(people_table.admin.patch(app.path, json={"requireJwe": True}))


def test_only_its_own_signed_token_may_be_inside(people_table: Workspace) -> None:
    app, other = (HardenedApp(people_table, requireJwe=True) for _ in range(2))
    token, key = app.bot.token(), app.made["jweKey"]
    sealed = encrypt(token, key, app.header())
    refused = [
        encrypt(other.bot.token(), key, app.header()),
        encrypt(token, key, other.header()),
        encrypt(token, other.made["jweKey"], app.header()),
        encrypt(sealed, key, app.header()),
        encrypt(sign({"appId": app.client_id}, "x" * 43), key, app.header()),
        encrypt(sign({"appId": app.client_id}, "", "none"), key, app.header()),
        encrypt("", key, app.header(), plaintext=b'{"appId": "' + app.client_id.encode() + b'"}'),
    ]
    for each in refused:
        problem(app.query(each), 401, "unauthenticated")
    # any changed character
    for at in range(0, len(sealed), 7):
        changed = sealed[:at] + ("A" if sealed[at] != "A" else "B") + sealed[at + 1 :]
        problem(app.query(changed), 401, "unauthenticated")


def test_encryption_and_jti_together_survive_a_rotation_of_the_secret(people_table: Workspace) -> None:
    app = HardenedApp(people_table, requireJwe=True, requireJti=True)
    inner = app.once()
    good(app.query(encrypt(inner, app.made["jweKey"], app.header())))
    # the same signed token, encrypted again
    problem(app.query(encrypt(inner, app.made["jweKey"], app.header())), 401, "unauthenticated")
    app.bot.secret = succeeded(people_table.admin.post(f"{app.path}/secret"))["clientSecret"]
    good(app.query(encrypt(app.once(), app.made["jweKey"], app.header())))


@first_on_each(
    ("body", "pointer"),
    [
        ({"audience": "a" * 256}, "/audience"),
        ({"audience": "a\nb"}, "/audience"),
        ({"audience": 5}, "/audience"),
        ({"requireJti": "yes"}, "/requireJti"),
        ({"requireJwe": None}, "/requireJwe"),
        ({"jweKey": "x"}, "/jweKey"),
        ({"rateLimit": "often"}, "/rateLimit"),
        ({"rateLimit": "0/minute"}, "/rateLimit"),
        ({"rateLimit": "1/minute;2/60 seconds"}, "/rateLimit"),
        ({"rateLimit": 600}, "/rateLimit"),
    ],
    ids=str,
)
def test_invalid_requirements(shared: Workspace, body: dict[str, Any], pointer: str) -> None:
    app = shared.app()
    refused = shared.admin.patch(f"{shared.path}/apps/{app['clientId']}", json=body)
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["pointer"] == pointer
    refused = shared.admin.post(f"{shared.path}/apps", json={"name": uuid4().hex, **body})
    assert refused.status_code == 400
