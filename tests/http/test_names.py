"""Names: near names of columns, names of tables in paths, names that an engine keeps for itself."""

from __future__ import annotations

import pytest
from answers import found, good, problem, records, rows, total
from definitions import column, table
from expressions import where

from support.bot import Bot
from support.workspace import Workspace


@pytest.mark.parametrize("name", ["firstName", "f_i_r_s_t n-a-m-e"])
def test_near_names_reach_the_column_everywhere(people: Bot, name: str) -> None:
    stored = good(people.insert("people", {name: "Jane"}))
    assert stored["First_Name"] == "Jane"
    (second,) = records(people.bulk("people", [{name: "Mike"}]))
    assert second["First_Name"] == "Mike"
    query = where(name, "=", "Jane")
    assert rows(people.query("people", {"query": query})) == [stored]
    answer = rows(people.query("people", {"fields": [name], "sort": [{"field": name, "order": "desc"}]}))
    assert answer == [{"First_Name": "Mike"}, {"First_Name": "Jane"}]
    (changed,) = records(people.update("people", query, {name: "June"}))
    assert changed["First_Name"] == "June"
    assert good(people.delete("people", where(name, "in", ["June", "Mike"]))) == {"nDeleted": 2}


@pytest.mark.parametrize("name", ["Frist_Name", "First/Name"])
def test_other_names_do_not_and_near_ones_are_listed(empty_people: Bot, name: str) -> None:
    escaped = name.replace("/", "~1")
    refusal = problem(empty_people.insert("people", {name: "x"}), 400, "unknown_column", f"/data/{escaped}")
    if name == "Frist_Name":
        assert "First_Name" in refusal["detail"]
    pointer = "/query/expressions/0/field"
    problem(empty_people.query("people", {"query": where(name, "=", "x")}), 400, "unknown_column", pointer)


@pytest.mark.parametrize("names", [("First_Name", "firstName")])
def test_two_keys_for_one_column_are_refused(empty_people: Bot, names: tuple[str, str]) -> None:
    row = dict.fromkeys(names, "x")
    problem(empty_people.insert("people", row), 400, "duplicate_column", f"/data/{names[1]}")
    problem(empty_people.bulk("people", [{}, row]), 400, "duplicate_column", f"/data/1/{names[1]}")
    response = empty_people.update("people", where("Number", "=", 1), row)
    problem(response, 400, "duplicate_column", f"/data/{names[1]}")
    assert total(empty_people, "people") == 0


REPEATED = [
    ("POST", "", b'{"data":{"Gender":"a","Gender":"b"}}'),
    ("POST", "/bulk", b'{"data":[{},{"Gender":"a","Gender":"b"}]}'),
    ("PUT", "", b'{"query":{"all":true},"data":{"Gender":"a","Gender":"b"}}'),
]


