"""The preview of a view: the first rows of a definition that is not stored."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from answers import good, problem

from rowkeep.services.views import PREVIEW_ROWS
from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

VIEW: dict[str, Any] = {
    "name": "counted",
    "table": "people",
    "columns": ["people.Gender", "count(people._id)", {"expr": "max(people.Number)", "as": "Largest"}],
    "groupBy": ["people.Gender"],
    "sortBy": [{"field": "Gender", "order": "desc"}],
}
SECRET = {"name": "Code", "type": "string", "isEncrypted": True}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    workspace.create_table(PEOPLE | {"schemaDef": [*PEOPLE["schemaDef"], SECRET]})
    rows = [{"Gender": "mf"[number % 2], "Number": number, "Code": "x"} for number in range(30)]
    good(workspace.admin.post(f"{workspace.path}/data/tables/people/bulk", json={"data": rows}))
    return workspace


def preview(place: Workspace, definition: dict[str, Any], person: Person | None = None) -> httpx.Response:
    http = place.admin if person is None else person.http
    return http.post(f"{place.path}/view-preview", json=definition)


def test_the_first_rows(place: Workspace) -> None:
    found = good(preview(place, VIEW))
    assert found == {
        "hasMore": False,
        "metaInfo": [
            {"name": "Gender", "type": "string"},
            {"name": "count_id", "type": "integer"},
            {"name": "Largest", "type": "number"},
        ],
        "queryResult": [
            {"Gender": "m", "count_id": 15, "Largest": 28},
            {"Gender": "f", "count_id": 15, "Largest": 29},
        ],
    }
    plain = good(preview(place, {"name": "all", "table": "people", "columns": ["people.Code"]}))
    assert plain["hasMore"] is True
    assert plain["queryResult"] == [{"Code": "x"}] * PREVIEW_ROWS
    # nothing is stored
    assert good(place.admin.get(f"{place.path}/views"))["views"] == []


def test_errors_have_pointers(place: Workspace) -> None:
    wrong = VIEW | {"columns": [*VIEW["columns"], "people.Nothing"]}
    found = problem(preview(place, wrong), 400)
    assert found["errors"][0]["pointer"] == "/columns/3"
    problem(preview(place, VIEW | {"nope": 1}), 400, "unknown_key")


def test_only_managers_may_see_it(place: Workspace, server: RowkeepServer) -> None:
    person = Person(server)
    problem(preview(place, VIEW, person), 404, "no_such_workspace")
    for role, status in (("viewer", 403), ("editor", 403), ("manager", 200)):
        good(place.admin.put(f"{place.path}/members/{person.id}", json={"role": role}))
        assert preview(place, VIEW, person).status_code == status
    person.http.close()
