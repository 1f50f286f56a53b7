"""Webhooks through the management API: created, changed, tested and deleted, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from answers import MOMENT, good, problem

from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")
MEMBERS = {
    *("id", "url", "tables", "kinds", "enabled", "pausedOn", "pausedReason", "nPending", "createdOn"),
}
# a name that is never resolved: nothing is sent to another machine
URL = "https://hooks.invalid/rows"
RECORDED = PEOPLE | {"name": "recorded", "history": {"keepDays": 30}}


@pytest.fixture
def webhooks(workspace: Workspace) -> str:
    """The path of the workspace's webhooks, for its table with a history."""
    workspace.create_table(RECORDED)
    workspace.create_table(PEOPLE)
    return f"{workspace.path}/webhooks"


def create(workspace: Workspace, path: str, **more: Any) -> dict[str, Any]:
    response = workspace.admin.post(path, json={"url": URL, "tables": ["Recorded"]} | more)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made


def test_a_webhook_is_created_changed_and_deleted(workspace: Workspace, webhooks: str) -> None:
    made = create(workspace, webhooks, kinds=["delete", "insert", "insert"])
    assert made.keys() == MEMBERS | {"secret"}
    assert SECRET.fullmatch(made["secret"])
    assert MOMENT.fullmatch(made["createdOn"])
    assert (made["tables"], made["kinds"], made["enabled"]) == (["recorded"], ["insert", "delete"], True)
    stored = {name: value for name, value in made.items() if name != "secret"}
    path = f"{webhooks}/{made['id']}"
    assert good(workspace.admin.get(path)) == stored
    other = create(workspace, webhooks)
    assert other["kinds"] == ["insert", "update", "delete"]
    first = good(workspace.admin.get(webhooks, params={"limit": 1}))
    assert first["webhooks"] == [stored]
    rest = good(workspace.admin.get(webhooks, params={"cursor": first["nextCursor"]}))
    assert [each["id"] for each in rest["webhooks"]] == [other["id"]]
    patch = {"url": "https://hooks.invalid/new", "kinds": ["update"], "enabled": False, "resume": True}
    changed = good(workspace.admin.patch(path, json=patch))
    assert changed == stored | {key: value for key, value in patch.items() if key != "resume"}
    rotated = good(workspace.admin.post(f"{path}/secret"))
    assert SECRET.fullmatch(rotated.pop("secret"))
    assert rotated == changed
    deleted = workspace.admin.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method, place in (
        *(("GET", path), ("DELETE", path), ("POST", f"{path}/secret"), ("POST", f"{path}/test")),
        *(("GET", f"{path}/deliveries"), ("POST", f"{path}/deliveries/dl-0/redeliver")),
    ):
        problem(workspace.admin.request(method, place), 404, "no_such_webhook")


def test_a_test_message_and_the_log(workspace: Workspace, webhooks: str) -> None:
    path = f"{webhooks}/{create(workspace, webhooks)['id']}"
    tested = good(workspace.admin.post(f"{path}/test"))
    assert (tested["type"], tested["state"], tested["attempts"]) == ("webhook.test", "failed", 1)
    assert "cannot be resolved" in tested["error"]
    assert good(workspace.admin.get(f"{path}/deliveries", params={"state": "failed"})) == {
        "deliveries": [tested]
    }
    assert good(workspace.admin.get(f"{path}/deliveries", params={"state": "pending"})) == {"deliveries": []}
    again = good(workspace.admin.post(f"{path}/deliveries/{tested['id']}/redeliver"))
    assert (again["id"], again["state"], again["attempts"]) == (tested["id"], "failed", 2)
    problem(workspace.admin.post(f"{path}/deliveries/dl-0/redeliver"), 404, "no_such_delivery")
    problem(workspace.admin.get(f"{path}/deliveries", params={"state": "sent"}), 400, "invalid_parameter")


