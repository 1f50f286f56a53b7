"""Streams that stop half-way, or take their time: what they store, and what others get meanwhile."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import AsyncIterator

import httpx
import pytest
from answers import problem, rows, total
from definitions import column, index, table

from rowkeep.client.app_keys import AppSigner
from rowkeep.client.credentials import AppCredentials
from rowkeep.client.data import DataClient
from rowkeep.client.transport import ServerConnection
from rowkeep.model.access import Algorithm
from support.bot import Bot
from support.processes import PATIENT
from support.server import RowkeepServer
from support.workspace import Workspace

PATH = "/api/public/tables/items/bulk"
ITEMS = table("items", column("Code"), indexes=(index("by_code", "Code", unique=True),))
SECONDS = 240
MAX_STREAMS = 4
"""The default of the setting."""


@pytest.fixture
def bot(workspace: Workspace) -> Bot:
    workspace.create_table(ITEMS)
    return workspace.bot({"items": "rwd"})


class HalfSent:
    """A stream in chunks, of which a part was sent."""

    def __init__(self, bot: Bot, parameters: str = "") -> None:
        self._connection = http.client.HTTPConnection(bot.server_url.removeprefix("http://"), timeout=SECONDS)
        self._connection.putrequest("POST", PATH + parameters)
        for name, value in {
            "auth": bot.token(),
            "content-type": "text/csv",
            "transfer-encoding": "chunked",
        }.items():
            self._connection.putheader(name, value)
        self._connection.endheaders()

    def send(self, text: str) -> None:
        self._connection.send(f"{len(text):x}\r\n{text}\r\n".encode())

    def end(self) -> httpx.Response:
        self._connection.send(b"0\r\n\r\n")
        return self.answer()

    def answer(self) -> httpx.Response:
        answer = self._connection.getresponse()
        return httpx.Response(answer.status, headers=dict(answer.getheaders()), content=answer.read())

    def break_off(self) -> None:
        self._connection.close()


def numbered(first: int, count: int) -> str:
    return "".join(f"c{at:07}\n" for at in range(first, first + count))


def test_an_atomic_stream_that_breaks_off_stores_nothing(bot: Bot) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        stream = begun.begin()
        stream.send("Code\n" + numbered(0, 200_000))
        stream.break_off()
        # its keys are free, and it is in nobody's way
        whole = begun.begin()
        whole.send("Code\n" + numbered(0, 10))
        assert whole.end().json() == {"nInserted": 10}
        assert total(bot, "items") == 10


class Streams:
    """Begins streams, and ends them with the test."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._begun: list[HalfSent] = []

    def begin(self, parameters: str = "") -> HalfSent:
        self._begun.append(HalfSent(self._bot, parameters))
        return self._begun[-1]

    def close(self) -> None:
        for each in self._begun:
            each.break_off()


def test_a_partial_stream_that_breaks_off_stores_whole_rows(bot: Bot) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        stream = begun.begin("?mode=partial")
        stream.send("Code\n" + numbered(0, 500_000))
        deadline = time.monotonic() + SECONDS
        while not total(bot, "items"):
            assert time.monotonic() < deadline
        stream.break_off()
    stored = total(bot, "items")
    last = rows(bot.query("items", {"sort": [{"field": "Code", "order": "desc"}]}, sys_limit=1))
    # those that were stored are the first ones, without a gap, whether more of them came meanwhile or not
    assert int(last[0]["Code"][1:]) + 1 >= stored > 0
    first = rows(bot.query("items", {"sort": [{"field": "Code"}]}, sys_limit=1000))
    assert [row["Code"] for row in first] == numbered(0, 1000).split()


def test_a_slow_stream_holds_up_nobody(bot: Bot) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        stream = begun.begin()
        stream.send("Code\n" + numbered(0, 150_000))
        assert bot.insert("items", {"Code": "other"}).status_code == 200
        stream.send(numbered(150_000, 10))
        assert bot.insert("items", {"Code": "c0150010"}).status_code == 200
        assert stream.end().json() == {"nInserted": 150_010}
        assert total(bot, "items") == 150_012


def test_what_was_stored_meanwhile_is_a_conflict(bot: Bot) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        stream = begun.begin()
        stream.send("Code\n" + numbered(0, 30_000))
        assert bot.insert("items", {"Code": "c0020000"}).status_code == 200
        error = problem(stream.end(), 409)["errors"][0]
        assert (error["line"], error["code"]) == (20_002, "unique_violation")
        assert total(bot, "items") == 1


def test_definitions_may_change_meanwhile(bot: Bot, workspace: Workspace) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        streams = [begun.begin(), begun.begin("?mode=partial")]
        for stream in streams:
            stream.send("Code\n")
        workspace.create_table({**ITEMS, "name": "others"})
        for at, stream in enumerate(streams):
            stream.send(f"c{at}\n")
            assert stream.end().json()["nInserted"] == 1
        stream = begun.begin()
        stream.send("Code\n" + numbered(0, 150_000))
        more = {**ITEMS, "schemaDef": [*ITEMS["schemaDef"], column("More")]}
        assert workspace.admin.put(f"{workspace.path}/tables/items", json=more).status_code == 200
        refused = problem(stream.end(), 503)
        assert refused["code"] == "busy"
        assert "definition of table items" in refused["detail"]
        assert total(bot, "items") == 2


def test_only_some_streams_at_a_time(bot: Bot) -> None:
    with contextlib.closing(Streams(bot)) as begun:
        streams = [begun.begin() for _ in range(MAX_STREAMS)]
        for stream in streams:
            stream.send("Code\n")
        # when all of them have begun, is seen by one that is refused
        answers: set[int] = set()
        deadline = time.monotonic() + SECONDS
        while 503 not in answers:
            answers.add(sent_at_once(bot).status_code)
            assert time.monotonic() < deadline
        for at, stream in enumerate(streams):
            stream.send(f"s{at}\n")
            assert stream.end().json() == {"nInserted": 1}
        assert answers <= {200, 503}


def sent_at_once(bot: Bot) -> httpx.Response:
    return bot.request("POST", PATH, content=b"Code\n", headers={"content-type": "text/csv"})


@pytest.mark.anyio
async def test_the_client_streams(bot: Bot, server: RowkeepServer) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for text in ("Code\n", "a\nb\n", "a\n"):
            yield text.encode()

    async with httpx.AsyncClient(base_url=server.url, timeout=PATIENT, trust_env=False) as http_client:
        client = DataClient(
            ServerConnection(http_client, server.url),
            AppCredentials(AppSigner(bot.client_id, bot.secret, Algorithm.HS256)),
        )
        reply = await client.insert_stream("items", chunks(), "text/csv", {"mode": "partial"}, "a key")
        again = await client.insert_stream("items", chunks(), "text/csv", {"mode": "partial"}, "a key")
    assert (reply.inserted, reply.failed, [each.line for each in reply.problems]) == (2, 1, [4])
    assert (again.inserted, again.is_replayed, again.problems) == (2, True, [])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
