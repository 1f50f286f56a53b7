"""Bodies as attacks: what is small and asks for much, what is large, and tokens with strange headers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from vitals import Vitals

from support.bot import Bot
from support.server import RowkeepServer
from support.tokens import segment, sign
from support.workspace import PEOPLE, Workspace

LONGEST_WAIT_SECONDS = 2.0
"""For /healthz, on a machine that runs other tests too. Each of these bodies once held it up for longer."""

WIDE: dict[str, Any] = {
    "name": "wide",
    "schemaDef": [{"name": f"A_rather_long_name_{at}", "type": "string"} for at in range(390)],
}
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024

Launch = Callable[..., RowkeepServer]
Watch = Callable[[RowkeepServer], Vitals]


def table(server: RowkeepServer, definition: dict[str, Any]) -> tuple[Bot, str]:
    workspace = Workspace(server, "attacked")
    workspace.create_table(definition)
    return workspace.bot({definition["name"]: "rwd"}), f"/api/public/tables/{definition['name']}"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_few_bytes_that_ask_for_much(launch: Launch, watch: Watch, scale: int) -> None:
    server = launch()
    bot, path = table(server, WIDE)
    vitals = watch(server)
    for _ in range(scale):
        content = b'{"data":[' + b"{}," * 102_399 + b"{}]}"
        refusal = bot.request("POST", f"{path}/bulk", content=content, headers=JSON)
        assert (refusal.status_code, refusal.json()["code"]) == (422, "too_many_cells")
        for part in ("102400", "5000000", "max_bulk_cells"):
            assert part in refusal.json()["detail"]
    near = {f"A_rather_long_nome_that_is_nearly_right_{at:02}".ljust(64, "x"): 1 for at in range(100)}
    for _ in range(scale):
        refusal = bot.request("POST", path, json={"data": near})
        assert refusal.status_code == 400
        assert len(refusal.json()["errors"]) == 100
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS
    assert vitals.grown_megabytes < 100


def test_as_many_cells_as_are_allowed(launch: Launch, watch: Watch) -> None:
    server = launch(max_bulk_cells=1_000_000)
    bot, path = table(server, WIDE)
    vitals = watch(server)
    rows = 1_000_000 // 390
    content = b'{"data":[' + b"{}," * (rows - 1) + b"{}]}"
    answer = bot.request("POST", f"{path}/bulk", content=content, headers=JSON, prefer="return=minimal")
    assert answer.json() == {"nInserted": rows}
    vitals.end()
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS


def hostile_bodies(size: int) -> dict[str, tuple[str, bytes]]:
    """Bodies of about this size, each with what is refused."""
    keys = b",".join(b'"%062d":1' % at for at in range(size // 66))
    return {
        "unknown keys of one row": ("/data/", b'{"data":{%b}}' % keys),
        "unknown keys of a row among others": ("/data/1/", b'{"data":[{},{%b}]}' % keys),
        "unknown keys outside": ("", b"{%b}" % keys),
        "no rows": ("/data/0", b'{"data":[%b1]}' % (b"1," * (size // 2))),
        "empty arrays": ("/data", b'{"data":[%b{}]}' % (b"[]," * (size // 3))),
        "brackets": ("", b'{"data":%b' % (b"[" * size)),
        "brackets in turn": ("", b'{"data":%b' % (b'{"a":[' * (size // 6))),
        "an array in a cell": ("/data", b'{"data":[{"Number":[%b1]}]}' % (b"[]," * (size // 3))),
        "an array in the cell of one row": ("", b'{"data":{"Number":[%b1]}}' % (b"[]," * (size // 3))),
        "escapes": ("/data/Number", b'{"data":{"Number":"%b"}}' % (b"\\\\" * (size // 2))),
        "quotes": ("/data/0/Number", b'{"data":[{"Number":"%b"}]}' % (b'\\"' * (size // 2))),
        "data twice": ("/data", b'{"data":[%b{}],"data":[]}' % (b"{}," * (size // 14))),
        "not closed": ("", b'{"data":[%b{}' % (b"{}," * (size // 14))),
    }


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_hostile_bodies_hold_up_nobody(launch: Launch, watch: Watch, scale: int) -> None:
    size = 2 * MEGABYTE if scale == 1 else 4 * MEGABYTE
    server = launch()
    bot, path = table(server, PEOPLE)
    vitals = watch(server)
    for name, (where, content) in hostile_bodies(size).items():
        started = time.monotonic()
        refusal = bot.request("POST", path, content=content, headers=JSON)
        body = refusal.json()
        assert refusal.status_code in (400, 422), name
        assert 1 <= len(body["errors"]) <= 100, name
        assert len(refusal.content) < MEGABYTE // 4, name
        assert (body["errors"][0].get("pointer") or "").startswith(where), (name, body)
        assert time.monotonic() - started < 20, name
    many = size // 2
    for content in (
        b'{"query":{"expressions":[{"field":"Number","operand":"in","value":[%b1]}]}}' % (b"[]," * many),
        b'{"query":{"expressions":[%b{}]}}' % (b"{}," * many),
        b'{"fields":[%b"a"]}' % (b'"a",' * (many // 4)),
    ):
        assert bot.request("POST", f"{path}/query", content=content, headers=JSON).status_code in (400, 422)
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS
    assert bot.query("people").json()["total"] == 0


def test_a_large_bulk_of_ordinary_rows(launch: Launch, watch: Watch, scale: int) -> None:
    server = launch()
    bot, path = table(server, PEOPLE)
    vitals = watch(server)
    rows = [
        {"First_Name": f"Jane {at}", "Last_Name": "Doe", "Number": at}
        for at in range(20_000 if scale == 1 else 800_000)
    ]
    answer = bot.request("POST", f"{path}/bulk", content=json.dumps({"data": rows}).encode(), headers=JSON)
    assert len(answer.json()["records"]) == len(rows)
    vitals.end()
    assert vitals.failures == []
    assert vitals.slowest_health_seconds < LONGEST_WAIT_SECONDS


HEADERS: list[Any] = [
    *({"alg": "HS256", "crit": value} for value in ([1], None, 5, True, [], ["b64"], ["exp"], {}, "x", [[]])),
    *({"alg": alg} for alg in ([], {}, None, 5, True, "none", "None", "HS512", "RS256", "", ["HS256"])),
    {},
    {"alg": "HS256", "b64": False},
    {"alg": "HS256", "b64": False, "crit": ["b64"]},
    *({"alg": "HS256", "kid": value} for value in ({}, [], 5, None)),
    *({"alg": "HS256", "typ": value} for value in ({}, [], 5, None)),
    b'{"alg":"HS256","alg":"HS256"}',
    b'{"alg":"none","alg":"HS256"}',
    b'{"alg":"HS256","x":' + b"[" * 2000 + b"]" * 2000 + b"}",
    b'{"alg":"HS256","x":"\\ud800"}',
    b'{"alg":"HS256"',
    b"[]",
    b"null",
    b"",
    b"\xff",
]
CLAIMS = [
    '{"appId":"ID","appId":"ID"}',
    '{"appId":"OTHER","appId":"ID"}',
    '{"appId":"ID","exp":1,"exp":99999999999}',
    '{"appId":"ID","x":{"a":1,"a":2}}',
    '{"appId":["ID"]}',
    '{"appId":"ID","exp":"99999999999"}',
    '{"appId":"ID","x":' + "[" * 1000 + "]" * 1000 + "}",
    '["ID"]',
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_strange_tokens_are_401_and_show_no_client_ids(launch: Launch) -> None:
    server = launch()
    bot, path = table(server, PEOPLE)
    unknown = bot.client_id[:-1] + ("0" if bot.client_id[-1] != "0" else "1")
    answers = []
    for client_id in (bot.client_id, unknown):
        answers.append([])
        payload = {"appId": client_id}
        claims = [each.replace("ID", client_id).replace("OTHER", unknown).encode() for each in CLAIMS]
        tokens = [sign(payload, bot.secret, header=header) for header in HEADERS]
        tokens += [sign(each, bot.secret) for each in claims]
        tokens += [segment(b"{") + token[token.index(".") :] for token in tokens[:1]]
        for token in tokens:
            answer = bot.request("POST", f"{path}/query", headers={"auth": token})
            answers[-1].append((answer.status_code, answer.json(), answer.headers.get("www-authenticate")))
    assert {status for status, _, _ in answers[0]} == {401}
    assert answers[0] == answers[1]
    assert bot.query("people").status_code == 200
    assert "Traceback" not in server.log.read_text()