REFUSED: tuple[tuple[dict[str, Any], int, str, str], ...] = (
    ({"url": "http://127.0.0.1/"}, 422, "invalid_url", "/url"),
    ({"url": "http://localhost:8080/"}, 422, "invalid_url", "/url"),
    ({"url": "http://[::ffff:10.0.0.1]/"}, 422, "invalid_url", "/url"),
    ({"url": "http://169.254.169.254/latest"}, 422, "invalid_url", "/url"),
    ({"url": "gopher://hooks.invalid/"}, 422, "invalid_url", "/url"),
    ({"url": "https://me:secret@hooks.invalid/"}, 422, "invalid_url", "/url"),
    ({"url": "https://hooks.invalid/" + "x" * 2000}, 422, "invalid_url", "/url"),
    ({"tables": []}, 400, "invalid_body", "/tables"),
    ({"tables": ["recorded"] * 101}, 400, "invalid_body", "/tables"),
    ({"tables": ["recorded", "nowhere"]}, 404, "no_such_table", "/tables/1"),
    ({"tables": ["no name"]}, 404, "no_such_table", "/tables/0"),
    ({"kinds": []}, 400, "invalid_body", "/kinds"),
    ({"kinds": ["truncate"]}, 400, "invalid_body", "/kinds/0"),
)


def test_what_is_refused(workspace: Workspace, webhooks: str) -> None:
    path = f"{webhooks}/{create(workspace, webhooks)['id']}"
    before = good(workspace.admin.get(path))
    for wrong, status, code, pointer in REFUSED:
        body = {"url": URL, "tables": ["recorded"]} | wrong
        problem(workspace.admin.post(webhooks, json=body), status, code, pointer=pointer)
        problem(workspace.admin.patch(path, json=wrong), status, code, pointer=pointer)
    without = {"url": URL, "tables": ["people"]}
    problem(workspace.admin.post(webhooks, json=without), 409, "history_off")
    problem(workspace.admin.patch(path, json={"tables": ["recorded", "people"]}), 409, "history_off")
    problem(workspace.admin.post(webhooks, json={"tables": ["recorded"]}), 400, "invalid_body")
    problem(workspace.admin.post(webhooks, json={"url": URL, "tables": ["recorded"], "secret": "s"}), 400)
    assert good(workspace.admin.get(path)) == before
    assert len(good(workspace.admin.get(webhooks))["webhooks"]) == 1


def test_managers_have_webhooks_and_others_have_not(
    server: RowkeepServer, workspace: Workspace, webhooks: str
) -> None:
    person = Person(server)
    place = f"{workspace.path}/members/{person.id}"
    good(workspace.admin.put(place, json={"role": "editor"}))
    body = {"url": URL, "tables": ["recorded"]}
    made = create(workspace, webhooks)["id"]
    for method, path, sent in (
        *(("GET", webhooks, None), ("POST", webhooks, body), ("GET", f"{webhooks}/{made}", None)),
        *(("PATCH", f"{webhooks}/{made}", {}), ("POST", f"{webhooks}/{made}/test", None)),
        *(("POST", f"{webhooks}/{made}/secret", None), ("GET", f"{webhooks}/{made}/deliveries", None)),
    ):
        problem(person.http.request(method, path, json=sent), 403, "forbidden")
    good(workspace.admin.put(place, json={"role": "manager"}))
    own = person.http.post(webhooks, json=body)
    assert own.status_code == 201, own.text
    good(person.http.patch(f"{webhooks}/{made}", json={"tables": ["recorded"], "resume": True}))
    tested = good(person.http.post(f"{webhooks}/{made}/test"))
    good(person.http.post(f"{webhooks}/{made}/deliveries/{tested['id']}/redeliver"))
    entries = good(workspace.admin.get("/audit", params={"action": "webhook"}))["entries"]
    actions = {
        (each["action"], each.get("target")) for each in entries if each["workspace"] == workspace.name
    }
    assert ("webhook.create", f"webhook {own.json()['id']}") in actions
    assert ("webhook.redeliver", f"webhook {made}, delivery {tested['id']}") in actions
    assert own.json()["secret"] not in str(entries)
    person.http.close()
