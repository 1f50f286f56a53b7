"""PUT of a definition that is refused, because it is impossible or rows do not fit. Nothing changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from answers import good, rows
from definitions import column, index, table
from test_schema_changes import ALLOW, DRY, own_cells, put

from support.bot import Bot
from support.workspace import Workspace, succeeded


class Refusal(NamedTuple):
    """A table with rows, what it cannot be made, and the code, the pointer and what stands in the message;
    for rows also how many, and their values."""

    name: str
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    given: list[dict[str, Any]]
    told: tuple[int, str, str, str]
    sample: list[dict[str, Any]] | None = None
    count: int = 0
    indexes: tuple[dict[str, Any], ...] = ()
    old_indexes: tuple[dict[str, Any], ...] = ()


A, B = column("A"), column("B", "number")
LONG = "é" * 2000

REFUSALS = [
    Refusal(
        "no_former",
        [A],
        [A, column("C", renamedFrom="D")],
        [],
        (400, "invalid_definition", "/schemaDef/1/renamedFrom", 'no column "D"'),
    ),
    Refusal(
        "two_losses",
        [A, B, column("C")],
        [B],
        [{"A": "x"}],
        (409, "data_loss", "/schemaDef", "drop column A"),
    ),
    Refusal(
        "empty_cell",
        [A],
        [column("A", isRequired=True)],
        [{"A": "x"}, {}, {"A": None}],
        (409, "incompatible_rows", "/schemaDef/0/isRequired", "2 rows have no value"),
        [{"A": None}] * 2,
        2,
    ),
    Refusal(
        "new_without_value",
        [A],
        [A, column("C", isRequired=True)],
        [{}] * 12,
        (409, "incompatible_rows", "/schemaDef/1/default", "12 rows have no value"),
        [{}] * 10,
        12,
    ),
    Refusal(
        "too_long",
        [A],
        [column("A", maxLength=2)],
        [{"A": "ŝ😀"}, {"A": "abc"}],
        (409, "incompatible_rows", "/schemaDef/0/maxLength", "1 row has a longer value"),
        [{"A": "abc"}],
        1,
    ),
    Refusal(
        "too_long_to_index",
        [A],
        [A],
        [{"A": LONG}, {"A": LONG[1:1001]}],
        (409, "incompatible_rows", "/indexes", "1 row has a longer value"),
        [{"A": LONG[:99] + "…"}],
        1,
        (index("i", "A"),),
    ),
    Refusal(
        "unfit",
        [A],
        [column("A", "number")],
        [{"A": "1"}, {"A": "n/a"}, {"A": ""}],
        (
            409,
            "incompatible_rows",
            "/schemaDef/0/type",
            "2 rows have a value that does not fit. A value must be",
        ),
        [{"A": "n/a"}, {"A": ""}],
        2,
    ),
    Refusal(
        "unfit_and_long",
        [A, B],
        [column("A", "boolean"), column("B", "string", maxLength=2)],
        [{"A": "true", "B": 1.5}, {"A": "False", "B": 12}, {"B": 123}],
        (409, "incompatible_rows", "/schemaDef/1/type", "2 rows have a value"),
        [{"B": 1.5}, {"B": 123}],
        2,
    ),
    Refusal(
        "duplicates",
        [A, B],
        [A, B],
        [{"A": "x", "B": 1}, {"A": "x", "B": 2}, {"A": "x", "B": 1}, {"A": "x"}, {"A": "x"}],
        (409, "incompatible_rows", "/indexes/0", "2 rows have the same B and A"),
        [{"B": 1, "A": "x"}] * 2,
        2,
        (index("u", "B", "-A", unique=True),),
    ),
    Refusal(
        "duplicates_renamed",
        [A, B],
        [column("C", renamedFrom="A"), B],
        [{"A": "x"}, {"A": "x"}, {"A": "y"}],
        (409, "incompatible_rows", "/indexes/0", "2 rows have the same C"),
        [{"A": "x"}] * 2,
        2,
        (index("u", "C", unique=True),),
    ),
    Refusal(
        "duplicates_once_converted",
        [A],
        [column("A", "boolean")],
        [{"A": "true"}, {"A": "TRUE"}, {"A": "false"}],
        (409, "incompatible_rows", "/indexes/0", "2 rows have the same A"),
        [{"A": True}] * 2,
        2,
        (index("u", "A", unique=True),),
        (index("u", "A", unique=True),),
    ),
    Refusal(
        "duplicates_once_filled",
        [A],
        [column("A", isRequired=True, default="x")],
        [{"A": None}, {"A": "x"}, {"A": None}],
        (409, "incompatible_rows", "/indexes/0", "3 rows have the same A"),
        [{"A": "x"}] * 3,
        3,
        (index("u", "A", unique=True),),
        (index("u", "A", unique=True),),
    ),
    Refusal(
        "duplicates_of_default",
        [A],
        [A, column("C", "number", default=5)],
        [{}, {}],
        (409, "incompatible_rows", "/indexes/0", "2 rows have the same C"),
        [{"C": 5}] * 2,
        2,
        (index("u", "C", unique=True),),
    ),
]


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app for the tables of all refusals, as they are before."""
    return shared.bot_with([table(each.name, *each.before, indexes=each.old_indexes) for each in REFUSALS])


