"""One-time links: the first user, and passwords that are set again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from answers import good, problem

from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer

FIRST = {"email": "First@Example.com", "name": "First", "password": PASSWORD}


@pytest.fixture
def fresh(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server without users, with two processes."""
    server = RowkeepServer(new_store(), tmp_path, workers=2)
    server.start()
    yield server
    server.stop()


def first_token(server: RowkeepServer) -> str:
    path = server.directory / "rowkeep.first-user"
    assert path.stat().st_mode & 0o777 == 0o600
    link = path.read_text().strip()
    assert link.startswith(f"{server.url}/console/welcome#rkl_")
    assert link.partition("#")[2] not in server.log.read_text()
    return link.partition("#")[2]


def test_exactly_one_request_makes_the_first_user(fresh: RowkeepServer) -> None:
    token = first_token(fresh)

    def use(at: int) -> httpx.Response:
        with browser(fresh) as client:
            body = FIRST | {"email": f"first{at}@example.com", "token": token}
            return client.post("/session/first", json=body)

    with browser(fresh) as client:
        assert good(client.get("/session/methods"))["firstUser"] is True
        weak = client.post("/session/first", json=FIRST | {"token": token, "password": "short"})
        problem(weak, 422, "invalid_value", pointer="/password")
        wrong = client.post("/session/first", json=FIRST | {"token": "rkl_" + "a" * 43})
        problem(wrong, 410, "invalid_link")
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(use, range(8)))
    assert sorted(response.status_code for response in responses) == [201, *[410] * 7]
    (winner,) = (response for response in responses if response.status_code == 201)
    assert winner.json()["admin"] is True
    assert winner.json()["workspaces"] == [{"name": "main", "role": "manager"}]
    with fresh.admin() as admin:
        assert [user["email"] for user in good(admin.get("/users"))["users"]] == [winner.json()["email"]]
    with browser(fresh) as client:
        assert good(client.get("/session/methods"))["firstUser"] is False


def test_the_first_link_is_worth_nothing_once_there_is_a_user(fresh: RowkeepServer) -> None:
    token = first_token(fresh)
    Person(fresh).http.close()
    with browser(fresh) as client:
        problem(client.post("/session/first", json=FIRST | {"token": token}), 410, "invalid_link")


def test_a_new_user_sets_a_password(server: RowkeepServer) -> None:
    with server.admin() as admin:
        created = admin.post("/users", json={"email": "new@example.com", "name": "New"})
        assert created.status_code == 201
        path, _, token = created.json()["link"].partition("#")
        assert path == "/console/reset"
        with browser(server) as client:
            body = {"email": "new@example.com", "password": PASSWORD}
            problem(client.post("/session", json=body), 401, "sign_in_failed")
            reset = client.post("/session/reset", json={"token": token, "password": PASSWORD})
            assert reset.status_code == 201
            assert good(client.get("/session"))["email"] == "new@example.com"
            assert client.post("/session", json=body).status_code == 201
            again = client.post("/session/reset", json={"token": token, "password": PASSWORD})
            problem(again, 410, "invalid_link")
        admin.delete(f"/users/{created.json()['id']}")


def test_a_reset_ends_all_sessions_and_earlier_links(server: RowkeepServer) -> None:
    ada = Person(server)
    with server.admin() as admin:
        first = admin.post(f"/users/{ada.id}/reset").json()["link"].partition("#")[2]
        problem(ada.http.get("/session"), 401, "unauthenticated")
        second = admin.post(f"/users/{ada.email}/reset").json()["link"].partition("#")[2]
    body = {"token": first, "password": PASSWORD}
    problem(ada.http.post("/session/reset", json=body), 410, "invalid_link")
    problem(ada.http.post("/session/link", json={"token": second}), 410, "invalid_link")
    assert ada.http.post("/session/reset", json=body | {"token": second}).status_code == 201


def test_a_link_of_a_disabled_user(server: RowkeepServer) -> None:
    ada = Person(server)
    with server.admin() as admin:
        token = admin.post(f"/users/{ada.id}/reset").json()["link"].partition("#")[2]
        good(admin.patch(f"/users/{ada.id}", json={"disabled": True}))
    body = {"token": token, "password": PASSWORD}
    problem(ada.http.post("/session/reset", json=body), 410, "invalid_link")
