"""Charts: what a request says is checked and stored by keys of columns, and read with their names of now."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from planner import Outcome, problem

from rowkeep.model.charts import ChartPlan, ChartSource, charts_of
from rowkeep.model.definitions.tables import TableBody, read_table
from rowkeep.model.tables import Table
from rowkeep.plan.charts.read import chart_source, named_chart, read_chart

LIMIT = 3
ORDERS: dict[str, Any] = {
    "name": "orders",
    "schemaDef": [
        {"name": "City", "type": "string"},
        {"name": "Price", "type": "decimal"},
        {"name": "Note", "type": "json"},
        {"name": "Card", "type": "string", "isEncrypted": True},
    ],
}


def table_of(definition: dict[str, Any]) -> Table:
    return read_table(msgspec.convert(definition, TableBody), "t1", {}, 1)


SOURCE = chart_source(table_of(ORDERS), {})
VIEW = ChartSource("v1", "sums", True, SOURCE.columns)


def plan(**members: Any) -> ChartPlan:
    return msgspec.convert({"kind": "bar", "category": "City"} | members, ChartPlan)


def only(field: str, operand: str = "=", **more: Any) -> dict[str, Any]:
    return {"expressions": [{"field": field, "operand": operand, **more}]}


@pytest.mark.parametrize("source", [SOURCE, VIEW], ids=["table", "view"])
def test_what_is_stored_has_the_names_it_was_made_of(source: ChartSource) -> None:
    parts = [{"not": only("Card", "is null")}, only("city", value="Rome")]
    query = {"expressions": parts, "operator": "OR"}
    given = plan(category="city", aggregate="sum", value="PRICE", query=query, search="é")
    stored = read_chart(given, source, LIMIT)
    assert set(stored.names.values()) == {"City", "Price", "Card"}
    assert (stored.category == "City") is source.is_view
    named, trouble = named_chart(msgspec.convert(msgspec.to_builtins(stored), ChartPlan), source, LIMIT)
    assert trouble is None
    assert (named.category, named.value, named.search, named.names) == ("City", "Price", "é", {})
    assert msgspec.to_builtins(named.query) == {
        "expressions": [{"not": only("Card", "is null")}, only("City", value="Rome")],
        "operator": "or",
    }


def test_a_chart_follows_columns_of_a_table() -> None:
    stored = read_chart(plan(aggregate="avg", value="Price", query=only("City", value="")), SOURCE, LIMIT)
    columns = [msgspec.structs.replace(each, name=f"New_{each.name}") for each in SOURCE.columns]
    renamed = msgspec.structs.replace(SOURCE, columns=tuple(columns))
    named, trouble = named_chart(stored, renamed, LIMIT)
    assert (named.category, named.value, trouble) == ("New_City", "New_Price", None)
    assert msgspec.to_builtins(named.query) == only("New_City", value="")
    # another column with the former name is not the same one
    other = msgspec.structs.replace(SOURCE.columns[1], id="other")
    named, trouble = named_chart(stored, msgspec.structs.replace(SOURCE, columns=(columns[0], other)), LIMIT)
    assert named.value == "Price"
    assert trouble == 'Table orders no longer has the column "Price".'
    text = msgspec.structs.replace(SOURCE.columns[1], type="string")
    _, trouble = named_chart(stored, msgspec.structs.replace(SOURCE, columns=(columns[0], text)), LIMIT)
    assert trouble == '"avg" needs a numeric column; Price is of type string.'


def test_a_column_of_a_view_is_its_name() -> None:
    stored = read_chart(plan(), VIEW, LIMIT)
    _, trouble = named_chart(stored, msgspec.structs.replace(VIEW, columns=VIEW.columns[1:]), LIMIT)
    assert trouble == 'View sums no longer has the column "City".'


WRONG: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"category": None}, "invalid_chart", "/category"),
    ({"kind": "number"}, "invalid_chart", "/category"),
    ({"category": "Town"}, "unknown_column", "/category"),
    ({"category": "Note"}, "invalid_chart", "/category"),
    ({"category": "Card"}, "invalid_chart", "/category"),
    ({"aggregate": "sum"}, "invalid_chart", "/value"),
    ({"value": "Price"}, "invalid_chart", "/value"),
    ({"aggregate": "max", "value": "City"}, "invalid_chart", "/value"),
    ({"aggregate": "max", "value": "Cost"}, "unknown_column", "/value"),
    ({"query": only("Town", value=1)}, "unknown_column", "/query/expressions/0/field"),
    ({"query": only("City", "near", value=1)}, "unknown_operand", "/query/expressions/0/operand"),
    ({"query": only("Price", ">", value="much")}, "invalid_value", "/query/expressions/0/value"),
    ({"query": only("Card", value="1234")}, "invalid_chart", "/query"),
    ({"query": {"field": "City"}}, "invalid_filter", "/query/field"),
    ({"query": {"expressions": [only("City", "is null")] * 4}}, "invalid_filter", None),
)


@pytest.mark.parametrize(("members", "code", "where"), WRONG, ids=str)
def test_what_is_refused(members: dict[str, Any], code: str, where: str | None) -> None:
    outcome = Outcome(lambda: read_chart(plan(**members), SOURCE, LIMIT))
    problem(outcome, (400, 422), code, where)


def test_a_filter_that_matches_every_row_is_none() -> None:
    for query in ({"all": True}, {"expressions": []}, {}):
        assert read_chart(plan(query=query), SOURCE, LIMIT).query is None


def test_charts_for_other_users() -> None:
    row = {"thing_id": "t1", "name_key": "a", "definition": "{}"}
    rows = [
        row | {"id": "1", "scope": "", "user_id": "ada"},
        row | {"id": "2", "scope": "", "user_id": None, "name_key": "b"},
        row | {"id": "3", "scope": "bob", "user_id": "bob"},
        row | {"id": "4", "scope": "ada", "user_id": "ada"},
        row | {"id": "5", "scope": "ada too", "user_id": "ada too"},
        row | {"id": "6", "scope": "", "user_id": "bob", "name_key": "c"},
    ]
    found = [*charts_of(rows, {"ada": "new", "ada too": "new"})]
    owners = {each["id"]: (each["scope"], each["user_id"]) for each in found}
    assert owners == {"1": ("", "new"), "2": ("", None), "4": ("new", "new"), "6": ("", None)}
