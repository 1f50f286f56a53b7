"""Isolation: what is in one workspace cannot be seen or touched from another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from answers import good, problem, rows
from definitions import column, table
from expressions import EVERYTHING

from support.bot import Bot
from support.workspace import PEOPLE, Workspace

OTHER = table("people", column("Animal"))


@pytest.fixture
def other(workspace: Workspace) -> Iterator[Workspace]:
    """A second workspace."""
    other = Workspace(workspace.server, f"{workspace.name}_other")
    yield other
    other.delete()


def test_tables_of_one_name_are_two_tables(people: Bot, other: Workspace) -> None:
    other.create_table(OTHER)
    stranger = other.bot({"people": "rwd"})
    good(people.insert("people", {"First_Name": "Jane"}))
    good(stranger.bulk("people", [{"Animal": "cat"}, {"Animal": "dog"}]))
    assert [row["Animal"] for row in rows(stranger.query("people"))] == ["cat", "dog"]
    assert [row["First_Name"] for row in rows(people.query("people"))] == ["Jane"]
    problem(people.insert("people", {"Animal": "cow"}), 400, "unknown_column")
    assert good(stranger.delete("people", EVERYTHING)) == {"nDeleted": 2}
    assert good(people.query("people"))["total"] == 1


def test_a_table_elsewhere_is_a_table_nowhere(people: Bot, other: Workspace) -> None:
    other.create_table({**PEOPLE, "name": "secret"})
    calls = [
        ("POST", "", {"data": {}}),
        ("POST", "/bulk", {"data": [{}]}),
        ("PUT", "", {"query": EVERYTHING, "data": {}}),
        ("DELETE", "", {"query": EVERYTHING}),
        ("POST", "/delete", {"query": EVERYTHING}),
        ("POST", "/query", {}),
    ]
    for method, path, body in calls:
        answers = []
        for name in ("secret", "nosuch"):
            response = people.request(method, f"/api/public/tables/{name}{path}", json=body)
            problem(response, 404, "no_such_table")
            answers.append(response.text.replace(name, "…"))
        assert answers[0] == answers[1]


def test_an_app_is_managed_in_its_own_workspace_only(
    people: Bot, workspace: Workspace, other: Workspace
) -> None:
    path = f"{other.path}/apps/{people.client_id}"
    problem(other.admin.get(path), 404, "no_such_app")
    problem(other.admin.patch(path, json={"enabled": False}), 404, "no_such_app")
    problem(other.admin.post(f"{path}/secret"), 404, "no_such_app")
    problem(other.admin.delete(path), 404, "no_such_app")
    problem(other.admin.get(f"{path}/grants"), 404, "no_such_app")
    good(people.query("people"))
    assert good(workspace.admin.get(f"{workspace.path}/apps/{people.client_id}"))["enabled"] is True


def test_lists_are_of_their_workspace(people: Bot, workspace: Workspace, other: Workspace) -> None:
    assert good(other.admin.get(f"{other.path}/tables")) == {"tables": []}
    assert good(other.admin.get(f"{other.path}/apps")) == {"apps": []}
    assert len(good(workspace.admin.get(f"{workspace.path}/tables"))["tables"]) == 1


def test_deleting_one_leaves_the_other(people: Bot, workspace: Workspace) -> None:
    third = Workspace(workspace.server, f"{workspace.name}_third")
    third.create_table(PEOPLE)
    gone = third.bot({"people": "rwd"})
    good(gone.insert("people", {"First_Name": "Mike"}))
    good(people.insert("people", {"First_Name": "Jane"}))
    third.delete()
    problem(gone.query("people"), 401, "unauthenticated")
    assert [row["First_Name"] for row in rows(people.query("people"))] == ["Jane"]


def test_a_cursor_of_one_is_none_of_the_other(people: Bot, other: Workspace) -> None:
    other.create_table(PEOPLE)
    stranger = other.bot({"people": "rwd"})
    for bot in (people, stranger):
        good(bot.bulk("people", [{"Number": number} for number in range(5)]))
    cursor = good(people.query("people", sys_limit=2))["nextCursor"]
    good(people.query("people", {"cursor": cursor}, sys_limit=2))
    answer = stranger.query("people", {"cursor": cursor}, sys_limit=2)
    if answer.status_code == 200:
        own = [row["_id"] for row in rows(stranger.query("people"))]
        assert all(row["_id"] in own for row in rows(answer))
    else:
        problem(answer, 400, "invalid_cursor")