@pytest.mark.parametrize("case", REFUSALS, ids=lambda case: case.name)
def test_refusals_change_nothing(bot: Bot, shared: Workspace, case: Refusal) -> None:
    first = succeeded(shared.admin.get(f"{shared.path}/tables/{case.name}"))
    good(bot.bulk(case.name, case.given))
    stored = rows(bot.query(case.name, sys_limit=100))
    after = table(case.name, *case.after, indexes=case.indexes)
    status, code, pointer, msg = case.told
    trials: list[dict[str, str]] = [{}] if code == "data_loss" else [DRY, ALLOW, {}]
    for params in trials:
        response = put(shared, after, **params)
        (told, *_) = response.json()["errors"]
        assert (response.status_code, told["code"], told.get("pointer")) == (status, code, pointer), told
        assert msg in told["msg"]
        if case.sample is not None:
            assert told["count"] == case.count
            ids = {row["_id"] for row in stored}
            assert [each["values"] for each in told["sample"]] == case.sample
            assert {each["_id"] for each in told["sample"]} <= ids
        assert succeeded(shared.admin.get(f"{shared.path}/tables/{case.name}")) == first
        assert rows(bot.query(case.name, sys_limit=100)) == stored
    if code == "data_loss":
        assert [each["msg"].split(" with ")[0] for each in response.json()["errors"]] == [
            "This would drop column A",
            "This would drop column C",
        ]


def test_wishes_about_the_table_itself(workspace: Workspace) -> None:
    for name in ("one", "two"):
        workspace.create_table(table(name, A))
    path = f"{workspace.path}/tables"
    refusals: list[tuple[str, dict[str, Any], tuple[int, str, str | None]]] = [
        ("none", table("none", A), (404, "no_such_table", None)),
        ("none", table("none", A) | {"renamedFrom": "nor_this"}, (404, "no_such_table", "/renamedFrom")),
        ("one", table("one", A) | {"renamedFrom": "two"}, (409, "name_taken", "/name")),
        ("one", table("other", A), (400, "invalid_definition", "/name")),
        ("one", table("one", A) | {"renamedFrom": "a b"}, (400, "invalid_name", "/renamedFrom")),
        ("one", table("one", A) | {"renamedFrom": 1}, (400, "invalid_body", "/renamedFrom")),
        ("one", table("one"), (400, "invalid_definition", "/schemaDef")),
    ]
    for name, definition, (status, code, pointer) in refusals:
        for params in ({}, DRY):
            response = workspace.admin.put(f"{path}/{name}", json=definition, params=params)
            (told, *_) = response.json()["errors"]
            assert (response.status_code, told["code"], told.get("pointer")) == (status, code, pointer)
    for params in ({"dryRun": "1"}, {"dryrun": "true"}, {"allowDataLoss": ""}):
        response = workspace.admin.put(f"{path}/one", json=table("one", A), params=params)
        assert response.json()["code"] == "invalid_parameter"
    for body in (table("new", A) | {"renamedFrom": "one"}, table("new", column("C", renamedFrom="A"))):
        response = workspace.admin.post(path, json=body)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_definition")
        assert "PUT" in response.json()["detail"]
    # not set, in all its forms
    for unset in ("", None, {}):
        definition = table("one", column("A", renamedFrom=unset)) | {"renamedFrom": unset}
        assert succeeded(workspace.admin.put(f"{path}/one", json=definition, params=DRY)) == {"steps": []}
    assert workspace.admin.put("/workspaces/nowhere/tables/one", json=table("one", A)).status_code == 404


