"""CORS: off unless the setting names origins; then for the Data API alone, on every response of it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from rowkeep.errors.catalogue import SetupError
from rowkeep.setting_rules import origins
from rowkeep.settings import Settings
from support import plain
from support.bot import Bot
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace

PAGE = "https://app.example"
OTHER = "https://other.example"
QUERY = "/api/public/tables/people/query"


def served(tmp_path_factory: pytest.TempPathFactory, cors_origins: str) -> Iterator[Bot]:
    """An app of a server with this setting, on SQLite: nothing of this reaches a database."""
    directory = tmp_path_factory.mktemp("cors")
    server = RowkeepServer(
        sqlite_url(directory / "data"), directory, cors_origins=cors_origins, body_timeout_seconds=2
    )
    try:
        server.start()
        workspace = Workspace(server, "pages")
        workspace.create_table(PEOPLE)
        yield workspace.bot({"people": "rwd"})
    finally:
        server.stop()


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    yield from served(tmp_path_factory, f"{PAGE}, HTTP://localhost:3000,https://usual.example:443")


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    yield from served(tmp_path_factory, "*")


def preflight(
    bot: Bot, origin: str, method: str = "POST", headers: str = "auth", path: str = QUERY
) -> httpx.Response:
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return plain.request("OPTIONS", bot.server_url + path, headers=asked)


def from_page(bot: Bot, path: str, origin: str = PAGE, **parts: object) -> httpx.Response:
    headers = {"Origin": origin, "auth": bot.token(), **parts.pop("headers", {})}  # type: ignore[dict-item]
    return plain.post(bot.server_url + path, headers=headers, **parts)


def allowed(response: httpx.Response) -> str | None:
    return response.headers.get("access-control-allow-origin")


def words(response: httpx.Response, header: str) -> set[str]:
    return {word.strip().lower() for word in response.headers[header].split(",")}


@pytest.mark.parametrize(
    "origin", [PAGE, "http://localhost:3000", "https://usual.example"], ids=["named", "port", "usual port"]
)
def test_a_page_that_is_allowed(named: Bot, origin: str) -> None:
    asked = preflight(named, origin, headers="auth, Authorization, content-type, Prefer, idempotency-key")
    assert asked.status_code == 200, asked.text
    assert allowed(asked) == origin
    assert words(asked, "access-control-allow-methods") == {"get", "head", "post", "put", "delete"}
    assert words(asked, "access-control-allow-headers") >= {
        "auth", "authorization", "content-type", "prefer", "idempotency-key",
    }  # fmt: skip
    assert int(asked.headers["access-control-max-age"]) >= 600
    assert "origin" in words(asked, "vary")
    answer = from_page(named, QUERY, origin, json={})
    assert answer.status_code == 200
    assert allowed(answer) == origin
    assert words(answer, "access-control-expose-headers") >= {"retry-after", "preference-applied"}
    assert "origin" in words(answer, "vary")
    assert "access-control-allow-credentials" not in answer.headers


def test_every_refusal_can_be_read_by_the_page(named: Bot) -> None:
    refused = {
        400: from_page(named, QUERY, content=b"{"),
        401: from_page(named, QUERY, json={}, headers={"auth": "no"}),
        404: from_page(named, "/api/public/tables/nothing/query", json={}),
        415: from_page(named, QUERY, content=b"x", headers={"content-type": "text/plain"}),
        422: from_page(named, "/api/public/tables/people", json={"data": {"Number": "x"}}),
    }
    method = plain.request("PATCH", named.server_url + QUERY, headers={"Origin": PAGE})
    assert (method.status_code, allowed(method)) == (405, PAGE)
    hidden_slash = from_page(named, "/api/public/tables/peo%2Fple", json={})
    assert hidden_slash.status_code == 404
    for status, answer in [*refused.items(), (404, hidden_slash)]:
        assert (answer.status_code, allowed(answer)) == (status, PAGE), answer.text
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_page_that_is_not_allowed(named: Bot) -> None:
    asked = preflight(named, OTHER)
    assert asked.status_code == 400
    assert allowed(asked) is None
    assert asked.headers["content-type"] == "application/problem+json"
    assert f'"{OTHER}"' in asked.json()["detail"]
    assert "cors_origins" in asked.json()["detail"]
    assert allowed(from_page(named, QUERY, OTHER, json={})) is None
    assert allowed(from_page(named, QUERY, "null", json={})) is None
    assert allowed(from_page(named, QUERY, f"{PAGE}.evil.example", json={})) is None


def test_what_a_page_may_not_send(named: Bot) -> None:
    method = preflight(named, PAGE, method="PATCH")
    assert method.status_code == 400
    assert '"PATCH"' in method.json()["detail"]
    header = preflight(named, PAGE, headers="auth, x-other")
    assert header.status_code == 400
    assert "x-other" in header.json()["detail"]


def test_the_management_api_is_not_for_pages(named: Bot, open_to_all: Bot) -> None:
    for bot in (named, open_to_all):
        for path in ("/api/v1/workspaces", "/openapi.json", "/healthz"):
            answer = plain.get(bot.server_url + path, headers={"Origin": PAGE})
            assert allowed(answer) is None, path
            assert allowed(preflight(bot, PAGE, "GET", path=path)) is None


def test_all_pages(open_to_all: Bot) -> None:
    for origin in (PAGE, OTHER, "null"):
        assert allowed(preflight(open_to_all, origin)) == "*"
        answer = from_page(open_to_all, QUERY, origin, json={})
        assert (answer.status_code, allowed(answer)) == (200, "*")
    assert allowed(from_page(open_to_all, QUERY, json={}, headers={"auth": "no"})) == "*"


def test_it_is_off_unless_it_is_set(server_on_sqlite: RowkeepServer) -> None:
    for method in ("OPTIONS", "POST"):
        headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        answer = plain.request(method, server_on_sqlite.url + QUERY, headers=headers)
        assert answer.status_code == (405 if method == "OPTIONS" else 401)
        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert "origin" not in answer.headers.get("vary", "")


@pytest.mark.parametrize(
    "text",
    [
        "app.example", "https://app.example/", "https://app.example/path", "https://*.example", "*,https://a.example",
        "https://", "https://a.example,", "https://a.example:99999", "https://a.example:x", "https://me@a.example",
        "https://bücher.example", "null", "https://a.example?x", " ", "https://a b",
    ],
)  # fmt: skip
def test_a_value_that_is_no_origin(text: str) -> None:
    with pytest.raises(SetupError, match="ROWKEEP_CORS_ORIGINS"):
        Settings.from_environment({"ROWKEEP_CORS_ORIGINS": text})


def test_values_that_are_origins() -> None:
    assert origins("") == ()
    assert origins("*") == ("*",)
    assert origins("https://A.example:443, http://[::1]:3000,capacitor://localhost") == (
        "https://a.example", "http://[::1]:3000", "capacitor://localhost",
    )  # fmt: skip


@pytest.mark.parametrize("origin", [PAGE, OTHER])
def test_a_request_that_the_server_ends(named: Bot, origin: str) -> None:
    """By a time-out, which is not the application's: the rest of its body does not come."""
    host, port = named.server_url.removeprefix("http://").split(":")
    head = [
        f"POST {QUERY} HTTP/1.1",
        f"Host: {host}",
        f"Origin: {origin}",
        f"auth: {named.token()}",
        "Content-Type: application/json",
        "Content-Length: 20",
    ]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\r\n".join([*head, "", "{"]).encode())
        response = b"".join(iter(lambda: connection.recv(4096), b"")).decode()
    assert response.startswith("HTTP/1.1 408 ")
    is_allowed = f"access-control-allow-origin: {origin}" in response.lower()
    assert is_allowed == (origin == PAGE)
