"""Admin tokens: made, listed, revoked; and what the management API answers without one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers import MOMENT, good, problem

from support import plain
from support.bot import Bot
from support.engines import first_on_each
from support.server import RowkeepServer
from support.workspace import Workspace

CALLS = [
    ("GET", "/workspaces"),
    ("POST", "/workspaces"),
    ("GET", "/workspaces/main"),
    ("DELETE", "/workspaces/main"),
    ("GET", "/workspaces/nowhere/tables"),
    ("POST", "/workspaces/main/tables"),
    ("GET", "/workspaces/main/tables/people"),
    ("DELETE", "/workspaces/main/tables/people"),
    ("GET", "/workspaces/main/tables/people/grants"),
    ("PUT", "/workspaces/main/tables/people/grants/cs-1"),
    ("GET", "/workspaces/main/apps"),
    ("POST", "/workspaces/main/apps"),
    ("GET", "/workspaces/main/apps/cs-1"),
    ("PATCH", "/workspaces/main/apps/cs-1"),
    ("DELETE", "/workspaces/main/apps/cs-1"),
    ("POST", "/workspaces/main/apps/cs-1/secret"),
    ("GET", "/workspaces/main/apps/cs-1/grants"),
    ("GET", "/admin-tokens"),
    ("POST", "/admin-tokens"),
    ("DELETE", "/admin-tokens/1"),
]


def with_token(server: RowkeepServer, token: str) -> httpx.Response:
    return plain.get(f"{server.url}/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"})


def test_a_token_lives_and_ends(server: RowkeepServer, admin: httpx.Client) -> None:
    response = admin.post("/admin-tokens", json={"name": "for a test"})
    assert response.status_code == 201
    made = response.json()
    assert made.keys() == {"id", "name", "createdOn", "token"}
    assert made["name"] == "for a test"
    assert MOMENT.fullmatch(made["createdOn"])
    good(with_token(server, made["token"]))
    kept = {key: value for key, value in made.items() if key != "token"}
    listing = admin.get("/admin-tokens", params={"limit": 1000})
    assert kept in good(listing)["adminTokens"]
    assert made["token"] not in listing.text
    deleted = admin.delete(f"/admin-tokens/{made['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(with_token(server, made["token"]), 401, "unauthenticated")
    problem(admin.delete(f"/admin-tokens/{made['id']}"), 404, "no_such_admin_token")
    assert kept not in good(admin.get("/admin-tokens", params={"limit": 1000}))["adminTokens"]


def test_tokens_are_listed_by_age(admin: httpx.Client) -> None:
    made = [admin.post("/admin-tokens", json={"name": name}).json()["id"] for name in ("c", "a", "B", "a")]
    listed = [
        token["id"] for token in good(admin.get("/admin-tokens", params={"limit": 1000}))["adminTokens"]
    ]
    assert [token for token in listed if token in made] == made
    for token in made:
        assert admin.delete(f"/admin-tokens/{token}").status_code == 204


@pytest.mark.parametrize(
    ("body", "pointer"), [({"name": 5}, "/name"), ({"name": None}, "/name"), ({"nam": "a"}, "/nam")]
)
def test_wrong_bodies(admin: httpx.Client, body: Any, pointer: str) -> None:
    problem(admin.post("/admin-tokens", json=body), 400, pointer=pointer)


@pytest.mark.parametrize("token_id", ["0", "x", "-1", "999999999999999999999", "1.0", "a" * 1000])
def test_unknown_tokens(admin: httpx.Client, token_id: str) -> None:
    problem(admin.delete(f"/admin-tokens/{token_id}"), 404, "no_such_admin_token")


def test_the_last_token_stays(new_store: Callable[[], str], tmp_path: Path) -> None:
    server = RowkeepServer(new_store(), tmp_path)
    server.start()
    try:
        with server.admin() as admin:
            (first,) = good(admin.get("/admin-tokens"))["adminTokens"]
            assert first["name"] == "first"
            problem(admin.delete(f"/admin-tokens/{first['id']}"), 409, "delete_not_allowed")
            second = admin.post("/admin-tokens", json={"name": "second"}).json()
            assert admin.delete(f"/admin-tokens/{second['id']}").status_code == 204
            problem(admin.delete(f"/admin-tokens/{first['id']}"), 409, "delete_not_allowed")
            assert good(admin.get("/admin-tokens"))["adminTokens"] == [first]
    finally:
        server.stop()


def wrong_headers(server: RowkeepServer, bot: Bot) -> list[dict[str, str]]:
    """Ways to ask without a good admin token."""
    token = server.admin_token
    return [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": token},
        {"Authorization": f"Basic {token}"},
        {"Authorization": f"Bearer {token}x"},
        {"Authorization": f"Bearer {token[:-1]}"},
        {"Authorization": f"Bearer {token[:-1]}{'A' if token[-1] != 'A' else 'B'}"},
        {"Authorization": f"Bearer {token} {token}"},
        {"Authorization": f"Bearer {token.swapcase()}"},
        {"Authorization": f"Bearer {bot.token()}"},
        {"Authorization": "Bearer " + "a" * 5000},
        {"auth": bot.token()},
        {"Cookie": f"token={token}"},
    ]


def test_every_wrong_token_gets_the_same_answer(server: RowkeepServer, people: Bot) -> None:
    answers = set()
    for headers in wrong_headers(server, people):
        response = plain.get(f"{server.url}/api/v1/workspaces", headers=headers)
        problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"] == "Bearer"
        answers.add(response.content)
    assert len(answers) == 1


@first_on_each(("method", "path"), CALLS)
def test_every_call_needs_a_token(server: RowkeepServer, method: str, path: str) -> None:
    """Nobody learns from the answer what is there."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        response = plain.request(method, f"{server.url}/api/v1{path}", headers=headers)
        problem(response, 401, "unauthenticated")
        assert response.headers["WWW-Authenticate"] == "Bearer"


def test_the_name_of_the_scheme_has_no_case(server: RowkeepServer) -> None:
    headers = {"Authorization": f"bearer {server.admin_token}"}
    good(plain.get(f"{server.url}/api/v1/workspaces", headers=headers))


def test_an_admin_token_is_no_apps_token(server: RowkeepServer, people: Bot) -> None:
    for headers in ({"auth": server.admin_token}, {"Authorization": f"Bearer {server.admin_token}"}):
        response = people.request("POST", "/api/public/tables/people/query", headers=headers)
        problem(response, 401, "unauthenticated")


def test_an_app_reaches_no_management_call(server: RowkeepServer, people: Bot, workspace: Workspace) -> None:
    for headers in ({"auth": people.token()}, {"Authorization": f"Bearer {people.token()}"}):
        problem(
            plain.get(f"{server.url}/api/v1{workspace.path}/tables", headers=headers), 401, "unauthenticated"
        )
