"""About: what administrators see of the installation, without secrets; and the data keys of workspaces."""

from __future__ import annotations

import httpx
from answers import MOMENT, good, problem

import rowkeep
from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace


def test_the_installation(admin: httpx.Client, server: RowkeepServer, backend: str) -> None:
    about = good(admin.get("/about"))
    assert about["version"] == rowkeep.__version__
    assert about["engine"]["name"] == backend
    assert about["engine"]["version"][0].isdigit()
    assert about["catalogBytes"] > 0
    assert about["health"]["ready"] is True
    assert about["health"]["problems"] == []
    assert about["masterKey"]["source"] == "file"
    assert about["masterKey"]["keys"] == 1
    assert MOMENT.fullmatch(about["masterKey"]["since"])
    settings = {each["name"]: each for each in about["settings"]}
    assert settings["log_level"]["isDefault"] is (settings["log_level"]["value"] == "info")
    assert settings["database_url"]["isDefault"] is False
    assert settings["master_key"]["value"] is None
    assert "://" in settings["database_url"]["value"]


def test_the_storage_of_a_workspace(admin: httpx.Client, workspace: Workspace) -> None:
    path = f"/workspaces/{workspace.name}"
    created = good(admin.get(path))["createdOn"]
    empty = good(admin.get(f"{path}/storage"))
    assert empty["dataKey"] == {"number": 1, "since": created, "rotating": False}
    workspace.create_table(PEOPLE)
    assert good(admin.get(f"{path}/storage"))["bytes"] > empty["bytes"] > 0
    problem(admin.get("/workspaces/nowhere/storage"), 404, "no_such_workspace")


def test_only_administrators_see_them(server: RowkeepServer, workspace: Workspace) -> None:
    person = Person(server)
    problem(person.http.get("/about"), 403, "forbidden")
    problem(person.http.get(f"/workspaces/{workspace.name}/storage"), 404, "no_such_workspace")
    good(workspace.admin.put(f"/workspaces/{workspace.name}/members/{person.id}", json={"role": "manager"}))
    problem(person.http.get(f"/workspaces/{workspace.name}/storage"), 403, "forbidden")
