"""Lists of the management API: their order, and pages with limit and cursor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem
from definitions import column, table

from support.engines import first_on_each
from support.workspace import Workspace

NAMES = ["delta", "Alpha", "charlie", "B_2", "b1", "Bravo", "ALPHA2", "echo"]
LISTS = ["workspaces", "tables", "apps", "adminTokens"]


def path_of(kind: str, workspace: Workspace) -> str:
    """Where this list is had."""
    paths = {"workspaces": "/workspaces", "adminTokens": "/admin-tokens"}
    return paths.get(kind, f"{workspace.path}/{kind}")


def walk(admin: httpx.Client, path: str, kind: str, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    pages: list[list[dict[str, Any]]] = []
    params: dict[str, Any] = {"limit": limit}
    while True:
        answer = good(admin.get(path, params=params))
        assert answer.keys() <= {kind, "nextCursor"}
        pages.append(answer[kind])
        if "nextCursor" not in answer:
            return pages
        assert len(answer[kind]) == limit
        params["cursor"] = answer["nextCursor"]


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    """A workspace with eight tables and eight apps."""
    return fill(workspace)


@pytest.fixture(scope="module")
def full(shared: Workspace) -> Workspace:
    """The same, shared by the module's tests that only read."""
    return fill(shared)


def fill(workspace: Workspace) -> Workspace:
    for name in NAMES:
        workspace.create_table(table(name, column("A")))
        workspace.app(name)
    return workspace


@pytest.mark.parametrize("kind", ["tables", "apps"])
def test_ordered_by_name_regardless_of_case(full: Workspace, kind: str) -> None:
    answer = good(full.admin.get(f"{full.path}/{kind}"))
    assert answer.keys() == {kind}
    names = [thing["name"] for thing in answer[kind]]
    assert names == sorted(NAMES, key=str.lower)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 8, 9, 1000])
@pytest.mark.parametrize("kind", ["tables", "apps"])
def test_pages_hold_each_thing_once(full: Workspace, kind: str, limit: int) -> None:
    pages = walk(full.admin, f"{full.path}/{kind}", kind, limit)
    assert [thing for page in pages for thing in page] == good(full.admin.get(f"{full.path}/{kind}"))[kind]
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert 1 <= len(pages[-1]) <= limit


@pytest.mark.parametrize("kind", ["workspaces", "adminTokens"])
def test_pages_of_what_belongs_to_no_workspace(admin: httpx.Client, workspace: Workspace, kind: str) -> None:
    made = [admin.post("/admin-tokens", json={"name": str(number)}).json()["id"] for number in range(4)]
    others = [Workspace(workspace.server, f"{workspace.name}_{letter}") for letter in "aBc"]
    path = path_of(kind, workspace)
    whole = good(admin.get(path, params={"limit": 1000}))[kind]
    for limit in (1, 2, len(whole) - 1, len(whole)):
        assert [thing for page in walk(admin, path, kind, limit) for thing in page] == whole
    for token in made:
        admin.delete(f"/admin-tokens/{token}")
    for other in others:
        other.delete()


def test_workspaces_are_ordered_regardless_of_case(admin: httpx.Client, workspace: Workspace) -> None:
    made = [Workspace(workspace.server, f"{prefix}_{workspace.name}") for prefix in ("b", "A", "c", "B2")]
    names = [thing["name"] for thing in good(admin.get("/workspaces", params={"limit": 1000}))["workspaces"]]
    assert [name.lower() for name in names] == sorted(name.lower() for name in names)
    for one in made:
        assert one.name in names
        one.delete()


@pytest.mark.parametrize("change", ["delete", "create"])
def test_pages_stand_changes_between_them(filled: Workspace, change: str) -> None:
    path = f"{filled.path}/tables"
    first = good(filled.admin.get(path, params={"limit": 3}))
    last = first["tables"][-1]["name"]
    if change == "delete":
        filled.drop_table(last)
    else:
        filled.create_table(table("aa", column("A")))
        filled.create_table(table("zz", column("A")))
    rest = good(filled.admin.get(path, params={"limit": 100, "cursor": first["nextCursor"]}))["tables"]
    expected = [n for n in sorted(NAMES, key=str.lower) if n.lower() > last.lower()]
    assert [thing["name"] for thing in rest] == expected + (["zz"] if change == "create" else [])


@pytest.mark.parametrize("kind", LISTS)
@first_on_each("limit", ["0", "1001", "-1", "x", "", "1.5", "1e1", "٣", " 5", "99999999999999999999"])
def test_other_limits_are_refused(admin: httpx.Client, shared: Workspace, kind: str, limit: str) -> None:
    problem(admin.get(path_of(kind, shared), params={"limit": limit}), 400, "invalid_parameter")


@pytest.mark.parametrize("kind", LISTS)
@first_on_each("cursor", ["", "x", "%%%", "e30.e30", "\x00", "0", "'", "a" * 2000])
def test_other_cursors_are_refused(admin: httpx.Client, shared: Workspace, kind: str, cursor: str) -> None:
    refusal = problem(admin.get(path_of(kind, shared), params={"cursor": cursor}), 400)
    assert refusal["code"] in ("invalid_cursor", "invalid_parameter")


@pytest.mark.parametrize("kind", LISTS)
@first_on_each(
    "query", ["limit=1&limit=1", "cursor=a&cursor=a", "offset=1", "sys_limit=1", "Limit=1", "limit=1&x", "=1"]
)
def test_other_parameters_are_refused(admin: httpx.Client, shared: Workspace, kind: str, query: str) -> None:
    problem(admin.get(f"{path_of(kind, shared)}?{query}"), 400, "invalid_parameter")


@pytest.mark.parametrize("ask", ["get", "delete"])
def test_single_things_take_no_parameters(full: Workspace, ask: str) -> None:
    call: Callable[..., httpx.Response] = getattr(full.admin, ask)
    problem(call(f"{full.path}/tables/alpha", params={"limit": 1}), 400, "invalid_parameter")
    problem(call(full.path, params={"force": "true"}), 400, "invalid_parameter")
    assert len(good(full.admin.get(f"{full.path}/tables"))["tables"]) == len(NAMES)


def test_a_hundred_unless_told(workspace: Workspace) -> None:
    # views, because a hundred of them cost as much as four tables or apps
    views = [{"name": f"v{number:03}", "table": "t", "columns": ["t.A"]} for number in range(101)]
    whole = {"tables": [table("t", column("A"))], "views": views, "grants": []}
    good(workspace.admin.put(f"{workspace.path}/schema", json=whole))
    answer = good(workspace.admin.get(f"{workspace.path}/views"))
    assert (len(answer["views"]), answer["views"][-1]["name"]) == (100, "v099")
    rest = good(workspace.admin.get(f"{workspace.path}/views", params={"cursor": answer["nextCursor"]}))
    assert [view["name"] for view in rest["views"]] == ["v100"]
    assert "nextCursor" not in rest
