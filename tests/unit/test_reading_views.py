"""Definitions of views that are wrong: everything wrong is reported at once, with code and pointers."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from planner import Outcome, good, pointers, problem

from cases.views import ORDERS, PEOPLE, WRONG, join, view
from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.definitions.views import ViewBody, definition_of_view
from rowkeep.model.tables import Table, name_key
from rowkeep.plan.views.read import read_view
from support.expressions import where

DECODER = body_decoder(ViewBody)
ONE = name_key("one")
"""There is a view of this name."""


def table_of(definition: dict[str, Any]) -> Table:
    return read_table(msgspec.convert(definition, TableBody), definition["name"], {}, 1)


TABLES = {name_key(each["name"]): table_of(each) for each in (PEOPLE, ORDERS)}


def read(definition: dict[str, Any]) -> Outcome:
    """A definition as ``POST .../views`` reads it."""
    text = json.dumps(definition).encode()
    return Outcome(lambda: read_view(decode_body(text, DECODER), "v", TABLES, {ONE: "one"}))


@pytest.mark.parametrize(("definition", "code", "expected"), WRONG, ids=str)
def test_everything_wrong_is_reported_at_once(
    definition: dict[str, Any], code: str, expected: list[str]
) -> None:
    assert pointers(problem(read(definition), 400, code)) == expected


def test_what_is_read_is_written_the_same() -> None:
    sent = view(joins=[join()], filter=where("people.Age", "in", ["7", None]), groupBy=["people.Name"])
    sent |= {
        "columns": ["people.Name", {"expr": " count( distinct  orders.Who )", "as": "Whos"}],
        "having": where("Whos", ">", "1"),
        "sortBy": [{"field": "Whos"}],
    }
    by_id = {table.id: table for table in TABLES.values()}
    written = definition_of_view(good(read(sent)), by_id)
    assert written["columns"] == ["people.Name", {"expr": "count(distinct orders.Who)", "as": "Whos"}]
    assert written["filter"] == where("people.Age", "in", [7, None])
    assert written["having"] == where("Whos", ">", 1)
    assert written["sortBy"] == [{"field": "Whos", "order": "asc"}]
    again = definition_of_view(good(read(json.loads(msgspec.json.encode(written)))), by_id)
    assert again == written


@pytest.mark.parametrize(
    ("operand", "sent", "stored"), [("=", "", None), ("!=", "", None), ("in", ["", "7"], [None, 7])]
)
def test_an_empty_string_is_null_where_no_string_can_be(operand: str, sent: Any, stored: Any) -> None:
    text = view(filter=where("people.Age", operand, sent), groupBy=["people.Name"])
    text |= {
        "columns": ["people.Name", {"expr": "max(people.Age)", "as": "Years"}],
        "having": where("Years", operand, sent),
    }
    written = definition_of_view(good(read(text)), {table.id: table for table in TABLES.values()})
    assert written["filter"] == where("people.Age", operand, stored)
    assert written["having"] == where("Years", operand, stored)


def test_an_empty_string_stays_one_in_a_column_of_strings() -> None:
    found = good(read(view(filter=where("people.Name", "=", ""))))
    by_id = {table.id: table for table in TABLES.values()}
    assert definition_of_view(found, by_id)["filter"] == where("people.Name", "=", "")
