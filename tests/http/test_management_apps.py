"""Apps through the management API: created, got, listed, changed, deleted; secrets and keys."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from answers import MOMENT, UUID, good, problem

from support.bot import Bot
from support.engines import first_on_each
from support.tokens import key_pair
from support.workspace import PEOPLE, Workspace

CLIENT_ID = re.compile(f"cs-{UUID}")
MEMBERS = {
    *("name", "clientId", "algorithm", "publicKey", "enabled", "maxAffected", "allowAll", "createdOn"),
    *("rateLimit", "requireJti", "audience", "requireJwe"),
}
EC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""


@pytest.fixture
def apps(workspace: Workspace) -> str:
    """The path of the workspace's apps."""
    return f"{workspace.path}/apps"


@pytest.fixture(scope="module")
def unchanged(shared: Workspace) -> dict[str, Any]:
    """An app in the workspace of the module, for requests that are refused."""
    shared.create_table(PEOPLE)
    return create(shared, {"name": "unchanged"})


def create(workspace: Workspace, body: Any) -> dict[str, Any]:
    response = workspace.admin.post(f"{workspace.path}/apps", json=body)
    assert response.status_code == 201, response.text
    return response.json()


def test_an_app_lives_and_ends(workspace: Workspace, apps: str) -> None:
    made = create(workspace, {"name": "bot one"})
    assert made.keys() == MEMBERS | {"clientSecret"}
    assert CLIENT_ID.fullmatch(made["clientId"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", made["clientSecret"])
    assert MOMENT.fullmatch(made["createdOn"])
    assert (made["name"], made["algorithm"], made["enabled"]) == ("bot one", "HS256", True)
    assert made["publicKey"] is None
    kept = {name: value for name, value in made.items() if name != "clientSecret"}
    path = f"{apps}/{made['clientId']}"
    assert good(workspace.admin.get(path)) == kept
    assert good(workspace.admin.get(apps)) == {"apps": [kept]}
    deleted = workspace.admin.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    problem(workspace.admin.get(path), 404, "no_such_app")
    problem(workspace.admin.delete(path), 404, "no_such_app")
    assert good(workspace.admin.get(apps)) == {"apps": []}


@pytest.mark.parametrize(("algorithm", "length"), [("HS256", 43), ("HS512", 86)])
def test_secrets_are_as_long_as_the_hash(workspace: Workspace, algorithm: str, length: int) -> None:
    secrets = [create(workspace, {"name": n, "algorithm": algorithm})["clientSecret"] for n in ("a", "b")]
    assert [len(secret) for secret in secrets] == [length] * 2
    assert secrets[0] != secrets[1]


@pytest.mark.parametrize("algorithm", ["RS256", "RS512"])
def test_apps_with_keys_have_no_secret(workspace: Workspace, apps: str, algorithm: str) -> None:
    made = create(workspace, {"name": "a", "algorithm": algorithm, "publicKey": key_pair().public})
    assert made.keys() == MEMBERS
    assert made["publicKey"].strip() == key_pair().public.strip()
    assert good(workspace.admin.get(f"{apps}/{made['clientId']}")) == made
    problem(workspace.admin.post(f"{apps}/{made['clientId']}/secret"), 400)


def test_names_are_unique_in_a_workspace_regardless_of_case(workspace: Workspace, apps: str) -> None:
    create(workspace, {"name": "Clerk"})
    other = create(workspace, {"name": "other"})
    for name in ("Clerk", "clerk", "CLERK"):
        problem(workspace.admin.post(apps, json={"name": name}), 409, "name_taken")
        problem(workspace.admin.patch(f"{apps}/{other['clientId']}", json={"name": name}), 409, "name_taken")
    second = Workspace(workspace.server, f"{workspace.name}_b")
    create(second, {"name": "clerk"})
    second.delete()


WRONG_BODIES: list[tuple[Any, str]] = [
    ({}, "/name"),
    ({"name": None}, "/name"),
    ({"name": 5}, "/name"),
    ({"name": ""}, "/name"),
    ({"name": "a", "algorithm": "none"}, "/algorithm"),
    ({"name": "a", "algorithm": "HS384"}, "/algorithm"),
    ({"name": "a", "algorithm": "hs256"}, "/algorithm"),
    ({"name": "a", "algorithm": "ES256"}, "/algorithm"),
    ({"name": "a", "algorithm": 256}, "/algorithm"),
    ({"name": "a", "algorithm": "RS256"}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": None}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": ""}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": 5}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": "garbage"}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": EC_KEY}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": EC_KEY.replace("A", "B")}, "/publicKey"),
    ({"name": "a", "algorithm": "RS256", "publicKey": "é\ud7ff\x00"}, "/publicKey"),
]


