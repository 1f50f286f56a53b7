"""Numbers and integers: exactly as sent, exactly as answered, to the last digit."""

from __future__ import annotations

import json

import httpx
import pytest
from answers import good, problem
from expressions import where

from cases.numbers import BEYOND_DOUBLES, DOUBLES, INTEGERS, NUMBERS, exact_digits
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


def all_taken(bot: Bot, name: str, literals: list[str]) -> list[str]:
    """The numbers as the answers of a bulk and of a query write them, which must be the same."""
    label = f"{name} from {literals[0]}"
    rows = ",".join(f'{{"Label":"{label}","{name}":{literal}}}' for literal in literals)
    bulk = bot.request("POST", f"{TYPED}/bulk", content=f'{{"data":[{rows}]}}', headers=HEADERS)
    good(bulk)
    queried = bot.query("typed", {"query": where("Label", "=", label)}, sys_limit=1000)
    good(queried)
    texts = [
        [row[name] for row in json.loads(text, parse_int=str, parse_float=str)[key]]
        for text, key in ((bulk.text, "records"), (queried.text, "queryResult"))
    ]
    assert texts[0] == texts[1]
    return texts[0]


def taken(bot: Bot, name: str, literal: str) -> str:
    """The number as every answer writes it: of an insert, an update and a query."""
    response = raw_insert(bot, name, literal)
    texts = {answered(response, name)}
    query = where("_id", "=", good(response)["_id"])
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


def test_numbers_come_back_as_the_shortest_json(typed: Bot) -> None:
    expected = [answer for _, answer in NUMBERS]
    assert all_taken(typed, "Num", [literal for literal, _ in NUMBERS]) == expected
    assert taken(typed, "Num", '"-1.50"') == "-1.5"


def test_doubles_are_exact(typed: Bot) -> None:
    texts = all_taken(typed, "Num", DOUBLES)
    assert list(map(float, texts)) == [float(literal.strip('"')) for literal in DOUBLES]
    for literal in ("5e-324", "1.7976931348623157e308", "0.30000000000000004"):
        assert float(taken(typed, "Num", literal)) == float(literal)


def test_integers_are_exact(typed: Bot) -> None:
    expected = [answer for _, answer in INTEGERS]
    assert all_taken(typed, "Whole", [literal for literal, _ in INTEGERS]) == expected
    for whole in (2**63 - 1, -(2**63)):
        assert taken(typed, "Whole", str(whole)) == str(whole)


def test_whole_numbers_beyond_a_double_are_never_rounded(typed: Bot) -> None:
    for literal in BEYOND_DOUBLES:
        response = raw_insert(typed, "Whole", literal)
        if response.status_code != 200:
            problem(response, 422, "invalid_value", "/data/Whole")
        else:
            assert answered(response, "Whole") == exact_digits(literal)


@pytest.mark.parametrize("name", ["Text", "Num", "Whole", "Flag", "Moment"])
def test_numbers_beyond_all_types_are_refused(typed: Bot, name: str) -> None:
    for literal in ("9" * 400, "1e400"):
        problem(raw_insert(typed, name, literal), (400, 422))
        query = f'{{"query":{{"expressions":[{{"field":"{name}","operand":"=","value":{literal}}}]}}}}'
        problem(typed.request("POST", f"{TYPED}/query", content=query, headers=HEADERS), (400, 422))
