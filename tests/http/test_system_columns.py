"""Filters on system columns: like any other column, though some may be stored in another form."""

from __future__ import annotations

from typing import Any

import pytest
from answers import SYSTEM_COLUMNS, found, found_by_each, good, records, total
from definitions import column, table
from expressions import where

from oracle.operands import OPERAND_TWINS
from support.bot import Bot
from support.workspace import Workspace

STRINGS = ("sys_Id", "_id", "Created_By", "Updated_By")
MOMENTS = ("Created_On", "Updated_On")
SINGLE = [
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "contains",
    "starts with",
    "ends with",
    "icontains",
    "istarts with",
]
SINGLE += ["iends with"]


class Stored:
    """Rows of two apps, some of them updated by the other app, and a bot that reads them."""

    def __init__(self, bot: Bot, rows: list[dict[str, Any]]) -> None:
        self.bot = bot
        self.rows = rows

    def assert_found(self, name: str, *tests: tuple[str, Any]) -> None:
        """The filter of each operand with a value finds what its plain Python twin finds."""
        queries = [
            where(name, operand)
            if value is None and operand.startswith("is")
            else where(name, operand, value)
            for operand, value in tests
        ]
        answers = found_by_each(self.bot, "notes", queries, "_id")
        for (operand, value), answer in zip(tests, answers, strict=True):
            twin = OPERAND_TWINS[operand]
            expected = [row["_id"] for row in self.rows if twin(row[name], value)]
            assert answer == expected, (name, operand, value)


@pytest.fixture(scope="module")
def stored(shared: Workspace) -> Stored:
    shared.create_table(table("notes", column("Note"), column("Number", "number")))
    one, two = shared.bot({"notes": "rwd"}), shared.bot({"notes": "rwd"})
    for i in range(6):
        bot = two if i % 3 == 0 else one
        records(bot.bulk("notes", [{"Note": "x", "Number": i * 4 + k} for k in range(4)]))
    records(one.update("notes", where("Number", "<", 5), {"Note": "y"}))
    answer = good(one.query("notes", sys_limit=100))
    assert answer["total"] == 24
    return Stored(one, answer["queryResult"])


def spellings(cell: str) -> list[str]:
    """A cell whole, in parts, in other case and not quite."""
    middle = len(cell) // 2
    parts = [
        cell,
        cell[:1],
        cell[:4],
        cell[:middle],
        cell[: middle + 1],
        cell[:-1],
        cell[1:],
        cell[middle:],
        cell[-1:],
    ]
    others = [
        cell.upper(),
        cell.title(),
        cell + "0",
        "0" + cell,
        cell[:-1] + "g",
        cell[:-1] + "G",
        cell.replace("-", ""),
    ]
    return parts + others


GARBAGE = [
    "",
    "-",
    "s",
    "sy",
    "sys",
    "sys-",
    "sys_",
    "SYS-",
    "st-",
    "t",
    "z",
    "0",
    "f",
    "g",
    "5e7ef671",
    "\U0010ffff",
]
GARBAGE += [
    "sys-zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    "sys-00000000-0000-0000-0000-000000000000",
    "%",
    "_",
    "é",
    "x" * 500,
]
GARBAGE += [
    "ffffffffffffffffffffffff",
    "000000000000000000000000",
    "sys-ffffffff-ffff-ffff-ffff-ffffffffffff",
    " sys-",
]
GARBAGE += [
    "{sys-00000000-0000-0000-0000-000000000000}",
    "00000000-0000-0000-0000-000000000000",
    "sys-1",
    "sys-0000000-",
]


@pytest.mark.parametrize("operand", SINGLE)
@pytest.mark.parametrize("name", STRINGS)
def test_string_operands_with_parts_of_stored_values(stored: Stored, name: str, operand: str) -> None:
    values = [value for row in stored.rows[::13] for value in spellings(row[name])]
    stored.assert_found(name, *((operand, value) for value in values))


@pytest.mark.parametrize("operand", SINGLE)
@pytest.mark.parametrize("name", STRINGS)
def test_string_operands_with_other_strings(stored: Stored, name: str, operand: str) -> None:
    # those of apps are plain strings; ids may be stored in another form, and are told apart from garbage
    values = GARBAGE if name in ("sys_Id", "_id") else GARBAGE[::4]
    stored.assert_found(name, *((operand, value) for value in values))


@pytest.mark.parametrize("name", STRINGS)
def test_lists_and_between(stored: Stored, name: str) -> None:
    cells = [row[name] for row in stored.rows]
    lists: list[list[Any]] = [[], [None], cells[:3], [*cells[:3], None], [*GARBAGE, cells[4]], GARBAGE, cells]
    lists += [[cells[0].upper()], [cells[0], cells[0]], [cells[5][:-1], cells[6] + "0"]]
    stored.assert_found(name, *((operand, value) for value in lists for operand in ("in", "not in")))
    ends = [
        *sorted(cells)[::11],
        "",
        "sys-",
        "sys-8",
        "8",
        "st-8",
        "sys",
        "\U0010ffff",
        cells[7].upper(),
        cells[7][:-1],
    ]
    pairs = ([low, high] for at, low in enumerate(ends) for high in ends[at % 2 :: 2])
    stored.assert_found(name, *(("between", pair) for pair in pairs))


@pytest.mark.parametrize("name", MOMENTS)
def test_times(stored: Stored, name: str) -> None:
    cells = sorted({row[name] for row in stored.rows})
    values = [*cells[:5], "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2020-01-01T00:00:00.000Z"]
    operands = ("=", "!=", "<", "<=", ">", ">=")
    stored.assert_found(name, *((operand, value) for value in values for operand in operands))
    stored.assert_found(name, *(("between", [value, other]) for value in values for other in values))
    stored.assert_found(name, ("in", cells[:2]), ("not in", [cells[0], None]))


@pytest.mark.parametrize("name", MOMENTS)
def test_times_are_taken_in_every_spelling(stored: Stored, name: str) -> None:
    moment = stored.rows[0][name]
    count = sum(row[name] == moment for row in stored.rows)
    shifted = moment.replace("Z", "+00:00")
    for value in (moment, shifted, moment[:-1] + "9Z"):
        assert total(stored.bot, "notes", where(name, "=", value)) == count
    assert total(stored.bot, "notes", where(name, ">=", moment[:10])) == 24
    assert total(stored.bot, "notes", where(name, ">", 0)) == 24


@pytest.mark.parametrize("name", SYSTEM_COLUMNS)
def test_system_columns_are_never_empty(stored: Stored, name: str) -> None:
    stored.assert_found(name, ("is null", None), ("is not null", None))
    for operand in ("=", "!="):
        stored.assert_found(name, (operand, None))


@pytest.mark.parametrize("name", STRINGS)
def test_not_turns_each_of_them(stored: Stored, name: str) -> None:
    cell = stored.rows[9][name]
    for operand, value in (
        ("=", cell),
        ("starts with", cell[:6]),
        ("<", cell),
        ("=", "garbage"),
        ("in", ["x", cell]),
    ):
        plain = found(stored.bot, "notes", where(name, operand, value), "_id")
        turned = {"expressions": [{"not": where(name, operand, value)}]}
        rest = [row["_id"] for row in stored.rows if row["_id"] not in plain]
        assert found(stored.bot, "notes", turned, "_id") == rest


def test_updated_by_finds_the_rows_of_an_app(stored: Stored) -> None:
    writer = stored.rows[5]["Created_By"]
    assert 0 < total(stored.bot, "notes", where("Created_By", "=", writer)) < 24
    stored.assert_found("Updated_By", ("=", writer))
