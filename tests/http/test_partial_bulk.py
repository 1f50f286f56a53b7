"""Partial bulks: good rows are stored, and bad ones reported, each with all of its errors."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from answers import found, problem, rows, total
from definitions import Made, column, index, table

from support.bot import Bot
from support.engines import first_on_each
from support.server import RowkeepServer
from support.workspace import Workspace

PATH = "/api/public/tables/{}/bulk"
PEOPLE = table(
    "people",
    column("Code"),
    column("Name", isRequired=True),
    column("Number", "number"),
    column("Day", "date"),
    column("Price", "decimal"),
    column("Other"),
    indexes=(index("by_code", "Code", unique=True), index("by_both", "Name", "Other", unique=True)),
)
PETS = table(
    "pets",
    column("Tag"),
    column("Owner", reference={"table": "people", "column": "Code"}),
    column("Mother", reference={"table": "pets", "column": "Tag"}),
    column("Id", reference={"table": "people", "column": "sys_Id"}),
    indexes=(index("by_tag", "Tag", unique=True),),
)


@pytest.fixture
def bot(made: Made) -> Bot:
    """An app with both tables; there is one person, with the Code a."""
    bot = made(PEOPLE, PETS)
    assert bot.insert("people", {"Code": "a", "Name": "Ada"}).status_code == 200
    return bot


def send(bot: Bot, rows: Any, name: str = "people", **more: Any) -> httpx.Response:
    prefer, headers = more.pop("prefer", None), more.pop("headers", None)
    body = {"data": rows, "mode": "partial", **more}
    return bot.request("POST", PATH.format(name), json=body, prefer=prefer, headers=headers)


def partly(response: httpx.Response, inserted: int, failed: int) -> dict[str, Any]:
    """The answer of a bulk of which so many rows were stored."""
    assert response.status_code == 207, response.text
    assert response.headers["content-type"] == "application/json"
    answer: dict[str, Any] = response.json()
    assert (answer["nInserted"], answer["nFailed"]) == (inserted, failed)
    assert len({each["pointer"].split("/")[2] for each in answer["errors"]}) == failed
    return answer


def refused(response: httpx.Response, failed: int) -> dict[str, Any]:
    """The answer of a bulk of which no row was stored."""
    assert response.status_code == 422, response.text
    assert response.headers["content-type"] == "application/problem+json"
    answer: dict[str, Any] = response.json()
    assert (answer["code"], answer["nInserted"], answer["nFailed"]) == ("all_rows_failed", 0, failed)
    return answer


def places(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(each["code"], each["pointer"]) for each in answer["errors"]]


def person(code: str | None, **more: Any) -> dict[str, Any]:
    return {"Code": code, "Name": f"Jane {code}", **more}


def test_all_good(bot: Bot) -> None:
    response = send(bot, [person("b"), person("c")])
    answer = response.json()
    assert response.status_code == 200
    assert list(answer) == ["records", "errors", "nInserted", "nFailed"]
    assert (answer["errors"], answer["nInserted"], answer["nFailed"]) == ([], 2, 0)
    assert rows(bot.query("people"))[1:] == answer["records"]


def test_no_rows(bot: Bot) -> None:
    response = send(bot, [])
    assert response.status_code == 200
    assert response.json() == {"records": [], "errors": [], "nInserted": 0, "nFailed": 0}


UNREADABLE: list[tuple[Any, str, str]] = [
    ({"Name": "x", "Number": "many"}, "invalid_value", "/Number"),
    ({"Name": "x", "Day": "2021-02-30T07:02:09.652Z"}, "invalid_value", "/Day"),
    ({"Name": "x", "Price": "dear"}, "invalid_value", "/Price"),
    ({"Name": "a\x00b"}, "invalid_value", "/Name"),
    ({"Name": None}, "missing_value", "/Name"),
    ({"Code": "x"}, "missing_value", "/Name"),
    ({"Name": "x", "Age": 1}, "unknown_column", "/Age"),
    ({"Name": "x", "_id": "1"}, "system_column", "/_id"),
    ({"Name": "x", "name": "y"}, "duplicate_column", "/name"),
    ("x", "invalid_body", ""),
    ([], "invalid_body", ""),
    (None, "invalid_body", ""),
]


@first_on_each(("bad", "code", "pointer"), UNREADABLE, ids=str)
def test_a_row_that_cannot_be_read(bot: Bot, bad: Any, code: str, pointer: str) -> None:
    answer = partly(send(bot, [person("b"), bad, person("c", Price="1.5")]), 2, 1)
    assert places(answer) == [(code, f"/data/1{pointer}")]
    assert [each and each["Code"] for each in answer["records"]] == ["b", None, "c"]
    assert rows(bot.query("people"))[1:] == [each for each in answer["records"] if each]
    # the same errors as those of an atomic bulk
    atomic = bot.bulk("people", [person("d"), bad, person("e")]).json()
    assert answer["errors"] == atomic["errors"]


def test_a_key_twice(bot: Bot) -> None:
    text = '{"mode": "partial", "data": [{"Name": "x"}, {"Name": "y", "Name": "z"}, {"Name" : "v"}]}'
    headers = {"content-type": "application/json"}
    answer = partly(bot.request("POST", PATH.format("people"), content=text, headers=headers), 2, 1)
    assert places(answer) == [("repeated_key", "/data/1/Name")]


def test_other_spellings_are_good(bot: Bot) -> None:
    sent = [
        {"name": "x", "number": "263"},
        {"Name": 'with ":', "Price": 1.5},
        {"Name": "y", "Day": "2020-03-28", "Number": 5.0, "Price": None},
        {"Name": 1},
    ]
    answer = partly(send(bot, sent), 3, 1)
    assert [each and (each["Number"], each["Price"]) for each in answer["records"]] == [
        (263, None), (None, "1.5"), (5, None), None
    ]  # fmt: skip


def test_each_row_has_all_of_its_errors_up_to_ten(bot: Bot) -> None:
    many = {f"X{at}": 1 for at in range(20)}
    answer = partly(send(bot, [{"Number": "a", "Day": "b"}, many, person("b")]), 1, 2)
    first = [each["pointer"] for each in answer["errors"] if each["pointer"].startswith("/data/0/")]
    assert sorted(first) == ["/data/0/Day", "/data/0/Name", "/data/0/Number"]
    assert len(answer["errors"]) == 3 + 10


def test_unique_conflicts(bot: Bot) -> None:
    sent = [person("a"), person("b"), person("b"), person(None), person(None), person("c")]
    answer = partly(send(bot, sent), 4, 2)
    assert [each is None for each in answer["records"]] == [True, False, True, False, False, False]
    assert places(answer) == [("unique_violation", "/data/0/Code"), ("unique_violation", "/data/2/Code")]
    atomic = bot.bulk("people", [person("x"), person("y"), person("b")]).json()
    assert answer["errors"][1] == atomic["errors"][0]
    assert total(bot, "people") == 5


def test_a_row_with_two_conflicts(bot: Bot) -> None:
    assert bot.insert("people", {"Name": "n", "Other": "o"}).status_code == 200
    answer = partly(send(bot, [{"Code": "a", "Name": "n", "Other": "o"}, person("b")]), 1, 1)
    assert places(answer) == [("unique_violation", "/data/0/Code"), ("unique_violation", "/data/0")]


def test_a_failed_row_does_not_take_a_key(bot: Bot) -> None:
    answer = partly(send(bot, [person("b", Number="x"), person("b")]), 1, 1)
    assert [each is None for each in answer["records"]] == [True, False]
    answer = partly(send(bot, [{"Tag": "t", "Owner": "none"}, {"Tag": "t", "Owner": "a"}], "pets"), 1, 1)
    assert [each is None for each in answer["records"]] == [True, False]


def test_missing_references(bot: Bot) -> None:
    sys_id = rows(bot.query("people"))[0]["sys_Id"]
    sent = [
        {"Owner": "a", "Id": sys_id},
        {"Owner": "b"},
        {"Owner": None},
        {"Id": "sys-00000000-0000-8000-8000-000000000000", "Mother": "none"},
    ]
    answer = partly(send(bot, sent, "pets"), 2, 2)
    assert places(answer) == [
        ("reference_violation", "/data/1/Owner"),
        ("reference_violation", "/data/3/Mother"),
        ("reference_violation", "/data/3/Id"),
    ]
    atomic = bot.bulk("pets", [{"Owner": "a"}, {"Owner": "b"}]).json()
    assert answer["errors"][0] == atomic["errors"][0]
    assert total(bot, "pets") == 2


def test_rows_fail_with_the_rows_that_they_refer_to(bot: Bot) -> None:
    sent = [
        {"Tag": "1", "Mother": "3"},
        {"Tag": "2", "Mother": "1"},
        {"Tag": "3", "Mother": "none"},
        {"Tag": "4", "Mother": "6"},
        {"Tag": "5", "Mother": "4"},
        {"Tag": "6"},
        {"Tag": "7", "Mother": "7"},
        {"Tag": "8", "Mother": "9"},
        {"Tag": "9", "Mother": "8"},
        {"Tag": "10", "Owner": 5, "Mother": "4"},
        {"Tag": "11", "Mother": "10"},
    ]
    answer = partly(send(bot, sent, "pets"), 6, 5)
    assert places(answer) == [
        ("reference_violation", "/data/0/Mother"),
        ("reference_violation", "/data/1/Mother"),
        ("reference_violation", "/data/2/Mother"),
        ("invalid_value", "/data/9/Owner"),
        ("reference_violation", "/data/10/Mother"),
    ]
    assert found(bot, "pets", {"all": True}, "Tag") == ["4", "5", "6", "7", "8", "9"]


def test_all_failed(bot: Bot) -> None:
    answer = refused(send(bot, [person("a"), {"Name": 1}]), 2)
    assert places(answer) == [("unique_violation", "/data/0/Code"), ("invalid_value", "/data/1/Name")]
    assert answer["detail"] == answer["errors"][0]["msg"]
    assert answer["title"] == "All rows failed"
    assert total(bot, "people") == 1


def test_more_than_a_hundred_rows_fail(bot: Bot) -> None:
    sent = [person(str(at)) if at % 10 else person("a") for at in range(3000)]
    sent[1] = {"Name": 1}
    answer = partly(send(bot, sent), 2699, 301)
    assert len(answer["errors"]) == 301
    assert total(bot, "people") == 2700
    assert len(refused(send(bot, [person("a")] * 200), 200)["errors"]) == 200


def test_too_many_errors(new_store: Callable[[], str], tmp_path: Path) -> None:
    server = RowkeepServer(new_store(), tmp_path, max_bulk_errors=3)
    server.start()
    try:
        workspace = Workspace(server, "few_errors")
        workspace.create_table(PEOPLE)
        bot = workspace.bot({"people": "rw"})
        refusal = problem(send(bot, [person("a"), 1, 1, 1, 1]), 422, "too_many_failed_rows", "/data")
        assert "max_bulk_errors" in refusal["detail"]
        assert total(bot, "people") == 0
        partly(send(bot, [person("a"), 1, 1, 1]), 1, 3)
    finally:
        server.stop()


def test_counts_only(bot: Bot) -> None:
    response = send(bot, [person("a"), person("b")], prefer="return=minimal")
    assert response.status_code == 207
    assert response.headers["preference-applied"] == "return=minimal"
    answer = response.json()
    assert list(answer) == ["errors", "nInserted", "nFailed"]
    assert (answer["nInserted"], answer["nFailed"]) == (1, 1)


def test_large_bulks_in_slices(bot: Bot) -> None:
    sent = [person(str(at), Other="x" * 800) for at in range(6000)]
    for at in range(0, 6000, 10):
        sent[at]["Number"] = "x"
    answer = partly(send(bot, sent), 5400, 600)
    assert answer["errors"][-1]["pointer"] == "/data/5990/Number"
    assert [each is None for each in answer["records"]] == [at % 10 == 0 for at in range(6000)]
    assert total(bot, "people") == 5401


@pytest.mark.parametrize("data", [{"Name": "x"}, "x", None])
def test_only_for_arrays(bot: Bot, data: Any) -> None:
    response = bot.request("POST", "/api/public/tables/people", json={"data": data, "mode": "partial"})
    problem(response, 400, "invalid_body")


def test_a_body_that_is_not_json_is_refused_as_a_whole(bot: Bot) -> None:
    text = '{"mode": "partial", "data": [{"Name": "x"}, {"Name": }]}'
    headers = {"content-type": "application/json"}
    problem(bot.request("POST", PATH.format("people"), content=text, headers=headers), 400, "malformed_json")
    assert total(bot, "people") == 1


# keys


def test_the_response_is_stored(bot: Bot) -> None:
    key = {"Idempotency-Key": "partial"}
    sent = [person("a"), person("b")]
    first = send(bot, sent, headers=key)
    again = send(bot, sent, headers=key)
    assert (again.status_code, again.content) == (207, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert total(bot, "people") == 2
    problem(send(bot, [person("c")], headers=key), 422, "idempotency_key_reused")


def test_a_response_without_failures_is_stored(bot: Bot) -> None:
    key = {"Idempotency-Key": "good"}
    first = send(bot, [person("b")], headers=key)
    again = send(bot, [person("b")], headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotency-replayed"] == "true"


def test_the_response_to_a_bulk_that_failed_is_not_stored(bot: Bot) -> None:
    key = {"Idempotency-Key": "failed"}
    refused(send(bot, [person("a")], headers=key), 1)
    assert send(bot, [person("b")], headers=key).status_code == 200


def test_a_bulk_without_a_readable_row_takes_no_key(bot: Bot) -> None:
    key = {"Idempotency-Key": "unreadable"}
    refused(send(bot, [{"Number": "x"}], headers=key), 1)
    answer = send(bot, [person("b")], headers=key)
    assert (answer.status_code, answer.headers.get("idempotency-replayed")) == (200, None)
    assert send(bot, [], headers={"Idempotency-Key": "empty"}).status_code == 200


def test_a_dry_run_in_which_all_rows_fail_says_so(bot: Bot) -> None:
    assert send(bot, [person("a")], dryRun=True).json()["dryRun"] is True


def test_a_large_response_is_stored_as_counts(bot: Bot) -> None:
    key = {"Idempotency-Key": "large"}
    sent = [person("a"), *(person(str(at), Other="x" * 800) for at in range(2000))]
    first = send(bot, sent, headers=key)
    assert len(first.json()["records"]) == 2001
    again = send(bot, sent, headers=key)
    assert again.status_code == 207
    assert again.json() == {"nInserted": 2000, "nFailed": 1}


# dry runs


def test_a_dry_run_of_a_partial_bulk(bot: Bot) -> None:
    answer = partly(send(bot, [person("a"), person("b")], dryRun=True), 1, 1)
    assert list(answer) == ["errors", "nInserted", "nFailed", "dryRun"]
    assert answer["dryRun"] is True
    assert total(bot, "people") == 1


def test_several_at_once(bot: Bot) -> None:
    """Of many bulks with the same keys, each key is stored once, and nobody gets another error."""
    sent = [person(str(at)) for at in range(300)]

    def one(shift: int) -> tuple[int, int]:
        moved = sent[shift * 20 :] + sent[: shift * 20]
        response = send(bot, [*moved, person(f"own {shift}")])
        assert response.status_code in (200, 207), response.text
        answer = response.json()
        return answer["nInserted"], answer["nFailed"]

    with ThreadPoolExecutor(8) as threads:
        counts = list(threads.map(one, range(8)))
    assert sum(inserted for inserted, _ in counts) == 308
    assert all(inserted + failed == 301 for inserted, failed in counts)
    assert total(bot, "people") == 309


def test_parents_that_are_deleted_meanwhile(bot: Bot) -> None:
    """Each row has its parent, or fails with it."""
    parents = [person(f"p{at}") for at in range(60)]
    assert bot.bulk("people", parents).status_code == 200

    def delete(at: int) -> None:
        body = {"expressions": [{"field": "Code", "operand": "=", "value": f"p{at}"}]}
        assert bot.delete("people", body).status_code in (200, 409)

    def insert(at: int) -> None:
        children = [{"Owner": each["Code"]} for each in parents[at : at + 20]] + [{}]
        assert send(bot, children, "pets").status_code in (200, 207)

    with ThreadPoolExecutor(8) as threads:
        work = [threads.submit(delete, at) for at in range(60)]
        work += [threads.submit(insert, at) for at in range(0, 60, 5)]
        for each in work:
            each.result()
    owners = set(found(bot, "pets", {"all": True}, "Owner")) - {None}
    assert owners <= set(found(bot, "people", {"all": True}, "Code"))


# with onConflict


def test_the_action_error_is_the_default(bot: Bot) -> None:
    sent = [person("a"), person("b"), person("b")]
    answer = partly(send(bot, sent, onConflict={"columns": ["Code"], "action": "error"}), 1, 2)
    assert places(answer) == [("unique_violation", "/data/0/Code"), ("unique_violation", "/data/2/Code")]
    problem(
        send(bot, sent, onConflict={"columns": ["Number"], "action": "error"}),
        400,
        "invalid_body",
        "/onConflict/columns",
    )
