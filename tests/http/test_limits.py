"""Limits that settings give: pages, returned records, comparisons, bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from answers import good, problem, records, rows, total
from expressions import EVERYTHING, all_of, any_of, comparison, where

from support.batches import bulk, delete, insert, query, ref, run, update
from support.bot import Bot
from support.engines import ON_SQLITE, first_on_each
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

TABLE = "/api/public/tables/people"
MAX_BODY_BYTES = 20_000
MAX_RESPONSE_BYTES = 30_000


@pytest.fixture(scope="module")
def small(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server with small limits."""
    server = RowkeepServer(
        new_store(),
        tmp_path_factory.mktemp("small"),
        max_page_size=25,
        max_returned_records=3,
        max_filter_expressions=4,
        max_body_bytes=MAX_BODY_BYTES,
        max_response_bytes=MAX_RESPONSE_BYTES,
        max_bulk_cells=400,
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def people_there(small: RowkeepServer) -> Bot:
    """An app for a table there, one for all tests: they do nothing but write and read rows."""
    workspace = Workspace(small, "limits")
    workspace.create_table(PEOPLE)
    return workspace.bot({"people": "rwd"})


@pytest.fixture
def bot(people_there: Bot) -> Iterator[Bot]:
    """The same, whose table is empty."""
    yield people_there
    good(people_there.delete("people", EVERYTHING))


def test_max_page_size(bot: Bot) -> None:
    records(bot.bulk("people", [{"Number": i} for i in range(60)]))
    answer = good(bot.query("people", sys_limit=25))
    assert (len(answer["queryResult"]), answer["total"], answer["hasMore"]) == (25, 60, True)
    problem(bot.query("people", sys_limit=26), 400, "invalid_parameter")
    assert len(good(bot.query("people"))["queryResult"]) == 10


def test_an_update_of_more_rows_answers_the_count_alone(bot: Bot) -> None:
    records(bot.bulk("people", [{"Number": i} for i in range(10)]))
    answer = good(bot.update("people", where("Number", "<", 3), {"Gender": "x"}))
    assert (len(answer["records"]), answer["nModified"]) == (3, 3)
    assert good(bot.update("people", where("Number", "<", 4), {"Gender": "y"})) == {"nModified": 4}
    assert total(bot, "people", where("Gender", "=", "y")) == 4
    assert good(bot.update("people", EVERYTHING, {"Gender": "z"})) == {"nModified": 10}
    assert good(bot.update("people", EVERYTHING, {"Gender": "z"}, prefer="return=minimal")) == {
        "nModified": 10
    }


def test_a_reference_to_records_that_are_not_returned(bot: Bot) -> None:
    records(bot.bulk("people", [{"Number": i} for i in range(10)]))
    changed = {"op": "update", "table": "people", "query": EVERYTHING, "data": {"Gender": "x"}}
    insert = {"op": "insert", "table": "people", "data": {"First_Name": {"$ref": "/0/records/0/_id"}}}
    refused = problem(
        run(bot, changed, insert), 422, "invalid_result_reference", "/operations/1/data/First_Name"
    )
    assert "operation 0 returns counts only" in refused["detail"]
    assert "max_returned_records" in refused["detail"]
    counted = {"op": "insert", "table": "people", "data": {"Number": {"$ref": "/0/nModified"}}}
    assert good(run(bot, changed, counted))["results"][1]["Number"] == 10


def test_a_bulk_answers_all_its_records_all_the_same(bot: Bot) -> None:
    assert len(records(bot.bulk("people", [{"Number": i} for i in range(10)]))) == 10


def test_max_filter_expressions(bot: Bot) -> None:
    comparisons = [comparison("Number", "=", i) for i in range(5)]
    assert good(bot.query("people", {"query": any_of(*comparisons[:4])}))["total"] == 0
    problem(bot.query("people", {"query": any_of(*comparisons)}), 400)
    problem(bot.update("people", any_of(*comparisons), {}), 400)
    problem(bot.delete("people", any_of(*comparisons)), 400)
    assert good(bot.delete("people", where("Number", "in", list(range(100))))) == {"nDeleted": 0}


def body_of(size: int) -> bytes:
    start, end = b'{"data":{"First_Name":"', b'"}}'
    return start + b"x" * (size - len(start) - len(end)) + end


def test_max_body_bytes(bot: Bot) -> None:
    headers = {"Content-Type": "application/json"}
    good(bot.request("POST", TABLE, content=body_of(MAX_BODY_BYTES), headers=headers))
    for size in (MAX_BODY_BYTES + 1, MAX_BODY_BYTES * 2):
        problem(bot.request("POST", TABLE, content=body_of(size), headers=headers), 413, "body_too_large")
    assert total(bot, "people") == 1


@ON_SQLITE
def test_max_body_bytes_of_a_body_in_chunks(bot: Bot) -> None:
    headers = {"Content-Type": "application/json"}
    for size, fits in ((MAX_BODY_BYTES, True), (MAX_BODY_BYTES + 1, False)):
        content = body_of(size)
        parts = iter([content[i : i + 1000] for i in range(0, len(content), 1000)])
        response = bot.request("POST", TABLE, content=parts, headers=headers)
        if fits:
            good(response)
        else:
            problem(response, 413, "body_too_large")
    assert total(bot, "people") == 1


@first_on_each(
    ("method", "path"),
    [("POST", "/bulk"), ("PUT", ""), ("DELETE", ""), ("POST", "/delete"), ("POST", "/query")],
)
def test_max_body_bytes_holds_for_every_call(bot: Bot, method: str, path: str) -> None:
    content = b'{"query":{}' + b" " * MAX_BODY_BYTES + b"}"
    response = bot.request(
        method, TABLE + path, content=content, headers={"Content-Type": "application/json"}
    )
    problem(response, 413, "body_too_large")


@ON_SQLITE
def test_the_server_goes_on_after_a_body_that_is_too_large(bot: Bot) -> None:
    for _ in range(3):
        problem(bot.request("POST", TABLE, content=b" " * (MAX_BODY_BYTES + 1)), 413)
        good(bot.insert("people", {}))
    assert total(bot, "people") == 3


# of all operations of a batch together


def test_records_that_an_update_in_a_batch_does_not_return(bot: Bot) -> None:
    batch = [bulk("people", *[{}] * 4), update("people", EVERYTHING, {"Number": 1})]
    assert good(run(bot, *batch))["results"][1] == {"nModified": 4}
    wrong = insert("people", {"Last_Name": ref("/1/records/0/_id")})
    problem(run(bot, *batch, wrong), 422, "invalid_result_reference", "/operations/2/data/Last_Name")
    assert total(bot, "people") == 4
    # each update for itself
    each = [update("people", where("_id", "=", row["_id"]), {}) for row in rows(bot.query("people"))]
    assert [len(part["records"]) for part in good(run(bot, *each))["results"]] == [1] * 4


def test_cells_of_a_batch(bot: Bot) -> None:
    assert len(good(run(bot, bulk("people", *[{}] * 50), bulk("people", *[{}] * 50)))["results"]) == 2
    fault = run(bot, bulk("people", *[{}] * 50), bulk("people", *[{}] * 50), insert("people", {}))
    problem(fault, 422, "too_many_cells", "/operations/2/data")
    assert total(bot, "people") == 100


@ON_SQLITE
def test_conditions_of_a_batch(bot: Bot) -> None:
    one = {"op": "delete", "table": "people", "query": all_of(*[comparison("Number", "=", 1)] * 4)}
    good(run(bot, *[one] * 20))
    refusal = problem(run(bot, *[one] * 21), 400, "invalid_filter", "/operations/20/query")
    assert "80 conditions" in refusal["detail"]
    five = all_of(*[comparison("Number", "=", 1)] * 5)
    problem(run(bot, delete("people", five)), 400, "invalid_filter", "/operations/0/query/expressions/4")


@ON_SQLITE
def test_page_size_of_a_batch(bot: Bot) -> None:
    problem(run(bot, query("people", limit=26)), 400, "invalid_body", "/operations/0/limit")


def test_records_of_a_batch_have_a_size_together(bot: Bot) -> None:
    for _ in range(2):
        records(bot.bulk("people", [{"Last_Name": "x" * 2000} for _ in range(5)]))
    first, second = good(run(bot, query("people"), query("people")))["results"]
    assert (len(first["queryResult"]), first["hasMore"]) == (10, False)
    assert 1 <= len(second["queryResult"]) < 10
    assert (second["hasMore"], second["total"], "nextCursor" in second) == (True, 10, True)
    refusal = problem(run(bot, *[query("people")] * 3), 422, "response_too_large", "/operations/2")
    assert "records of the batch" in refusal["detail"]
    # an update that has no room for its records answers with their number
    touched = update("people", where("_id", "=", first["queryResult"][0]["_id"]), {"Number": 1})
    assert good(run(bot, query("people"), query("people"), touched))["results"][2] == {"nModified": 1}
