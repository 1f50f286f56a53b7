"""If-Match: a change of a definition that somebody else has changed meanwhile is rejected."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import problem

from support.workspace import PEOPLE, Workspace, succeeded

VIEW = {"name": "names", "table": "people", "columns": ["people.Last_Name"]}
LARGER = PEOPLE | {"schemaDef": [*PEOPLE["schemaDef"], {"name": "Age", "type": "integer"}]}
OTHER_VIEW = VIEW | {"description": "Last names"}


def call(place: Workspace, method: str, path: str, tag: str, **more: Any) -> httpx.Response:
    return place.admin.request(method, f"{place.path}/{path}", headers={"If-Match": tag}, **more)


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.create_table(PEOPLE)
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=VIEW))
    return workspace


@pytest.mark.parametrize(
    ("path", "at", "changed", "other"),
    [
        ("tables/people", "tables/people/definition", LARGER, LARGER | {"description": "All"}),
        ("views/names", "views/names", OTHER_VIEW, VIEW | {"columns": ["people.Gender"]}),
        ("schema", "schema", {"tables": [LARGER]}, {"tables": [LARGER], "views": []}),
    ],
)
def test_a_definition_that_changed_is_not_replaced(
    place: Workspace, path: str, at: str, changed: dict[str, Any], other: dict[str, Any]
) -> None:
    before = place.admin.get(f"{place.path}/{at}")
    tag = before.headers["ETag"]
    assert place.admin.get(f"{place.path}/{at}").headers["ETag"] == tag
    # a proxy that compresses makes the tag weak
    succeeded(call(place, "PUT", path, f"W/{tag}", json=changed))
    now = place.admin.get(f"{place.path}/{at}")
    assert now.headers["ETag"] != tag
    for dry_run in ("true", "false"):
        parameters = {} if path.startswith("views") else {"dryRun": dry_run}
        refused = call(place, "PUT", path, tag, json=other, params=parameters)
        found = problem(refused, 412, "definition_changed")
        assert "was changed meanwhile" in found["detail"]
    if path != "schema":
        problem(call(place, "DELETE", path, tag), 412, "definition_changed")
    assert place.admin.get(f"{place.path}/{at}").json() == now.json()
    succeeded(call(place, "PUT", path, now.headers["ETag"], json=other))
    succeeded(call(place, "PUT", path, "*", json=changed))
    if path != "schema":
        tag = place.admin.get(f"{place.path}/{at}").headers["ETag"]
        if path == "tables/people":
            succeeded(place.admin.delete(f"{place.path}/views/names"))
        succeeded(call(place, "DELETE", path, tag))


@pytest.mark.parametrize(
    "at", ["tables/people", "tables/people/definition", "views/names", "views/names/definition", "schema"]
)
def test_a_definition_that_is_known_is_not_sent_again(place: Workspace, at: str) -> None:
    whole = place.admin.get(f"{place.path}/{at}")
    tag = whole.headers["ETag"]
    for method in ("GET", "HEAD"):
        for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            headers = {"If-None-Match": known, "Accept-Encoding": "gzip"}
            response = place.admin.request(method, f"{place.path}/{at}", headers=headers)
            assert (response.status_code, response.content) == (304, b"")
            assert (response.headers["ETag"], response.headers["Vary"]) == (tag, whole.headers["Vary"])
            assert response.headers["Cache-Control"] == whole.headers["Cache-Control"]
            assert {"content-type", "content-length"}.isdisjoint(response.headers)
    for unknown in ('"x"', f'"{tag[2:]}', tag.strip('"'), ""):
        again = place.admin.get(f"{place.path}/{at}", headers={"If-None-Match": unknown})
        assert (again.status_code, again.content) == (200, whole.content)


def test_a_rename_expects_the_former_definition(place: Workspace) -> None:
    tag = place.admin.get(f"{place.path}/tables/people").headers["ETag"]
    renamed = PEOPLE | {"name": "humans", "renamedFrom": "people"}
    succeeded(place.admin.put(f"{place.path}/tables/people", json=LARGER))
    problem(call(place, "PUT", "tables/humans", tag, json=renamed), 412, "definition_changed")
    tag = place.admin.get(f"{place.path}/tables/people").headers["ETag"]
    succeeded(
        call(place, "PUT", "tables/humans", tag, json=LARGER | renamed | {"schemaDef": LARGER["schemaDef"]})
    )
    problem(call(place, "PUT", "tables/people", tag, json=PEOPLE), 404, "no_such_table")


def test_a_tag_must_be_one(place: Workspace) -> None:
    for tag in ("abc", '"a", "b"', '""a"'):
        found = problem(call(place, "PUT", "tables/people", tag, json=LARGER), 400, "invalid_parameter")
        assert found["detail"].startswith("If-Match must have one ETag in double quotes")
