"""New things: what a walk-through in docs/contributing has added really works.

A program that ``test_walkthroughs.py`` runs in a copy of the project with the edits of one page. It writes
the generated docs, and uses the new thing through the HTTP API on SQLite in its own process. Then it runs the
tests that are named as further arguments.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from cogapp import Cog

import rowkeep
from rowkeep.errors.catalogue import SetupError
from rowkeep.http.app import running
from rowkeep.logs import quiet_logs
from rowkeep.services.local_store import initialise_store
from rowkeep.settings import Settings

WORKSPACE = "/api/v1/workspaces/main"


@asynccontextmanager
async def application(**environment: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application over a new store, as an administrator."""
    with TemporaryDirectory() as directory:
        url = {"ROWKEEP_DATABASE_URL": f"sqlite:///{directory}/data"}
        settings = Settings.from_environment(url | environment)
        first = await initialise_store(settings)
        assert first is not None
        headers = {"Authorization": f"Bearer {first.admin_token}"}
        async with running(settings) as app:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://rowkeep", headers=headers
            ) as client:
                yield client


async def post(client: httpx.AsyncClient, path: str, body: Any, status: int = 200) -> Any:
    response = await client.post(WORKSPACE + path, json=body)
    assert response.status_code == status, response.text
    return response.json()


async def described(client: httpx.AsyncClient) -> Any:
    return (await client.get("/openapi.json")).json()


async def found(client: httpx.AsyncClient, table: str, operand: str, value: Any) -> list[Any]:
    """The cells of column A that a condition on it matches."""
    query = {"expressions": [{"field": "A", "operand": operand, "value": value}]}
    body = {"query": query, "fields": ["A"], "sort": [{"field": "A"}]}
    answer = await post(client, f"/data/tables/{table}/query", body)
    return [row["A"] for row in answer["queryResult"]]


def page(name: str) -> str:
    return Path(f"docs/{name}.md").read_text("utf-8")


async def column_type() -> None:
    async with application() as client:
        table = {
            "name": "times",
            "schemaDef": [
                {"name": "A", "type": "time"},
                {"name": "Default", "type": "time", "default": "07:02"},
                {"name": "Secret", "type": "time", "isEncrypted": True},
            ],
            "indexes": [{"name": "by_a", "columns": [{"name": "A"}]}],
        }
        await post(client, "/tables", table, 201)
        rows = [{"A": at, "Secret": at} for at in ("23:59:59", "07:02", "07:02:09", None)]
        stored = await post(client, "/data/tables/times/bulk", {"data": rows})
        cells = [(row["A"], row["Default"], row["Secret"]) for row in stored["records"]]
        expected = ("23:59:59", "07:02:00", "07:02:09", None)
        assert cells == [(at, "07:02:00", at) for at in expected], cells
        assert await found(client, "times", ">", "07:02") == ["07:02:09", "23:59:59"]
        assert await found(client, "times", "in", ["07:02", None]) == [None, "07:02:00"]
        refused = await post(client, "/data/tables/times", {"data": {"A": "24:00"}}, 422)
        assert refused["code"] == "invalid_value"
        view = {
            "name": "first",
            "table": "times",
            "columns": [{"expr": "min(times.A)", "as": "First"}],
        }
        await post(client, "/views", view, 201)
        answer = await post(client, "/data/views/first/query", {})
        assert answer["queryResult"] == [{"First": "07:02:00"}], answer
        schemas = (await described(client))["components"]["schemas"]
        assert "time" in schemas["TableColumnResponse"]["properties"]["type"]["enum"]
        assert "`07:02:09`" in str(schemas["Cell"])
    types = page("types")
    assert "| `time` | A time of day" in types
    assert '| `"07:02"` | `"07:02:00"` |' in types


