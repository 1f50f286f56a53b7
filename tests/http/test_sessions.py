"""Sessions: people sign in and out, and nobody else uses their sessions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from answers import good, problem

from support.engines import first_on_each
from support.person import PASSWORD, Person, browser
from support.server import RowkeepServer


@pytest.fixture
def ada(server: RowkeepServer) -> Iterator[Person]:
    person = Person(server)
    yield person
    person.http.close()


def test_who_is_signed_in(ada: Person) -> None:
    session = good(ada.http.get("/session"))
    assert session == {
        "id": ada.id,
        "email": ada.email,
        "name": ada.name,
        "admin": False,
        "writer": ada.user["writer"],
        "workspaces": [],
    }


def test_the_cookie(server: RowkeepServer, ada: Person) -> None:
    body = {"email": ada.email.upper(), "password": PASSWORD}
    with browser(server) as client:
        signed_in = client.post("/session", json=body)
        assert signed_in.status_code == 201
        name, *attributes = signed_in.headers["set-cookie"].split("; ")
        assert name.startswith("rowkeep_session=rks_")
        assert attributes == ["Path=/", "Max-Age=604800", "HttpOnly", "SameSite=Lax"]
        proxy = {"X-Forwarded-Proto": "https", "Origin": server.url.replace("http://", "https://")}
        https = client.post("/session", json=body, headers=proxy)
        assert https.headers["set-cookie"].endswith("; Secure")


def test_a_new_session_has_a_new_token_and_ends_the_former_one(ada: Person) -> None:
    former = ada.http.cookies["rowkeep_session"]
    ada.sign_in()
    assert ada.http.cookies["rowkeep_session"] != former
    ada.http.cookies.set("rowkeep_session", former, domain="127.0.0.1")
    ada.http.cookies.clear()
    problem(ada.http.get("/session", headers={"Cookie": f"rowkeep_session={former}"}), 401, "unauthenticated")


def test_no_token_of_a_stranger_becomes_a_session(server: RowkeepServer, ada: Person) -> None:
    planted = "rks_" + "a" * 43
    with browser(server, Cookie=f"rowkeep_session={planted}") as client:
        signed_in = client.post("/session", json={"email": ada.email, "password": PASSWORD})
        assert planted not in signed_in.headers["set-cookie"]
    with browser(server, Cookie=f"rowkeep_session={planted}") as client:
        problem(client.get("/session"), 401, "unauthenticated")


def test_signing_out_ends_the_session(server: RowkeepServer, ada: Person) -> None:
    token = ada.http.cookies["rowkeep_session"]
    out = ada.http.delete("/session")
    assert out.status_code == 204
    assert "Max-Age=0" in out.headers["set-cookie"]
    with browser(server, Cookie=f"rowkeep_session={token}") as client:
        problem(client.get("/session"), 401, "unauthenticated")
        assert client.delete("/session").status_code == 204


@pytest.mark.parametrize(
    ("email", "password"),
    [("", PASSWORD), ("nobody@example.com", PASSWORD), (None, "wrong"), (None, ""), ("a\u0000b", "x")],
)
def test_a_wrong_sign_in(server: RowkeepServer, ada: Person, email: str | None, password: str) -> None:
    with browser(server, **{"X-Forwarded-For": "192.0.2.77"}) as client:
        body = {"email": ada.email if email is None else email, "password": password}
        answer = problem(client.post("/session", json=body), 401, "sign_in_failed")
        assert "wrong" in answer["detail"]


# pages of other origins


@first_on_each(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    server: RowkeepServer, ada: Person, headers: dict[str, str]
) -> None:
    cookie = {"Cookie": f"rowkeep_session={ada.http.cookies['rowkeep_session']}"}
    with httpx.Client(base_url=server.url + "/api/v1", headers=cookie, trust_env=False) as client:
        refused = client.delete("/session", headers=headers)
        problem(refused, 403, "cross_origin")
        rows = client.post("/workspaces/main/data/tables/x/query", headers=headers)
        problem(rows, 403, "cross_origin")
        users = client.post("/users", json={"email": "x@example.com", "name": "X"}, headers=headers)
        problem(users, 403, "cross_origin")
        assert good(client.get("/session", headers=headers))["id"] == ada.id


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_without_an_origin_the_browser_says_which_site(server: RowkeepServer, ada: Person, site: str) -> None:
    cookie = f"rowkeep_session={ada.http.cookies['rowkeep_session']}"
    headers = {"Cookie": cookie, "Sec-Fetch-Site": site}
    with httpx.Client(base_url=server.url + "/api/v1", headers=headers, trust_env=False) as client:
        assert client.delete("/session").status_code == 204


def test_a_page_of_another_origin_cannot_sign_anybody_in(server: RowkeepServer, ada: Person) -> None:
    body = {"email": ada.email, "password": PASSWORD}
    with browser(server, Origin="https://evil.example") as client:
        problem(client.post("/session", json=body), 403, "cross_origin")


def test_a_program_with_a_token_needs_no_origin(server: RowkeepServer, ada: Person) -> None:
    with server.admin() as admin:
        cookie = {"Cookie": f"rowkeep_session={ada.http.cookies['rowkeep_session']}"}
        listed = admin.get("/users", headers=cookie)
        assert listed.status_code == 200
        patched = admin.patch(f"/users/{ada.id}", json={"name": "Ada"}, headers=cookie)
        assert good(patched)["name"] == "Ada"


# failed sign-ins


def test_five_failures_of_an_account(server: RowkeepServer, ada: Person) -> None:
    for at in range(5):
        with browser(server, **{"X-Forwarded-For": f"198.51.100.{at}"}) as client:
            body = {"email": ada.email, "password": "wrong"}
            problem(client.post("/session", json=body), 401, "sign_in_failed")
    with browser(server) as client:
        refused = client.post("/session", json={"email": ada.email.upper(), "password": PASSWORD})
        problem(refused, 429, "too_many_sign_ins")
        assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_twenty_failures_of_an_address(server: RowkeepServer, ada: Person) -> None:
    with browser(server, **{"X-Forwarded-For": "203.0.113.9"}) as client:
        for at in range(20):
            body = {"email": f"{at}@example.com", "password": "wrong"}
            problem(client.post("/session", json=body), 401, "sign_in_failed")
        refused = client.post("/session", json={"email": ada.email, "password": PASSWORD})
        problem(refused, 429, "too_many_sign_ins")
    with browser(server, **{"X-Forwarded-For": "203.0.113.10"}) as client:
        body = {"email": ada.email, "password": PASSWORD}
        assert client.post("/session", json=body).status_code == 201


def test_a_sign_in_that_succeeds_is_not_counted(server: RowkeepServer, ada: Person) -> None:
    with browser(server, **{"X-Forwarded-For": "203.0.113.20"}) as client:
        for _ in range(25):
            body = {"email": ada.email, "password": PASSWORD}
            assert client.post("/session", json=body).status_code == 201


# passwords


@pytest.mark.parametrize("password", ["", "too short", "x" * 1025, "é" * 513])
def test_a_password_that_nobody_can_have(server: RowkeepServer, password: str) -> None:
    with server.admin() as admin:
        body = {"email": "long@example.com", "name": "Long", "password": password}
        problem(admin.post("/users", json=body), 422, "invalid_value", pointer="/password")


def test_a_huge_password_is_not_hashed(server: RowkeepServer, ada: Person) -> None:
    with browser(server) as client:
        body = {"email": ada.email, "password": "x" * 1_000_000}
        problem(client.post("/session", json=body), 422, "invalid_value", pointer="/password")


def test_changing_the_password_ends_other_sessions(server: RowkeepServer, ada: Person) -> None:
    with browser(server) as other:
        assert other.post("/session", json={"email": ada.email, "password": PASSWORD}).status_code == 201
        body = {"currentPassword": "wrong", "password": "another long password"}
        problem(ada.http.put("/session/password", json=body), 401, "sign_in_failed")
        body = {"currentPassword": PASSWORD, "password": "another long password"}
        assert good(ada.http.put("/session/password", json=body))["id"] == ada.id
        assert good(ada.http.get("/session"))["id"] == ada.id
        problem(other.get("/session"), 401, "unauthenticated")
        problem(
            other.post("/session", json={"email": ada.email, "password": PASSWORD}), 401, "sign_in_failed"
        )


# one's own name and sessions


def test_changing_the_own_name(server: RowkeepServer, ada: Person) -> None:
    assert good(ada.http.patch("/session", json={"name": " Ada L. "}))["name"] == "Ada L."
    assert good(ada.http.get("/session")) == good(ada.http.get("/session")) | {"name": "Ada L."}
    problem(ada.http.patch("/session", json={"name": " "}), 422, "invalid_value", pointer="/name")
    problem(ada.http.patch("/session", json={"email": "x@example.com"}), 400, "unknown_key")
    with server.admin() as admin:
        problem(admin.patch("/session", json={"name": "A token"}), 403, "forbidden")
    with browser(server) as nobody:
        problem(nobody.patch("/session", json={"name": "Nobody"}), 401, "unauthenticated")


@contextmanager
def signed_in(server: RowkeepServer, person: Person, **headers: str) -> Iterator[httpx.Client]:
    """Another browser of the same person."""
    with browser(server, **headers) as other:
        assert other.post("/session", json={"email": person.email, "password": PASSWORD}).status_code == 201
        yield other


def test_signing_out_elsewhere(server: RowkeepServer, ada: Person) -> None:
    headers = {"User-Agent": "Telephone" + "x" * 400, "X-Forwarded-For": "2001:db8::7"}
    with signed_in(server, ada, **headers) as phone, signed_in(server, Person(server)) as stranger:
        current, other = good(ada.http.get("/sessions"))["sessions"]
        assert (current["current"], other["current"]) == (True, False)
        assert current["address"] == "127.0.0.1"
        assert current["agent"].startswith("python-httpx/")
        assert (other["agent"], other["address"]) == ("Telephone" + "x" * 291, "2001:db8::7")
        assert other["createdOn"] <= other["lastSeenOn"] < other["expiresOn"]
        assert good(phone.get("/sessions"))["sessions"][0]["id"] == other["id"]
        problem(stranger.delete(f"/sessions/{other['id']}"), 404, "no_such_session")
        for wrong in ("se-", "se-" + "0" * 24, other["id"][:-1], other["id"].upper(), "x" * 500):
            problem(ada.http.delete(f"/sessions/{wrong}"), 404, "no_such_session")
        assert ada.http.delete(f"/sessions/{other['id']}").status_code == 204
        problem(ada.http.delete(f"/sessions/{other['id']}"), 404, "no_such_session")
        problem(phone.get("/session"), 401, "unauthenticated")
        assert good(ada.http.get("/sessions"))["sessions"] == [current]
        assert stranger.get("/session").status_code == 200


def test_signing_out_everywhere_else(server: RowkeepServer, ada: Person) -> None:
    with signed_in(server, ada) as one, signed_in(server, ada) as two, signed_in(server, ada) as three:
        assert one.delete("/sessions").status_code == 204
        assert len(good(one.get("/sessions"))["sessions"]) == 1
        for other in (ada.http, two, three):
            problem(other.get("/sessions"), 401, "unauthenticated")
        ended = good(one.get("/sessions"))["sessions"][0]
        assert one.delete(f"/sessions/{ended['id']}").status_code == 204
        problem(one.get("/session"), 401, "unauthenticated")


def test_an_admin_token_has_no_sessions(server: RowkeepServer) -> None:
    with server.admin() as admin:
        problem(admin.get("/sessions"), 403, "forbidden")
        problem(admin.delete("/sessions"), 403, "forbidden")
        problem(admin.delete("/sessions/se-" + "0" * 24), 403, "forbidden")
