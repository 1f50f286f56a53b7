"""What the log has of refused tokens: who, why and from where, never the token, and not without end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from answers import problem

from support import plain
from support.bot import Bot
from support.server import RowkeepServer
from support.tokens import base64url, sign
from support.workspace import PEOPLE, Workspace, succeeded

QUERY = "/api/public/tables/people/query"
OF_ONE_CAUSE = 5
IN_ALL = 100


@pytest.fixture(scope="module")
def quiet(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server that nobody else sends tokens to: it logs a bounded number."""
    server = RowkeepServer(new_store(), tmp_path_factory.mktemp("quiet"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def home(quiet: RowkeepServer) -> Workspace:
    workspace = Workspace(quiet, "home")
    workspace.create_table(PEOPLE)
    return workspace


@pytest.fixture(scope="module")
def bot(home: Workspace) -> Bot:
    return home.bot({"people": "r"})


def entries(server: RowkeepServer, event: str) -> list[dict[str, Any]]:
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [entry for entry in map(msgspec.json.decode, lines) if entry["event"] == event]


def refused(bot: Bot, token: str) -> str:
    """The body of the refusal, the same for all causes."""
    response = bot.request("POST", QUERY, headers={"auth": token})
    problem(response, 401, "unauthenticated")
    return response.text


def forged(bot: Bot) -> dict[str, str]:
    """A token for each cause that the log names."""
    now = time.time()
    other = sign({"appId": bot.client_id}, "x" * 43, "HS256")
    head, _, signature = bot.token().split(".")
    return {
        "wrong signature": other,
        "wrong algorithm": sign({"appId": bot.client_id}, "x" * 64, "HS512"),
        "expired": bot.token(exp=int(now - 100)),
        "not valid yet": bot.token(nbf=int(now + 100)),
        "unknown app": sign({"appId": "cs-00000000-0000-4000-8000-000000000000"}, bot.secret, "HS256"),
        "malformed client id": sign({"appId": "nobody\n{}"}, bot.secret, "HS256"),
        "malformed token": f"{head}.{base64url(b'{}')}.{signature}",
        "token too long": "x" * 8193,
    }


def test_each_cause_is_logged_and_none_is_answered(quiet: RowkeepServer, bot: Bot) -> None:
    tokens = forged(bot)
    assert len({refused(bot, token) for token in tokens.values()}) == 1
    found = {entry["cause"]: entry for entry in entries(quiet, "token refused")}
    assert tokens.keys() <= found.keys()
    for cause in ("wrong signature", "wrong algorithm", "expired", "not valid yet"):
        assert found[cause]["client_id"] == bot.client_id
        assert found[cause]["address"] == "127.0.0.1"
        assert (found[cause]["method"], found[cause]["path"]) == ("POST", QUERY)
        assert found[cause]["level"] == "warning"
    assert found["malformed client id"]["client_id"] is None
    text = quiet.log.read_text()
    assert not [token for token in (*tokens.values(), bot.token()) if token.rpartition(".")[2] in text]
    assert bot.secret not in text


def test_no_token_and_a_disabled_app(quiet: RowkeepServer, home: Workspace, bot: Bot) -> None:
    assert plain.post(quiet.url + QUERY).status_code == 401
    disabled = home.bot({"people": "r"})
    succeeded(home.admin.patch(f"{home.path}/apps/{disabled.client_id}", json={"enabled": False}))
    refused(disabled, disabled.token())
    found = {entry["cause"]: entry for entry in entries(quiet, "token refused")}
    assert found["no token"]["client_id"] is None
    assert found["app disabled"]["client_id"] == disabled.client_id


def test_admin_tokens_and_missing_grants(quiet: RowkeepServer, bot: Bot) -> None:
    wrong = "rka_" + "x" * 43
    response = plain.get(quiet.url + "/api/v1/workspaces", headers={"Authorization": f"Bearer {wrong}"})
    assert response.status_code == 401
    found = {entry["cause"]: entry for entry in entries(quiet, "token refused")}
    assert found["unknown admin token"]["path"] == "/api/v1/workspaces"
    assert wrong not in quiet.log.read_text()
    problem(bot.insert("people", {}), 403, "forbidden")
    (entry,) = entries(quiet, "request forbidden")
    assert (entry["level"], entry["client_id"]) == ("info", bot.client_id)
    assert "write" in entry["cause"]


def test_a_flood_does_not_fill_the_log(new_store: Callable[[], str], tmp_path: Path) -> None:
    server = RowkeepServer(new_store(), tmp_path)
    server.start()
    try:
        workspace = Workspace(server, "home")
        workspace.create_table(PEOPLE)
        bot = workspace.bot({"people": "r"})
        wrong = forged(bot)["wrong signature"]
        for _ in range(5 * OF_ONE_CAUSE):
            refused(bot, wrong)
        assert len(entries(server, "token refused")) == OF_ONE_CAUSE
        for at in range(2 * IN_ALL):
            client_id = f"cs-00000000-0000-4000-8000-{at:012x}"
            refused(bot, sign({"appId": client_id}, bot.secret, "HS256"))
        assert len(entries(server, "token refused")) == IN_ALL
    finally:
        server.kill()
