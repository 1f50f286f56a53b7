"""Streams in: NDJSON and CSV as the body of a bulk, atomic and partial, with errors by their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from answers import problem, rows, total
from definitions import Made, column, index, table

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import Workspace

PATH = "/api/public/tables/{}/bulk"
PEOPLE = table(
    "people",
    column("Code"),
    column("Name", isRequired=True),
    column("Number", "number"),
    column("Whole", "integer"),
    column("Is", "boolean"),
    column("Day", "date"),
    column("Price", "decimal"),
    column("Extra", "json"),
    column("Secret", isEncrypted=True),
    indexes=(index("by_code", "Code", unique=True), index("by_secret", "Secret", unique=True)),
)
PETS = table(
    "pets",
    column("Tag"),
    column("Owner", reference={"table": "people", "column": "Code"}),
    column("Mother", reference={"table": "pets", "column": "Tag"}),
    column("Id", reference={"table": "people", "column": "sys_Id"}),
    indexes=(index("by_tag", "Tag", unique=True),),
)
NDJSON, CSV = "application/x-ndjson", "text/csv"


@pytest.fixture
def bot(made: Made) -> Bot:
    """An app with both tables; there is one person, with the Code a."""
    bot = made(PEOPLE, PETS)
    assert bot.insert("people", {"Code": "a", "Name": "Ada", "Secret": "s"}).status_code == 200
    return bot


def send(
    bot: Bot, body: str | bytes | Iterator[bytes], kind: str = NDJSON, name: str = "people", **parameters: str
) -> httpx.Response:
    headers = {"content-type": kind}
    if key := parameters.pop("key", None):
        headers["idempotency-key"] = key
    content = body.encode() if isinstance(body, str) else body
    return bot.request("POST", PATH.format(name), content=content, headers=headers, params=parameters)


def lines(*each: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in each)


def stored(bot: Bot, name: str = "people") -> int:
    return total(bot, name)


def listed(response: httpx.Response) -> tuple[dict[str, Any], list[tuple[int, str, str | None]]]:
    """The counts of a partial stream, and the line, code and pointer of each error."""
    assert response.status_code == 207, response.text
    assert response.headers["content-type"] == NDJSON
    counts, *errors = map(json.loads, response.text.splitlines())
    return counts, [(each["line"], each["code"], each.get("pointer")) for each in errors]


VALUES = {
    "Code": "c", "Name": "Zoë, \"Z\"\n", "Number": 1.5, "Whole": -3, "Is": True,
    "Day": "2024-02-29T00:00:00.000Z", "Price": "1.50", "Extra": {"a": [1]}, "Secret": "",
}  # fmt: skip
AS_CSV = (
    "\ufeffname,Code,Number,Whole,Is,Day,Price,Extra,Secret\r\n"
    '"Zoë, ""Z""\n",c,1.5,-3,true,2024-02-29,1.50,"{""a"": [1]}",""\r\n'
    "Eve,,,,,,,,\r\n"
)


@pytest.mark.parametrize("kind", [NDJSON, f"{CSV}; charset=utf-8"])
def test_values_of_every_type(bot: Bot, kind: str) -> None:
    body = AS_CSV if kind != NDJSON else "\ufeff" + lines(VALUES) + "\r\n" + json.dumps({"Name": "Eve"})
    response = send(bot, body, kind)
    assert (response.status_code, response.json()) == (200, {"nInserted": 2}), response.text
    _, full, empty = rows(bot.query("people"))
    assert {name: full[name] for name in VALUES} == VALUES
    assert {name: empty[name] for name in VALUES} == {**dict.fromkeys(VALUES), "Name": "Eve"}
    assert full["Created_On"] == empty["Created_On"]
    assert full["_id"] < empty["_id"]


def test_many_blocks_that_arrive_in_pieces(bot: Bot) -> None:
    count, long = 30_000, "x" * 60
    text = "".join(f"c{at},{long} {at},{at}\n" for at in range(count)).encode()
    pieces = (text[at : at + 50_001] for at in range(0, len(text), 50_001))
    response = send(bot, iter([b"Code,Name,Number\n", *pieces]), CSV)
    assert response.json() == {"nInserted": count}
    assert stored(bot) == count + 1
    found = rows(
        bot.query(
            "people", {"query": {"expressions": [{"field": "Code", "operand": "=", "value": "c29999"}]}}
        )
    )
    assert [(row["Name"], row["Number"]) for row in found] == [(f"{long} 29999", 29_999)]


UNREADABLE = lines({"Name": "x"}, {"Name": "y", "Numbr": 1, "Day": "?"}) + '\n[]\n{"Name":\n'
UNREADABLE_ERRORS = "2 unknown_column /Numbr, 2 invalid_value /Day, 4 invalid_body, 5 malformed_json"
HEADER_ERRORS = "1 unknown_column /Nam, 1 duplicate_column /Name, 1 system_column /_id"
HALVES = '{"Name":"\\ud800","Code":"\\u0000"}\n'


@first_on_each(
    ("kind", "body", "status", "errors"),
    [
        (
            NDJSON,
            UNREADABLE,
            400,
            "2 unknown_column /Numbr, 2 invalid_value /Day, 4 invalid_body, 5 malformed_json",
        ),
        (NDJSON, b'{"Name":"x"}\n{"Name":"\xff"}\n', 400, "2 malformed_json"),
        (NDJSON, '{"Name":"x","Name":"y"}\n', 400, "1 repeated_key /Name"),
        (NDJSON, HALVES, 422, "1 invalid_value /Name, 1 invalid_value /Code"),
        (CSV, "Name,Code\nx,y,z\n,y\n", 400, "2 malformed_csv, 3 missing_value /Name"),
        (CSV, "Name,Is,Number\nx,yes,1\ny,true, 1\n", 422, "2 invalid_value /Is, 3 invalid_value /Number"),
        (CSV, "Name,Extra\nx,{\n", 422, "2 invalid_value /Extra"),
        (CSV, b"Name\nx\n\xff\n", 400, "3 malformed_csv"),
        (CSV, "Name\na\x00b\n", 422, "2 invalid_value /Name"),
        (CSV, 'Name\nx\ny"z\n', 400, "3 malformed_csv"),
        (
            CSV,
            "Nam,name,Name,_id\n",
            400,
            "1 unknown_column /Nam, 1 duplicate_column /Name, 1 system_column /_id",
        ),
        (CSV, "Code\n", 422, "1 missing_value /Name"),
        (CSV, "", 400, "1 malformed_csv"),
        (CSV, "Name" + ",x" * 10_000 + "\n", 400, "1 malformed_csv"),
    ],
)
def test_errors_of_an_atomic_stream(
    empty: Bot, kind: str, body: str | bytes, status: int, errors: str
) -> None:
    response = send(empty, body, kind)
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found = response.json()["errors"]
    shown = (f"{each['line']} {each['code']} {each.get('pointer', '')}".strip() for each in found)
    assert ", ".join(shown) == errors
    assert all(each["msg"].startswith(f"Line {each['line']}: ") for each in found)
    assert stored(empty) == 0


@pytest.fixture(scope="module")
def empty(shared: Workspace) -> Bot:
    shared.create_table(PEOPLE)
    return shared.bot({"people": "rwd"})


def test_a_conflict_names_its_line_and_stores_nothing(bot: Bot) -> None:
    for duplicate in ("a", "c7"):
        body = lines(*({"Name": "n", "Code": f"c{at}"} for at in range(10)), {"Name": "n", "Code": duplicate})
        error = problem(send(bot, body), 409)
        assert error["errors"][0]["line"] == 11
        assert error["errors"][0]["pointer"] == "/Code"
        assert duplicate in error["errors"][0]["msg"]
    assert stored(bot) == 1


def test_references(bot: Bot) -> None:
    found = rows(bot.query("people"))[0]["sys_Id"]
    assert send(
        bot, lines({"Tag": "x", "Mother": "y"}, {"Tag": "y", "Owner": "a", "Id": found}), name="pets"
    ).json() == {"nInserted": 2}
    for wrong in ({"Owner": "no"}, {"Mother": "no"}, {"Id": "sys-no"}):
        error = problem(send(bot, lines({"Tag": "z"}, {"Tag": "q"} | wrong), name="pets"), 409)
        ((name, _),) = wrong.items()
        assert (error["errors"][0]["line"], error["errors"][0]["pointer"]) == (2, f"/{name}")
    assert stored(bot, "pets") == 2


def test_partial(bot: Bot) -> None:
    body = "Name,Code,Number\nx,x,1\n,y,2\nz,a,3\nu,u,?\nv,x,4\nw,w,\n1,2\n"
    counts, errors = listed(send(bot, body, CSV, mode="partial"))
    assert counts == {"nInserted": 2, "nFailed": 5}
    assert errors == [
        (3, "missing_value", "/Name"),
        (4, "unique_violation", "/Code"),
        (5, "invalid_value", "/Number"),
        (6, "unique_violation", "/Code"),
        (8, "malformed_csv", ""),
    ]
    assert [row["Code"] for row in rows(bot.query("people"))] == ["a", "x", "w"]
    assert send(bot, lines({"Name": "good"}), mode="partial").json() == {"nInserted": 1, "nFailed": 0}
    response = send(bot, lines({"Code": "no"}), mode="partial")
    refused = response.json()
    assert response.status_code == 422
    assert (refused["code"], refused["nFailed"], refused["errors"][0]["line"]) == ("all_rows_failed", 1, 1)


def test_a_partial_stream_says_how_far_it_came(bot: Bot) -> None:
    good = "".join(f"n,c{at}\n" for at in range(25_000))
    counts, errors = listed(send(bot, "Name,Code\n" + good + 'x,y"z\n', CSV, mode="partial"))
    assert errors == [(25_002, "malformed_csv", None)]
    assert counts["nInserted"] == counts["stoppedAtLine"] - 2 == stored(bot) - 1


@pytest.mark.parametrize("mode", ["atomic", "partial"])
def test_upserts(bot: Bot, mode: str) -> None:
    more = {"nFailed": 0} if mode == "partial" else {}
    update = {"onConflict": "Code", "action": "update", "mode": mode}
    body = "Code,Number\na,5\n"
    assert send(bot, body, CSV, **update).json() == {"nInserted": 0, "nUpdated": 1, "nIgnored": 0, **more}
    body = lines({"Code": "a", "Number": {"$inc": 2}}, {"Code": "b", "Name": "Bo", "Number": {"$inc": 1}})
    assert send(bot, body, **update).json() == {"nInserted": 1, "nUpdated": 1, "nIgnored": 0, **more}
    body = lines({"Code": "a", "Name": "no"}, {"Code": "c", "Name": "Cy"})
    ignored = send(bot, body, onConflict="Code", action="ignore", mode=mode)
    assert ignored.json() == {"nInserted": 1, "nUpdated": 0, "nIgnored": 1, **more}
    assert [(row["Name"], row["Number"]) for row in rows(bot.query("people"))] == [
        ("Ada", 7),
        ("Bo", 1),
        ("Cy", None),
    ]
    inserted = send(bot, lines({"Code": "d", "Name": "Di"}), onConflict="Code", action="error", mode=mode)
    assert inserted.json() == {"nInserted": 1, "nUpdated": 0, "nIgnored": 0, **more}


@pytest.mark.parametrize(
    ("body", "status", "line", "code", "where"),
    [
        (lines({"Code": "a", "Number": 1}, {"Code": "x"}), 422, 2, "missing_value", "/Name"),
        (lines({"Code": "a", "Number": {"$append": "x"}}), 422, 1, "invalid_value", "/Number"),
        (lines({"Code": {"$append": "x"}, "Name": "x"}), 422, 1, "invalid_value", "/Code"),
        (lines({"Code": "q", "Name": "x"}, {"Code": "q", "Name": "y"}), 422, 1, "duplicate_key", "/Code"),
        (lines({"Code": "x", "Name": "x", "Secret": "s"}), 409, 1, "unique_violation", "/Secret"),
        (lines({"Code": "a"}, {"Code": "a", "Number": 2**60}), 422, 2, "invalid_value", "/Number"),
    ],
)
def test_refused_upserts(bot: Bot, body: str, status: int, line: int, code: str, where: str) -> None:
    options = {"onConflict": "Code", "action": "update"}
    error = problem(send(bot, body, **options), status)["errors"][0]
    assert (error["line"], error["code"], error["pointer"]) == (line, code, where)
    response = send(bot, lines({"Code": "new", "Name": "New"}) + body, **options, mode="partial")
    counts, errors = listed(response)
    assert counts["nInserted"] >= 1
    assert (line + 1 + (code == "duplicate_key"), code, where) in errors


def test_keys_and_dry_runs(bot: Bot) -> None:
    for mode in ("atomic", "partial"):
        body = lines({"Name": mode}, {"Name": "other"})
        dry = send(bot, body, mode=mode, dryRun="true", key=mode)
        assert dry.json() == {"nInserted": 2, "dryRun": True} | ({"nFailed": 0} if mode == "partial" else {})
        before = stored(bot)
        first, second = (send(bot, body, mode=mode, key=mode) for _ in range(2))
        assert first.json() == second.json()
        assert "idempotency-replayed" not in first.headers
        assert second.headers["idempotency-replayed"] == "true"
        assert stored(bot) == before + 2
        assert problem(send(bot, body + " ", mode=mode, key=mode), 422)["code"] == "idempotency_key_reused"


@pytest.mark.parametrize("rest", ["x,too many fields\n", 'a"b\n'], ids=["no good row", "unreadable"])
def test_the_key_of_a_partial_stream_whose_last_block_stores_nothing(bot: Bot, rest: str) -> None:
    body = "Name\n" + "x\n" * 20_000 + rest
    key = f"key {len(rest)}"
    first, second = (send(bot, body, CSV, mode="partial", key=key) for _ in range(2))
    counts, errors = listed(first)
    assert [(line, code) for line, code, _ in errors] == [(20_002, "malformed_csv")]
    assert 0 < counts["nInserted"] == counts.get("stoppedAtLine", 20_002) - 2
    assert (second.status_code, second.headers["idempotency-replayed"]) == (207, "true")
    assert second.json() == counts
    assert stored(bot) == 1 + counts["nInserted"]


@first_on_each(
    "parameters",
    [
        {"mode": "some"},
        {"onConflict": "Code"},
        {"action": "update"},
        {"onConflict": "Code", "action": "x"},
        {"dryRun": "yes"},
        {"sys_limit": "1"},
    ],
)
def test_invalid_parameters(empty: Bot, parameters: dict[str, str]) -> None:
    assert problem(send(empty, lines({"Name": "x"}), **parameters), 400)["code"] == "invalid_parameter"


def test_what_is_no_stream(empty: Bot) -> None:
    for kind in ("text/csv; charset=latin1", "text/csv; header=absent"):
        assert problem(send(empty, "Name\nx\n", kind), 415)["code"] == "unsupported_media_type"
    unknown = problem(send(empty, "{}", "application/ndjson"), 415)
    assert "or application/x-ndjson or text/csv for a stream of rows; got" in unknown["detail"]
    misplaced = problem(send(empty, '{"data": []}', "application/json", dryRun="true"), 400)
    assert misplaced["detail"] == (
        'Unknown query parameter "dryRun". Only streams take them. Put "mode", "onConflict" and "dryRun" '
        'into a JSON body, next to "data".'
    )
    headers = {"content-type": NDJSON}
    refused = empty.request(
        "POST", "/api/public/tables/people", content=lines({"Name": "x"}), headers=headers
    )
    assert problem(refused, 415)["code"] == "unsupported_media_type"
    assert send(empty, "").json() == {"nInserted": 0}
    assert stored(empty) == 0


def test_a_line_may_have_a_limited_size(empty: Bot) -> None:
    endless = iter([b'{"Name":"', *[b"x" * 1_000_000] * 9])
    response = send(empty, endless)
    assert problem(response, 413)["code"] == "line_too_long"
    assert response.json()["errors"][0]["line"] == 1


def test_rights(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    writer, reader = workspace.bot({"people": "w"}), workspace.bot({"people": "r"})
    body = lines({"Name": "x", "Code": "x"})
    assert send(reader, body).status_code == 403
    assert send(writer, body).status_code == 200
    assert send(writer, body, onConflict="Code", action="update").status_code == 403
    assert send(writer, body, onConflict="Code", action="ignore").status_code == 200
    response = workspace.admin.post(
        f"/workspaces/{workspace.name}/data/tables/people/bulk",
        content=body.replace('"x"}', '"y"}'),
        headers={"content-type": NDJSON},
    )
    assert response.json() == {"nInserted": 1}


def test_repeated_keys_far_from_each_other(bot: Bot) -> None:
    body = "Code,Name\n" + "".join(f"k{at % 50_000},n\n" for at in range(50_002))
    error = problem(send(bot, body, CSV, onConflict="Code", action="ignore"), 422)
    assert [(each["line"], each["code"]) for each in error["errors"]] == [
        (50_002, "duplicate_key"),
        (50_003, "duplicate_key"),
    ]
    assert "Line 2 has the same Code" in error["errors"][0]["msg"]
    assert stored(bot) == 1