@first_on_each(("body", "pointer"), WRONG_BODIES)
def test_wrong_bodies(shared: Workspace, unchanged: dict[str, Any], body: Any, pointer: str) -> None:
    problem(shared.admin.post(f"{shared.path}/apps", json=body), 400, pointer=pointer)
    (left,) = good(shared.admin.get(f"{shared.path}/apps"))["apps"]
    assert left["clientId"] == unchanged["clientId"]


@pytest.mark.parametrize("kind", ["short", "private"])
def test_keys_that_do_not_do(workspace: Workspace, apps: str, kind: str) -> None:
    key = key_pair(1024).public if kind == "short" else key_pair().private
    body = {"name": "a", "algorithm": "RS256", "publicKey": key}
    refusal = problem(workspace.admin.post(apps, json=body), 400, "invalid_body", "/publicKey")
    assert "PRIVATE" not in refusal["detail"]


def test_a_key_for_an_app_with_a_secret_is_refused(workspace: Workspace, apps: str) -> None:
    for algorithm in ("HS256", "HS512"):
        body = {"name": "a", "algorithm": algorithm, "publicKey": key_pair().public}
        problem(workspace.admin.post(apps, json=body), 400, pointer="/publicKey")


@first_on_each("key", ["client_id", "Name", "secret"])
def test_unknown_keys_are_errors(shared: Workspace, unchanged: dict[str, Any], key: str) -> None:
    apps = f"{shared.path}/apps"
    problem(shared.admin.post(apps, json={"name": "a", key: "b"}), 400, "unknown_key", f"/{key}")
    path = f"{apps}/{unchanged['clientId']}"
    problem(shared.admin.patch(path, json={key: "b"}), 400, "unknown_key", f"/{key}")


def test_changing_the_name(workspace: Workspace, apps: str) -> None:
    made = create(workspace, {"name": "before"})
    path = f"{apps}/{made.pop('clientId')}"
    secret = made.pop("clientSecret")
    changed = good(workspace.admin.patch(path, json={"name": "after"}))
    assert {name: changed[name] for name in made} == {**made, "name": "after"}
    assert "clientSecret" not in changed
    assert good(workspace.admin.patch(path, json={"name": "After"}))["name"] == "After"
    workspace.create_table(PEOPLE)
    workspace.grant(changed["clientId"], "people", "r")
    good(Bot(workspace.server.url, changed["clientId"], secret).query("people"))


def test_an_empty_change_changes_nothing(workspace: Workspace, apps: str) -> None:
    made = create(workspace, {"name": "a"})
    path = f"{apps}/{made['clientId']}"
    before = good(workspace.admin.get(path))
    assert good(workspace.admin.patch(path, json={})) == before
    assert good(workspace.admin.get(path)) == before


@first_on_each(
    ("body", "pointer"),
    [
        ({"enabled": "false"}, "/enabled"),
        ({"enabled": None}, "/enabled"),
        ({"enabled": 0}, "/enabled"),
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"algorithm": None}, "/algorithm"),
        ({"algorithm": "none"}, "/algorithm"),
        ({"algorithm": "RS256"}, "/publicKey"),
        ({"publicKey": "x"}, "/publicKey"),
    ],
)
def test_wrong_changes(shared: Workspace, unchanged: dict[str, Any], body: Any, pointer: str) -> None:
    path = f"{shared.path}/apps/{unchanged['clientId']}"
    before = good(shared.admin.get(path))
    problem(shared.admin.patch(path, json={"name": "b", **body}), 400, pointer=pointer)
    assert good(shared.admin.get(path)) == before


