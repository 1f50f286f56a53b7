"""Required columns and defaults."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, pointers, problem, records, rows, total
from definitions import Made, column, table
from expressions import EVERYTHING, where

from cases.rows import DEFAULTS, FULL, FULL_COLUMNS, STORED
from support.bot import Bot


@pytest.fixture
def required(made: Made) -> Bot:
    """One required column of each type."""
    return made(table("required", *FULL_COLUMNS, column("Free")))


def test_falsy_values_are_values(required: Bot) -> None:
    stored = good(required.insert("required", FULL))
    assert {name: stored[name] for name in FULL} == {**FULL, "Moment": "1970-01-01T00:00:00.000Z"}


@pytest.mark.parametrize("name", ["Flag"])
def test_a_missing_or_null_required_column(required: Bot, name: str) -> None:
    missing = {key: value for key, value in FULL.items() if key != name}
    pointer = f"/data/{name}"
    problem(required.insert("required", missing), 422, "missing_value", pointer)
    problem(required.insert("required", {**FULL, name: None}), 422, "missing_value", pointer)
    refusal = problem(required.bulk("required", [FULL, missing, {**FULL, name: None}]), 422, "missing_value")
    assert pointers(refusal) == [f"/data/1/{name}", f"/data/2/{name}"]
    assert total(required, "required") == 0
    stored = good(required.insert("required", FULL))
    problem(required.update("required", EVERYTHING, {name: None}), 422, "missing_value", pointer)
    assert rows(required.query("required")) == [stored]


def test_all_missing_columns_are_listed(required: Bot) -> None:
    refusal = problem(required.insert("required", {}), 422, "missing_value", "/data/Text")
    assert pointers(refusal) == [f"/data/{name}" for name in FULL]
    refusal = problem(required.bulk("required", [{}] * 30), 422, "missing_value", "/data/0/Text")
    assert len(refusal["errors"]) == 100


def test_missing_and_bad_together(required: Bot) -> None:
    refusal = problem(
        required.insert("required", {**FULL, "Num": None, "Whole": "x", "Fre": "y"}), (400, 422)
    )
    assert set(pointers(refusal)) == {"/data/Num", "/data/Whole", "/data/Fre"}


def test_a_near_name_counts_as_given(required: Bot) -> None:
    near = {name.upper(): value for name, value in FULL.items()}
    assert good(required.insert("required", near))["Whole"] == 0
    assert len(records(required.bulk("required", [near, FULL]))) == 2


def test_an_update_may_leave_required_columns_out(required: Bot) -> None:
    good(required.insert("required", FULL))
    (changed,) = records(required.update("required", EVERYTHING, {"Free": "x"}))
    assert changed["Free"] == "x"


@pytest.fixture
def defaults(made: Made) -> Bot:
    columns = [column(name, kind, default=default) for name, (kind, default, _) in DEFAULTS.items()]
    return made(table("defaults", *columns, column("Free"), column("Must", isRequired=True, default="must")))


def own(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in STORED}


def test_a_missing_column_takes_its_default(defaults: Bot) -> None:
    assert own(good(defaults.insert("defaults", {}))) == STORED
    assert [own(record) for record in records(defaults.bulk("defaults", [{}, {"Free": "x"}]))] == [
        STORED,
        {**STORED, "Free": "x"},
    ]
    assert total(defaults, "defaults", where("Num", "=", 263)) == 3


def test_an_explicit_null_does_not_take_the_default(defaults: Bot) -> None:
    nulls = dict.fromkeys(DEFAULTS)
    assert own(good(defaults.insert("defaults", nulls))) == {**STORED, **nulls}
    assert [own(row) for row in records(defaults.bulk("defaults", [nulls, {}]))] == [
        {**STORED, **nulls},
        STORED,
    ]


def test_a_given_value_wins_over_the_default(defaults: Bot) -> None:
    given = {"Text": "", "Num": 1, "Zero": 2, "Flag": True, "Yes": False, "Must": "", "Day": 0}
    expected = {**STORED, **given, "Day": "1970-01-01T00:00:00.000Z"}
    assert own(good(defaults.insert("defaults", given))) == expected


def test_a_required_column_with_a_default_may_be_left_out_but_not_null(defaults: Bot) -> None:
    assert good(defaults.insert("defaults", {}))["Must"] == "must"
    problem(defaults.insert("defaults", {"Must": None}), 422, "missing_value", "/data/Must")
    refusal = problem(defaults.bulk("defaults", [{}, {"Must": None}]), 422, "missing_value")
    assert pointers(refusal) == ["/data/1/Must"]


def test_updates_leave_defaults_alone(defaults: Bot) -> None:
    good(defaults.insert("defaults", {"Num": 1, "Text": None}))
    (changed,) = records(defaults.update("defaults", EVERYTHING, {"Free": "x"}))
    assert own(changed) == {**STORED, "Num": 1, "Text": None, "Free": "x"}
