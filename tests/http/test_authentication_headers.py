"""Where the token stands, and what the answer without a good one tells: nothing."""

from __future__ import annotations

import httpx
from answers import good, problem

from support import plain
from support.bot import Bot
from support.engines import first_on_each
from support.tokens import key_pair, sign
from support.workspace import PEOPLE, Workspace, succeeded

QUERY = "/api/public/tables/people/query"
CALLS = [
    ("POST", ""),
    ("POST", "/bulk"),
    ("PUT", ""),
    ("DELETE", ""),
    ("POST", "/delete"),
    ("POST", "/query"),
]


def ask(bot: Bot, headers: list[tuple[str, str]]) -> httpx.Response:
    """Query with exactly these headers for authentication."""
    return plain.post(bot.server_url + QUERY, headers=headers)


def test_either_header(people: Bot) -> None:
    token = people.token()
    for headers in (
        [("auth", token)],
        [("Auth", token)],
        [("AUTH", token)],
        [("Authorization", f"Bearer {token}")],
        [("authorization", f"bearer {token}")],
        [("Authorization", f"BEARER {token}")],
    ):
        good(ask(people, headers))


def test_both_headers_if_equal(people: Bot) -> None:
    token = people.token()
    good(ask(people, [("auth", token), ("Authorization", f"Bearer {token}")]))
    good(ask(people, [("Authorization", f"Bearer {token}"), ("auth", token)]))


def test_both_headers_if_different(people: Bot) -> None:
    token, other = people.token(), people.token(sub="other")
    for good_one in (other, token):
        good(ask(people, [("auth", good_one)]))
    for headers in (
        [("auth", token), ("Authorization", f"Bearer {other}")],
        [("auth", other), ("Authorization", f"Bearer {token}")],
        [("auth", token), ("Authorization", "Bearer x")],
        [("auth", "x"), ("Authorization", f"Bearer {token}")],
        [("auth", token), ("Authorization", "Basic dXNlcjpwYXNz")],
        [("auth", token), ("auth", other)],
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {other}")],
    ):
        problem(ask(people, headers), 401, "unauthenticated")


def test_other_places_do_not_count(people: Bot) -> None:
    token = people.token()
    for headers in (
        [],
        [("Authorization", token)],
        [("Authorization", f"Token {token}")],
        [("Authorization", f"Bearer{token}")],
        [("Authorization", "Bearer")],
        [("X-Auth", token)],
        [("Cookie", f"auth={token}")],
    ):
        problem(ask(people, headers), 401, "unauthenticated")
    problem(plain.post(f"{people.server_url}{QUERY}?auth={token}"), 401, "unauthenticated")


def test_one_answer_for_all_causes(people: Bot, workspace: Workspace) -> None:
    url = workspace.server.url
    disabled, deleted = workspace.bot({"people": "r"}), workspace.bot({"people": "r"})
    keyed = workspace.bot({"people": "r"}, algorithm="RS256")
    apps = f"{workspace.path}/apps"
    succeeded(workspace.admin.patch(f"{apps}/{disabled.client_id}", json={"enabled": False}))
    succeeded(workspace.admin.delete(f"{apps}/{deleted.client_id}"))
    tokens = {
        "none": None,
        "empty": "",
        "garbage": "garbage",
        "unknown app": sign({"appId": "cs-00000000-0000-4000-8000-000000000000"}, people.secret),
        "no app": sign({"sub": "1"}, people.secret),
        "wrong secret": sign({"appId": people.client_id}, "wrong"),
        "wrong algorithm": sign({"appId": people.client_id}, people.secret, "HS512"),
        "no algorithm": sign({"appId": people.client_id}, people.secret, "none"),
        "confused key": sign({"appId": keyed.client_id}, key_pair().public),
        "expired": people.token(exp=1),
        "too early": people.token(nbf=4_000_000_000),
        "of the future": people.token(iat=4_000_000_000),
        "disabled": disabled.token(),
        "deleted": deleted.token(),
    }
    answers = {}
    for cause, token in tokens.items():
        response = plain.post(url + QUERY, headers={} if token is None else {"auth": token})
        problem(response, 401, "unauthenticated")
        varying = ("date", "server-timing", "x-request-id")
        headers = {n: v for n, v in response.headers.items() if n.lower() not in varying}
        answers[cause] = (response.content, tuple(sorted(headers.items())))
    assert set(answers.values()) == {answers["none"]}, answers
    assert response.headers["WWW-Authenticate"] == "Bearer"


@first_on_each(("method", "path"), CALLS)
def test_every_call_needs_a_token(people: Bot, method: str, path: str) -> None:
    """Before anything else is looked at: tables, parameters, bodies."""
    forged = {"auth": sign({"appId": people.client_id}, "x" * 43)}
    stream = forged | {"content-type": "text/csv", "content-encoding": "unknown"}
    for table in ("people", "nosuch"):
        for query in ("", "?x=1"):
            url = f"{people.server_url}/api/public/tables/{table}{path}{query}"
            for headers in ({"auth": "x"}, forged, stream):
                problem(plain.request(method, url, content=b"{", headers=headers), 401, "unauthenticated")
            problem(plain.request(method, url), 401, "unauthenticated")


def test_a_refused_write_writes_nothing(people: Bot) -> None:
    response = people.insert("people", {"Number": 1}, headers={"auth": people.token(exp=1)})
    problem(response, 401, "unauthenticated")
    assert good(people.query("people"))["total"] == 0


def test_a_good_token_after_a_bad_one_on_one_connection(people: Bot) -> None:
    for _ in range(3):
        problem(people.request("POST", QUERY, headers={"auth": "x"}), 401)
        good(people.request("POST", QUERY))


def test_an_apps_token_is_of_its_workspace(people: Bot, workspace: Workspace) -> None:
    """The same names elsewhere change nothing: the app decides the workspace."""
    other = Workspace(workspace.server, f"{workspace.name}_b")
    other.create_table(PEOPLE)
    stranger = other.bot({"people": "rwd"})
    good(stranger.insert("people", {"Number": 1}))
    assert good(people.query("people"))["total"] == 0
    assert good(stranger.query("people"))["total"] == 1
    other.delete()