def test_a_table_is_renamed_with_its_rows_grants_and_indexes(workspace: Workspace) -> None:
    unique = index("u", "A", unique=True)
    workspace.create_table(table("people", A, indexes=(unique,)))
    bot = workspace.bot({"people": "rwd"})
    record = good(bot.insert("people", {"A": "x"}))
    # also to names that differ by case alone, and to such as engines keep for themselves
    former = "people"
    for name in ("People", "sqlite_people", "SQLITE_people", "select", "p" * 63):
        definition = table(name, A, indexes=(unique,)) | {"renamedFrom": former}
        assert succeeded(put(workspace, definition, **DRY))["steps"] == [
            {"step": f"rename table {former} to {name}", "rewritesTable": False, "losesData": False}
        ]
        assert succeeded(put(workspace, definition))["name"] == name
        assert succeeded(put(workspace, definition))["name"] == name
        assert rows(bot.query(name)) == [record]
        assert bot.insert(name, {"A": "x"}).json()["code"] == "unique_violation"
        if former.lower() != name.lower():
            assert bot.query(former).status_code == 404
            # the name is free for another table
            workspace.create_table(table(former, B, indexes=(index("u", "B", unique=True),)))
        former = name
    grants = succeeded(workspace.admin.get(f"{workspace.path}/tables/{former}/grants"))["grants"]
    assert [(grant["clientId"], grant["table"]) for grant in grants] == [(bot.client_id, former)]


def test_cursors_do_not_outlive_the_type_of_what_they_sort_by(workspace: Workspace) -> None:
    workspace.create_table(table("t", A, B))
    bot = workspace.bot({"t": "rw"})
    good(bot.bulk("t", [{"A": str(n), "B": n} for n in range(5)]))
    wish = {"sort": [{"field": "A"}]}
    cursors = [
        (each, good(bot.query("t", each, sys_limit=2))["nextCursor"])
        for each in (wish, {"sort": [{"field": "B", "order": "desc"}]}, {})
    ]
    succeeded(put(workspace, table("t", column("A", "number"), column("B", "string"))))
    for each, cursor in cursors[:2]:
        refused = bot.query("t", {**each, "cursor": cursor})
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_cursor")
    assert [row["A"] for row in rows(bot.query("t", {"cursor": cursors[2][1]}))] == [2, 3, 4]


def test_a_wide_table_changes_again_and_again(workspace: Workspace, backend: str) -> None:
    """PostgreSQL counts columns that are gone; when it takes no more, that is said, and nothing changes.
    SQLite counts none, and takes a sixteenth of the time for a quarter of the columns."""
    count = 100 if backend == "sqlite" else 400
    forms = [table("wide", *(column(f"c{n}", kind) for n in range(count))) for kind in ("string", "number")]
    workspace.create_table(forms[0])
    bot = workspace.bot({"wide": "rw"})
    good(bot.insert("wide", {f"c{n}": "1" for n in range(count)}))
    for turn in range(1, 3 if backend == "sqlite" else 4):
        response = put(workspace, forms[turn % 2])
        is_full = backend != "sqlite" and turn == 3
        assert response.status_code == (409 if is_full else 200)
        kind = int if turn % 2 and not is_full else str
        assert {type(cell) for cell in own_cells(rows(bot.query("wide"))[0]).values()} == {kind}
    assert backend == "sqlite" or response.json()["code"] == "too_many_columns"