async def operator() -> None:
    async with application() as client:
        columns = [{"name": "A", "type": "number"}]
        await post(client, "/tables", {"name": "numbers", "schemaDef": columns}, 201)
        rows = [{"A": number} for number in (1, 2, 3, None)]
        await post(client, "/data/tables/numbers/bulk", {"data": rows})
        assert await found(client, "numbers", "in range", [1, 3]) == [1, 2]
        assert await found(client, "numbers", "not in range", [1, 3]) == [None, 3]
        condition = {"field": "numbers.A", "operand": "in range", "value": [2, 3]}
        view = {
            "name": "twos",
            "table": "numbers",
            "columns": ["numbers.A"],
            "filter": {"expressions": [condition]},
        }
        await post(client, "/views", view, 201)
        answer = await post(client, "/data/views/twos/query", {})
        assert [row["A"] for row in answer["queryResult"]] == [2], answer
        forms = (await described(client))["components"]["schemas"]["Comparison"]["oneOf"]
        assert any("in range" in form["properties"]["operand"]["enum"] for form in forms)
    assert "| `in range` |" in page("filters")


async def management_endpoint() -> None:
    async with application() as client:
        columns = [{"name": "A", "type": "string"}]
        await post(client, "/tables", {"name": "people", "schemaDef": columns}, 201)
        for name, is_free in (("people", False), ("orders", True)):
            answer = await post(client, "/table-names", {"name": name})
            assert answer == {"name": name, "isFree": is_free}
        assert (await post(client, "/table-names", {"name": "1"}, 400))["code"] == "invalid_name"
        document = await described(client)
        operation = document["paths"]["/api/v1/workspaces/{workspace}/table-names"]["post"]
        content = operation["responses"]["200"]["content"]["application/json"]
        assert content["schema"] == {"$ref": "#/components/schemas/TableNameResponse"}
        assert set(document["components"]["schemas"]["TableNameResponse"]["required"]) == {"name", "isFree"}
        request = operation["requestBody"]["content"]["application/json"]
        assert request["schema"] == {"$ref": "#/components/schemas/TableNameBody"}
    assert "| `POST /workspaces/{workspace}/table-names` |" in page("management-api")


async def error() -> None:
    async with application() as client:
        response = await client.post("/api/v1/workspaces", json={"name": "All"})
        problem = response.json()
        assert (response.status_code, problem["status"], problem["code"]) == (400, 400, "reserved_name")
        assert problem["type"] == "urn:rowkeep:error:reserved-name"
        assert problem["errors"] == [{"msg": problem["detail"], "code": "reserved_name", "pointer": "/name"}]
        assert '"All"' in problem["detail"]
        document = await described(client)
        refused = document["paths"]["/api/v1/workspaces"]["post"]["responses"]["400"]
        assert "reserved_name" in refused["content"]["application/problem+json"]["examples"]
        assert (
            "reserved_name" in document["components"]["schemas"]["ProblemEntry"]["properties"]["code"]["enum"]
        )
    assert "| 400 | `reserved_name` | Reserved name | The name is reserved for Rowkeep. |" in page("errors")


async def setting() -> None:
    async with application(ROWKEEP_API_TITLE="Shop data") as client:
        assert (await described(client))["info"]["title"] == "Shop data"
    assert Settings().api_title == "Rowkeep"  # type: ignore[attr-defined] # in the copy alone
    for value in ("x" * 101, "a\nb"):
        with pytest.raises(SetupError, match=r"^ROWKEEP_API_TITLE must "):
            Settings.from_environment({"ROWKEEP_API_TITLE": value})
    assert "| `ROWKEEP_API_TITLE` | `Rowkeep` |" in page("settings")


CHECKS: dict[str, Callable[[], Awaitable[None]]] = {
    "column-type": column_type,
    "operator": operator,
    "management-endpoint": management_endpoint,
    "error": error,
    "setting": setting,
}


def write_generated_docs() -> None:
    """What ``make docs`` does."""
    with redirect_stdout(io.StringIO()) as said:
        status = Cog().main(["cog", "-rPUI", ".", *map(str, sorted(Path("docs").glob("*.md")))])
    assert status == 0, said.getvalue()


async def check(name: str) -> None:
    assert Path(rowkeep.__file__).is_relative_to(Path.cwd()), "this is not the copy"
    quiet_logs("error")
    write_generated_docs()
    await CHECKS[name]()


if __name__ == "__main__":
    _, page_name, *tests = sys.argv
    asyncio.run(check(page_name))
    if tests:  # here too: a further interpreter would import all of it again
        sys.exit(pytest.main(["-p", "no:cacheprovider", *tests]))
