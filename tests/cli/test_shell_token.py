"""``rowkeep token``: signs tokens to try things with, or says why it cannot."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from shell import Shell

from support import plain
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace


@pytest.fixture(scope="module")
def store_shell(cli_server: RowkeepServer) -> Shell:
    """A shell that works on the store itself."""
    return Shell(cli_server.directory, cli_server.environment)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def way(request: pytest.FixtureRequest) -> str:
    """Only the store itself gives secrets away."""
    return request.param


@pytest.fixture(scope="module")
def cli_server(way: str, request: pytest.FixtureRequest) -> RowkeepServer:
    return request.getfixturevalue(f"{way}_server")


@pytest.fixture(scope="module")
def workspace(cli_server: RowkeepServer) -> Workspace:
    workspace = Workspace(cli_server, "tokens")
    workspace.create_table(PEOPLE)
    return workspace


def status(server: RowkeepServer, token: str) -> int:
    """What a query with this token is answered."""
    url = server.url + "/api/public/tables/people/query"
    return plain.post(url, headers={"auth": token.strip()}).status_code


def payload(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_signed_with_the_secret_in_the_store(
    store_shell: Shell, cli_server: RowkeepServer, workspace: Workspace, algorithm: str
) -> None:
    bot = workspace.bot({"people": "r"}, algorithm=algorithm)
    token = store_shell.succeeds("token", "--app", bot.client_id)
    assert len(token.splitlines()) == 1
    assert status(cli_server, token) == 200
    assert payload(token)["appId"] == bot.client_id


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_signed_with_a_secret_that_is_given(
    store_shell: Shell, cli_server: RowkeepServer, workspace: Workspace, algorithm: str
) -> None:
    bot = workspace.bot({"people": "r"}, algorithm=algorithm)
    shell = store_shell.with_variables(ROWKEEP_DATABASE_URL=None, ROWKEEP_URL=cli_server.url)
    token = shell.with_variables(ROWKEEP_APP_SECRET=bot.secret).succeeds("token", "--app", bot.client_id)
    assert status(cli_server, token) == 200
    said = shell.with_variables(ROWKEEP_APP_SECRET="x").fails("token", "--app", bot.client_id)
    assert "ROWKEEP_APP_SECRET" in said


def test_it_expires_when_asked_to(
    store_shell: Shell, cli_server: RowkeepServer, workspace: Workspace
) -> None:
    bot = workspace.bot({"people": "r"})
    token = store_shell.succeeds("token", "--app", bot.client_id, "--expires-in", "1000")
    assert 900 < payload(token)["exp"] - time.time() <= 1001
    assert status(cli_server, token) == 200
    store_shell.fails("token", "--app", bot.client_id, "--expires-in", "0", status=2)


def test_no_secret_over_http(store_shell: Shell, cli_server: RowkeepServer, workspace: Workspace) -> None:
    shell = store_shell.with_variables(ROWKEEP_URL=cli_server.url, ROWKEEP_ADMIN_TOKEN=cli_server.admin_token)
    assert "ROWKEEP_APP_SECRET" in shell.fails("token", "--app", workspace.bot().client_id)


@pytest.mark.parametrize("algorithm", ["RS256", "RS512"])
def test_an_app_with_a_key_of_its_own(store_shell: Shell, workspace: Workspace, algorithm: str) -> None:
    said = store_shell.fails("token", "--app", workspace.bot(algorithm=algorithm).client_id)
    assert algorithm in said
    assert "private key" in said


@pytest.mark.parametrize("client_id", ["cs-00000000-0000-4000-8000-000000000000", "x", ""])
def test_unknown_apps(store_shell: Shell, client_id: str) -> None:
    store_shell.fails("token", "--app", client_id)


def test_it_signs_as_the_app_requires(
    store_shell: Shell, cli_server: RowkeepServer, workspace: Workspace
) -> None:
    options = ("--require-jti", "--audience", "rows", "--require-jwe", "--rate-limit", "9/minute")
    made = json.loads(
        store_shell.succeeds("app", "create", "hardened", *options, "--workspace", workspace.name, "--json")
    )
    assert (made["requireJti"], made["audience"], made["rateLimit"]) == (True, "rows", "9/minute")
    workspace.grant(made["clientId"], "people", "r")
    variables = {
        "ROWKEEP_URL": cli_server.url,
        "ROWKEEP_APP_SECRET": made["clientSecret"],
        "ROWKEEP_APP_AUDIENCE": "rows",
        "ROWKEEP_APP_SINGLE_USE": "true",
        "ROWKEEP_APP_JWE_KEY": made["jweKey"],
    }
    remote = store_shell.with_variables(**variables)
    for shell in (store_shell, remote):
        token = shell.succeeds("token", "--app", made["clientId"])
        assert [status(cli_server, token), status(cli_server, token)] == [200, 401]
    # each request of the commands has a token of its own
    query = ("rows", "query", "people", "--app", made["clientId"], "--json")
    assert json.loads(remote.succeeds(*query)) == json.loads(remote.succeeds(*query))
    changed = ("app", "change", made["clientId"], "--workspace", workspace.name, "--json")
    off = store_shell.succeeds(*changed, "--no-require-jwe", "--no-require-jti", "--audience", "")
    assert (json.loads(off)["requireJwe"], json.loads(off)["audience"]) == (False, None)
    store_shell.fails("app", "rotate-jwe-key", made["clientId"], "--workspace", workspace.name)
    plain_token = store_shell.succeeds("token", "--app", made["clientId"])
    assert payload(plain_token).keys() == {"sub", "appId"}
    assert payload(store_shell.succeeds("token", "--app", made["clientId"], "--single-use")).keys() == {
        *("sub", "appId", "jti", "exp")
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROWKEEP_APP_SINGLE_USE", "yes"),
        ("ROWKEEP_APP_JWE_KEY", "short"),
        ("ROWKEEP_APP_JWE_KEY", "A" * 42 + "B"),
    ],
)
def test_what_an_app_requires_must_be_valid(store_shell: Shell, name: str, value: str) -> None:
    shell = store_shell.with_variables(**{"ROWKEEP_APP_SECRET": "x" * 43, name: value})
    failed = shell.fails("token", "--app", "cs-9b510c8b-41ad-42b4-8d6a-849ecf150429")
    assert name in failed
    assert "A" * 42 not in failed
