"""Dates: every format that is accepted and its response, and formats that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from planner import Planner, good, pointers, problem

from cases.dates import REFUSED, TAKEN
from support.definitions import TYPED
from support.expressions import EVERYTHING, where

CANONICAL = {"Moment": "2020-03-28T07:02:09.652Z"}


@pytest.fixture(scope="module")
def typed() -> Planner:
    return Planner(TYPED)


@pytest.mark.parametrize(("sent", "expected"), TAKEN)
def test_taken(typed: Planner, sent: Any, expected: str) -> None:
    assert good(typed.insert({"Moment": sent}))["Moment"] == expected
    records = good(typed.insert([CANONICAL, {"Moment": sent}]))["records"]
    assert [each["Moment"] for each in records] == [CANONICAL["Moment"], expected]
    assert good(typed.update(EVERYTHING, {"Moment": sent})) == {"Moment": expected}


@pytest.mark.parametrize(("sent", "expected"), TAKEN)
def test_a_filter_takes_the_same_forms(typed: Planner, sent: Any, expected: str) -> None:
    for operand, form in (("=", sent), (">", sent), ("in", [sent]), ("between", [sent, sent])):
        values = good(typed.query({"query": where("Moment", operand, form)})).where.values
        assert set(values) == {expected}


@pytest.mark.parametrize("sent", REFUSED)
def test_refused(typed: Planner, sent: Any) -> None:
    problem(typed.insert({"Moment": sent}), 422, "invalid_value", "/data/Moment")
    problem(typed.insert([{}, {"Moment": sent}]), 422, "invalid_value", "/data/1/Moment")
    problem(typed.insert([CANONICAL, {"Moment": sent}]), 422, "invalid_value", "/data/1/Moment")
    problem(typed.update(EVERYTHING, {"Moment": sent}), 422, "invalid_value", "/data/Moment")
    pointer = "/query/expressions/0/value"
    problem(typed.query({"query": where("Moment", "<", sent)}), 422, "invalid_value", pointer)


@pytest.mark.parametrize("year", [1600, 1700, 1900, 2000, 2023, 2024, 2100, 2400])
def test_every_month_has_its_last_day_and_no_more(typed: Planner, year: int) -> None:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    last = [f"{year:04d}-{month:02d}-{day:02d}" for month, day in enumerate(days, start=1)]
    records = good(typed.insert([{"Moment": day} for day in last]))["records"]
    assert [record["Moment"] for record in records] == [f"{day}T00:00:00.000Z" for day in last]
    beyond = [f"{year:04d}-{month:02d}-{day + 1:02d}" for month, day in enumerate(days, start=1)]
    assert len(pointers(problem(typed.insert([{"Moment": day} for day in beyond]), 422))) == 12


@pytest.mark.parametrize(
    "bad", ["2021-02-29T00:00:00.000Z", "2020-04-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z"]
)
def test_canonical_texts_that_are_no_dates_are_refused_among_many(typed: Planner, bad: str) -> None:
    rows = [*[CANONICAL] * 500, {"Moment": bad}, *[CANONICAL] * 500]
    problem(typed.insert(rows), 422, "invalid_value", "/data/500/Moment")
