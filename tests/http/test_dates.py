"""Dates: every form that is taken and how it comes back, and forms that are refused."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, problem, records, rows
from expressions import where

from support.bot import Bot

TAKEN: list[tuple[Any, str]] = [
    ("2020-03-28T07:02:09.652Z", "2020-03-28T07:02:09.652Z"),
    ("2020-03-28T07:02:09Z", "2020-03-28T07:02:09.000Z"),
    ("2020-03-28T07:02:09.6Z", "2020-03-28T07:02:09.600Z"),
    ("2020-03-28T07:02:09.65Z", "2020-03-28T07:02:09.650Z"),
    ("2020-03-28T07:02:09.05Z", "2020-03-28T07:02:09.050Z"),
    # More than milliseconds are cut, not rounded.
    ("2020-03-28T07:02:09.6529Z", "2020-03-28T07:02:09.652Z"),
    ("2020-03-28T07:02:09.999999Z", "2020-03-28T07:02:09.999Z"),
    ("2020-03-28T07:02:09.9999999999Z", "2020-03-28T07:02:09.999Z"),
    ("2020-03-28T07:02:09." + "1" * 300 + "Z", "2020-03-28T07:02:09.111Z"),
    ("2020-12-31T23:59:59.9999+00:00", "2020-12-31T23:59:59.999Z"),
    ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
    ("1969-12-31T23:59:59.0009Z", "1969-12-31T23:59:59.000Z"),
    # Offsets are converted to UTC.
    ("2020-03-28T07:02:09.652+00:00", "2020-03-28T07:02:09.652Z"),
    ("2020-03-28T07:02:09.652-00:00", "2020-03-28T07:02:09.652Z"),
    ("2020-03-28T12:32:09+05:30", "2020-03-28T07:02:09.000Z"),
    ("2020-03-27T23:02:09-08:00", "2020-03-28T07:02:09.000Z"),
    ("2020-02-28T23:30:00-01:00", "2020-02-29T00:30:00.000Z"),
    ("2021-01-01T00:00:00+23:59", "2020-12-31T00:01:00.000Z"),
    ("2020-12-31T23:59:59-23:59", "2021-01-01T23:58:59.000Z"),
    # A bare date is its first moment in UTC.
    ("2020-03-28", "2020-03-28T00:00:00.000Z"),
    ("2020-02-29", "2020-02-29T00:00:00.000Z"),
    ("2000-02-29", "2000-02-29T00:00:00.000Z"),
    ("0001-01-01", "0001-01-01T00:00:00.000Z"),
    ("9999-12-31", "9999-12-31T00:00:00.000Z"),
    # Leap seconds.
    ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
    ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:59.999Z"),
    ("2017-01-01T08:59:60+09:00", "2016-12-31T23:59:59.999Z"),
    ("2016-12-31T15:59:60.000-08:00", "2016-12-31T23:59:59.999Z"),
    # The years 0001 to 9999, after conversion to UTC.
    ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ("0001-01-01T00:00:00-01:00", "0001-01-01T01:00:00.000Z"),
    ("0001-01-01T01:00:00+01:00", "0001-01-01T00:00:00.000Z"),
    ("0000-12-31T23:30:00-01:00", "0001-01-01T00:30:00.000Z"),
    ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
    ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.999Z"),
    ("9999-12-31T23:59:59.999+00:01", "9999-12-31T23:58:59.999Z"),
    ("0099-06-15T12:00:00Z", "0099-06-15T12:00:00.000Z"),
    # Milliseconds since 1970.
    (0, "1970-01-01T00:00:00.000Z"),
    (-1, "1969-12-31T23:59:59.999Z"),
    (1, "1970-01-01T00:00:00.001Z"),
    (1585378929652, "2020-03-28T07:02:09.652Z"),
    (1585378929652.0, "2020-03-28T07:02:09.652Z"),
    (-62135596800000, "0001-01-01T00:00:00.000Z"),
    (253402300799999, "9999-12-31T23:59:59.999Z"),
    (-2208988800001, "1899-12-31T23:59:59.999Z"),
    (951782400000, "2000-02-29T00:00:00.000Z"),
]

REFUSED: list[Any] = [
    "2020-03-28t07:02:09Z",
    "2020-03-28T07:02:09z",
    "2020-03-28 07:02:09Z",
    "2020-03-28_07:02:09Z",
    "2020-03-28T07:02:09",
    "2020-03-28T07:02:09.652",
    "2020-03-28T07:02Z",
    "2020-03-28T07Z",
    "2020-03-28T",
    "2020-03-28Z",
    "2020-03-28+00:00",
    "2020-03-28T24:00:00Z",
    "2020-03-28T24:00:00.000+00:00",
    "2020-03-28T25:00:00Z",
    "2020-03-28T07:60:00Z",
    "2020-03-28T07:02:61Z",
    "2020-03-28T07:02:99Z",
    "2020-03-28T07:02:09.Z",
    "2020-03-28T07:02:09,652Z",
    "2020-03-28T07:02:09.6a2Z",
    "2020-03-28T07:02:09+0100",
    "2020-03-28T07:02:09+01",
    "2020-03-28T07:02:09+1:00",
    "2020-03-28T07:02:09+24:00",
    "2020-03-28T07:02:09+01:60",
    "2020-03-28T07:02:09+99:99",
    "2020-03-28T07:02:09+01:00:00",
    "2020-03-28T07:02:09\u221201:00",
    "2020-03-28T07:02:09 Z",
    "2020-03-28T07:02:09ZZ",
    "2020-03-28T07:02:09Z+00:00",
    "2020-03-28T07:02:09[UTC]",
    "2020-03-28T07:02:09Z[UTC]",
    "2020-03-28T07:02:09 UTC",
    " 2020-03-28",
    "2020-03-28 ",
    "2020-03-28\n",
    "2020-03-28T07:02:09Z\n",
    "20200328",
    "20200328T070209Z",
    "2020-3-28",
    "2020-03-8",
    "20-03-28",
    "2020-03",
    "2020",
    "2020-W13",
    "2020-W13-6",
    "2020W136",
    "2020-088",
    "2020/03/28",
    "28.03.2020",
    "03/28/2020",
    "28 Mar 2020",
    "Sat, 28 Mar 2020 07:02:09 GMT",
    "+2020-03-28",
    "-2020-03-28",
    "02020-03-28",
    "12020-03-28",
    "2020-00-28",
    "2020-13-28",
    "2020-03-00",
    "2020-03-32",
    "2020-04-31",
    "2020-02-30",
    "2021-02-29",
    "1900-02-29",
    "2021-02-29T07:02:09Z",
    "2021-02-30T00:00:00.000Z",
    "2020-13-28T07:02:09.652Z",
    "2020-03-28T24:00:00.000Z",
    "0000-01-01T00:00:00.000Z",
    "0000-01-01",
    "0000-12-31T23:30:00Z",
    "0001-01-01T00:00:00+00:01",
    "0001-01-01T00:30:00+01:00",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:30:00-01:00",
    "10000-01-01T00:00:00Z",
    "２０２０-03-28",
    "٢٠٢٠-٠٣-٢٨",
    "2020-03-28T07:02:09.６Z",
    "2020–03–28",
    "1585378929652",
    "0",
    "-1",
    "1e3",
    "now",
    "null",
    " ",
    "Z",
    "T",
    "2020-03-28\x00",
    -62135596800001,
    253402300800000,
    10**18,
    10**30,
    1e300,
    1e30,
    True,
    False,
    [],
    ["2020-03-28"],
    {},
    {"$date": "2020-03-28"},
]


@pytest.mark.parametrize(("sent", "expected"), TAKEN)
def test_taken(typed: Bot, sent: Any, expected: str) -> None:
    row = good(typed.insert("typed", {"Moment": sent}))
    assert row["Moment"] == expected
    (other,) = records(typed.bulk("typed", [{"Moment": sent}]))
    assert other["Moment"] == expected
    (changed,) = records(typed.update("typed", where("_id", "=", other["_id"]), {"Moment": sent}))
    assert changed["Moment"] == expected
    assert rows(typed.query("typed", {"query": where("_id", "in", [row["_id"]])})) == [row]


@pytest.mark.parametrize(("sent", "expected"), TAKEN)
def test_a_filter_takes_the_same_forms(typed: Bot, sent: Any, expected: str) -> None:
    row = good(typed.insert("typed", {"Moment": expected, "Label": f"filtered {sent}"}))
    query = {
        "expressions": [
            {"field": "Label", "operand": "=", "value": row["Label"]},
            {"field": "Moment", "operand": "between", "value": [sent, sent]},
            {"field": "Moment", "operand": "=", "value": sent},
        ]
    }
    assert [found["Moment"] for found in rows(typed.query("typed", {"query": query}))] == [expected]


@pytest.mark.parametrize("sent", REFUSED)
def test_refused(typed: Bot, sent: Any) -> None:
    problem(typed.insert("typed", {"Moment": sent}), 422, "invalid_value", "/data/Moment")
    problem(typed.bulk("typed", [{}, {"Moment": sent}]), 422, "invalid_value", "/data/1/Moment")
    good_row = {"Moment": "2020-03-28T07:02:09.652Z"}
    problem(typed.bulk("typed", [good_row, {"Moment": sent}]), 422, "invalid_value", "/data/1/Moment")
    pointer = "/query/expressions/0/value"
    problem(typed.query("typed", {"query": where("Moment", "<", sent)}), 422, "invalid_value", pointer)


def test_every_day_of_four_hundred_years_ends(typed: Bot) -> None:
    """The last day of each month is there and the next one is not."""
    days = {1: 31, 3: 31, 4: 30, 5: 31, 6: 30, 7: 31, 8: 31, 9: 30, 10: 31, 11: 30, 12: 31}
    for year in (1600, 1700, 1900, 2000, 2023, 2024, 2100, 2400):
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        months = {**days, 2: 29 if leap else 28}
        last = [f"{year:04d}-{month:02d}-{months[month]:02d}" for month in months]
        answer = records(typed.bulk("typed", [{"Moment": day} for day in last]))
        assert [record["Moment"] for record in answer] == [f"{day}T00:00:00.000Z" for day in last]
        beyond = [f"{year:04d}-{month:02d}-{months[month] + 1:02d}" for month in months]
        refusal = problem(typed.bulk("typed", [{"Moment": day} for day in beyond]), 422)
        assert len(refusal["errors"]) == 12


def test_canonical_texts_that_are_no_dates_are_refused_among_many(typed: Bot) -> None:
    data: list[dict[str, Any]] = [{"Moment": "2020-03-28T07:02:09.652Z"}] * 500
    for bad in ("2021-02-29T00:00:00.000Z", "2020-04-31T23:59:59.999Z", "0000-01-01T00:00:00.000Z"):
        rows_sent = [*data, {"Moment": bad}, *data]
        problem(typed.bulk("typed", rows_sent), 422, "invalid_value", "/data/500/Moment")
