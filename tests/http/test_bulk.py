"""Bulk inserts: many rows in one request, all of them or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from answers import ROW_ID, SYSTEM_COLUMNS, good, pointers, problem, records, rows, total
from definitions import column, index, table

from support.bot import Bot
from support.workspace import Workspace

OWN_COLUMNS = ("First_Name", "Last_Name", "Gender", "Number")
PATHS = ["/api/public/tables/people", "/api/public/tables/people/bulk"]

Post = Callable[..., httpx.Response]


@pytest.fixture(params=PATHS, ids=["insert path", "bulk path"])
def post(request: pytest.FixtureRequest, people: Bot) -> Post:
    """Sends an array in ``data``, to either of the paths that take one."""

    def send(data: Any, prefer: str | None = None) -> httpx.Response:
        headers = {} if prefer is None else {"Prefer": prefer}
        return people.request("POST", request.param, json={"data": data}, headers=headers)

    return send


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"First_Name": f"Name {i}", "Number": i} for i in range(count)]


def test_answers_the_records_in_request_order(people: Bot, post: Post) -> None:
    sent = list(reversed(numbered(25)))
    answer = good(post(sent))
    assert tuple(answer) == ("records",)
    assert [record["Number"] for record in answer["records"]] == [row["Number"] for row in sent]
    assert all(tuple(record) == OWN_COLUMNS + SYSTEM_COLUMNS for record in answer["records"])
    assert rows(people.query("people", sys_limit=100)) == answer["records"]


def test_minimal_answers_the_count_alone(people: Bot, post: Post) -> None:
    assert good(post(numbered(7), prefer="return=minimal")) == {"nInserted": 7}
    assert total(people, "people") == 7


def test_no_rows(people: Bot, post: Post) -> None:
    assert good(post([])) == {"records": []}
    assert good(post([], prefer="return=minimal")) == {"nInserted": 0}
    assert total(people, "people") == 0


def test_one_row(people: Bot, post: Post) -> None:
    assert [record["Number"] for record in records(post(numbered(1)))] == [0]


def test_rows_may_name_different_columns(people: Bot, post: Post) -> None:
    answer = records(post([{}, {"Number": 1}, {"Gender": "x", "First_Name": None}, {"last name": "y"}]))
    cells = [[record[name] for name in OWN_COLUMNS] for record in answer]
    assert cells == [[None] * 4, [None, None, None, 1], [None, None, "x", None], [None, "y", None, None]]


def test_ids_increase_within_a_bulk_and_after_it(people: Bot, post: Post) -> None:
    ids = [record["_id"] for _ in range(3) for record in records(post(numbered(500)))]
    assert all(map(ROW_ID.fullmatch, ids))
    assert ids == sorted(set(ids))
    assert [row["_id"] for row in rows(people.query("people", sys_limit=1000))] == ids[:1000]


def test_sys_ids_differ(post: Post) -> None:
    assert len({record["sys_Id"] for record in records(post(numbered(500)))}) == 500


def test_ten_thousand_rows(people: Bot, post: Post) -> None:
    answer = records(post(numbered(10_000)))
    assert [record["Number"] for record in answer] == list(range(10_000))
    assert total(people, "people") == 10_000
    assert rows(people.query("people", sys_offset=9_995)) == answer[9_995:]


@pytest.mark.parametrize("data", [{}, None])
def test_the_bulk_path_takes_arrays_only(empty_people: Bot, data: Any) -> None:
    problem(empty_people.request("POST", PATHS[1], json={"data": data}), 400, "invalid_body", "/data")
    assert total(empty_people, "people") == 0


@pytest.mark.parametrize("row", [None, [{}]])
def test_a_row_must_be_an_object(people: Bot, post: Post, row: Any) -> None:
    problem(post([{}, row, {}]), 400, "invalid_body", "/data/1")
    assert total(people, "people") == 0


def test_unknown_body_keys_are_errors(empty_people: Bot) -> None:
    for path in PATHS:
        response = empty_people.request("POST", path, json={"data": [{}], "Mode": "partial"})
        problem(response, 400, "unknown_key", "/Mode")
    assert total(empty_people, "people") == 0


def test_one_bad_row_stores_nothing(people: Bot, post: Post) -> None:
    data = numbered(100)
    data[99] = {"Number": "many"}
    refusal = problem(post(data), 422, "invalid_value", "/data/99/Number")
    assert len(refusal["errors"]) == 1
    assert "Number" in refusal["detail"]
    assert total(people, "people") == 0


def test_every_bad_row_is_listed_in_order(people: Bot, post: Post) -> None:
    data = numbered(60)
    for i in range(0, 60, 3):
        data[i] = {"Number": "x", "Gender": 5} if i % 2 else {"Number": "x"}
    refusal = problem(post(data), 422, "invalid_value")
    bad_rows = [int(str(pointer).split("/")[2]) for pointer in pointers(refusal)]
    assert bad_rows == sorted(bad_rows)
    assert set(bad_rows) == set(range(0, 60, 3))
    assert set(pointers(refusal)) >= {"/data/3/Number", "/data/3/Gender"}
    assert total(people, "people") == 0


def test_at_most_100_problems_are_listed(people: Bot, post: Post) -> None:
    refusal = problem(post([{"Number": "x"}] * 150), 422, "invalid_value", "/data/0/Number")
    assert pointers(refusal) == [f"/data/{i}/Number" for i in range(100)]


def test_every_kind_of_problem_is_listed(people: Bot, post: Post) -> None:
    data = [{"Nmber": 1}, {"Number": "x"}, {"_id": "x"}, 5, {"Number": 1, "number": 2}, {"Number": 1}]
    refusal = problem(post(data), 400, "unknown_column", "/data/0/Nmber")
    codes = {str(error["pointer"]).split("/")[2]: error["code"] for error in refusal["errors"]}
    assert codes == {
        "0": "unknown_column",
        "1": "invalid_value",
        "2": "system_column",
        "3": "invalid_body",
        "4": "duplicate_column",
    }
    assert total(people, "people") == 0


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ([{"Nmber": 1}, {"Number": "x"}], 400),
        ([{}, {"Number": "x"}, {"_id": "x"}, {"Nmber": 1}], 422),
    ],
)
def test_the_first_problem_decides_the_status(post: Post, data: Any, status: int) -> None:
    refusal = problem(post(data), status)
    assert len(refusal["errors"]) == sum(bool(row) for row in data)


@pytest.fixture
def codes(workspace: Workspace) -> Bot:
    """A table whose Code is required and unique."""
    unique = index("by_code", "Code", unique=True)
    workspace.create_table(
        table("codes", column("Code", isRequired=True), column("Number", "number"), indexes=(unique,))
    )
    return workspace.bot({"codes": "rwd"})


def test_a_missing_required_column_points_to_where_it_should_stand(codes: Bot) -> None:
    refusal = problem(codes.bulk("codes", [{"Code": "a"}, {}, {"Code": None}]), 422, "missing_value")
    assert pointers(refusal) == ["/data/1/Code", "/data/2/Code"]
    assert total(codes, "codes") == 0


def test_two_rows_of_one_key_are_refused(codes: Bot) -> None:
    refusal = problem(codes.bulk("codes", [{"Code": c} for c in "abcb"]), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/3")
    assert total(codes, "codes") == 0


def test_a_key_that_is_stored_already_is_refused(codes: Bot) -> None:
    records(codes.bulk("codes", [{"Code": c} for c in "abc"]))
    refusal = problem(codes.bulk("codes", [{"Code": c} for c in "xyzbw"]), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/3")
    assert total(codes, "codes") == 3


def test_a_key_far_down_a_long_bulk_is_pointed_to(codes: Bot) -> None:
    records(codes.bulk("codes", [{"Code": "taken"}]))
    data = [{"Code": f"c{i}"} for i in range(3000)]
    data[2345] = {"Code": "taken"}
    refusal = problem(codes.bulk("codes", data), 409, "unique_violation")
    assert str(pointers(refusal)[0]).startswith("/data/2345")
    assert total(codes, "codes") == 1


def test_all_duplicates_are_listed(codes: Bot) -> None:
    records(codes.bulk("codes", [{"Code": "b"}, {"Code": "d"}]))
    refusal = problem(codes.bulk("codes", [{"Code": c} for c in "abcadbe"]), 409, "unique_violation")
    assert pointers(refusal) == [f"/data/{at}/Code" for at in (1, 3, 4, 5)]
    assert [error["code"] for error in refusal["errors"]] == ["unique_violation"] * 4
    assert [error["msg"][:20] for error in refusal["errors"]][1] == "Row 3: A row with Co"
    assert total(codes, "codes") == 2


def test_at_most_100_duplicates_are_listed(codes: Bot) -> None:
    rows = [{"Code": f"c{at}"} for at in range(1200)]
    records(codes.bulk("codes", rows))
    refusal = problem(codes.bulk("codes", [{"Code": "new"}, *rows]), 409, "unique_violation")
    assert pointers(refusal) == [f"/data/{at}/Code" for at in range(1, 101)]


def test_bad_values_are_told_before_unique_violations(codes: Bot) -> None:
    records(codes.bulk("codes", [{"Code": "a"}]))
    data = [{"Code": "a"}, {"Code": "b", "Number": "x"}]
    problem(codes.bulk("codes", data), 422, "invalid_value", "/data/1/Number")
    assert total(codes, "codes") == 1


def test_after_a_refused_bulk_the_same_rows_can_go_in(codes: Bot) -> None:
    problem(codes.bulk("codes", [{"Code": "a"}, {"Code": "b"}, {"Code": "a"}]), 409)
    assert len(records(codes.bulk("codes", [{"Code": "a"}, {"Code": "b"}]))) == 2


def test_strings_that_spell_values_are_taken_beside_values(post: Post) -> None:
    answer = records(
        post([{"Number": 1}, {"Number": "2"}, {"Number": 3.0}, {"Number": "4e0"}, {"Number": None}])
    )
    assert [record["Number"] for record in answer] == [1, 2, 3, 4, None]
