"""Definitions of tables that are wrong: every way is refused with a code and a pointer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from planner import Outcome, pointers, problem

from cases.definitions import WRONG_COLUMNS, WRONG_INDEXES, WRONG_MEMBERS, A
from rowkeep.codec.json_bodies import body_decoder, decode_body
from rowkeep.model.definitions.tables import TableBody, read_table
from support.definitions import column, index, table

DECODER = body_decoder(TableBody)


def read(definition: Any) -> Outcome:
    """A definition as ``POST .../tables`` reads it."""
    return read_text(json.dumps(definition).encode())


def read_text(body: bytes) -> Outcome:
    return Outcome(lambda: read_table(decode_body(body, DECODER), "t", {}, 1))


def refused(definition: Any, code: str, pointer: str) -> Any:
    """The refusal of a definition. Without a code, any of a body's will do."""
    refusal = problem(read(definition), 400, code or None, pointer)
    assert refusal.code == code or refusal.code in ("invalid_body", "invalid_definition", "invalid_name")
    return refusal


@pytest.mark.parametrize(("definition", "code", "pointer"), WRONG_MEMBERS)
def test_wrong_members(definition: Any, code: str, pointer: str) -> None:
    refused(definition, code, pointer)


@pytest.mark.parametrize(("wrong", "code", "pointer"), WRONG_COLUMNS)
def test_wrong_columns(wrong: Any, code: str, pointer: str) -> None:
    refused(table("t", A, wrong), code, "/schemaDef/1" + pointer)


@pytest.mark.parametrize(("wrong", "code", "pointer"), WRONG_INDEXES)
def test_wrong_indexes(wrong: Any, code: str, pointer: str) -> None:
    refused(table("t", A, indexes=(index("i", "A"), wrong)), code, "/indexes/1" + pointer)


@pytest.mark.parametrize("body", [b"[]", b'[{"name":"t"}]', b'"t"', b"5", b"null"])
def test_a_definition_is_an_object(body: bytes) -> None:
    problem(read_text(body), 400, "invalid_body")


def test_only_system_columns_are_no_table() -> None:
    only = table("t", {"name": "_id", "type": "string", "readOnly": True})
    refused(only, "invalid_definition", "/schemaDef")


def test_too_many_columns() -> None:
    wide = table("t", *(column(f"C{number}") for number in range(401)))
    refused(wide, "invalid_definition", "/schemaDef")


def test_too_many_indexes() -> None:
    many = table("t", A, indexes=tuple(index(f"i{number}", "A") for number in range(65)))
    refused(many, "invalid_definition", "/indexes")


def test_too_many_columns_in_an_index() -> None:
    names = [f"C{number}" for number in range(17)]
    wide = table("t", *map(column, names), indexes=(index("i", *names),))
    refused(wide, "invalid_definition", "/indexes/0/columns")


def test_a_default_too_long_for_its_index() -> None:
    definition = table("t", column("A", default="é" * 1301), indexes=(index("i", "A"),))
    refused(definition, "invalid_definition", "/schemaDef/0/default")


def test_at_most_a_hundred_problems_are_listed() -> None:
    refusal = refused(table("t", *[column("x y")] * 300), "invalid_name", "/schemaDef/0/name")
    assert len(refusal.problems) == 100


def test_what_is_repeated_of_the_request_is_short_and_harmless() -> None:
    refusal = refused(table("\r\n\x1b" * 5000, A), "invalid_name", "/name")
    assert len(refusal.msg) < 1000
    assert refusal.msg.isprintable()


def test_everything_wrong_is_reported_at_once() -> None:
    wrong = column("x y"), column("B", "text"), column("C", "number", default="c")
    refusal = refused(table("a b", *wrong, indexes=(index("i", "D"),)), "invalid_name", "/name")
    assert set(pointers(refusal)) >= {
        "/name",
        "/schemaDef/0/name",
        "/schemaDef/1/type",
        "/schemaDef/2/default",
        "/indexes/0/columns/0/name",
    }
