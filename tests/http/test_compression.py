"""Compression: request bodies in gzip and zstd, and responses as Accept-Encoding asks."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import good, problem, records

from rowkeep.http.codings import zstd
from rowkeep.settings import Settings
from support.bot import Bot
from support.engines import ON_SQLITE
from support.workspace import Workspace

pytestmark = ON_SQLITE

TABLE = "/api/public/tables/people"
QUERY = f"{TABLE}/query"
JSON = {"Content-Type": "application/json"}
NDJSON = "application/x-ndjson"

PACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.compress, "zstd": zstd.compress}
UNPACK: dict[str, Callable[[bytes], bytes]] = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    return records(people.bulk("people", [{"First_Name": f"Name {i}", "Number": i} for i in range(30)]))


def packed(bot: Bot, coding: str, content: bytes, path: str = TABLE, method: str = "POST") -> httpx.Response:
    return bot.request(method, path, content=content, headers=JSON | {"Content-Encoding": coding})


def raw(bot: Bot, path: str, accept_encoding: str, method: str = "POST", **headers: str) -> httpx.Response:
    """A response whose content is as it was sent."""
    request = bot.client.build_request(
        method, path, headers={"auth": bot.token(), "Accept-Encoding": accept_encoding, **headers}
    )
    response = bot.client.send(request, stream=True)
    response._content = b"".join(response.iter_raw())
    return response


@pytest.mark.parametrize("coding", ["gzip", "zstd", "x-gzip", "GZIP"])
def test_bodies_can_be_compressed(people: Bot, coding: str) -> None:
    pack = PACK["zstd" if coding == "zstd" else "gzip"]
    row = {"First_Name": "Zoë", "Number": 5}
    assert good(packed(people, coding, pack(json.dumps({"data": row}).encode())))["Number"] == 5
    query = {"query": {"expressions": [{"field": "First_Name", "operand": "=", "value": "Zoë"}]}}
    assert good(packed(people, coding, pack(json.dumps(query).encode()), QUERY))["total"] == 1
    bulk = {"data": [{"First_Name": f"Name {i}"} for i in range(20_000)]}
    response = packed(people, coding, pack(json.dumps(bulk).encode()), f"{TABLE}/bulk")
    assert len(records(response)) == 20_000


def test_a_compressed_request_is_the_same_under_a_key(people: Bot) -> None:
    body = b'{"data": {"Number": 1}}'
    key = {"Idempotency-Key": "compressed"}
    first = people.request("POST", TABLE, content=body, headers=JSON | key)
    headers = JSON | key | {"Content-Encoding": "gzip"}
    again = people.request("POST", TABLE, content=gzip.compress(body), headers=headers)
    assert again.headers["idempotency-replayed"] == "true"
    assert good(again) == good(first)


@pytest.mark.parametrize("coding", ["br", "gzip, zstd"])
def test_other_codings_are_refused(empty_people: Bot, coding: str) -> None:
    response = packed(empty_people, coding, b"x")
    problem(response, 415, "unsupported_media_type")
    assert response.headers["accept-encoding"] == "gzip, zstd"


def test_a_body_that_is_not_compressed_as_it_says(empty_people: Bot) -> None:
    problem(packed(empty_people, "gzip", b'{"data": {}}'), 400, "invalid_compression")
    problem(packed(empty_people, "zstd", gzip.compress(b"{}")), 400, "invalid_compression")


@pytest.mark.parametrize("coding", list(PACK))
def test_a_body_that_unpacks_to_too_much(empty_people: Bot, coding: str) -> None:
    bomb = PACK[coding](b" " * (Settings().max_body_bytes + 1))
    assert len(bomb) < 100_000
    problem(packed(empty_people, coding, bomb), 413, "body_too_large")


def test_the_management_api_takes_compressed_bodies(workspace: Workspace) -> None:
    definition = {"name": "packed", "schemaDef": [{"name": "A", "type": "string"}]}
    response = workspace.admin.post(
        f"{workspace.path}/tables",
        content=gzip.compress(json.dumps(definition).encode()),
        headers=JSON | {"Content-Encoding": "gzip"},
    )
    assert response.status_code == 201, response.text


@pytest.mark.parametrize("coding", list(PACK))
def test_large_responses_are_compressed(people: Bot, stored: list[dict[str, Any]], coding: str) -> None:
    response = raw(people, f"{QUERY}?sys_limit=30", coding)
    assert response.headers["content-encoding"] == coding
    assert response.headers["vary"] == "accept, accept-encoding"
    assert int(response.headers["content-length"]) == len(response.content)
    assert json.loads(UNPACK[coding](response.content))["queryResult"] == stored


def test_a_very_large_response(people: Bot) -> None:
    many = [{"First_Name": f"Name {i}", "Last_Name": "x" * 200} for i in range(10_000)]
    request = people.client.build_request(
        "POST",
        f"{TABLE}/bulk",
        json={"data": many},
        headers={"auth": people.token(), "Accept-Encoding": "gzip"},
    )
    response = people.client.send(request)
    assert response.headers["content-encoding"] == "gzip"
    assert len(response.json()["records"]) == 10_000


@pytest.mark.parametrize("accept", ["identity", "gzip;q=0", "br"])
def test_others_are_not(people: Bot, stored: list[dict[str, Any]], accept: str) -> None:
    response = raw(people, f"{QUERY}?sys_limit=30", accept)
    assert "content-encoding" not in response.headers
    assert json.loads(response.content)["queryResult"] == stored


def test_small_responses_are_not(people: Bot) -> None:
    response = raw(people, QUERY, "gzip, zstd")
    assert "content-encoding" not in response.headers
    assert response.headers["vary"] == "accept, accept-encoding"


@pytest.mark.parametrize("coding", list(PACK))
def test_streams_are_compressed(people: Bot, stored: list[dict[str, Any]], coding: str) -> None:
    response = raw(people, QUERY, coding, Accept=NDJSON)
    assert response.headers["content-encoding"] == coding
    lines = UNPACK[coding](response.content).splitlines()
    assert [json.loads(line) for line in lines] == stored


def test_head_is_handled(people: Bot) -> None:
    got, head = (raw(people, "/openapi.json", "gzip", method) for method in ("GET", "HEAD"))
    assert got.headers["content-encoding"] == head.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(got.content))["openapi"]
    assert head.content == b""


def test_responses_that_can_have_secrets_are_not_compressed(workspace: Workspace) -> None:
    headers = {"Accept-Encoding": "gzip"}
    wide = {"name": "wide", "schemaDef": [{"name": f"Column_{at}", "type": "string"} for at in range(50)]}
    created = workspace.admin.post(f"{workspace.path}/tables", json=wide, headers=headers)
    assert len(created.content) > Settings().min_compressed_bytes
    assert "content-encoding" not in created.headers
    read = workspace.admin.get(f"{workspace.path}/tables/wide", headers=headers)
    assert read.headers["content-encoding"] == "gzip"
    assert read.json() == created.json()
