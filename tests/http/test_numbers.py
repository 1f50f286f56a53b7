"""Numbers and integers: exactly as sent, exactly as answered, to the last digit."""

from __future__ import annotations

import json

import httpx
import pytest
from answers import good, problem
from expressions import where

from support.bot import Bot

TYPED = "/api/public/tables/typed"
HEADERS = {"Content-Type": "application/json"}


def raw_insert(bot: Bot, name: str, literal: str) -> httpx.Response:
    """Insert a value exactly as it is written in JSON."""
    return bot.request("POST", TYPED, content=f'{{"data":{{"{name}":{literal}}}}}', headers=HEADERS)


def answered(response: httpx.Response, name: str) -> str:
    """A number exactly as the answer writes it."""
    good(response)
    numbers: list[str] = []
    json.loads(response.text.replace(" ", ""), parse_int=numbers.append, parse_float=numbers.append)
    (number,) = numbers
    return number


def taken(bot: Bot, name: str, literal: str) -> str:
    """The number as every answer writes it: of an insert, a bulk, an update and a query."""
    texts = {answered(raw_insert(bot, name, literal), name)}
    content = f'{{"data":[{{"{name}":{literal}}}]}}'
    response = bot.request("POST", f"{TYPED}/bulk", content=content, headers=HEADERS)
    texts.add(answered(response, name))
    row = good(response)["records"][0]
    query = where("_id", "=", row["_id"])
    assert good(bot.update("typed", query, {name: None}))["records"][0][name] is None
    content = f'{{"query":{json.dumps(query)},"data":{{"{name}":{literal}}}}}'
    updated = json.loads(
        bot.request("PUT", TYPED, content=content, headers=HEADERS).text, parse_int=str, parse_float=str
    )
    texts.add(updated["records"][0][name])
    queried = json.loads(bot.query("typed", {"query": query}).text, parse_int=str, parse_float=str)
    texts.add(queried["queryResult"][0][name])
    assert len(texts) == 1, texts
    return texts.pop()


NUMBERS = [
    ("263", "263"),
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("0e10", "0"),
    ("1e2", "100"),
    ("1E2", "100"),
    ("1e+2", "100"),
    ("100", "100"),
    ("100000", "100000"),
    ("263.0", "263"),
    ("263.00", "263"),
    ("-1.50", "-1.5"),
    ("0.1", "0.1"),
    ("1e-1", "0.1"),
    ("0.30000000000000004", "0.30000000000000004"),
    ("9007199254740991", "9007199254740991"),
    ("-9007199254740991", "-9007199254740991"),
    ("9007199254740990.0", "9007199254740990"),
    ("123456.789e3", "123456789"),
    ('"263"', "263"),
    ('"-0"', "0"),
    ('"1e2"', "100"),
    ('"263.0"', "263"),
    ('"0.10"', "0.1"),
    ('"1E-1"', "0.1"),
    ('"9007199254740991"', "9007199254740991"),
]


@pytest.mark.parametrize(("literal", "expected"), NUMBERS)
def test_numbers_come_back_as_the_shortest_json(typed: Bot, literal: str, expected: str) -> None:
    assert taken(typed, "Num", literal) == expected


DOUBLES = [
    "1e300",
    "-1e300",
    "5e-324",
    "2.2250738585072014e-308",
    "1.7976931348623157e308",
    "1e21",
    "1e16",
    "1e22",
]
DOUBLES += [
    "9007199254740992.0",
    "9.007199254740993e15",
    "1.2345678901234567e19",
    "0.1234567890123456",
    "3e-5",
    "1e-7",
]
DOUBLES += [
    "123456789012345680.0",
    "4.35",
    "2.675",
    "1.1e-300",
    '"1e300"',
    '"5e-324"',
    '"9007199254740992.0"',
    "1e15",
]


@pytest.mark.parametrize("literal", DOUBLES)
def test_doubles_are_exact(typed: Bot, literal: str) -> None:
    assert float(taken(typed, "Num", literal)) == float(literal.strip('"'))


INTEGERS = [
    ("0", "0"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("1.0", "1"),
    ("1e3", "1000"),
    ("-1e3", "-1000"),
    ("1.5e1", "15"),
    ('"1.0"', "1"),
    ('"1e3"', "1000"),
    ('"-0"', "0"),
    ('"0e5"', "0"),
    ('"150e-1"', "15"),
    ("9007199254740993", "9007199254740993"),
    ('"9007199254740993"', "9007199254740993"),
    ('"9007199254740993.0"', "9007199254740993"),
    (str(2**63 - 1), str(2**63 - 1)),
    (str(-(2**63)), str(-(2**63))),
    (f'"{2**63 - 1}"', str(2**63 - 1)),
    (f'"{-(2**63)}"', str(-(2**63))),
    (f'"{2**63 - 1}.0"', str(2**63 - 1)),
]


@pytest.mark.parametrize(("literal", "expected"), INTEGERS)
def test_integers_are_exact(typed: Bot, literal: str, expected: str) -> None:
    assert taken(typed, "Whole", literal) == expected


@pytest.mark.parametrize(
    "literal", ["9007199254740993.0", "9.007199254740993e15", "9223372036854775807.0", "1e18"]
)
def test_whole_numbers_beyond_a_double_are_never_rounded(typed: Bot, literal: str) -> None:
    response = raw_insert(typed, "Whole", literal)
    if response.status_code != 200:
        problem(response, 422, "invalid_value", "/data/Whole")
    else:
        whole, _, exponent = literal.replace(".0", "").partition("e")
        digits = whole.replace(".", "").ljust(int(exponent or 0) + 1, "0")
        assert answered(response, "Whole") == digits


BIG = [
    "9" * 25,
    "-" + "9" * 25,
    "9" * 400,
    "9" * 5000,
    "1" + "0" * 100_000,
    "1e400",
    "-1e400",
    "1e999999999999",
]


@pytest.mark.parametrize("literal", BIG)
@pytest.mark.parametrize("name", ["Text", "Num", "Whole", "Flag", "Moment"])
def test_numbers_beyond_all_types_are_refused(typed: Bot, name: str, literal: str) -> None:
    problem(raw_insert(typed, name, literal), (400, 422))
    query = f'{{"query":{{"expressions":[{{"field":"{name}","operand":"=","value":{literal}}}]}}}}'
    problem(typed.request("POST", f"{TYPED}/query", content=query, headers=HEADERS), (400, 422))
