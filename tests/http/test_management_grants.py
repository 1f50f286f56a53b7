"""Grants through the management API: given, listed by table and by app, taken away."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, problem

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import PEOPLE, Workspace

NONE = {"read": False, "write": False, "delete": False}


@pytest.fixture
def app(workspace: Workspace) -> dict[str, Any]:
    """An app with no grant, in a workspace with the tables people and animals."""
    workspace.create_table(PEOPLE)
    workspace.create_table({**PEOPLE, "name": "Animals"})
    return workspace.app("clerk")


@pytest.fixture(scope="module")
def clerk(shared: Workspace) -> dict[str, Any]:
    """Such an app in the workspace of the module, for requests that are refused."""
    shared.create_table(PEOPLE)
    return shared.app("clerk")


def of_table(workspace: Workspace, table: str) -> list[dict[str, Any]]:
    answer = good(workspace.admin.get(f"{workspace.path}/tables/{table}/grants"))
    assert answer.keys() == {"grants"}
    return answer["grants"]


def of_app(workspace: Workspace, client_id: str) -> list[dict[str, Any]]:
    answer = good(workspace.admin.get(f"{workspace.path}/apps/{client_id}/grants"))
    assert answer.keys() == {"grants"}
    return answer["grants"]


def put(workspace: Workspace, table: str, app: dict[str, Any], body: Any) -> Any:
    return workspace.admin.put(f"{workspace.path}/tables/{table}/grants/{app['clientId']}", json=body)


@pytest.mark.parametrize(
    "body",
    [{"read": True}, {"write": True, "delete": False}, {"read": True, "write": True, "delete": True}],
)
def test_a_grant_is_given(workspace: Workspace, app: dict[str, Any], body: dict[str, bool]) -> None:
    expected = {"clientId": app["clientId"], "app": "clerk", "table": "people", **NONE, **body}
    assert good(put(workspace, "people", app, body)) == expected
    assert of_table(workspace, "people") == [expected]
    assert of_app(workspace, app["clientId"]) == [expected]
    assert of_table(workspace, "Animals") == []


def test_a_grant_is_replaced_whole(workspace: Workspace, app: dict[str, Any]) -> None:
    good(put(workspace, "people", app, {"read": True, "write": True}))
    after = good(put(workspace, "people", app, {"delete": True}))
    assert (after["read"], after["write"], after["delete"]) == (False, False, True)
    assert of_table(workspace, "people") == [after]


@pytest.mark.parametrize("body", [{}, NONE, {"read": False}])
def test_all_false_takes_it_away(workspace: Workspace, app: dict[str, Any], body: dict[str, bool]) -> None:
    for _ in range(2):
        answer = good(put(workspace, "people", app, body))
        assert answer == {"clientId": app["clientId"], "app": "clerk", "table": "people", **NONE}
        assert of_table(workspace, "people") == of_app(workspace, app["clientId"]) == []
        good(put(workspace, "people", app, {"read": True}))
        assert len(of_table(workspace, "people")) == 1


def test_lists_have_all(workspace: Workspace, app: dict[str, Any]) -> None:
    other = workspace.app("Baker")
    good(put(workspace, "people", app, {"read": True}))
    good(put(workspace, "animals", app, {"write": True}))
    good(put(workspace, "ANIMALS", other, {"delete": True}))
    assert {(g["app"], g["table"]) for g in of_table(workspace, "animals")} == {
        ("clerk", "Animals"),
        ("Baker", "Animals"),
    }
    assert {g["table"] for g in of_app(workspace, app["clientId"])} == {"people", "Animals"}
    assert {g["table"] for g in of_app(workspace, other["clientId"])} == {"Animals"}


@first_on_each(
    ("body", "pointer"),
    [
        ({"read": "true"}, "/read"),
        ({"read": 1}, "/read"),
        ({"delete": None}, "/delete"),
        ({"write": {}}, "/write"),
        ({"update": True}, "/update"),
        ({"Read": True}, "/Read"),
    ],
)
def test_wrong_bodies(shared: Workspace, clerk: dict[str, Any], body: Any, pointer: str) -> None:
    problem(put(shared, "people", clerk, {"read": True, **body}), 400, pointer=pointer)
    assert of_table(shared, "people") == []


@first_on_each("body", [b"[]", b'"rw"', b"null", b"true"])
def test_the_body_is_an_object(shared: Workspace, clerk: dict[str, Any], body: bytes) -> None:
    path = f"{shared.path}/tables/people/grants/{clerk['clientId']}"
    problem(shared.admin.put(path, content=body), 400, "invalid_body")


def test_a_body_is_needed(shared: Workspace, clerk: dict[str, Any]) -> None:
    path = f"{shared.path}/tables/people/grants/{clerk['clientId']}"
    problem(shared.admin.put(path), 400)


def test_on_what_is_not_there(shared: Workspace, clerk: dict[str, Any]) -> None:
    problem(put(shared, "nothing", clerk, {"read": True}), 404, "no_such_table")
    problem(shared.admin.get(f"{shared.path}/tables/nothing/grants"), 404, "no_such_table")
    path = f"/workspaces/nowhere/tables/people/grants/{clerk['clientId']}"
    problem(shared.admin.put(path, json={"read": True}), 404, "no_such_workspace")


def test_apps_of_another_workspace_get_none(workspace: Workspace, app: dict[str, Any]) -> None:
    other = Workspace(workspace.server, f"{workspace.name}_other")
    stranger = other.app()
    problem(put(workspace, "people", stranger, {"read": True}), 404, "no_such_app")
    assert of_table(workspace, "people") == []
    other.delete()


def test_deleting_the_app_takes_its_grants_along(workspace: Workspace, app: dict[str, Any]) -> None:
    good(put(workspace, "people", app, {"read": True}))
    assert workspace.admin.delete(f"{workspace.path}/apps/{app['clientId']}").status_code == 204
    assert of_table(workspace, "people") == []
    again = workspace.app("clerk")
    assert of_app(workspace, again["clientId"]) == []
    problem(Bot(workspace.server.url, again["clientId"], again["clientSecret"]).query("people"), 403)


def test_deleting_the_table_takes_its_grants_along(workspace: Workspace, app: dict[str, Any]) -> None:
    good(put(workspace, "people", app, {"read": True}))
    workspace.drop_table("people")
    assert of_app(workspace, app["clientId"]) == []
    workspace.create_table(PEOPLE)
    assert of_table(workspace, "people") == of_app(workspace, app["clientId"]) == []


def test_renaming_the_app_keeps_its_grants(workspace: Workspace, app: dict[str, Any]) -> None:
    good(put(workspace, "people", app, {"read": True}))
    good(workspace.admin.patch(f"{workspace.path}/apps/{app['clientId']}", json={"name": "baker"}))
    assert [grant["app"] for grant in of_table(workspace, "people")] == ["baker"]


@first_on_each("method", ["GET", "POST", "PATCH"])
def test_a_single_grant_is_only_put(shared: Workspace, clerk: dict[str, Any], method: str) -> None:
    path = f"{shared.path}/tables/people/grants/{clerk['clientId']}"
    response = shared.admin.request(method, path)
    problem(response, 405, "method_not_allowed")
    assert "PUT" in response.headers["Allow"]
