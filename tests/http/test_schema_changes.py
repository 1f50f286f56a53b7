"""PUT of a definition makes a table so: each kind of step, on stored rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import httpx
import pytest
from answers import SYSTEM_COLUMNS, good, rows
from definitions import column, index, table

from support.bot import Bot
from support.workspace import Workspace, succeeded

ALLOW = {"allowDataLoss": "true"}
DRY = {"dryRun": "true"}


class Case(NamedTuple):
    """A table with rows, what it is made, and what comes of it: its rows then, and the steps in words.

    A step that begins with ``*`` writes the rows anew on both engines, with ``+`` on SQLite alone; one that
    ends with ``!`` loses data.
    """

    name: str
    before: list[dict[str, Any]]
    after: list[dict[str, Any]]
    given: list[dict[str, Any]]
    expected: list[dict[str, Any]]
    steps: list[str]
    old_indexes: tuple[dict[str, Any], ...] = ()
    new_indexes: tuple[dict[str, Any], ...] = ()


A, B = column("A"), column("B", "number")
AB = [{"A": "x", "B": 1}, {"A": None, "B": None}]

CASES = [
    Case("nothing", [A, B], [A, B], AB, AB, []),
    Case("add", [A], [A, B], [{"A": "x"}], [{"A": "x", "B": None}], ["add column B of type number"]),
    Case(
        "add_with_default",
        [A],
        [
            column("On", "boolean", isRequired=True, default=True),
            A,
            column("At", "date", default="2020-03-28"),
        ],
        [{"A": "x"}, {"A": None}],
        [
            {"On": True, "A": "x", "At": "2020-03-28T00:00:00.000Z"},
            {"On": True, "A": None, "At": "2020-03-28T00:00:00.000Z"},
        ],
        [
            "*add column On of type boolean, with its default in existing rows",
            "*add column At of type date, with its default in existing rows",
            "reorder the columns",
        ],
    ),
    Case("drop", [A, B], [B], AB, [{"B": 1}, {"B": None}], ["+drop column A!"]),
    Case("reorder", [A, B], [B, A], AB, AB, ["reorder the columns"]),
    Case(
        "rename",
        [A, B],
        [column("a_long_new_name", renamedFrom="A"), B],
        AB,
        [{"a_long_new_name": "x", "B": 1}, {"a_long_new_name": None, "B": None}],
        ["rename column A to a_long_new_name"],
    ),
    Case(
        "rename_case",
        [A, B],
        [column("a"), B],
        AB,
        [{"a": "x", "B": 1}, {"a": None, "B": None}],
        ["rename column A to a"],
    ),
    Case(
        "swap",
        [A, B, column("C", "integer")],
        [
            column("C", renamedFrom="A"),
            column("A", "number", renamedFrom="b"),
            column("b", "integer", renamedFrom="C"),
        ],
        [{"A": "x", "B": 1.5, "C": 7}],
        [{"C": "x", "A": 1.5, "b": 7}],
        ["rename column A to C", "rename column B to A", "rename column C to b"],
    ),
    Case(
        "swap_and_convert",
        [A, B],
        [column("B", "integer", renamedFrom="A"), column("A", "string", renamedFrom="B")],
        [{"A": "12", "B": 1.5}, {"A": None, "B": 1e300}],
        [{"B": 12, "A": "1.5"}, {"B": None, "A": "1e300"}],
        [
            "rename column A to B",
            "rename column B to A",
            "*change the type of column B from string to integer",
            "*change the type of column A from number to string",
        ],
    ),
    Case(
        "move_up",
        [A, B, column("C")],
        [
            column("B", "string", renamedFrom="A"),
            column("oid", "number", renamedFrom="B"),
            column("A", renamedFrom="C"),
        ],
        [{"A": "x", "B": 1.5, "C": "c"}],
        [{"B": "x", "oid": 1.5, "A": "c"}],
        ["rename column A to B", "rename column B to oid", "rename column C to A"],
    ),
    Case(
        "require",
        [A, column("ctid", "number"), column("oid")],
        [
            column("A", isRequired=True),
            column("ctid", "number", isRequired=True),
            column("oid", isRequired=True, default="o"),
        ],
        [{"A": "", "ctid": 0, "oid": "p"}, {"A": "x", "ctid": 2, "oid": None}],
        [{"A": "", "ctid": 0, "oid": "p"}, {"A": "x", "ctid": 2, "oid": "o"}],
        [
            "make column A required",
            "make column ctid required",
            "*make column oid required, with its default in place of null",
            'set the default of column oid to "o"',
        ],
    ),
    Case(
        "may_be_empty",
        [column("A", isRequired=True)],
        [A],
        [{"A": "x"}],
        [{"A": "x"}],
        ["make column A optional"],
    ),
    Case(
        "limits",
        [column("A", maxLength=3), column("B", maxLength=3), column("C")],
        [column("A", maxLength=2), column("B"), column("C", maxLength="2")],
        [{"A": "ŝ😀", "B": "abc", "C": None}],
        [{"A": "ŝ😀", "B": "abc", "C": None}],
        [
            "set maxLength of column A to 2",
            "remove maxLength from column B",
            "set maxLength of column C to 2",
        ],
    ),
    Case(
        "defaults",
        [column("A", default="x"), B],
        [A, column("B", "number", default=0)],
        [{"B": 1}],
        [{"A": "x", "B": 1}],
        ["remove the default of column A", "set the default of column B to 0"],
    ),
    Case(
        "indexes",
        [A, B, column("C", "integer")],
        [column("X", renamedFrom="A"), B, column("C")],
        [{"A": "x", "B": 1, "C": 5}, {"A": "x", "B": 2, "C": 4}],
        [{"X": "x", "B": 1, "C": "5"}, {"X": "x", "B": 2, "C": "4"}],
        [
            "drop index goes",
            "drop index turns",
            "rename column A to X",
            "*change the type of column C from integer to string",
            "reorder the indexes",
            "add index comes",
            "add unique index turns",
        ],
        (
            index("stays", "A"),
            index("goes", "B"),
            index("turns", "A", "B"),
            index("rebuilt", "C", unique=True),
        ),
        (
            index("comes", "-B", "sys_Id"),
            index("turns", "X", "B", unique=True),
            index("rebuilt", "C", unique=True),
            index("stays", "X"),
        ),
    ),
    Case(
        "index_of_dropped",
        [A, B],
        [A],
        AB,
        [{"A": "x"}, {"A": None}],
        ["drop index i", "+drop column B!"],
        (index("i", "B", "A"),),
    ),
]


def put(workspace: Workspace, definition: dict[str, Any], **params: str) -> httpx.Response:
    path = f"{workspace.path}/tables/{definition['name']}"
    return workspace.admin.put(path, json=definition, params=params)


def steps_of(response: httpx.Response) -> list[str]:
    """The steps of a dry run, in the form of the cases."""
    found = []
    for step in succeeded(response)["steps"]:
        mark = "*" if step["rewritesTable"] else ""
        found.append(f"{mark}{step['step']}{'!' if step['losesData'] else ''}")
    return found


def own_cells(record: dict[str, Any]) -> dict[str, Any]:
    return {name: cell for name, cell in record.items() if name not in SYSTEM_COLUMNS}


def all_rows(bot: Bot, name: str) -> list[dict[str, Any]]:
    return rows(bot.query(name, sys_limit=1000))


@pytest.fixture(scope="module")
def bot(shared: Workspace) -> Bot:
    """An app for the tables of all cases, as they are before."""
    return shared.bot_with([table(each.name, *each.before, indexes=each.old_indexes) for each in CASES])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_steps(bot: Bot, shared: Workspace, backend: str, case: Case) -> None:
    after = table(case.name, *case.after, indexes=case.new_indexes)
    first = succeeded(shared.admin.get(f"{shared.path}/tables/{case.name}"))
    good(bot.bulk(case.name, case.given))
    stored = all_rows(bot, case.name)
    expected = [
        step.replace("+", "*" if backend == "sqlite" else "") if step.startswith("+") else step
        for step in case.steps
    ]
    assert steps_of(put(shared, after, **DRY)) == expected
    assert succeeded(shared.admin.get(f"{shared.path}/tables/{case.name}")) == first
    assert all_rows(bot, case.name) == stored
    if any(step.endswith("!") for step in case.steps):
        refused = put(shared, after)
        assert (refused.status_code, refused.json()["code"]) == (409, "data_loss")
        assert all_rows(bot, case.name) == stored
    made = succeeded(put(shared, after, **ALLOW))
    assert made == succeeded(shared.admin.get(f"{shared.path}/tables/{case.name}"))
    found = all_rows(bot, case.name)
    assert [own_cells(row) for row in found] == case.expected
    assert [list(own_cells(row)) for row in found] == [[c["name"] for c in case.after]] * len(found)
    assert [[row[name] for name in SYSTEM_COLUMNS] for row in found] == [
        [row[name] for name in SYSTEM_COLUMNS] for row in stored
    ]
    # the same definition again, former names included, changes nothing but for a swap
    if case.name not in ("swap", "swap_and_convert", "move_up"):
        assert steps_of(put(shared, after, **DRY)) == []
        assert succeeded(put(shared, after)) == made
    # and the rows can be written as they are read
    if not any(each.get("isUnique") for each in case.new_indexes):
        written = good(bot.bulk(case.name, [own_cells(row) for row in found]))["records"]
        assert [own_cells(row) for row in written] == case.expected
    shared.drop_table(case.name)
    assert shared.create_table(made) == made
