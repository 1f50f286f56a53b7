"""Paths and methods of the Data API, and the order in which a request is checked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, problem, total

from support.bot import Bot
from support.engines import ON_SQLITE
from support.workspace import PEOPLE, Workspace

pytestmark = ON_SQLITE

TABLE = "/api/public/tables/people"
ALLOWED = {
    TABLE: {"POST", "PUT", "DELETE"},
    TABLE + "/bulk": {"POST"},
    TABLE + "/delete": {"POST"},
    TABLE + "/query": {"POST"},
    "/api/public/views/people/query": {"POST"},
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND")
REFUSED = [(path, method) for path, allowed in ALLOWED.items() for method in METHODS if method not in allowed]


@pytest.mark.parametrize(("path", "method"), REFUSED)
def test_other_methods_are_refused_with_those_that_there_are(
    empty_people: Bot, path: str, method: str
) -> None:
    response = empty_people.request(method, path)
    assert response.status_code == 405
    assert {name.strip() for name in response.headers["allow"].split(",")} == ALLOWED[path]
    if method != "HEAD":
        problem(response, 405, "method_not_allowed")


UNKNOWN = [
    "/api/public",
    "/api/public/tables/",
    "/api/public/tables//",
    "/api/public/views",
    TABLE + "/",
    TABLE + "/rows",
    TABLE + "/bulk/",
]
UNKNOWN += [
    TABLE + "//query",
    "/api/public//tables/people",
    TABLE + "/query/x",
    "/api/public/views/people",
    "/api",
]
UNKNOWN += [
    "/API/public/tables/people",
    "/api/public/tables/people/QUERY",
    "/api/v2/tables/people",
    "/api/public/x",
]
UNKNOWN += [
    "/%00",
    "/api/public/tables/people;x/query",
    "/" + "x" * 5000,
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_other_paths_are_not_there(empty_people: Bot, path: str) -> None:
    problem(empty_people.request("POST", path, json={}), 404)


def test_a_table_is_no_view(empty_people: Bot) -> None:
    problem(empty_people.request("POST", "/api/public/views/people/query"), 404, "no_such_view")
    headers = {"auth": "x"}
    problem(
        empty_people.request("POST", "/api/public/views/people/query", headers=headers),
        401,
        "unauthenticated",
    )


def test_a_table_of_another_workspace_is_not_there(people: Bot, shared: Workspace) -> None:
    shared.create_table({**PEOPLE, "name": "elsewhere"})
    answers = [people.query(name).json()["detail"].replace(name, "…") for name in ("elsewhere", "nowhere")]
    assert answers[0] == answers[1]
    problem(people.query("elsewhere"), 404, "no_such_table")
    shared.drop_table("elsewhere")


CHECKS: list[tuple[int, str, dict[str, Any]]] = [
    (404, "no_such_endpoint", {"path": "/nothing"}),
    (405, "method_not_allowed", {"method": "PATCH"}),
    (401, "unauthenticated", {"token": "x"}),
    (404, "no_such_table", {"table": "nowhere"}),
    (403, "forbidden", {"table": "closed"}),
    (400, "invalid_parameter", {"parameters": "?x=1"}),
    (415, "unsupported_media_type", {"type": "text/plain"}),
    (400, "malformed_json", {"body": b"{"}),
]
"""Faults of a request, in the order in which they are told."""


@pytest.fixture
def one_faulty(workspace: Workspace) -> Any:
    """Sends an insert with some of the faults in CHECKS; the app has no grant on the table ``closed``."""
    workspace.create_table(PEOPLE)
    workspace.create_table({**PEOPLE, "name": "closed"})
    bot = workspace.bot({"people": "rwd"})

    def send(faults: dict[str, Any]) -> httpx.Response:
        path = f"/api/public/tables/{faults.get('table', 'people')}{faults.get('path', '')}"
        headers = {"Content-Type": faults.get("type", "application/json")}
        if "token" in faults:
            headers["auth"] = faults["token"]
        return bot.request(
            faults.get("method", "POST"),
            path + faults.get("parameters", ""),
            content=faults.get("body", b'{"data":{}}'),
            headers=headers,
        )

    return send


def test_a_request_without_faults(one_faulty: Any) -> None:
    good(one_faulty({}))


@pytest.mark.parametrize("first", range(len(CHECKS)), ids=[code for _, code, _ in CHECKS])
def test_the_earlier_check_decides(one_faulty: Any, first: int) -> None:
    status, code, faults = CHECKS[first]
    problem(one_faulty(faults), status, code)
    for _, _, later in CHECKS[first + 1 :]:
        problem(one_faulty({**later, **faults}), status, code)


def test_two_prefer_headers(people: Bot) -> None:
    headers = [("Prefer", "respond-async"), ("Prefer", "return=minimal"), ("auth", people.token())]
    request = people.client.build_request("POST", TABLE, json={"data": {}}, headers=headers)
    assert good(people.client.send(request)) == {"nInserted": 1}


def test_a_method_in_a_header_changes_nothing(people: Bot) -> None:
    good(people.insert("people", {}))
    response = people.request("POST", TABLE, json={"data": {}}, headers={"X-HTTP-Method-Override": "DELETE"})
    good(response)
    assert total(people, "people") == 2


def test_many_and_odd_headers_do_no_harm(people: Bot) -> None:
    odd = {f"X-Odd-{i}": "x" * 50 for i in range(80)} | {
        "X-Latin": b"\xe9\xff",
        "Accept": "text/html",
        "Cookie": "a=b",
    }
    odd |= {
        "Accept-Encoding": "br;q=1.0, x;q=y",
        "Accept-Language": "tlh",
        "Range": "bytes=0-1",
        "If-Match": '"x"',
    }
    good(people.request("POST", TABLE, json={"data": {}}, headers=odd))
    assert len(good(people.request("POST", TABLE + "/query", headers=odd))["queryResult"]) == 1


def test_a_client_that_waits_for_100_continue(people: Bot) -> None:
    headers = {"Expect": "100-continue", "Content-Type": "application/json"}
    good(people.request("POST", TABLE, content=b'{"data":{}}', headers=headers))
