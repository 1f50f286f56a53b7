"""Users: administrators create, change and delete them, with immediate effect."""

from __future__ import annotations

from typing import Any

import httpx
from answers import good, problem

from support.engines import first_on_each
from support.person import PASSWORD, Person
from support.server import RowkeepServer


@first_on_each(
    ("change", "pointer"),
    [
        ({"email": "no address"}, "/email"),
        ({"email": "a@b@c"}, "/email"),
        ({"email": "x" * 250 + "@b.example"}, "/email"),
        ({"email": "a\u0000@example.com"}, "/email"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\nb"}, "/name"),
    ],
)
def test_an_invalid_user(admin: httpx.Client, change: dict[str, Any], pointer: str) -> None:
    body = {"email": "valid@example.com", "name": "Valid"} | change
    problem(admin.post("/users", json=body), 422, "invalid_value", pointer=pointer)


def test_an_address_belongs_to_one_user(server: RowkeepServer, admin: httpx.Client) -> None:
    ada, bob = Person(server), Person(server)
    body = {"email": ada.email.title(), "name": "Other"}
    problem(admin.post("/users", json=body), 409, "name_taken", pointer="/email")
    problem(admin.patch(f"/users/{bob.id}", json={"email": ada.email}), 409, "name_taken", pointer="/email")
    assert good(admin.patch(f"/users/{ada.id}", json={"email": ada.email.upper()}))["email"] != ada.email


def test_a_disabled_user_is_signed_out_and_cannot_sign_in(server: RowkeepServer, admin: httpx.Client) -> None:
    ada = Person(server)
    assert good(admin.patch(f"/users/{ada.id}", json={"disabled": True}))["disabled"] is True
    problem(ada.http.get("/session"), 401, "unauthenticated")
    body = {"email": ada.email, "password": PASSWORD}
    problem(ada.http.post("/session", json=body), 401, "sign_in_failed")
    good(admin.patch(f"/users/{ada.id}", json={"disabled": False}))
    problem(ada.http.get("/session"), 401, "unauthenticated")
    ada.sign_in()


def test_a_user_who_is_no_administrator_any_more(server: RowkeepServer, admin: httpx.Client) -> None:
    ada = Person(server, admin=True)
    assert good(ada.http.get("/users"))["users"]
    good(admin.patch(f"/users/{ada.id}", json={"admin": False}))
    problem(ada.http.get("/users"), 401, "unauthenticated")
    ada.sign_in()
    problem(ada.http.get("/users"), 403, "forbidden")


def test_a_deleted_user(server: RowkeepServer, admin: httpx.Client) -> None:
    ada = Person(server)
    good(admin.put(f"/workspaces/main/members/{ada.email}", json={"role": "viewer"}))
    assert admin.delete(f"/users/{ada.id}").status_code == 204
    problem(ada.http.get("/session"), 401, "unauthenticated")
    problem(admin.delete(f"/users/{ada.id}"), 404, "no_such_user")
    assert ada.id not in [each["user"] for each in good(admin.get("/workspaces/main/members"))["members"]]
    writers = good(admin.get("/workspaces/main/writers?limit=1000"))["writers"]
    assert {"id": ada.user["writer"], "name": ada.name, "kind": "user"} in writers


def test_administrators_keep_their_own_rights(server: RowkeepServer) -> None:
    ada = Person(server, admin=True)
    problem(ada.http.delete(f"/users/{ada.id}"), 409, "delete_not_allowed")
    for change in ({"admin": False}, {"disabled": True}):
        problem(ada.http.patch(f"/users/{ada.id}", json=change), 409, "delete_not_allowed")
    assert good(ada.http.patch(f"/users/{ada.id}", json={"name": "Ada"}))["name"] == "Ada"


def test_only_administrators_manage_users(server: RowkeepServer) -> None:
    ada = Person(server)
    body = {"email": "more@example.com", "name": "More"}
    problem(ada.http.post("/users", json=body), 403, "forbidden")
    problem(ada.http.patch(f"/users/{ada.id}", json={"admin": True}), 403, "forbidden")
    problem(ada.http.post(f"/users/{ada.id}/reset"), 403, "forbidden")
    problem(ada.http.get("/admin-tokens"), 403, "forbidden")
    problem(ada.http.post("/workspaces", json={"name": "mine"}), 403, "forbidden")


def test_a_list_of_users_has_pages(server: RowkeepServer, admin: httpx.Client) -> None:
    people = [Person(server) for _ in range(3)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = good(admin.get("/users", params={"limit": "2"} | cursor))
        found += [user["id"] for user in page["users"]]
        if "nextCursor" not in page:
            break
        cursor = {"cursor": page["nextCursor"]}
    assert found == sorted(found)
    assert {person.id for person in people} <= set(found)


def test_an_admin_token_is_no_user(admin: httpx.Client) -> None:
    problem(admin.get("/session"), 403, "forbidden")
