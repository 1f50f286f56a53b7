"""Rows of upserts: columns that a row does not bring differ from null, in bodies of every size."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from rowkeep.codec.rows import TableCodec, encode
from rowkeep.codec.stored_cells import StoredCells
from rowkeep.errors.catalogue import DuplicateKey, MissingValue, RowkeepError
from rowkeep.model.data_requests import Conflict
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.names import ColumnNames
from rowkeep.plan.rows.upserts import KEPT, SET, UpsertLimits, UpsertPlan, find_key, plan_upsert

DEFINITION = {
    "name": "t",
    "schemaDef": [
        {"name": "Code", "type": "string"},
        {"name": "Name", "type": "string", "isRequired": True},
        {"name": "Day", "type": "date", "default": "2020-01-01"},
        {"name": "Part", "type": "decimal"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [{"name": "k", "isUnique": True, "columns": [{"name": "Code"}, {"name": "Part"}]}],
}
TABLE = read_table(msgspec.convert(DEFINITION, TableBody), "t", {}, 1)
STORED = StoredCells(TABLE, {})
NAMES = ColumnNames(TABLE)
CODEC = TableCodec(TABLE, NAMES, STORED)
CONFLICT = {"columns": ["Part", "Code"], "action": "update"}
LIMITS = UpsertLimits(100, 1000, shows_ignored=True, max_cell_bytes=1000)


@pytest.fixture(params=[None, 40, 300])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that are read at once, and in slices."""
    if request.param is None:
        return
    for module in ("rowkeep.codec.bulk_slices", "rowkeep.codec.rows"):
        monkeypatch.setattr(f"{module}.MAX_SLICE_BYTES", request.param)
    monkeypatch.setattr("rowkeep.codec.bulk_slices.LEAST_BYTES", 16)


def decoded(rows: Any, action: str = "update") -> list[Any]:
    body = {"data": rows, "onConflict": CONFLICT | {"action": action}}
    return CODEC.decode_rows(encode(body)).rows


def plan(*rows: Any, action: Any = "update") -> UpsertPlan:
    index = find_key(TABLE, NAMES, Conflict(["code", "Part"], action))
    return plan_upsert(TABLE, STORED, index, action, decoded(rows), "st-1", LIMITS, {})


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("action", ["update", "ignore"])
def test_missing_cells_are_not_null(action: str) -> None:
    day = "2020-03-28T07:02:09.652Z"
    rows = [
        {"Code": "a", "Name": "x", "Day": day, "Part": "1.5", "Number": 2},
        {},
        {"Part": None, "Number": None},
        {"Day": day, "Part": 1},
        {"Number": 1.5, "Name": "y"},
    ]
    expected = [
        ("a", "x", day, "1.5", 2),
        (UNSET,) * 5,
        (UNSET, UNSET, UNSET, None, None),
        (UNSET, UNSET, day, "1", UNSET),
        (UNSET, "y", UNSET, UNSET, 1.5),
    ]
    assert decoded(rows, action) == expected
    # other spellings are read by the lenient reader
    others = [*rows, {"number": "3", "DAY": "2020-03-28T07:02:09.652+00:00"}]
    assert decoded(others, action) == [*expected, (UNSET, UNSET, day, UNSET, 3)]
    assert decoded({"Number": "3"}, action) == [(UNSET,) * 4 + (3,)]


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("row", [{"Name": None}, {"Name": None, "Number": "1"}])
def test_null_is_refused_where_a_value_is_required(row: Any) -> None:
    with pytest.raises(MissingValue) as refused:
        decoded([{}, row])
    assert refused.value.problems[0].pointer == "/data/1/Name"


@pytest.mark.usefixtures("sizes")
def test_the_action_error_needs_all_columns() -> None:
    with pytest.raises(MissingValue):
        decoded([{"Code": "a"}], "error")
    assert decoded([{"Name": "a"}], "error") == [(None, "a", "2020-01-01T00:00:00.000Z", None, None)]


def test_a_plan_of_rows_that_bring_the_same() -> None:
    made = plan({"Code": "a", "Name": "x", "Number": 1}, {"Code": "b", "Name": "y", "Number": None})
    assert (made.shape.columns, made.shape.optional, made.flags) == (("Name", "Number"), (), [])
    assert made.incomplete == frozenset()
    assert made.rows[1] == ("b", "y", "2020-01-01T00:00:00.000Z", None, None)


def test_a_plan_of_rows_that_bring_different_columns() -> None:
    made = plan({"Code": "a", "Part": 1}, {"Code": "b", "Name": "y"}, {"Code": "c", "Part": 1, "Day": None})
    # a decimal of the key is set, because equal ones can have another scale
    assert made.shape.columns == made.shape.optional == ("Name", "Day", "Part")
    assert made.flags == [(KEPT, KEPT, SET), (SET, KEPT, KEPT), (KEPT, SET, SET)]
    assert made.incomplete == {0, 2}
    assert [row[2] for row in made.rows] == ["2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z", None]
    assert plan({"Code": "a"}, {"Name": "b"}, action="ignore").shape.columns == ()


def test_equal_keys_are_refused() -> None:
    with pytest.raises(DuplicateKey) as refused:
        plan({"Code": "a", "Part": 1}, {"Code": "a"}, {"Code": "a", "Part": "1.00"}, {"Code": "b", "Part": 1})
    assert [problem.pointer for problem in refused.value.problems] == ["/data/0", "/data/2"]
    plan({"Code": "a"}, {"Code": "a"}, {"Part": 1}, {"Part": 1})


@pytest.mark.parametrize(
    "columns", [[], ["Code"], ["Code", "Part", "Name"], ["_id"], ["Code", "code"], ["x"] * 999]
)
def test_other_keys_are_refused(columns: list[str]) -> None:
    with pytest.raises(RowkeepError) as refused:
        find_key(TABLE, NAMES, Conflict(columns, "update"))
    first = refused.value.problems[0]
    assert str(first.pointer).startswith("/onConflict/columns")
    if not columns:
        assert first.msg.startswith(
            '"columns" is empty. Name the columns of a unique index. The unique indexes of'
        )
