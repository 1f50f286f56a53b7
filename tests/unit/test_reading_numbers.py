"""Numbers and integers: exactly as sent, exactly as answered, to the last digit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from planner import Planner, good, problem

from cases.numbers import BEYOND_DOUBLES, BIG, DOUBLES, INTEGERS, NUMBERS, ROUNDED, exact_digits
from rowkeep.codec.rows import encode
from support.definitions import TYPED

LENIENT = '{"Label": "read leniently", "Flag": "TRUE"}'
"""A row that only the lenient reader takes, so that it reads all rows of the body."""


@pytest.fixture(scope="module")
def typed() -> Planner:
    return Planner(TYPED)


def digits(text: bytes) -> Any:
    return json.loads(text, parse_int=str, parse_float=str)


def taken(typed: Planner, name: str, literal: str) -> str:
    """The number as it is answered and set: by the strict decoder, the lenient reader, and an update."""
    row = f'{{"{name}":{literal}}}'
    texts = {
        digits(good(typed.insert_text(f'{{"data":{row}}}')))[name],
        digits(good(typed.insert_text(f'{{"data":[{row}]}}')))["records"][0][name],
        digits(good(typed.insert_text(f'{{"data":[{LENIENT},{row}]}}')))["records"][1][name],
    }
    cells = good(typed.update_text(f'{{"query":{{"all":true}},"data":{row}}}'))
    texts.add(encode(cells[name]).decode())
    query = f'{{"query":{{"expressions":[{{"field":"{name}","operand":"=","value":{literal}}}]}}}}'
    (sought,) = good(typed.query_text(query)).where.values
    texts.add(encode(sought).decode())
    assert len(texts) == 1, texts
    return texts.pop()


@pytest.mark.parametrize(("literal", "expected"), NUMBERS)
def test_numbers_come_back_as_the_shortest_json(typed: Planner, literal: str, expected: str) -> None:
    assert taken(typed, "Num", literal) == expected


@pytest.mark.parametrize("literal", DOUBLES)
def test_doubles_are_exact(typed: Planner, literal: str) -> None:
    assert float(taken(typed, "Num", literal)) == float(literal.strip('"'))


@pytest.mark.parametrize(("literal", "expected"), INTEGERS)
def test_integers_are_exact(typed: Planner, literal: str, expected: str) -> None:
    assert taken(typed, "Whole", literal) == expected


@pytest.mark.parametrize("literal", BEYOND_DOUBLES)
def test_whole_numbers_beyond_a_double_are_never_rounded(typed: Planner, literal: str) -> None:
    outcome = typed.insert_text(f'{{"data":{{"Whole":{literal}}}}}')
    if outcome.error is not None:
        problem(outcome, 422, "invalid_value", "/data/Whole")
    else:
        assert digits(outcome.value)["Whole"] == exact_digits(literal)


@pytest.mark.parametrize("literal", ROUNDED)
@pytest.mark.parametrize("name", ["Whole", "Moment"])
def test_what_is_not_whole_is_not_rounded(typed: Planner, name: str, literal: str) -> None:
    row = f'{{"{name}":{literal}}}'
    problem(typed.insert_text(f'{{"data":{row}}}'), 422, "invalid_value", f"/data/{name}")
    problem(typed.update_text(f'{{"query":{{"all":true}},"data":{row}}}'), 422, "invalid_value")
    query = f'{{"query":{{"expressions":[{{"field":"{name}","operand":"=","value":{literal}}}]}}}}'
    problem(typed.query_text(query), 422, "invalid_value", "/query/expressions/0/value")


@pytest.mark.parametrize("literal", BIG, ids=range(len(BIG)))
@pytest.mark.parametrize("name", ["Text", "Num", "Whole", "Flag", "Moment"])
def test_numbers_beyond_all_types_are_refused(typed: Planner, name: str, literal: str) -> None:
    problem(typed.insert_text(f'{{"data":{{"{name}":{literal}}}}}'), 422, "invalid_value", f"/data/{name}")
    query = f'{{"query":{{"expressions":[{{"field":"{name}","operand":"=","value":{literal}}}]}}}}'
    problem(typed.query_text(query), 422, "invalid_value", "/query/expressions/0/value")
