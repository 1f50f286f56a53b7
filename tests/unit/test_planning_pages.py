"""``fields``, ``sort``, ``count`` and the page of a query: what is planned and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from planner import Planner, good, problem

from rowkeep.errors.catalogue import InvalidParameter
from rowkeep.http.body_budget import BodyBudget
from rowkeep.http.request import Request
from rowkeep.model.data_requests import RowRange
from support.definitions import TYPED


def page(query: str) -> RowRange:
    """What the query string of a request asks for."""
    scope = {"query_string": query.encode("latin-1"), "headers": []}
    return Request(scope, _unread, BodyBudget(0, 0, 0)).page()


async def _unread() -> dict[str, object]:
    raise AssertionError("a page is read without the body")


def refused(query: str) -> None:
    with pytest.raises(InvalidParameter):
        good(Planner(TYPED).query({}, page(query)))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", RowRange()),
        ("sys_limit=1", RowRange(1)),
        ("sys_offset=0&sys_limit=1000", RowRange(1000, 0)),
        ("sys_limit=0010", RowRange(10)),
        (f"sys_offset={2**63 - 1}", RowRange(10, 2**63 - 1)),
        ("sys_limit=%35", RowRange(5)),
    ],
)
def test_a_page(query: str, expected: RowRange) -> None:
    assert page(query) == expected


def test_a_page_from_beyond_all_counting_is_refused() -> None:
    for offset in (2**63, 10**30, 10**400):
        refused(f"sys_offset={offset}")


@pytest.mark.parametrize(
    "name", ["limit", "sys_Limit", "SYS_LIMIT", "sys-limit", "offset", "cursor", "x", ""]
)
def test_unknown_parameters_are_errors(name: str) -> None:
    refused(f"sys_limit=5&{name}=5")


@pytest.fixture(scope="module")
def typed() -> Planner:
    return Planner(TYPED)


def test_a_limit_beyond_the_setting_is_refused(typed: Planner) -> None:
    assert good(typed.query({}, RowRange(1000))).limit == 1000
    problem(typed.query({}, RowRange(1001)), 400, "invalid_parameter")


@pytest.mark.parametrize(
    "fields", [[], "Label", {"Label": True}, None, 5, True, [5], [None], [["Label"]], ["Label", 5]]
)
def test_fields_are_a_list_of_names(typed: Planner, fields: Any) -> None:
    refusal = problem(typed.query({"fields": fields}), 400)
    assert str(refusal.problems[0].pointer).startswith("/fields")


@pytest.mark.parametrize(
    "name", ["Lable", "", "*", "typed.Label", "Label,Num", "xmin", "rowid", "ctid", "oid"]
)
def test_unknown_fields_are_errors(typed: Planner, name: str) -> None:
    problem(typed.query({"fields": ["Label", name]}), 400, "unknown_column", "/fields/1")


@pytest.mark.parametrize("again", ["Label", "label", "LA-BEL", "l a b e l"])
def test_one_field_twice_is_refused(typed: Planner, again: str) -> None:
    problem(typed.query({"fields": ["Label", "Num", again]}), 400, "duplicate_column", "/fields/2")


@pytest.mark.parametrize("order", ["ASC", "Desc", "descending", "up", "", None, 1, True])
def test_other_orders_are_refused(typed: Planner, order: Any) -> None:
    refusal = problem(typed.query({"sort": [{"field": "Num", "order": order}]}), 400)
    assert refusal.problems[0].pointer == "/sort/0/order"


@pytest.mark.parametrize("sort", ["Num", {"field": "Num"}, 5, True, None, ["Num"], [["Num"]], [None], [5]])
def test_a_sort_is_a_list_of_objects(typed: Planner, sort: Any) -> None:
    refusal = problem(typed.query({"sort": sort}), 400)
    assert str(refusal.problems[0].pointer).startswith("/sort")


@pytest.mark.parametrize("entry", [{}, {"order": "asc"}, {"field": None}, {"field": 5}, {"field": ["Num"]}])
def test_a_sort_names_a_column(typed: Planner, entry: Any) -> None:
    refusal = problem(typed.query({"sort": [{"field": "Num"}, entry]}), 400)
    assert refusal.problems[0].pointer == "/sort/1/field"


def test_unknown_keys_and_columns_are_errors(typed: Planner) -> None:
    response = typed.query({"sort": [{"field": "Num", "nulls": "last"}]})
    problem(response, 400, "unknown_key", "/sort/0/nulls")
    for name in ("Nmu", "", "Num ber", "typed.Num"):
        problem(typed.query({"sort": [{"field": name}]}), 400, "unknown_column", "/sort/0/field")


def test_a_sort_by_one_column_twice_is_refused(typed: Planner) -> None:
    for other in ("Num", "num", "N_um"):
        response = typed.query({"sort": [{"field": "Num"}, {"field": other, "order": "desc"}]})
        problem(response, 400, "duplicate_column", "/sort/1/field")


@pytest.mark.parametrize(
    "limit",
    [
        "0",
        "-1",
        "1001",
        "100000",
        str(2**31),
        str(2**63),
        "9" * 400,
        "ten",
        "",
        "1.5",
        "1e1",
        "+5",
        " 5",
        "5 ",
        "0x5",
        "1_0",
        "٣",
        "５",
        "null",
        "true",
        "NaN",
        "5;",
        "5,5",
        "-0",
        "--5",
    ],
)
def test_other_limits_are_refused_not_cut(limit: str) -> None:
    refused(f"sys_limit={quote(limit)}")


@pytest.mark.parametrize(
    "offset", ["-1", "one", "", "1.5", "1e1", "+5", " 5", "0x5", "1_0", "٣", "５", "null"]
)
def test_other_offsets_are_refused(offset: str) -> None:
    refused(f"sys_offset={quote(offset)}")


@pytest.mark.parametrize("name", ["sys_limit", "sys_offset"])
@pytest.mark.parametrize("values", [("1", "1"), ("1", "2"), ("1", "")])
def test_one_parameter_twice_is_refused(name: str, values: tuple[str, str]) -> None:
    parameters = "&".join(f"{name}={value}" for value in values)
    refused(parameters)


def test_a_parameter_without_a_value_is_refused() -> None:
    refused("sys_limit")
    refused("sys_offset")


@pytest.mark.parametrize("count", ["None", "EXACT", "estimated", "", None, 1, True, [], {}])
def test_other_counts_are_refused(typed: Planner, count: Any) -> None:
    refusal = problem(typed.query({"count": count}), 400)
    assert refusal.problems[0].pointer == "/count"


def test_near_names_are_planned_under_the_own_name(typed: Planner) -> None:
    sort = [{"field": "created on", "order": "desc"}, {"field": "SYS id"}]
    shape = good(typed.query({"fields": ["num", "LA-BEL", "sysid"], "sort": sort})).shape
    assert shape.fields == ("Num", "Label", "sys_Id")
    assert shape.sort == (("Created_On", True), ("_id", False))


def test_order_is_asc_and_count_exact_by_default(typed: Planner) -> None:
    explicit = {"sort": [{"field": "Num", "order": "asc"}], "count": "exact"}
    assert good(typed.query({"sort": [{"field": "Num"}]})) == good(typed.query(explicit))
    assert good(typed.query({"count": "none"})).shape.is_counted is False


def test_every_sort_ends_with_the_key(typed: Planner) -> None:
    """So pages follow each other without a gap."""
    for sort, planned in (
        ([], (("_id", False),)),
        ([{"field": "Num", "order": "desc"}], (("Num", True), ("_id", False))),
        ([{"field": "_id", "order": "desc"}, {"field": "Num"}], (("_id", True),)),
        ([{"field": "sys_Id", "order": "desc"}], (("_id", True),)),
    ):
        assert good(typed.query({"sort": sort})).shape.sort == planned
