"""HTTP itself: unknown paths, methods, parameters, encodings; every refusal has the same shape."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, problem
from definitions import column, table

from support import plain
from support.bot import Bot
from support.engines import ON_SQLITE
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

pytestmark = ON_SQLITE

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"]

ROUTES: dict[str, set[str]] = {
    "/": {"GET"},
    "/healthz": {"GET"},
    "/readyz": {"GET"},
    "/openapi.json": {"GET"},
    "/docs": {"GET"},
    "/api/public/tables/people": {"POST", "PUT", "DELETE"},
    "/api/public/tables/people/bulk": {"POST"},
    "/api/public/tables/people/delete": {"POST"},
    "/api/public/tables/people/query": {"POST"},
    "/api/public/views/people/query": {"POST"},
    "/api/v1/workspaces": {"GET", "POST"},
    "/api/v1/workspaces/main": {"GET", "DELETE"},
    "/api/v1/workspaces/main/tables": {"GET", "POST"},
    "/api/v1/workspaces/main/tables/people": {"GET", "PUT", "DELETE"},
    "/api/v1/workspaces/main/tables/people/grants": {"GET"},
    "/api/v1/workspaces/main/tables/people/grants/cs-1": {"PUT"},
    "/api/v1/workspaces/main/apps": {"GET", "POST"},
    "/api/v1/workspaces/main/apps/cs-1": {"GET", "PATCH", "DELETE"},
    "/api/v1/workspaces/main/apps/cs-1/secret": {"POST"},
    "/api/v1/workspaces/main/apps/cs-1/grants": {"GET"},
    "/api/v1/admin-tokens": {"GET", "POST"},
    "/api/v1/admin-tokens/1": {"DELETE"},
}

UNKNOWN = [
    "/api",
    "/api/",
    "/api/public",
    "/api/public/tables/",
    "/api/public/tables//query",
    "/api/public/tables/people/",
    "/api/public/tables/people/query/",
    "/api/public/tables/people/nosuch",
    "/api/public/tables/people/query/more",
    "/api/public/tables/people/BULK",
    "/API/public/tables/people",
    "//api/public/tables/people",
    "/api/public/views",
    "/api/public/views/people",
    "/api/v1",
    "/api/v1/",
    "/api/v1/workspaces/",
    "/api/v1/workspaces//tables",
    "/api/v1/workspaces/main/",
    "/api/v1/workspaces/main/nosuch",
    "/api/v1/workspaces/main/tables/people/rows",
    "/api/v2/workspaces",
    "/docs/%2e%2e/%2e%2e/etc/passwd",
    "/docs/..%2f..%2fetc%2fpasswd",
    "/favicon.ico/x",
    "/healthz/",
    "/healthz/x",
    "/%00",
    "/%FF",
    "/" + "a" * 5000,
]


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app that may do all with the table people, which the module shares."""
    shared.create_table(PEOPLE)
    return shared.bot({"people": "rwd"})


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_paths(server: RowkeepServer, method: str, path: str) -> None:
    """Known or not is said before who asks: 404 also without a token."""
    with plain.client() as client:
        request = client.build_request(method, server.url)
        request.url = request.url.copy_with(raw_path=path.encode())
        problem(client.send(request), 404, "no_such_endpoint")


@pytest.mark.parametrize("path", ROUTES)
def test_other_methods(server: RowkeepServer, path: str) -> None:
    allowed = ROUTES[path] | ({"HEAD"} if "GET" in ROUTES[path] else set())
    for method in METHODS:
        if method in allowed:
            continue
        response = plain.request(method, server.url + path)
        assert response.status_code == 405, method
        named = {word.strip() for word in response.headers["Allow"].split(",")}
        assert named == allowed
        if method != "HEAD":
            problem(response, 405, "method_not_allowed")


def compared(response: httpx.Response) -> tuple[int, dict[str, str]]:
    """The status and the headers, without those that differ in each response, and that of a body in
    chunks."""
    others = ("date", "x-request-id", "transfer-encoding")
    return response.status_code, {
        name: value for name, value in response.headers.items() if name not in others
    }


