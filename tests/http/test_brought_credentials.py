"""Credentials of an app that exists elsewhere: brought along when the app is created here."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest
from answers import good, problem, total

from support.bot import Bot
from support.engines import first_on_each
from support.server import RowkeepServer
from support.tokens import key_pair
from support.workspace import PEOPLE, Workspace, succeeded

SECRET = "aGkgSSBhbSBhIHNlY3JldCBmcm9tIGVsc2V3aGVyZQ"


def client_id() -> str:
    return f"cs-{uuid4()}"


def brought(**members: Any) -> dict[str, Any]:
    return {"name": f"app_{uuid4().hex[:8]}", "clientId": client_id(), "clientSecret": SECRET} | members


def create(workspace: Workspace, body: Any) -> httpx.Response:
    return workspace.admin.post(f"{workspace.path}/apps", json=body)


def bot_of(workspace: Workspace, body: dict[str, Any]) -> Bot:
    secret = body["clientSecret"]
    return Bot(workspace.server.url, body["clientId"], secret, body.get("algorithm", "HS256"))


@pytest.fixture
def other(server: RowkeepServer) -> Iterator[Workspace]:
    workspace = Workspace(server, f"other_{uuid4().hex[:12]}")
    yield workspace
    workspace.delete()


def test_a_bot_moves_with_its_credentials(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    body = brought()
    response = create(workspace, body)
    assert response.status_code == 201
    made = response.json()
    assert (made["clientId"], made["clientSecret"]) == (body["clientId"], SECRET)
    workspace.grant(body["clientId"], "people", "rw")
    bot = bot_of(workspace, body)
    first = good(bot.insert("people", {"Number": 1}))
    assert first["Created_By"].startswith("st-")
    assert good(bot.insert("people", {"Number": 2}))["Created_By"] == first["Created_By"]
    assert SECRET not in workspace.admin.get(f"{workspace.path}/apps/{body['clientId']}").text


@pytest.mark.parametrize(
    ("algorithm", "secret"),
    [
        ("HS256", "x" * 32),
        ("HS256", "y" * 512),
        ("HS256", " !\"#~'\\" + "z" * 32),
        ("HS512", "w" * 64),
        ("HS512", "v" * 512),
    ],
)
def test_secrets_that_are_accepted(workspace: Workspace, algorithm: str, secret: str) -> None:
    workspace.create_table(PEOPLE)
    body = brought(algorithm=algorithm, clientSecret=secret)
    assert create(workspace, body).status_code == 201
    workspace.grant(body["clientId"], "people", "r")
    assert total(bot_of(workspace, body), "people") == 0


@first_on_each(
    ("members", "pointer"),
    [
        ({"clientId": None}, "/clientId"),
        ({"clientSecret": None}, "/clientSecret"),
        ({"clientId": ""}, "/clientId"),
        ({"clientId": "cs-1"}, "/clientId"),
        ({"clientId": str(uuid4())}, "/clientId"),
        ({"clientId": f"st-{uuid4()}"}, "/clientId"),
        ({"clientId": f"cs-{str(uuid4()).upper()}x"}, "/clientId"),
        ({"clientId": 5}, "/clientId"),
        ({"clientSecret": ""}, "/clientSecret"),
        ({"clientSecret": "s" * 31}, "/clientSecret"),
        ({"clientSecret": "s" * 513}, "/clientSecret"),
        ({"clientSecret": "s" * 40 + "\n"}, "/clientSecret"),
        ({"clientSecret": "s" * 40 + "é"}, "/clientSecret"),
        ({"clientSecret": "s" * 40 + "\x7f"}, "/clientSecret"),
        ({"clientSecret": "s" * 63, "algorithm": "HS512"}, "/clientSecret"),
        ({"algorithm": "RS256"}, "/clientSecret"),
        ({"algorithm": "RS512"}, "/clientSecret"),
    ],
)
def test_credentials_that_are_refused(shared: Workspace, members: dict[str, Any], pointer: str) -> None:
    body = brought(**members)
    if str(members.get("algorithm", "")).startswith("RS"):
        body["publicKey"] = key_pair().public
    refusal = problem(create(shared, body), 400, "invalid_body", pointer)
    secret = body["clientSecret"]
    assert not secret or secret not in str(refusal)
    assert good(shared.admin.get(f"{shared.path}/apps"))["apps"] == []


def test_a_client_id_is_taken_in_every_workspace(workspace: Workspace, other: Workspace) -> None:
    body = brought()
    assert create(workspace, body).status_code == 201
    for place in (workspace, other):
        again = brought(clientId=body["clientId"], clientSecret="t" * 40)
        refusal = problem(create(place, again), 409, "name_taken", "/clientId")
        assert SECRET not in str(refusal)
    assert good(other.admin.get(f"{other.path}/apps"))["apps"] == []


def test_a_client_id_is_free_after_a_refusal(workspace: Workspace, other: Workspace) -> None:
    assert create(workspace, {"name": "taken"}).status_code == 201
    body = brought(name="taken")
    problem(create(workspace, body), 409, "name_taken", "/name")
    assert create(other, body).status_code == 201


def test_of_many_at_once_one_gets_the_client_id(workspace: Workspace, other: Workspace) -> None:
    for _ in range(3):
        key = client_id()
        places = [workspace, other] * 4

        def attempt(place: Workspace, key: str = key) -> int:
            return create(place, brought(clientId=key)).status_code

        with ThreadPoolExecutor(len(places)) as pool:
            statuses = sorted(pool.map(attempt, places))
        assert statuses == [201] + [409] * 7


def test_an_app_moves_between_workspaces(workspace: Workspace, other: Workspace) -> None:
    """Deleted here and created there, its tokens work there at once."""
    body = brought()
    for place, row in ((workspace, 1), (other, 2), (workspace, 3)):
        assert create(place, body).status_code == 201
        if row < 3:
            place.create_table(PEOPLE)
        place.grant(body["clientId"], "people", "rw")
        bot = bot_of(place, body)
        assert good(bot.insert("people", {"Number": row}))["Number"] == row
        succeeded(place.admin.delete(f"{place.path}/apps/{body['clientId']}"))
        problem(bot.query("people"), 401, "unauthenticated")
    assert create(workspace, body).status_code == 201
    workspace.grant(body["clientId"], "people", "r")
    assert [row["Number"] for row in good(bot_of(workspace, body).query("people"))["queryResult"]] == [1, 3]


def test_a_new_secret_replaces_the_brought_one(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    body = brought()
    assert create(workspace, body).status_code == 201
    workspace.grant(body["clientId"], "people", "r")
    made = good(workspace.admin.post(f"{workspace.path}/apps/{body['clientId']}/secret"))
    assert made["clientSecret"] != SECRET
    problem(bot_of(workspace, body).query("people"), 401)
    assert total(bot_of(workspace, made), "people") == 0
