"""Dates: every form that is taken and how it comes back, and forms that are refused."""

from __future__ import annotations

from answers import good, pointers, problem, records, rows
from expressions import where

from cases.dates import ONE_OF_EACH_KIND, REFUSED, TAKEN
from support.bot import Bot


def test_taken(typed: Bot) -> None:
    """Every form in one bulk, and one of each kind in an insert and an update."""
    sent, expected = zip(*TAKEN, strict=True)
    stored = records(typed.bulk("typed", [{"Label": "taken", "Moment": each} for each in sent]))
    assert [row["Moment"] for row in stored] == list(expected)
    query = where("Label", "=", "taken")
    assert rows(typed.query("typed", {"query": query}, sys_limit=1000)) == stored
    for form, moment in ONE_OF_EACH_KIND:
        row = good(typed.insert("typed", {"Moment": form}))
        assert row["Moment"] == moment
        (changed,) = records(typed.update("typed", where("_id", "=", row["_id"]), {"Moment": form}))
        assert changed["Moment"] == moment


def test_a_filter_takes_the_same_forms(typed: Bot) -> None:
    for form, moment in ONE_OF_EACH_KIND:
        row = good(typed.insert("typed", {"Moment": moment, "Label": f"filtered {form}"}))
        query = {
            "expressions": [
                {"field": "Label", "operand": "=", "value": row["Label"]},
                {"field": "Moment", "operand": "between", "value": [form, form]},
                {"field": "Moment", "operand": "=", "value": form},
            ]
        }
        assert [found["Moment"] for found in rows(typed.query("typed", {"query": query}))] == [moment]


def test_refused(typed: Bot) -> None:
    """Every form in one bulk, and one in an insert and a filter."""
    refusal = problem(typed.bulk("typed", [{}, *({"Moment": sent} for sent in REFUSED[:99])]), 422)
    assert pointers(refusal) == [f"/data/{at}/Moment" for at in range(1, 100)]
    refusal = problem(typed.bulk("typed", [{}, *({"Moment": sent} for sent in REFUSED[99:])]), 422)
    assert pointers(refusal) == [f"/data/{at}/Moment" for at in range(1, len(REFUSED) - 98)]
    problem(typed.insert("typed", {"Moment": "2021-02-29"}), 422, "invalid_value", "/data/Moment")
    pointer = "/query/expressions/0/value"
    query = where("Moment", "<", "2021-02-29")
    problem(typed.query("typed", {"query": query}), 422, "invalid_value", pointer)