def test_changing_the_algorithm(people: Bot, workspace: Workspace, apps: str) -> None:
    path = f"{apps}/{people.client_id}"
    url, client_id = workspace.server.url, people.client_id
    longer = good(workspace.admin.patch(path, json={"algorithm": "HS512"}))
    assert len(longer["clientSecret"]) == 86
    problem(people.query("people"), 401)
    good(Bot(url, client_id, longer["clientSecret"], "HS512").query("people"))
    body = {"algorithm": "RS512", "publicKey": key_pair().public}
    keyed = good(workspace.admin.patch(path, json=body))
    assert keyed.keys() == MEMBERS
    problem(Bot(url, client_id, longer["clientSecret"], "HS512").query("people"), 401)
    good(Bot(url, client_id, key_pair().private, "RS512").query("people"))
    other = good(workspace.admin.patch(path, json={"publicKey": key_pair(which=1).public}))
    assert other["algorithm"] == "RS512"
    problem(Bot(url, client_id, key_pair().private, "RS512").query("people"), 401)
    good(Bot(url, client_id, key_pair(which=1).private, "RS512").query("people"))
    good(workspace.admin.patch(path, json={"algorithm": "RS256"}))
    good(Bot(url, client_id, key_pair(which=1).private, "RS256").query("people"))
    back = good(workspace.admin.patch(path, json={"algorithm": "HS256"}))
    assert (len(back["clientSecret"]), back["publicKey"]) == (43, None)
    good(Bot(url, client_id, back["clientSecret"]).query("people"))


def test_the_same_algorithm_again_keeps_the_secret(people: Bot, workspace: Workspace, apps: str) -> None:
    changed = good(workspace.admin.patch(f"{apps}/{people.client_id}", json={"algorithm": "HS256"}))
    assert "clientSecret" not in changed
    good(people.query("people"))


def test_a_new_secret(people: Bot, workspace: Workspace, apps: str) -> None:
    answer = good(workspace.admin.post(f"{apps}/{people.client_id}/secret"))
    assert answer.keys() == MEMBERS | {"clientSecret"}
    assert answer["clientSecret"] != people.secret
    problem(people.query("people"), 401)
    good(Bot(workspace.server.url, people.client_id, answer["clientSecret"]).query("people"))


@pytest.mark.parametrize(
    "client_id", ["cs-00000000-0000-4000-8000-000000000000", "x", "cs-", "CS-1", "a" * 2000]
)
def test_unknown_apps(shared: Workspace, unchanged: dict[str, Any], client_id: str) -> None:
    assert client_id != unchanged["clientId"]
    path = f"{shared.path}/apps/{client_id}"
    problem(shared.admin.get(path), 404, "no_such_app")
    problem(shared.admin.patch(path, json={"enabled": False}), 404, "no_such_app")
    problem(shared.admin.delete(path), 404, "no_such_app")
    problem(shared.admin.post(f"{path}/secret"), 404, "no_such_app")
    problem(shared.admin.get(f"{path}/grants"), 404, "no_such_app")
    grant = f"{shared.path}/tables/people/grants/{client_id}"
    problem(shared.admin.put(grant, json={"read": True}), 404, "no_such_app")


def test_changes_at_the_same_time_do_not_undo_each_other(workspace: Workspace, apps: str) -> None:
    """Least of all may a new name bring a disabled app back."""
    path = f"{apps}/{create(workspace, {'name': 'a'})['clientId']}"
    with ThreadPoolExecutor(8) as pool:
        for number in range(10):
            good(workspace.admin.patch(path, json={"enabled": True}))
            changes = [
                {"name": f"a{number}"},
                {"enabled": False},
                {"algorithm": ["HS256", "HS512"][number % 2]},
            ]
            answers = pool.map(lambda change: workspace.admin.patch(path, json=change), changes * 2)
            assert {answer.status_code for answer in answers} == {200}
            after = good(workspace.admin.get(path))
            assert (after["name"], after["enabled"]) == (f"a{number}", False)
            assert after["algorithm"] == ["HS256", "HS512"][number % 2]
