"""Rows: which keys name a column, which may be missing, and how all that is wrong is listed."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, body_of, good, pointers, problem

from cases.names import NEAR, OTHER
from cases.rows import DEFAULTS, FULL, FULL_COLUMNS, STORED
from rowkeep.errors.base import pointer as pointer_to
from rowkeep.model.tables import SYSTEM_COLUMNS
from support.definitions import column, table
from support.expressions import EVERYTHING, where
from support.workspace import PEOPLE

JANE = {"First_Name": "Jane", "Number": 263}


@pytest.fixture(scope="module")
def people() -> Planner:
    return Planner(PEOPLE)


@pytest.mark.parametrize("data", [None, "x", 5, True, 1.5])
def test_data_is_an_object_or_an_array(people: Planner, data: Any) -> None:
    problem(people.insert(data), 400, "invalid_body", "/data")


@pytest.mark.parametrize("row", [None, "x", 5, [], [{}], True])
def test_a_row_is_an_object(people: Planner, row: Any) -> None:
    problem(people.insert([{}, row, {}]), 400, "invalid_body", "/data/1")


@pytest.mark.parametrize("data", [None, [], [{}], "x", 5])
def test_the_data_of_an_update_is_an_object(people: Planner, data: Any) -> None:
    problem(people.update(EVERYTHING, data), 400, "invalid_body", "/data")


def test_missing_data_points_to_where_it_should_stand(people: Planner) -> None:
    problem(people.insert_text(b"{}"), 400, "invalid_body", "/data")
    problem(people.update_text(body_of({"query": EVERYTHING})), 400, "invalid_body", "/data")


@pytest.mark.parametrize(
    ("key", "pointer"),
    [
        *((key, f"/{key}") for key in ("Data", "query", "rows", "dryrun", "on_conflict", "Mode", "")),
        ("a/b~c", "/a~1b~0c"),
    ],
)
def test_unknown_keys_of_an_insert(people: Planner, key: str, pointer: str) -> None:
    problem(people.insert_text(body_of({"data": JANE, key: None})), 400, "unknown_key", pointer)
    problem(people.insert_text(body_of({"data": [JANE], key: None})), 400, "unknown_key", pointer)


@pytest.mark.parametrize("key", ["fields", "sort", "maxRows", "dryrun", "Query"])
def test_unknown_keys_of_an_update(people: Planner, key: str) -> None:
    body = {"query": EVERYTHING, "data": {}, key: None}
    problem(people.update_text(body_of(body)), 400, "unknown_key", f"/{key}")


@pytest.mark.parametrize("key", ["data", "fields", "sort", "maxRows", "Query"])
def test_unknown_keys_of_a_delete(people: Planner, key: str) -> None:
    problem(people.delete_text(body_of({"query": EVERYTHING, key: None})), 400, "unknown_key", f"/{key}")


@pytest.mark.parametrize(
    "key", ["Query", "filter", "limit", "sys_limit", "orderBy", "data", "offset", "Sort"]
)
def test_unknown_keys_of_a_query(people: Planner, key: str) -> None:
    problem(people.query({key: 1}), 400, "unknown_key", f"/{key}")


@pytest.mark.parametrize("query", [None, [], "x", 5, True, [where("Number", "=", 1)], [EVERYTHING]])
def test_a_filter_is_an_object(people: Planner, query: Any) -> None:
    problem(people.query({"query": query}), 400)
    problem(people.delete(query), 400)
    problem(people.update(query, {}), 400)


@pytest.mark.parametrize("name", ["Fist_Name", "First Names", "", "data", "First_Name/x"])
def test_unknown_columns(people: Planner, name: str) -> None:
    pointer = pointer_to(name)
    problem(people.insert({**JANE, name: "x"}), 400, "unknown_column", f"/data{pointer}")
    problem(people.insert([{}, {name: "x"}]), 400, "unknown_column", f"/data/1{pointer}")


@pytest.mark.parametrize(
    "name", [*(c.name for c in SYSTEM_COLUMNS), "createdOn", "id", "SYSID", "updated by"]
)
def test_system_columns_cannot_be_written(people: Planner, name: str) -> None:
    for value in ("x", None):
        problem(people.insert({**JANE, name: value}), 400, "system_column", f"/data/{name}")
        problem(people.update(EVERYTHING, {**JANE, name: value}), 400, "system_column", f"/data/{name}")


def test_all_problems_of_a_row_are_listed(people: Planner) -> None:
    row = {"Fist_Name": "Jane", "Last_Name": 5, "Number": "x", "_id": "x"}
    expected = [f"/data/{name}" for name in row]
    assert pointers(problem(people.insert(row), 400, "unknown_column")) == expected
    assert pointers(problem(people.update(EVERYTHING, row), 400, "unknown_column")) == expected


def test_every_bad_row_is_listed_in_order(people: Planner) -> None:
    rows: list[dict[str, Any]] = [{"Number": at} for at in range(60)]
    for at in range(0, 60, 3):
        rows[at] = {"Number": "x", "Gender": 5} if at % 2 else {"Number": "x"}
    found = [str(each).split("/")[2:] for each in pointers(problem(people.insert(rows), 422))]
    assert [int(at) for at, _ in found] == sorted(int(at) for at, _ in found)
    assert {int(at) for at, _ in found} == set(range(0, 60, 3))
    assert [name for at, name in found if at == "3"] == ["Number", "Gender"]


def test_at_most_100_problems_are_listed(people: Planner) -> None:
    refusal = problem(people.insert([{"Number": "x"}] * 150), 422, "invalid_value")
    assert pointers(refusal) == [f"/data/{at}/Number" for at in range(100)]


def test_every_kind_of_problem_is_listed(people: Planner) -> None:
    rows = [{"Nmber": 1}, {"Number": "x"}, {"_id": "x"}, 5, {"Number": 1, "number": 2}, {"Number": 1}]
    refusal = problem(people.insert(rows), 400, "unknown_column", "/data/0/Nmber")
    assert [(each.code, each.pointer) for each in refusal.problems] == [
        ("unknown_column", "/data/0/Nmber"),
        ("invalid_value", "/data/1/Number"),
        ("system_column", "/data/2/_id"),
        ("invalid_body", "/data/3"),
        ("duplicate_column", "/data/4/number"),
    ]


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([{"Nmber": 1}, {"Number": "x"}], 400),
        ([{"Number": "x"}, {"Nmber": 1}], 422),
        ([{}, {"Number": "x"}, {"_id": "x"}, {"Nmber": 1}], 422),
        ([{"_id": "x"}, {"Number": "x"}], 400),
    ],
)
def test_the_first_problem_decides_the_status(people: Planner, rows: Any, status: int) -> None:
    assert len(problem(people.insert(rows), status).problems) == sum(map(bool, rows))


def test_rows_may_name_different_columns(people: Planner) -> None:
    rows = [{}, {"Number": 1}, {"Gender": "x", "First_Name": None}, {"last name": "y"}]
    own = ("First_Name", "Last_Name", "Gender", "Number")
    cells = [[record[name] for name in own] for record in good(people.insert(rows))["records"]]
    assert cells == [[None] * 4, [None, None, None, 1], [None, None, "x", None], [None, "y", None, None]]


def test_a_record_has_its_columns_and_then_the_system_columns(people: Planner) -> None:
    own = [each["name"] for each in PEOPLE["schemaDef"]]
    assert list(good(people.insert(JANE))) == own + [each.name for each in SYSTEM_COLUMNS]


# names


@pytest.mark.parametrize("name", NEAR)
def test_near_names_reach_the_column_everywhere(people: Planner, name: str) -> None:
    assert good(people.insert({name: "Jane"}))["First_Name"] == "Jane"
    assert good(people.insert([{name: "Mike"}]))["records"][0]["First_Name"] == "Mike"
    assert good(people.update(where(name, "=", "Jane"), {name: "June"})) == {"First_Name": "June"}
    body = {"query": where(name, "=", "x"), "fields": [name], "sort": [{"field": name}]}
    own = {
        "query": where("First_Name", "=", "x"),
        "fields": ["First_Name"],
        "sort": [{"field": "First_Name"}],
    }
    assert good(people.query(body)) == good(people.query(own))
    assert good(people.delete(body["query"])) == good(people.delete(own["query"]))


@pytest.mark.parametrize("name", OTHER)
def test_other_names_do_not_and_near_ones_are_listed(people: Planner, name: str) -> None:
    refusal = problem(people.insert({name: "x"}), 400, "unknown_column", f"/data{pointer_to(name)}")
    if name in ("Frist_Name", "First_Nam", "First_Names"):
        assert "First_Name" in refusal.msg
    outcome = people.query({"query": where(name, "=", "x")})
    problem(outcome, 400, "unknown_column", "/query/expressions/0/field")


@pytest.mark.parametrize(
    "names", [("First_Name", "firstName"), ("firstName", "first_name"), ("FIRST NAME", "First_Name")]
)
def test_two_keys_for_one_column_are_refused(people: Planner, names: tuple[str, str]) -> None:
    row = dict.fromkeys(names, "x")
    problem(people.insert(row), 400, "duplicate_column", f"/data/{names[1]}")
    problem(people.insert([{}, row]), 400, "duplicate_column", f"/data/1/{names[1]}")
    problem(people.update(where("Number", "=", 1), row), 400, "duplicate_column", f"/data/{names[1]}")


@pytest.mark.parametrize(
    "content",
    [
        b'{"data":{"Gender":"a","Number":1,"Gender":"a"}}',
        b'{"data":[{},{"Gender":"a","Gender":"b"}]}',
        b'{"data":[{"Gender":null,"Gender":"b"}]}',
    ],
)
def test_one_key_written_twice_is_refused(people: Planner, content: bytes) -> None:
    problem(people.insert_text(content), 400, "repeated_key")


def test_pointers_have_the_name_as_it_was_sent(people: Planner) -> None:
    problem(people.insert({"num ber": "x"}), 422, "invalid_value", "/data/num ber")
    problem(people.insert([{}, {"NUMBER": "x"}]), 422, "invalid_value", "/data/1/NUMBER")


@pytest.fixture(scope="module")
def alike() -> Planner:
    """Columns that differ in what near names leave out."""
    return Planner(table("alike", *map(column, ("ab_c", "a_bc", "X_Y", "XY", "Lone"))))


def test_an_exact_match_wins(alike: Planner) -> None:
    row = {"ab_c": "1", "a_bc": "2", "X_Y": "3", "XY": "4"}
    stored = good(alike.insert(row))
    assert {name: stored[name] for name in row} == row
    for name in row:
        assert good(alike.query({"fields": [name]})).shape.fields == (name,)


@pytest.mark.parametrize(
    ("name", "candidates"), [("abc", ("ab_c", "a_bc")), ("AB_C", ("ab_c", "a_bc")), ("xy", ("X_Y", "XY"))]
)
def test_two_candidates_are_refused_and_listed(
    alike: Planner, name: str, candidates: tuple[str, str]
) -> None:
    for outcome, pointer in (
        (alike.insert({name: "x"}), f"/data/{name}"),
        (alike.query({"query": where(name, "=", "x")}), "/query/expressions/0/field"),
        (alike.query({"fields": [name]}), "/fields/0"),
        (alike.query({"sort": [{"field": name}]}), "/sort/0/field"),
    ):
        refusal = problem(outcome, 400, "unknown_column", pointer)
        assert all(candidate in refusal.msg for candidate in candidates)


def test_own_columns_win_over_system_columns() -> None:
    ids = Planner(table("ids", column("Id", "number"), column("CreatedOn"), column("SysId")))
    stored = good(ids.insert({"id": 5, "created on": "c", "sysid": "s"}))
    assert [stored[name] for name in ("Id", "CreatedOn", "SysId")] == [5, "c", "s"]
    for name, own in (("i_d", "Id"), ("createdon", "CreatedOn"), ("SYS_ID", "SysId"), ("_id", "_id")):
        assert good(ids.query({"fields": [name]})).shape.fields == (own,)
    for name in ("_id", "sys_Id", "Created_On"):
        problem(ids.insert({name: "x"}), 400, "system_column", f"/data/{name}")


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("id", "_id"),
        ("ID", "_id"),
        ("sysId", "sys_Id"),
        ("createdOn", "Created_On"),
        ("updated by", "Updated_By"),
    ],
)
def test_near_names_reach_system_columns(people: Planner, name: str, own: str) -> None:
    assert good(people.query({"fields": [name]})).shape.fields == (own,)


# required columns and defaults


@pytest.fixture(scope="module")
def required() -> Planner:
    return Planner(table("required", *FULL_COLUMNS, column("Free")))


def test_falsy_values_are_values(required: Planner) -> None:
    stored = good(required.insert(FULL))
    assert {name: stored[name] for name in FULL} == {**FULL, "Moment": "1970-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("name", FULL)
def test_a_missing_or_null_required_column(required: Planner, name: str) -> None:
    missing = {key: value for key, value in FULL.items() if key != name}
    empty = {**FULL, name: None}
    problem(required.insert(missing), 422, "missing_value", f"/data/{name}")
    problem(required.insert(empty), 422, "missing_value", f"/data/{name}")
    refusal = problem(required.insert([FULL, missing, empty]), 422, "missing_value")
    assert pointers(refusal) == [f"/data/1/{name}", f"/data/2/{name}"]
    problem(required.update(EVERYTHING, {name: None}), 422, "missing_value", f"/data/{name}")


def test_all_missing_columns_are_listed(required: Planner) -> None:
    refusal = problem(required.insert({}), 422, "missing_value", "/data/Text")
    assert pointers(refusal) == [f"/data/{name}" for name in FULL]
    assert len(problem(required.insert([{}] * 30), 422, "missing_value", "/data/0/Text").problems) == 100


def test_missing_and_bad_together(required: Planner) -> None:
    refusal = problem(required.insert({**FULL, "Num": None, "Whole": "x", "Fre": "y"}), (400, 422))
    assert set(pointers(refusal)) == {"/data/Num", "/data/Whole", "/data/Fre"}


def test_a_near_name_counts_as_given(required: Planner) -> None:
    near = {name.upper(): value for name, value in FULL.items()}
    assert good(required.insert(near))["Whole"] == 0
    assert len(good(required.insert([near, FULL]))["records"]) == 2


@pytest.fixture(scope="module")
def defaults() -> Planner:
    columns = [column(name, kind, default=default) for name, (kind, default, _) in DEFAULTS.items()]
    must = column("Must", isRequired=True, default="must")
    return Planner(table("defaults", *columns, column("Free"), must))


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in STORED}


def test_a_missing_column_takes_its_default(defaults: Planner) -> None:
    assert own(good(defaults.insert({}))) == STORED
    records = good(defaults.insert([{}, {"Free": "x"}]))["records"]
    assert list(map(own, records)) == [STORED, {**STORED, "Free": "x"}]


@pytest.mark.parametrize("name", DEFAULTS)
def test_an_explicit_null_does_not_take_the_default(defaults: Planner, name: str) -> None:
    assert own(good(defaults.insert({name: None}))) == {**STORED, name: None}
    for near in (name, name.lower()):
        records = good(defaults.insert([{name: None}, {}, {near: None}]))["records"]
        assert [record[name] for record in records] == [None, STORED[name], None]


def test_a_given_value_wins_over_the_default(defaults: Planner) -> None:
    given = {"Text": "", "Num": 1, "Zero": 2, "Flag": True, "Yes": False, "Must": "", "Day": 0}
    expected = {**STORED, **given, "Day": "1970-01-01T00:00:00.000Z"}
    assert own(good(defaults.insert(given))) == expected


def test_a_required_column_with_a_default_may_be_left_out_but_not_null(defaults: Planner) -> None:
    problem(defaults.insert({"Must": None}), 422, "missing_value", "/data/Must")
    assert pointers(problem(defaults.insert([{}, {"Must": None}]), 422)) == ["/data/1/Must"]


def test_updates_leave_defaults_alone(defaults: Planner) -> None:
    assert good(defaults.update(EVERYTHING, {"Free": "x"})) == {"Free": "x"}
    assert good(defaults.update(EVERYTHING, {"Text": None})) == {"Text": None}