@pytest.mark.parametrize(
    "path",
    [path for path, methods in ROUTES.items() if "GET" in methods]
    + [
        "/api/v1/workspaces/nowhere",
        "/api/v1/workspaces/main/data/tables",
        "/api/v1/workspaces/main/tables?limit=0",
        "/api/v1/session/methods",
    ],
)
def test_head_answers_like_get_without_a_body(admin: httpx.Client, server: RowkeepServer, path: str) -> None:
    head, get = (admin.request(method, server.url + path) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert compared(head) == compared(get)
    assert head.status_code == get.status_code != 405


def test_head_in_the_data_api(bot: Bot) -> None:
    path = "/api/public/tables"
    for headers in ({}, {"Accept-Encoding": "gzip"}, {"auth": "no token"}):
        head, get = (
            plain.request(method, bot.server_url + path, headers={"auth": bot.token()} | headers)
            for method in ("HEAD", "GET")
        )
        assert head.content == b""
        assert compared(head) == compared(get)
        assert int(head.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("p%65ople", 200),
        ("%70%65%6F%70%6C%65", 200),
        ("PEOPLE", 200),
        ("people%20", 404),
        ("%20people", 404),
        ("people%00", 404),
        ("people%0A", 404),
        ("p%C3%A9ople", 404),
        ("p%FFople", 404),
        ("%ED%A0%80", 404),
        ("people+", 404),
        ("people%3Bdrop", 404),
        ("people%22", 404),
        ("people'--", 404),
        ("%2E%2E", 404),
        ("people.", 404),
        ("peo_ple", 404),
        ("a" * 64, 404),
        ("a" * 6000, 404),
        ("%EF%BD%90eople", 404),
        ("peop%E2%84%93e", 404),
    ],
)
def test_names_in_paths(bot: Bot, name: str, status: int) -> None:
    url = httpx.URL(bot.server_url)
    raw = f"/api/public/tables/{name}/query".encode()
    request = bot.client.build_request("POST", url, headers={"auth": bot.token()})
    request.url = url.copy_with(raw_path=raw)
    response = bot.client.send(request)
    if status == 200:
        good(response)
    else:
        problem(response, 404)


@pytest.mark.parametrize(
    "query",
    [
        "x=1",
        "x",
        "sys_limit=1",
        "sys_offset=0",
        "=",
        "&=&",
        "%FF=1",
        "auth=x",
        "a=1&a=2",
        "%00",
        "x=%ED%A0%80",
    ],
)
def test_parameters_where_none_are_taken(bot: Bot, shared: Workspace, query: str) -> None:
    path = "/api/public/tables/people"
    problem(bot.request("POST", f"{path}?{query}", json={"data": {}}), 400, "invalid_parameter")
    problem(shared.admin.get(f"{shared.path}/tables/people?{query}"), 400, "invalid_parameter")
    created = shared.admin.post(f"/workspaces?{query}", json={"name": "not_made"})
    problem(created, 400, "invalid_parameter")
    problem(shared.admin.get("/workspaces/not_made"), 404, "no_such_workspace")


def test_a_bare_question_mark_is_no_parameter(people: Bot) -> None:
    good(people.request("POST", "/api/public/tables/people/query?"))


WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/workspaces", {"name": "made"}),
    ("POST", "/workspaces/{w}/tables", table("made", column("A"))),
    ("POST", "/workspaces/{w}/apps", {"name": "made"}),
    ("PATCH", "/workspaces/{w}/apps/{app}", {"name": "made"}),
    ("PUT", "/workspaces/{w}/tables/people/grants/{app}", {"read": True}),
    ("POST", "/admin-tokens", {"name": "made"}),
]


@pytest.fixture(params=WRITES, ids=lambda write: f"{write[0]} {write[1]}")
def write(
    request: pytest.FixtureRequest, people: Bot, workspace: Workspace
) -> tuple[Workspace, str, str, Any]:
    """A management call that takes a body: workspace, method, path and a good body."""
    method, path, body = request.param
    return workspace, method, path.format(w=workspace.name, app=people.client_id), body


