"""/openapi.json says what the code does: it has every route, error, operand and type, and answers are as it
describes them."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from described import Description

from rowkeep.errors.catalogue import all_errors
from rowkeep.http.app import wire
from rowkeep.http.data import ADMIN_ROUTE, DATA_ENDPOINTS, DataEndpoint
from rowkeep.http.management.api import ENDPOINTS
from rowkeep.http.openapi import describe
from rowkeep.model.access import Right
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.filters import OPERATORS
from rowkeep.model.ids import IdSource, wall_clock
from rowkeep.model.tables import SYSTEM_COLUMNS
from rowkeep.services.background import BackgroundTasks
from rowkeep.services.initialise import initialise, open_initialised
from rowkeep.settings import Settings
from rowkeep.storage.opening import make_store
from support import plain
from support.engines import first_on_each
from support.server import RowkeepServer
from support.tokens import key_pair
from support.workspace import PEOPLE, Workspace

DESCRIPTION = Description(describe())
ON_TABLES = [call for call in DATA_ENDPOINTS if "{table}" in call.path]
EXAMPLES = [
    (operation["operationId"], name, example["value"])
    for _, _, operation in DESCRIPTION.operations()
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
    for name, example in content.get("examples", {}).items()
    if media_type == "application/json"
]


@pytest.fixture(scope="module")
def description(server: RowkeepServer) -> Description:
    return Description(plain.get(server.url + "/openapi.json").json())


@pytest.fixture
def admin(server: RowkeepServer, description: Description) -> Iterator[httpx.Client]:
    """A client of the management API that takes no answer which is not described."""
    with server.admin() as client:
        yield description.attach(client)


async def routes_of(settings: Settings) -> set[str]:
    """The paths that the application routes outside the Data API."""
    store = make_store(settings, IdSource(wall_clock))
    try:
        await store.open()
        await initialise(store, settings)
        app = wire(await open_initialised(store, settings), settings, wall_clock, BackgroundTasks())
        return {route.path for route in inspect.getclosurevars(vars(app)["_app"]).nonlocals["router"].routes}
    finally:
        await store.close()


# the document and the code


def test_every_route_is_described_and_no_other(tmp_path: Path) -> None:
    routes = asyncio.run(
        routes_of(Settings(database_url=f"sqlite:///{tmp_path}/data", min_compressed_bytes=0))
    )
    for_people = {path for path in routes if path == "/" or path.startswith(("/docs/", "/console"))}
    data = {path for call in DATA_ENDPOINTS for path in (call.path, call.admin_path)}
    served = (routes - for_people - {ADMIN_ROUTE, "/metrics"}) | data
    assert served == set(DESCRIPTION.document["paths"])


def test_every_method_is_described_and_no_other(server: RowkeepServer) -> None:
    for path, item in DESCRIPTION.document["paths"].items():
        refused = plain.request("PROPFIND", server.url + re.sub(r"\{\w+\}", "x", path))
        assert refused.status_code == 405, path
        allowed = {method.strip() for method in refused.headers["allow"].split(",")}
        assert allowed - {"HEAD"} == {method.upper() for method in item}, path


def test_every_row_of_the_tables_of_calls_is_a_call() -> None:
    names = {operation["operationId"] for _, _, operation in DESCRIPTION.operations()}
    data = {name for call in DATA_ENDPOINTS for name in (call.name, call.admin_name)}
    assert data | {endpoint.name for endpoint in ENDPOINTS} <= names


def test_every_error_is_described() -> None:
    codes = {kind.code for kind in all_errors()}
    assert set(DESCRIPTION.schemas["ProblemDetails"]["properties"]["code"]["enum"]) == codes
    assert set(DESCRIPTION.document["components"]["examples"]) == codes
    answered = {
        code
        for _, _, operation in DESCRIPTION.operations()
        for answer in operation["responses"].values()
        for code in DESCRIPTION.resolved(answer)
        .get("content", {})
        .get("application/problem+json", {"examples": {}})["examples"]
    }
    assert answered == codes - {
        "corrupted_cell"
    }  # what only other hands can bring about is no part of the API


def test_errors_stand_under_their_status() -> None:
    statuses = {kind.code: kind.status for kind in all_errors()}
    for _, path, operation in DESCRIPTION.operations():
        for status, answer in operation["responses"].items():
            content = DESCRIPTION.resolved(answer).get("content", {})
            for code in content.get("application/problem+json", {"examples": {}})["examples"]:
                assert statuses[code] == int(status), (path, code)


def test_every_operand_is_described() -> None:
    forms = DESCRIPTION.schemas["Comparison"]["oneOf"]
    operands = [operand for form in forms for operand in form["properties"]["operand"]["enum"]]
    assert sorted(operands) == sorted(OPERATORS)
    for operator in OPERATORS.values():
        assert operator.meaning in DESCRIPTION.schemas["Comparison"]["description"]


def test_every_column_type_is_described() -> None:
    forms = DESCRIPTION.schemas["ColumnBody"]["anyOf"]
    assert {form["properties"]["type"]["const"] for form in forms[:-1]} == set(COLUMN_TYPES)
    for component in ("TableColumnResponse", "MetaInfo"):
        assert DESCRIPTION.schemas[component]["properties"]["type"]["enum"] == list(COLUMN_TYPES)
    for entry in COLUMN_TYPES.values():
        assert entry.meaning in DESCRIPTION.schemas["Cell"]["description"]


def test_every_system_column_is_described() -> None:
    assert DESCRIPTION.schemas["Record"]["required"] == [column.name for column in SYSTEM_COLUMNS]


def test_limits_are_those_of_the_server() -> None:
    own = Description(describe(Settings(max_page_size=7)))
    _, _, query = own.operation("queryRows")
    limits = [each["schema"] for each in query["parameters"] if each["name"] == "sys_limit"]
    assert [limit["maximum"] for limit in limits] == [7]


def test_the_server_is_where_the_proxy_serves_it() -> None:
    assert DESCRIPTION.document["servers"] == [{"url": "/"}]
    assert describe(Settings(root_path="/rows"))["servers"] == [{"url": "/rows"}]


# examples


@pytest.mark.parametrize(("call", "name", "body"), EXAMPLES, ids=lambda value: str(value)[:40])
def test_examples_of_bodies_are_as_described(call: str, name: str, body: Any) -> None:
    content = DESCRIPTION.operation(call)[2]["requestBody"]["content"]["application/json"]
    DESCRIPTION.check_value(content["schema"], body, f"{call}, {name}")


def test_examples_of_answers_are_as_described() -> None:
    for _, _, operation in DESCRIPTION.operations():
        for status, answer in operation["responses"].items():
            for content in DESCRIPTION.resolved(answer).get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    value = DESCRIPTION.resolved(example)["value"]
                    what = f"{operation['operationId']}, {status}, {name}"
                    DESCRIPTION.check_value(content["schema"], value, what)


def test_calls_with_content_have_examples() -> None:
    for _, _, operation in DESCRIPTION.operations():
        for status, answer in operation["responses"].items():
            for media_type, content in DESCRIPTION.resolved(answer).get("content", {}).items():
                is_api = operation["operationId"] not in ("getDescription", "getDocs")
                what = (operation["operationId"], status, media_type)
                assert content.get("examples") or not (is_api or status != "200"), what


def test_examples_work(workspace: Workspace, description: Description) -> None:
    """What the document shows can be sent as it stands."""
    definition = next(body for call, _, body in EXAMPLES if call == "createTable")
    workspace.create_table(definition)
    key = {"name": "key", "isUnique": True, "columns": [{"name": "Number"}]}
    workspace.create_table({**definition, "name": "keyed", "indexes": [key]})
    workspace.create_table({**definition, "name": "recorded", "history": {"keepDays": 1}})
    bot = workspace.bot({definition["name"]: "rwd", "keyed": "rwd", "recorded": "rwd"})
    row = next(body["data"] for call, _, body in EXAMPLES if call == "insertRows")
    operation_id = bot.insert("recorded", row).headers["Operation-Id"]
    for view in [body for call, _, body in EXAMPLES if call == "createView"]:
        path = f"{workspace.path}/views"
        assert workspace.admin.post(path, json=view).status_code == 201
        grant = workspace.admin.put(f"{path}/{view['name']}/grants/{bot.client_id}", json={"read": True})
        assert grant.status_code == 200
    description.attach(bot.client)
    for name, _, body in EXAMPLES:
        method, path, operation = description.operation(name)
        if operation["tags"] == ["Data API"]:
            table = "keyed" if "onConflict" in body else definition["name"]
            path = path.replace("{table}", table).replace("{view}", "adults")
            sent = body | {"operation": operation_id} if "operation" in body else body
            response = bot.request(method, path, json=sent)
            assert response.status_code == 200, (name, response.text)
    streams = description.operation("insertBulk")[2]["requestBody"]["content"]
    for media_type in ("application/x-ndjson", "text/csv"):
        (example,) = streams[media_type]["examples"].values()
        path = f"/api/public/tables/{definition['name']}/bulk"
        response = bot.request("POST", path, content=example["value"], headers={"content-type": media_type})
        assert response.json() == {"nInserted": 2}


# calls


@first_on_each("call", ON_TABLES, ids=lambda call: call.name)
def test_calls_need_the_rights_that_are_described(workspace: Workspace, call: DataEndpoint) -> None:
    workspace.create_table(PEOPLE)
    letters = {Right.READ: "r", Right.WRITE: "w", Right.DELETE: "d"}
    path = call.path.replace("{table}", "people")
    enough = "".join(letters[right] for right in call.rights)
    bot = workspace.bot({"people": enough})
    assert bot.request(call.method, path, json={}).status_code != 403
    for right in call.rights:
        workspace.grant(bot.client_id, "people", "rwd".replace(letters[right], ""))
        assert bot.request(call.method, path, json={}).status_code == 403


def test_answers_of_management_calls(admin: httpx.Client, workspace: Workspace) -> None:
    path = workspace.path
    definition = PEOPLE | {
        "schemaDef": [
            {"name": f"c_{name}", "type": name, "default": entry.accepts[0][0]}
            for name, entry in COLUMN_TYPES.items()
        ]
        + [{"name": "short", "type": "string", "maxLength": "7"}, {"name": "_id", "readOnly": True}],
        "indexes": [{"name": "u", "isUnique": True, "columns": [{"name": "short", "order": "desc"}]}],
    }
    assert admin.post(f"{path}/tables", json=definition).status_code == 201
    assert admin.post(f"{path}/tables", json=definition).status_code == 409
    assert admin.post(f"{path}/tables", json={"name": "x y", "schemaDef": []}).status_code == 400
    assert admin.get(f"{path}/tables/people").status_code == 200
    secret = admin.post(f"{path}/apps", json={"name": "one"}).json()
    keyed = {"name": "two", "algorithm": "RS256", "publicKey": key_pair().public}
    assert "clientSecret" not in admin.post(f"{path}/apps", json=keyed).json()
    app = f"{path}/apps/{secret['clientId']}"
    assert admin.get(app).status_code == 200
    assert admin.patch(app, json={"algorithm": "HS512"}).status_code == 200
    assert admin.post(f"{app}/secret").status_code == 200
    grant = f"{path}/tables/people/grants/{secret['clientId']}"
    assert admin.put(grant, json={"read": True}).status_code == 200
    assert admin.put(grant, json={"read": 1}).status_code == 400
    assert admin.get("/admin-tokens/current").status_code == 200
    for call in DATA_ENDPOINTS:
        calls = call.admin_path.removeprefix("/api/v1").format(
            workspace=workspace.name, table="people", view="v", rowId="0" * 24
        )
        assert admin.request(call.method, calls, json={"x": 1}).status_code in (400, 404)
        assert admin.request(call.method, calls.replace(workspace.name, "nowhere")).status_code == 404
    for row in ({}, {"short": "a"}):
        assert admin.post(f"{path}/data/tables/people", json={"data": row}).status_code == 200
    assert admin.post(f"{path}/data/tables/people/query").json()["total"] == 2
    assert admin.get(f"{path}/data/tables").json()["tables"]
    for listed in (f"{path}/tables", f"{path}/apps", f"{path}/writers", "/workspaces", "/admin-tokens"):
        assert admin.get(listed, params={"limit": 1}).status_code == 200
        assert admin.get(listed, params={"limit": 0}).status_code == 400
        assert admin.get(listed, params={"cursor": "?"}).status_code == 400
    assert admin.get(f"{path}/tables/people/grants").json()["grants"]
    assert admin.get(f"{app}/grants").json()["grants"]
    assert admin.delete(app).status_code == 204
    assert admin.get(app).status_code == 404
    assert admin.delete("/workspaces/main").status_code == 409


def test_answers_of_the_first_and_last_things(admin: httpx.Client, server: RowkeepServer) -> None:
    token = admin.post("/admin-tokens", json={"name": "described"}).json()
    assert admin.delete(f"/admin-tokens/{token['id']}").status_code == 204
    assert admin.delete(f"/admin-tokens/{token['id']}").status_code == 404
    assert admin.get("/workspaces", headers={"Authorization": "Bearer no"}).status_code == 401
    assert admin.post("/workspaces", content=b"{").status_code == 400
    assert admin.post("/workspaces", content=b"{}", headers={"Content-Type": "text/x"}).status_code == 415
    for path in ("/healthz", "/readyz", "/openapi.json", "/docs"):
        assert admin.get(server.url + path).status_code == 200


def test_answers_of_data_calls(workspace: Workspace, description: Description) -> None:
    columns = [{"name": f"c_{name}", "type": name} for name in COLUMN_TYPES]
    needed = {"name": "needed", "type": "string", "isRequired": True}
    unique = {"name": "u", "isUnique": True, "columns": [{"name": "needed"}]}
    workspace.create_table({"name": "things", "schemaDef": [*columns, needed], "indexes": [unique]})
    bot = workspace.bot({"things": "rwd"})
    description.attach(bot.client)
    row = {f"c_{name}": entry.accepts[0][0] for name, entry in COLUMN_TYPES.items()}
    everything = {"all": True}
    for prefer in (None, "return=minimal"):
        assert bot.insert("things", row | {"needed": f"1 {prefer}"}, prefer=prefer).status_code == 200
        assert bot.insert("things", [{"needed": f"2 {prefer}"}], prefer=prefer).status_code == 200
        assert bot.bulk("things", [{"needed": f"3 {prefer}"}], prefer=prefer).status_code == 200
        assert bot.update("things", everything, {"c_number": 5}, prefer=prefer).status_code == 200
    for body in ({}, {"count": "none"}, {"fields": ["c_date", "_id"]}, {"sort": [{"field": "c_integer"}]}):
        assert bot.query("things", body, sys_limit=2).status_code == 200
    assert bot.query("things", sys_limit=0).status_code == 400
    assert bot.insert("things", {"needed": "1 None"}).status_code == 409
    assert bot.bulk("things", [{"nothing": 1, "c_number": "x"}, {}]).status_code == 400
    assert bot.insert("things", {}).status_code == 422
    assert bot.update("things", {"expressions": []}, {}).status_code == 400
    assert bot.delete("things", {"expressions": [{"field": "needed", "operand": "~"}]}).status_code == 400
    assert bot.delete("nothing", everything).status_code == 404
    assert bot.delete("things", everything).status_code == 200
    assert bot.request("POST", "/api/public/views/v/query").status_code == 404
    assert bot.request("PUT", "/api/public/tables/things", headers={"auth": "x"}).status_code == 401
    workspace.grant(bot.client_id, "things", "w")
    assert bot.query("things").status_code == 403
