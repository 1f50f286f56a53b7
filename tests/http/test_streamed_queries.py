"""Streamed queries: all rows as NDJSON or CSV, and everything that can end a stream."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from answers import SYSTEM_COLUMNS, good, problem, records
from expressions import where

from rowkeep.client.app_keys import AppSigner
from rowkeep.client.credentials import AppCredentials
from rowkeep.client.data import DataClient
from rowkeep.client.transport import ServerConnection
from rowkeep.files.responses import RequestRefused
from rowkeep.http.codings import zstd
from rowkeep.model.access import Algorithm
from rowkeep.settings import Settings
from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

NDJSON, CSV = "application/x-ndjson", "text/csv"


def stream(bot: Bot, table: str, accept: str, body: Any = None, kind: str = "tables", **params: Any) -> Any:
    path = f"/api/public/{kind}/{table}/query"
    return bot.request("POST", path, json=body or {}, params=params, headers={"Accept": accept})


def lines(response: httpx.Response) -> list[Any]:
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
def stored(people: Bot) -> list[dict[str, Any]]:
    return records(people.bulk("people", [{"First_Name": f"Name {i}", "Number": i} for i in range(30)]))


def test_ndjson_has_every_row_as_in_json(people: Bot, stored: list[dict[str, Any]]) -> None:
    response = stream(people, "people", NDJSON)
    assert lines(response) == stored
    assert response.headers["content-type"] == NDJSON
    assert response.headers["cache-control"] == "no-store"
    assert "accept" in response.headers["vary"].lower()
    assert "content-length" not in response.headers


def test_filter_sort_columns_limit_and_offset_count(people: Bot, stored: list[dict[str, Any]]) -> None:
    body = {
        "query": where("Number", ">=", 5),
        "sort": [{"field": "Number", "order": "desc"}],
        "fields": ["Number", "First_Name"],
    }
    found = lines(stream(people, "people", NDJSON, body, sys_limit=3, sys_offset=2))
    assert found == [{"Number": n, "First_Name": f"Name {n}"} for n in (27, 26, 25)]
    assert [list(row) for row in found] == [["Number", "First_Name"]] * 3


def test_a_cursor_continues_in_a_stream(people: Bot, stored: list[dict[str, Any]]) -> None:
    page = good(people.query("people", sys_limit=20))
    assert lines(stream(people, "people", NDJSON, {"cursor": page["nextCursor"]})) == stored[20:]


def test_a_limit_above_that_of_pages(people: Bot, stored: list[dict[str, Any]]) -> None:
    assert len(lines(stream(people, "people", NDJSON, sys_limit=1_000_000))) == 30


def test_no_rows(people: Bot) -> None:
    assert stream(people, "people", NDJSON).content == b""
    header = ",".join([*("First_Name", "Last_Name", "Gender", "Number"), *SYSTEM_COLUMNS])
    assert stream(people, "people", CSV).text == header + "\r\n"


def test_csv_tells_null_from_an_empty_string(workspace: Workspace) -> None:
    columns = [("Text", "string"), ("Flag", "boolean"), ("Count", "number"), ("Doc", "json")]
    columns += [("Sum", "decimal"), ("Day", "date")]
    schema = [{"name": name, "type": kind} for name, kind in columns]
    schema.append({"name": "Secret", "type": "string", "isEncrypted": True})
    workspace.create_table({"name": "notes", "schemaDef": schema})
    bot = workspace.bot({"notes": "rw"})
    rows = [
        {"Text": "", "Flag": True, "Count": 1.5, "Doc": {"a": [1, "x,y"]}, "Sum": "1.50", "Secret": ""},
        {"Text": 'say "hi"\nnow', "Flag": False, "Count": 263, "Day": "2020-03-28", "Secret": "s"},
        {"Text": " , ", "Doc": "plain"},
        {},
    ]
    good(bot.bulk("notes", rows))
    fields = [name for name, _ in columns] + ["Secret"]
    response = stream(bot, "notes", CSV, {"fields": fields})
    assert response.headers["content-type"].startswith("text/csv")
    assert response.text == "\r\n".join(
        [
            "Text,Flag,Count,Doc,Sum,Day,Secret",
            '"",true,1.5,"{""a"":[1,""x,y""]}",1.50,,""',
            '"say ""hi""\nnow",false,263,,,2020-03-28T00:00:00.000Z,s',
            '" , ",,,"""plain""",,,',
            ",,,,,,",
            "",
        ]
    )
    read = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert json.loads(read[0]["Doc"]) == rows[0]["Doc"]


def test_json_with_line_ends_stays_one_line(workspace: Workspace) -> None:
    workspace.create_table({"name": "docs", "schemaDef": [{"name": "Doc", "type": "json"}]})
    bot = workspace.bot({"docs": "rw"})
    path = "/api/public/tables/docs"
    sent = b'{"data": {"Doc": {"a":\n [1,\r\n 2], "b": "x\\ny"}}}'
    good(bot.request("POST", path, content=sent, headers={"Content-Type": "application/json"}))
    response = stream(bot, "docs", NDJSON, {"fields": ["Doc"]})
    assert response.text.count("\n") == 1
    assert lines(response) == [{"Doc": {"a": [1, 2], "b": "x\ny"}}]


def test_a_view_with_aggregates(workspace: Workspace) -> None:
    workspace.create_table(
        {
            "name": "sales",
            "schemaDef": [{"name": "City", "type": "string"}, {"name": "Amount", "type": "integer"}],
        }
    )
    view = {
        "name": "cities",
        "table": "sales",
        "columns": ["sales.City", {"expr": "sum(sales.Amount)", "as": "Total"}],
        "groupBy": ["sales.City"],
    }
    succeeded(workspace.admin.post(f"{workspace.path}/views", json=view))
    bot = workspace.bot({"sales": "rw"})
    workspace.admin.put(f"{workspace.path}/views/cities/grants/{bot.client_id}", json={"read": True})
    good(bot.bulk("sales", [{"City": "Bonn" if i % 2 else "", "Amount": i} for i in range(10)]))
    body = {"sort": [{"field": "City"}]}
    assert lines(stream(bot, "cities", NDJSON, body, "views")) == [
        {"City": "", "Total": "20"}, {"City": "Bonn", "Total": "25"},
    ]  # fmt: skip
    assert stream(bot, "cities", CSV, body, "views").text == 'City,Total\r\n"",20\r\nBonn,25\r\n'


def test_administrators_stream_too(workspace: Workspace, people: Bot) -> None:
    stored = records(people.bulk("people", [{"Number": 1}, {"Number": 2}]))
    path = f"{workspace.path}/data/tables/people/query"
    response = workspace.admin.post(path, headers={"Accept": NDJSON})
    assert lines(response) == stored


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("tables/people/query?sys_limit=0", {}, 400, "invalid_parameter"),
        ("tables/people/query", {"fields": ["Nope"]}, 400, "unknown_column"),
        ("tables/people/query", {"cursor": "x"}, 400, "invalid_cursor"),
        ("tables/nothing/query", {}, 404, "no_such_table"),
        ("views/nothing/query", {}, 404, "no_such_view"),
    ],
)
def test_errors_before_the_first_row_are_problems(
    people: Bot, path: str, body: Any, status: int, code: str
) -> None:
    response = people.request("POST", f"/api/public/{path}", json=body, headers={"Accept": CSV})
    assert problem(response, status)["code"] == code


@pytest.mark.parametrize("accept", ["application/json", "*/*", "text/html, */*;q=0.8", "text/csv;q=0"])
def test_anything_else_is_json(people: Bot, stored: list[dict[str, Any]], accept: str) -> None:
    assert good(stream(people, "people", accept))["queryResult"] == stored[:10]


def test_a_stream_shows_one_snapshot_and_holds_up_no_writer(people: Bot, stored: list[Any]) -> None:
    wide = "x" * 1000
    good(people.bulk("people", [{"First_Name": wide} for _ in range(5000)], prefer="return=minimal"))
    path = "/api/public/tables/people/query"
    headers = {"auth": people.token(), "Accept": NDJSON}
    with people.client.stream("POST", path, headers=headers) as response:
        received: Iterator[str] = response.iter_lines()
        first = json.loads(next(received))
        assert good(people.update("people", {"all": True}, {"Last_Name": "new"}))["nModified"] == 5030
        assert good(people.delete("people", where("Number", "=", 29)))["nDeleted"] == 1
        rest = [json.loads(line) for line in received]
    assert first["Last_Name"] is None
    assert len(rest) == 5029
    assert {row["Last_Name"] for row in rest} == {None}


LARGE = [{"First_Name": "x" * 100_000} for _ in range(200)]
"""More than the buffers of a connection take."""


def test_there_are_so_many_streams_at_a_time(people: Bot, server: RowkeepServer) -> None:
    good(people.bulk("people", LARGE, prefer="return=minimal"))
    head = (
        f"POST /api/public/tables/people/query HTTP/1.1\r\nHost: x\r\nauth: {people.token()}\r\n"
        f"Accept: {NDJSON}\r\nContent-Length: 0\r\n\r\n"
    )
    clients = [socket.socket() for _ in range(Settings().max_streamed_queries)]
    for client in clients:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.connect(("127.0.0.1", server.port))
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 200"
    refused = stream(people, "people", NDJSON)
    assert problem(refused, 503)["code"] == "busy"
    assert refused.headers["retry-after"] == "1"
    # a client that leaves ends its stream
    for client in clients:
        client.close()
    patience = time.monotonic() + 60
    while (after := stream(people, "people", NDJSON, sys_limit=1)).status_code == 503:
        assert time.monotonic() < patience
    assert len(lines(after)) == 1


async def received(bot: Bot, media_type: str, table: str = "people", **options: Any) -> bytes:
    """What the client of the commands gets."""
    async with httpx.AsyncClient(base_url=bot.server_url, trust_env=False) as client:
        connection = ServerConnection(client, bot.server_url)
        data = DataClient(connection, AppCredentials(AppSigner(bot.client_id, bot.secret, Algorithm.HS256)))
        async with data.stream("tables", table, {}, media_type, **options) as parts:
            return b"".join([part async for part in parts])


@pytest.mark.parametrize("is_compressed", [True, False])
def test_the_client_streams(people: Bot, stored: list[dict[str, Any]], is_compressed: bool) -> None:
    text = asyncio.run(received(people, NDJSON, is_compressed=is_compressed))
    assert [json.loads(line) for line in text.splitlines()] == stored
    assert asyncio.run(received(people, CSV, limit=2)).count(b"\r\n") == 3
    with pytest.raises(RequestRefused, match="No such table"):
        asyncio.run(received(people, CSV, "nothing"))


@pytest.mark.parametrize(("accept", "coding"), [(NDJSON, "gzip"), (CSV, "zstd"), (CSV, None)])
def test_a_stream_goes_in_again_unchanged(workspace: Workspace, accept: str, coding: str | None) -> None:
    types = ("string", "number", "integer", "boolean", "date", "decimal", "json")
    schema = [{"name": f"C_{kind}", "type": kind} for kind in types]
    workspace.create_table({"name": "here", "schemaDef": schema})
    workspace.create_table({"name": "there", "schemaDef": schema})
    bot = workspace.bot({"here": "rw", "there": "rw"})
    row = {"C_string": 'a "b",\r\n', "C_number": 1.5e300, "C_integer": 2**62, "C_boolean": False}
    row |= {"C_date": "2020-03-28T07:02:09.652Z", "C_decimal": "1.50", "C_json": {"a": [None, ""]}}
    good(bot.bulk("here", [row, {}, {"C_string": ""}, {"C_json": "null"}]))
    body = {"fields": list(row)}
    sent = stream(bot, "here", accept, body).content
    pack = {"gzip": gzip.compress, "zstd": zstd.compress}
    headers = {"Content-Type": accept} | ({"Content-Encoding": coding} if coding else {})
    content = pack[coding](sent) if coding else sent
    response = bot.request("POST", "/api/public/tables/there/bulk", content=content, headers=headers)
    assert good(response) == {"nInserted": 4}
    assert stream(bot, "there", accept, body).content == sent


def test_a_compressed_stream_that_is_not_whole_or_too_large(people: Bot) -> None:
    def send(content: bytes) -> httpx.Response:
        headers = {"Content-Type": NDJSON, "Content-Encoding": "gzip"}
        return people.request("POST", "/api/public/tables/people/bulk", content=content, headers=headers)

    packed = gzip.compress(b'{"Number": 1}\n' * 1000)
    problem(send(packed[:-9]), 400, "invalid_compression")
    problem(send(gzip.compress(b"\n" * 5_000_000)), 413, "body_too_large")
    assert lines(stream(people, "people", NDJSON)) == []