def test_bodies_that_are_not_json(write: tuple[Workspace, str, str, Any]) -> None:
    workspace, method, path, _ = write
    for content in (b"{", b"{'name':1}", b"\xff", b"name=made", b"{]", b" "):
        response = workspace.admin.request(method, path, content=content)
        problem(response, 400, "malformed_json")
    # What stands before the fault may be found wrong first.
    for content in (b'{"name":NaN}', b'{"name":"a"}}', b'{"name":"a",}', b"[" * 100_000, b'{"a":' * 50_000):
        problem(workspace.admin.request(method, path, content=content), 400)


def test_bodies_that_are_missing(write: tuple[Workspace, str, str, Any]) -> None:
    workspace, method, path, _ = write
    response = workspace.admin.request(method, path)
    if path != "/admin-tokens":  # whose only member may be missing
        problem(response, 400)


def test_bodies_of_other_types(write: tuple[Workspace, str, str, Any]) -> None:
    workspace, method, path, body = write
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
    ):
        headers = {"Content-Type": content_type}
        response = workspace.admin.request(method, path, json=body, headers=headers)
        problem(response, 415, "unsupported_media_type")
    response = workspace.admin.request(method, path, json=body, headers={"Content-Encoding": "br"})
    problem(response, 415, "unsupported_media_type")


def test_errors_show_nothing_of_the_inside(people: Bot, workspace: Workspace) -> None:
    """Hostile words come back short and escaped, and reach no database as anything but data."""
    hostile = 'x"; DROP TABLE people; --\r\nX-Injected: 1\x1b[31m' + "y" * 500
    answers = [
        people.insert("people", {hostile: 1}),
        people.insert("people", {"Number": hostile}),
        people.query("people", {"query": {"expressions": [{"field": hostile, "operand": "=", "value": 1}]}}),
        people.query("people", {"sort": [{"field": hostile}]}),
        people.query("people", {hostile: 1}),
        people.query("people", **{"x\r\n": hostile}),
        people.query("people", sys_limit=hostile),
        people.query("people", {"cursor": hostile}),
        workspace.admin.post("/workspaces", json={"name": hostile}),
        workspace.admin.post(f"{workspace.path}/tables", json=table(hostile, column(hostile, hostile))),
        workspace.admin.get(f"{workspace.path}/tables", params={"cursor": hostile}),
    ]
    for answer in answers:
        refusal = problem(answer, (400, 422))
        for error in refusal["errors"]:
            assert error["msg"].isprintable()
            assert len(error["msg"]) < 600
            assert "y" * 200 not in error["msg"]
        assert "x-injected" not in answer.headers
    assert good(people.query("people"))["total"] == 0


def test_every_response_says_how_it_may_be_used(
    people: Bot, workspace: Workspace, server: RowkeepServer
) -> None:
    """No response is taken for what it is not, and none with rows or secrets stays in a cache."""
    app = workspace.admin.post(f"{workspace.path}/apps", json={"name": "secretive"})
    responses = [
        people.query("people"),
        people.query("nosuch"),
        people.insert("people", {"Number": 1}, prefer="return=minimal"),
        people.insert("people", {"Number": "one"}),
        app,
        workspace.admin.post(f"{workspace.path}/apps/{app.json()['clientId']}/secret"),
        workspace.admin.delete(f"{workspace.path}/apps/{app.json()['clientId']}"),
        workspace.admin.post("/admin-tokens", json={"name": "secret"}),
        plain.get(server.url + "/healthz"),
        plain.get(server.url + "/nosuch"),
        plain.post(server.url + "/healthz"),
    ]
    assert [response.status_code for response in responses] == [
        200, 404, 200, 422, 201, 200, 204, 201, 200, 404, 405
    ]  # fmt: skip
    for response in responses:
        assert response.headers.get_list("x-content-type-options") == ["nosniff"]
        assert response.headers.get_list("cache-control") == ["no-store"]
    for path in ("/docs", "/openapi.json", "/docs/assets/swagger-ui.css"):
        document = plain.get(server.url + path)
        assert document.headers.get_list("x-content-type-options") == ["nosniff"]
        assert "cache-control" not in document.headers