@pytest.mark.parametrize(("method", "path", "content"), REPEATED)
def test_one_key_written_twice_is_refused(people: Bot, method: str, path: str, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = people.request(method, f"/api/public/tables/people{path}", content=content, headers=headers)
    problem(response, 400)
    assert total(people, "people") == 0


def test_a_record_bears_the_columns_own_name(people: Bot) -> None:
    stored = good(people.insert("people", {"firstName": "a", "LAST NAME": "b", "gender": "c", "NUMBER": "1"}))
    assert list(stored)[:4] == ["First_Name", "Last_Name", "Gender", "Number"]
    assert list(stored.values())[:4] == ["a", "b", "c", 1]


@pytest.fixture
def alike(workspace: Workspace) -> Bot:
    """Columns that differ in what near names leave out."""
    names = ("ab_c", "a_bc", "X_Y", "XY", "Lone")
    workspace.create_table(table("alike", *(column(name) for name in names)))
    return workspace.bot({"alike": "rwd"})


def test_an_exact_match_wins(alike: Bot) -> None:
    row = {"ab_c": "1", "a_bc": "2", "X_Y": "3", "XY": "4"}
    stored = good(alike.insert("alike", row))
    assert {name: stored[name] for name in row} == row
    for name, value in row.items():
        assert found(alike, "alike", where(name, "=", value), name) == [value]


@pytest.mark.parametrize(("name", "candidates"), [("abc", ("ab_c", "a_bc"))])
def test_two_candidates_are_refused_and_listed(alike: Bot, name: str, candidates: tuple[str, str]) -> None:
    refusals = [
        problem(alike.insert("alike", {name: "x"}), 400, "unknown_column", f"/data/{name}"),
        problem(alike.query("alike", {"query": where(name, "=", "x")}), 400, "unknown_column"),
        problem(alike.query("alike", {"fields": [name]}), 400, "unknown_column", "/fields/0"),
        problem(alike.query("alike", {"sort": [{"field": name}]}), 400, "unknown_column", "/sort/0/field"),
    ]
    for refusal in refusals:
        assert all(candidate in refusal["detail"] for candidate in candidates)


@pytest.fixture
def ids(workspace: Workspace) -> Bot:
    """Own columns whose names come near those of system columns."""
    workspace.create_table(table("ids", column("Id", "number"), column("CreatedOn"), column("SysId")))
    return workspace.bot({"ids": "rwd"})


def test_own_columns_win_over_system_columns(ids: Bot) -> None:
    stored = good(ids.insert("ids", {"id": 5, "created on": "c", "sysid": "s"}))
    assert [stored[name] for name in ("Id", "CreatedOn", "SysId")] == [5, "c", "s"]
    for name in ("Id", "id", "ID", "i_d"):
        assert found(ids, "ids", where(name, "=", 5), "Id") == [5]
        assert rows(ids.query("ids", {"fields": [name, "_id"]})) == [{"Id": 5, "_id": stored["_id"]}]
    assert found(ids, "ids", where("createdon", "=", "c"), "CreatedOn") == ["c"]
    assert found(ids, "ids", where("SYS_ID", "=", "s"), "SysId") == ["s"]
    for name in ("_id", "sys_Id", "Created_On"):
        assert found(ids, "ids", where(name, "=", stored[name]), name) == [stored[name]]


def test_exact_names_of_system_columns_are_theirs(ids: Bot) -> None:
    for name in ("_id", "sys_Id", "Created_On"):
        problem(ids.insert("ids", {name: "x"}), 400, "system_column", f"/data/{name}")


def test_near_names_reach_system_columns(people: Bot) -> None:
    stored = good(people.insert("people", {}))
    for name, own in (
        ("id", "_id"),
        ("ID", "_id"),
        ("sysId", "sys_Id"),
        ("createdOn", "Created_On"),
        ("updated by", "Updated_By"),
    ):
        assert rows(people.query("people", {"query": where(name, "=", stored[own])})) == [stored]
        assert rows(people.query("people", {"fields": [name]})) == [{own: stored[own]}]


@pytest.mark.parametrize("name", ["people", "People", "PEOPLE", "pEoPlE", "%70eople"])
def test_tables_are_found_regardless_of_case(people: Bot, name: str) -> None:
    good(people.insert(name, {"Number": 1}))
    assert total(people, name) == 1
    assert good(people.update(name, where("Number", "=", 1), {"Number": 2}))["nModified"] == 1
    assert good(people.delete(name, where("Number", "=", 2))) == {"nDeleted": 1}


@pytest.mark.parametrize(
    "name",
    [
        "peo_ple",
        "peo-ple",
        "people_",
        "peopl",
        "peoples",
        "peo%20ple",
        "people%20",
        "pe%00ople",
        "%20",
        "péople",
    ],
)
def test_tables_have_no_near_names(empty_people: Bot, name: str) -> None:
    for response in (
        empty_people.insert(name, {}),
        empty_people.query(name),
        empty_people.delete(name, where("Number", "=", 1)),
    ):
        problem(response, 404)


def test_pointers_bear_the_name_as_it_was_sent(empty_people: Bot) -> None:
    problem(empty_people.insert("people", {"num ber": "x"}), 422, "invalid_value", "/data/num ber")
    problem(empty_people.bulk("people", [{}, {"NUMBER": "x"}]), 422, "invalid_value", "/data/1/NUMBER")
