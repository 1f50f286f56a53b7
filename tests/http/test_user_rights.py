"""Rights of users: roles in a workspace, owners and shares of tables and views."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from answers import good, problem

from support.person import Person
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

ORDERS = {"name": "orders", "schemaDef": [{"name": "Code", "type": "string"}]}
VIEW = {"name": "names", "table": "people", "columns": ["people.Last_Name"]}
ROW = {"data": {"Last_Name": "Doe"}}
ALL = {"query": {"all": True}}


@pytest.fixture
def place(workspace: Workspace) -> Workspace:
    """A workspace with two tables and a view, which nobody owns."""
    workspace.create_table(PEOPLE)
    workspace.create_table(ORDERS)
    created = workspace.admin.post(f"{workspace.path}/views", json=VIEW)
    assert created.status_code == 201
    return workspace


@pytest.fixture
def ada(server: RowkeepServer) -> Iterator[Person]:
    person = Person(server, name="Ada")
    yield person
    person.http.close()


def set_role(place: Workspace, person: Person, role: str) -> None:
    good(place.admin.put(f"{place.path}/members/{person.id}", json={"role": role}))


def share(place: Workspace, person: Person, thing: str, right: str) -> None:
    good(place.admin.put(f"{place.path}/{thing}/shares/{person.email}", json={"right": right}))


def own(place: Workspace, person: Person, thing: str, **more: Any) -> Any:
    return good(place.admin.put(f"{place.path}/{thing}/owner", json={"user": person.id} | more))


def refer(place: Workspace) -> None:
    """Let the table of people refer to the orders."""
    unique = {"indexes": [{"name": "c", "isUnique": True, "columns": [{"name": "Code"}]}]}
    good(place.admin.put(f"{place.path}/tables/orders", json=ORDERS | unique))
    column = {"name": "Order", "type": "string", "reference": {"table": "orders", "column": "Code"}}
    referring = PEOPLE | {"schemaDef": [*PEOPLE["schemaDef"], column]}
    good(place.admin.put(f"{place.path}/tables/people", json=referring))


def insert(place: Workspace, person: Person, table: str = "people") -> httpx.Response:
    row = ROW if table == "people" else {"data": {"Code": "a"}}
    return person.http.post(f"{place.path}/data/tables/{table}", json=row)


def query(place: Workspace, person: Person, thing: str = "tables/people") -> httpx.Response:
    return person.http.post(f"{place.path}/data/{thing}/query")


def names(response: httpx.Response, key: str) -> list[str]:
    return [each["name"] for each in good(response)[key]]


# what is invisible


def test_a_workspace_without_any_right_does_not_exist(place: Workspace, ada: Person) -> None:
    for path in ("", "/tables", "/tables/people", "/views", "/members", "/writers", "/apps", "/schema"):
        problem(ada.http.get(place.path + path), 404, "no_such_workspace")
    problem(ada.http.post(f"{place.path}/tables", json=ORDERS), 404, "no_such_workspace")
    problem(ada.http.delete(place.path), 404, "no_such_workspace")
    problem(query(place, ada), 404, "no_such_workspace")
    problem(insert(place, ada), 404, "no_such_workspace")
    problem(ada.http.get(f"{place.path}/data/tables"), 404, "no_such_workspace")
    assert place.name not in names(ada.http.get("/workspaces?limit=1000"), "workspaces")


def test_a_table_that_is_not_shared_does_not_exist(place: Workspace, ada: Person) -> None:
    share(place, ada, "tables/people", "manage")
    problem(query(place, ada, "tables/orders"), 404, "no_such_table")
    problem(query(place, ada, "views/names"), 404, "no_such_view")
    problem(insert(place, ada, "orders"), 404, "no_such_table")
    path = f"{place.path}/tables/orders"
    problem(ada.http.get(path), 404, "no_such_table")
    problem(ada.http.put(path, json=ORDERS), 404, "no_such_table")
    problem(ada.http.delete(path), 404, "no_such_table")
    problem(ada.http.get(f"{path}/shares"), 404, "no_such_table")
    problem(ada.http.put(f"{path}/shares/{ada.id}", json={"right": "read"}), 404, "no_such_table")
    problem(ada.http.put(f"{path}/owner", json={"user": ada.id}), 404, "no_such_table")
    problem(ada.http.get(f"{place.path}/views/names"), 404, "no_such_view")
    for listed in ("tables", "data/tables"):
        assert names(ada.http.get(f"{place.path}/{listed}"), "tables") == ["people"]
    assert names(ada.http.get(f"{place.path}/views"), "views") == []
    problem(ada.http.get(f"{place.path}/members"), 403, "forbidden")


def test_a_definition_gives_nobody_what_is_invisible(place: Workspace, ada: Person) -> None:
    share(place, ada, "views/names", "manage")
    stolen = {"name": "names", "table": "orders", "columns": ["orders.Code"]}
    problem(ada.http.put(f"{place.path}/views/names", json=stolen), 404, "no_such_table")
    # what the view reads already remains, but it shows nothing more of that
    good(ada.http.put(f"{place.path}/views/names", json=VIEW | {"description": "Names"}))
    more = VIEW | {"columns": ["people.Last_Name", "people.Number"]}
    guessed = VIEW | {"columns": ["people.Last_Name", "people.Salary"]}
    filtered = VIEW | {"filter": {"field": "people.Number", "operand": "=", "value": "no number"}}
    refused = [ada.http.put(f"{place.path}/views/names", json=each) for each in (more, guessed, filtered)]
    # a column that is there, one that is not, and one of another type
    assert {problem(each, 403, "forbidden")["detail"] for each in refused} == {
        "View names reads tables that are not visible to you. You can change its name and description, but "
        "not what it shows."
    }
    long = VIEW | {"description": "x" * 101}
    problem(ada.http.put(f"{place.path}/views/names", json=long), 400, pointer="/description")
    share(place, ada, "tables/people", "read")
    good(ada.http.put(f"{place.path}/views/names", json=more))
    share(place, ada, "tables/people", "manage")
    good(place.admin.put(
        f"{place.path}/tables/orders",
        json=ORDERS | {"indexes": [{"name": "c", "isUnique": True, "columns": [{"name": "Code"}]}]},
    ))  # fmt: skip
    column = {"name": "Order", "type": "string", "reference": {"table": "orders", "column": "Code"}}
    referring = PEOPLE | {"schemaDef": [*PEOPLE["schemaDef"], column]}
    problem(ada.http.put(f"{place.path}/tables/people", json=referring), 404, "no_such_table")
    share(place, ada, "tables/orders", "read")
    good(ada.http.put(f"{place.path}/tables/people", json=referring))
    good(ada.http.put(f"{place.path}/views/names", json=stolen))


def test_a_reference_to_what_is_invisible_stays_as_it_is(place: Workspace, ada: Person) -> None:
    unique = [{"name": each, "isUnique": True, "columns": [{"name": each}]} for each in ("Code", "Secret")]
    columns = [{"name": each, "type": "string"} for each in ("Code", "Secret")]
    good(place.admin.put(
        f"{place.path}/tables/orders", json=ORDERS | {"schemaDef": columns, "indexes": unique}
    ))  # fmt: skip
    refers = {"name": "Order", "type": "string", "reference": {"table": "orders", "column": "Code"}}
    parcels = {"name": "parcels", "schemaDef": [refers]}
    place.create_table(parcels)
    share(place, ada, "tables/parcels", "manage")
    path = f"{place.path}/tables/parcels"

    def with_column(column: str) -> dict[str, Any]:
        other = {"name": "Other", "type": "string", "reference": {"table": "orders", "column": column}}
        return parcels | {"schemaDef": [refers, other]}

    refused = [ada.http.put(path, json=with_column(each)) for each in ("Secret", "nothing")]
    refused.append(ada.http.put(f"{path}?dryRun=true", json=with_column("Secret")))
    assert {problem(each, 403, "forbidden")["detail"] for each in refused} == {
        "Table parcels references a table that is not visible to you. You can keep or remove its references "
        "to that table, but not add others."
    }
    good(ada.http.put(path, json=parcels | {"description": "In transit"}))
    good(ada.http.put(path, json=with_column("Code")))
    share(place, ada, "tables/orders", "read")
    good(ada.http.put(path, json=with_column("Secret")))


def test_a_rename_takes_over_no_other_table(place: Workspace, ada: Person) -> None:
    share(place, ada, "tables/people", "manage")
    for body in (
        ORDERS | {"name": "mine", "renamedFrom": "orders"},
        ORDERS | {"name": "mine", "renamedFrom": "a\u0000"},
    ):
        problem(ada.http.put(f"{place.path}/tables/mine", json=body), 404, "no_such_table")
    renamed = PEOPLE | {"name": "persons", "renamedFrom": "people"}
    assert good(ada.http.put(f"{place.path}/tables/persons", json=renamed))["name"] == "persons"
    assert names(ada.http.get(f"{place.path}/tables?list=shared"), "tables") == ["persons"]


# roles


def test_a_viewer_reads_rows(place: Workspace, ada: Person) -> None:
    set_role(place, ada, "viewer")
    assert good(query(place, ada))["total"] == 0
    assert good(query(place, ada, "views/names"))["total"] == 0
    problem(insert(place, ada), 403, "forbidden")
    problem(ada.http.put(f"{place.path}/data/tables/people", json=ALL | ROW), 403, "forbidden")
    problem(ada.http.request("DELETE", f"{place.path}/data/tables/people", json=ALL), 403, "forbidden")
    assert names(ada.http.get(f"{place.path}/tables"), "tables") == ["orders", "people"]
    problem(ada.http.put(f"{place.path}/tables/people", json=PEOPLE), 403, "forbidden")
    problem(ada.http.delete(f"{place.path}/tables/people"), 403, "forbidden")
    problem(ada.http.post(f"{place.path}/tables", json=ORDERS | {"name": "more"}), 403, "forbidden")
    problem(ada.http.get(f"{place.path}/apps"), 403, "forbidden")
    problem(ada.http.get(f"{place.path}/schema"), 403, "forbidden")
    problem(ada.http.delete(place.path), 403, "forbidden")
    listed = good(ada.http.get(f"{place.path}/data/tables"))["tables"]
    assert {each["name"]: each["rights"] for each in listed} == {
        "names": ["read"], "orders": ["read"], "people": ["read"],
    }  # fmt: skip
    assert good(ada.http.get("/session"))["workspaces"] == [{"name": place.name, "role": "viewer"}]


@pytest.mark.new_workspace
def test_an_editor_writes_rows(place: Workspace, ada: Person) -> None:
    set_role(place, ada, "editor")
    row = good(insert(place, ada))
    assert row["Created_By"] == row["Updated_By"] == ada.user["writer"]
    body = {"query": {"expressions": [{"field": "_id", "operand": "=", "value": row["_id"]}]}}
    updated = ada.http.put(f"{place.path}/data/tables/people", json=body | {"data": {"Number": 5}})
    assert good(updated)["nModified"] == 1
    deleted = ada.http.request("DELETE", f"{place.path}/data/tables/people", json=body)
    assert good(deleted) == {"nDeleted": 1}
    problem(ada.http.put(f"{place.path}/tables/people", json=PEOPLE), 403, "forbidden")
    writers = good(ada.http.get(f"{place.path}/writers"))["writers"]
    assert {"id": ada.user["writer"], "name": "Ada", "kind": "user"} in writers


def test_a_manager_manages_definitions_apps_and_members(
    server: RowkeepServer, place: Workspace, ada: Person
) -> None:
    set_role(place, ada, "manager")
    bob = Person(server)
    assert ada.http.post(f"{place.path}/tables", json=ORDERS | {"name": "more"}).status_code == 201
    app = ada.http.post(f"{place.path}/apps", json={"name": "bot"})
    assert app.status_code == 201
    grant = ada.http.put(f"{place.path}/tables/people/grants/{app.json()['clientId']}", json={"read": True})
    assert good(grant)["read"] is True
    good(ada.http.put(f"{place.path}/members/{bob.email}", json={"role": "viewer"}))
    members = good(ada.http.get(f"{place.path}/members"))["members"]
    assert {each["user"]: each["role"] for each in members} == {ada.id: "manager", bob.id: "viewer"}
    assert good(query(place, bob))["total"] == 0
    assert ada.http.delete(f"{place.path}/members/{bob.id}").status_code == 204
    problem(query(place, bob), 404, "no_such_workspace")
    problem(ada.http.delete(f"{place.path}/members/{bob.id}"), 404, "no_such_user")
    problem(
        ada.http.put(f"{place.path}/members/nobody@example.com", json={"role": "viewer"}), 404, "no_such_user"
    )
    good(ada.http.get(f"{place.path}/schema"))
    problem(ada.http.delete(place.path), 403, "forbidden")
    problem(ada.http.get("/users"), 403, "forbidden")


def test_an_administrator_may_do_everything(server: RowkeepServer, place: Workspace) -> None:
    root = Person(server, admin=True)
    row = good(insert(place, root))
    assert row["Created_By"] == root.user["writer"]
    assert place.name in names(root.http.get("/workspaces?limit=1000"), "workspaces")
    assert root.http.post(f"{place.path}/tables", json=ORDERS | {"name": "more"}).status_code == 201
    assert names(root.http.get(f"{place.path}/tables?list=mine"), "tables") == ["more"]
    writers = good(root.http.get(f"{place.path}/writers?limit=1000"))["writers"]
    assert root.user["writer"] in [each["id"] for each in writers]


# owners and shares


@pytest.mark.parametrize(
    ("right", "writes", "manages"), [("read", False, False), ("edit", True, False), ("manage", True, True)]
)
def test_a_shared_table(place: Workspace, ada: Person, right: str, writes: bool, manages: bool) -> None:
    share(place, ada, "tables/people", right)
    assert good(query(place, ada))["total"] == 0
    assert insert(place, ada).status_code == (200 if writes else 403)
    changed = ada.http.put(f"{place.path}/tables/people", json=PEOPLE | {"description": "New"})
    assert changed.status_code == (200 if manages else 403)
    assert ada.http.get(f"{place.path}/tables/people/shares").status_code == (200 if manages else 403)
    problem(ada.http.put(f"{place.path}/tables/people/owner", json={"user": ada.id}), 403, "forbidden")
    problem(ada.http.post(f"{place.path}/tables", json=ORDERS | {"name": "more"}), 403, "forbidden")
    assert good(ada.http.get("/session"))["workspaces"] == [{"name": place.name, "role": None}]


def test_a_share_adds_to_a_role(place: Workspace, ada: Person) -> None:
    set_role(place, ada, "viewer")
    share(place, ada, "tables/people", "edit")
    assert insert(place, ada).status_code == 200
    problem(insert(place, ada, "orders"), 403, "forbidden")
    share(place, ada, "tables/people", "read")
    problem(insert(place, ada), 403, "forbidden")
    assert place.admin.delete(f"{place.path}/members/{ada.id}").status_code == 204
    assert good(query(place, ada))["total"] == 1
    assert place.admin.delete(f"{place.path}/tables/people/shares/{ada.id}").status_code == 204
    problem(query(place, ada), 404, "no_such_workspace")
    problem(place.admin.delete(f"{place.path}/tables/people/shares/{ada.id}"), 404, "no_such_user")


def test_lists_of_ones_own_and_of_shared_things(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    set_role(place, ada, "manager")
    assert ada.http.post(f"{place.path}/tables", json=ORDERS | {"name": "own"}).status_code == 201
    view = VIEW | {"name": "own_view"}
    assert ada.http.post(f"{place.path}/views", json=view).status_code == 201
    share(place, ada, "tables/people", "read")
    share(place, ada, "views/names", "read")
    for listed, tables, views in (
        ("mine", ["own"], ["own_view"]),
        ("shared", ["people"], ["names"]),
        ("all", ["orders", "own", "people"], ["names", "own_view"]),
    ):
        assert names(ada.http.get(f"{place.path}/tables?list={listed}"), "tables") == tables
        assert names(ada.http.get(f"{place.path}/views?list={listed}"), "views") == views
    assert names(place.admin.get(f"{place.path}/tables?list=mine"), "tables") == []
    problem(ada.http.get(f"{place.path}/tables?list=some"), 400, "invalid_parameter")


def test_an_owner_shares_and_gives_away(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    own(place, ada, "tables/people")
    bob = Person(server)
    path = f"{place.path}/tables/people"
    shared = good(ada.http.put(f"{path}/shares/{bob.email}", json={"right": "read"}))
    assert shared == {"user": bob.id, "email": bob.email, "name": bob.name, "right": "read"}
    found = good(ada.http.get(f"{path}/shares"))
    assert found["owner"]["user"] == ada.id
    assert found["shares"] == [shared]
    problem(bob.http.put(f"{path}/owner", json={"user": bob.id}), 403, "forbidden")
    given = good(ada.http.put(f"{path}/owner", json={"user": bob.id}))
    assert given["changed"] == [{"kind": "table", "name": "people"}]
    problem(query(place, ada), 404, "no_such_workspace")
    assert insert(place, bob).status_code == 200
    assert good(bob.http.get(f"{path}/shares")) == {"owner": given["owner"], "shares": []}
    problem(bob.http.put(f"{path}/owner", json={"user": "nobody"}), 404, "no_such_user")


def test_what_a_table_needs_goes_along(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    refer(place)
    # a dry run changes nothing, and needs the same right
    path, body = f"{place.path}/tables/people/owner?dryRun=true", {"user": ada.id, "along": True}
    would = good(place.admin.put(path, json=body))
    assert good(place.admin.get(f"{place.path}/tables/people/shares"))["owner"] is None
    problem(ada.http.put(path, json=body), 404, "no_such_workspace")
    changed = own(place, ada, "tables/people", along=True)["changed"]
    assert (would["owner"]["user"], would["changed"]) == (ada.id, changed)
    kinds = [(each["kind"], each["name"]) for each in changed]
    assert kinds == [("table", "people"), ("table", "orders"), ("view", "names")]
    # what belongs to somebody else stays
    bob, eve = Person(server), Person(server)
    own(place, eve, "tables/orders")
    changed = own(place, bob, "tables/people", along=True)["changed"]
    assert [each["name"] for each in changed] == ["people", "names"]
    assert names(eve.http.get(f"{place.path}/tables?list=mine"), "tables") == ["orders"]
    # from a view: the tables that it reads
    changed = own(place, ada, "views/names", along=True)["changed"]
    assert [each["name"] for each in changed] == ["names", "people"]


def test_an_owner_gives_only_what_is_their_own(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    refer(place)
    own(place, ada, "tables/people")
    # nobody owns the table that it refers to and the view over it, which are invisible to its owner
    path, body = f"{place.path}/tables/people/owner", {"user": ada.id, "along": True}
    for query_string in ("?dryRun=true", ""):
        given = good(ada.http.put(path + query_string, json=body))
        assert given["changed"] == [{"kind": "table", "name": "people"}]
    share(place, ada, "tables/orders", "manage")
    assert [each["name"] for each in good(ada.http.put(path, json=body))["changed"]] == ["people"]
    problem(query(place, ada, "views/names"), 404, "no_such_view")
    # a manager may give them
    bob = Person(server, name="Bob")
    set_role(place, bob, "manager")
    changed = good(bob.http.put(path, json=body))["changed"]
    assert [each["name"] for each in changed] == ["people", "orders", "names"]
    bob.http.close()


def test_errors_do_not_name_what_is_invisible(place: Workspace, ada: Person) -> None:
    unique = [{"name": "c", "isUnique": True, "columns": [{"name": "Code"}]}]
    columns = [*ORDERS["schemaDef"], {"name": "Size", "type": "integer"}]
    orders = ORDERS | {"schemaDef": columns, "indexes": unique}
    good(place.admin.put(f"{place.path}/tables/orders", json=orders))
    sizes = {"name": "sizes", "table": "orders", "columns": ["sum(orders.Size)"]}
    assert place.admin.post(f"{place.path}/views", json=sizes).status_code == 201
    refers = {"name": "Order", "type": "string", "reference": {"table": "orders", "column": "Code"}}
    place.create_table({"name": "parcels", "schemaDef": [refers]})
    for table, row in (("orders", {"Code": "a"}), ("parcels", {"Order": "a"})):
        good(place.admin.post(f"{place.path}/data/tables/{table}", json={"data": row}))
    share(place, ada, "tables/orders", "manage")
    path, data = f"{place.path}/tables/orders", f"{place.path}/data/tables/orders"
    lossy = f"{path}?allowDataLoss=true"
    refused = {
        "rows of another table": [
            ada.http.request("DELETE", data, json=ALL),
            ada.http.put(data, json=ALL | {"data": {"Code": "b"}}),
        ],
        "a table that is not visible to you": [
            ada.http.delete(path),
            ada.http.put(lossy, json=orders | {"schemaDef": columns[1:], "indexes": []}),
        ],
        "a view that is not visible to you": [
            ada.http.put(lossy, json=orders | {"schemaDef": columns[:1]}),
            ada.http.put(lossy, json=orders | {"schemaDef": [columns[0], columns[1] | {"type": "string"}]}),
        ],
    }
    place.drop_table("parcels")
    refused["a view that is not visible to you"].append(ada.http.delete(path))
    for words, responses in refused.items():
        for response in responses:
            assert words in problem(response, 409, "still_referenced")["detail"]
            assert not any(name in response.text for name in ("parcels", "Order", "sizes"))
    share(place, ada, "views/sizes", "read")
    assert "used by view sizes." in problem(ada.http.delete(path), 409, "still_referenced")["detail"]


def test_grants_of_apps_stay(place: Workspace, ada: Person) -> None:
    bot = place.bot({"people": "rw"})
    own(place, ada, "tables/people")
    assert bot.insert("people", {"Last_Name": "Doe"}).status_code == 200


def test_a_dropped_table_leaves_no_rights(place: Workspace, ada: Person) -> None:
    own(place, ada, "tables/orders")
    assert ada.http.delete(f"{place.path}/tables/orders").status_code == 204
    problem(ada.http.get(f"{place.path}/tables"), 404, "no_such_workspace")
    place.create_table(ORDERS)
    problem(query(place, ada, "tables/orders"), 404, "no_such_workspace")
    assert good(place.admin.get(f"{place.path}/tables/orders/shares")) == {"owner": None, "shares": []}


def test_a_schema_owns_what_it_creates(place: Workspace, ada: Person) -> None:
    set_role(place, ada, "manager")
    definition = good(ada.http.get(f"{place.path}/schema"))
    definition["tables"].append(ORDERS | {"name": "more"})
    good(ada.http.put(f"{place.path}/schema", json=definition))
    assert names(ada.http.get(f"{place.path}/tables?list=mine"), "tables") == ["more"]


def test_idempotency_keys_belong_to_a_user(server: RowkeepServer, place: Workspace, ada: Person) -> None:
    bob = Person(server)
    path, key = f"{place.path}/data/tables/people", {"Idempotency-Key": "same"}
    for person in (ada, bob):
        set_role(place, person, "editor")
        assert good(person.http.post(path, json=ROW, headers=key))["Created_By"] == person.user["writer"]
    again = ada.http.post(path, json=ROW, headers=key)
    assert again.headers["Idempotency-Replayed"] == "true"
    set_role(place, ada, "viewer")
    problem(ada.http.post(path, json=ROW, headers=key), 403, "forbidden")
