"""Definitions that are wrong: every way is a 400 that points at the place."""

from __future__ import annotations

from typing import Any

import pytest
from answers import good, pointers, problem
from definitions import column, index, table

from support.workspace import Workspace

A = column("A")

WRONG_MEMBERS: list[tuple[Any, str, str]] = [
    ({"name": "t", "schemaDef": "A"}, "", "/schemaDef"),
    ({"name": "t", "schemaDef": {"A": "string"}}, "", "/schemaDef"),
    ({"name": "t", "schemaDef": None}, "", "/schemaDef"),
    ({"name": "t"}, "", "/schemaDef"),
    ({"name": "t", "schemaDef": []}, "invalid_definition", "/schemaDef"),
    ({"name": "t", "schemaDef": ["A"]}, "", "/schemaDef/0"),
    ({"name": "t", "schemaDef": [A, None]}, "", "/schemaDef/1"),
    ({"schemaDef": [A]}, "", "/name"),
    ({"name": None, "schemaDef": [A]}, "", "/name"),
    ({"name": 5, "schemaDef": [A]}, "", "/name"),
    ({"name": "", "schemaDef": [A]}, "invalid_name", "/name"),
    ({"name": "a b", "schemaDef": [A]}, "invalid_name", "/name"),
    ({"name": "t" * 64, "schemaDef": [A]}, "invalid_name", "/name"),
    ({"name": "t", "schemaDef": [A], "description": 5}, "", "/description"),
    ({"name": "t", "schemaDef": [A], "description": "x" * 101}, "invalid_definition", "/description"),
    ({"name": "t", "schemaDef": [A], "description": "\x00"}, "invalid_definition", "/description"),
    ({"name": "t", "schemaDef": [A], "indexes": {"by_a": "A"}}, "unknown_key", "/indexes/by_a"),
    ({"name": "t", "schemaDef": [A], "indexes": [5]}, "", "/indexes/0"),
    ({"name": "t", "schemaDef": [A], "schema": []}, "unknown_key", "/schema"),
    ({"name": "t", "schemaDef": [{**A, "colour": 1}]}, "unknown_key", "/schemaDef/0/colour"),
    ({"name": "t", "schemaDef": [A, {**A, "Name": "B"}]}, "unknown_key", "/schemaDef/1/Name"),
]

ROW = {"table": "t", "column": "_id"}

WRONG_COLUMNS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "string"}, "invalid_name", "/name"),
    ({"name": 5, "type": "string"}, "invalid_name", "/name"),
    (column(""), "invalid_name", "/name"),
    (column("1st"), "invalid_name", "/name"),
    (column("First Name"), "invalid_name", "/name"),
    (column("Größe"), "invalid_name", "/name"),
    (column("x" * 64), "invalid_name", "/name"),
    ({"name": "B"}, "invalid_definition", "/type"),
    (column("B", ""), "invalid_definition", "/type"),
    (column("B", "text"), "invalid_definition", "/type"),
    (column("B", "String"), "invalid_definition", "/type"),
    ({"name": "B", "type": 5}, "invalid_definition", "/type"),
    ({"name": "B", "type": ["string"]}, "invalid_definition", "/type"),
    (column("B", isEncrypted="true"), "invalid_definition", "/isEncrypted"),
    (column("B", isEncrypted=True, default="x"), "invalid_definition", "/default"),
    (
        column("B", isEncrypted=True, reference={"table": "t", "column": "_id"}),
        "invalid_definition",
        "/reference",
    ),
    (column("B", reference={"table": "t", "column": "A"}), "invalid_definition", "/reference"),
    (column("B", reference={"table": "t", "column": "C"}), "invalid_definition", "/reference/column"),
    (column("B", reference={"table": "nowhere", "column": "A"}), "invalid_definition", "/reference/table"),
    (column("B", reference={"table": 5, "column": "A"}), "invalid_definition", "/reference/table"),
    (column("B", reference={"table": "t"}), "invalid_definition", "/reference"),
    (column("B", reference="t.A"), "invalid_definition", "/reference"),
    (column("B", "number", reference=ROW), "invalid_definition", "/reference"),
    (column("B", "json", reference=ROW), "invalid_definition", "/reference"),
    (column("B", "decimal", default="1,5"), "invalid_definition", "/default"),
    (column("B", isRequired="yes"), "invalid_definition", "/isRequired"),
    (column("B", isRequired=1), "invalid_definition", "/isRequired"),
    (column("B", readOnly=True), "invalid_definition", "/readOnly"),
    (column("B", readOnly="true"), "invalid_definition", "/readOnly"),
    (column("B", maxLength=0), "invalid_definition", "/maxLength"),
    (column("B", maxLength=-1), "invalid_definition", "/maxLength"),
    (column("B", maxLength=1.5), "invalid_definition", "/maxLength"),
    (column("B", maxLength="ten"), "invalid_definition", "/maxLength"),
    (column("B", maxLength="-1"), "invalid_definition", "/maxLength"),
    (column("B", maxLength=" 5"), "invalid_definition", "/maxLength"),
    (column("B", maxLength="５"), "invalid_definition", "/maxLength"),
    (column("B", maxLength=True), "invalid_definition", "/maxLength"),
    (column("B", maxLength=[5]), "invalid_definition", "/maxLength"),
    (column("B", maxLength=1e300), "invalid_definition", "/maxLength"),
    (column("B", default=5), "invalid_definition", "/default"),
    (column("B", default=["a"]), "invalid_definition", "/default"),
    (column("B", default="\x00"), "invalid_definition", "/default"),
    (column("B", maxLength=2, default="abc"), "invalid_definition", "/default"),
    (column("B", "number", default="abc"), "invalid_definition", "/default"),
    (column("B", "number", default=True), "invalid_definition", "/default"),
    (column("B", "number", default=2**53), "invalid_definition", "/default"),
    (column("B", "integer", default=1.5), "invalid_definition", "/default"),
    (column("B", "integer", default=2**63), "invalid_definition", "/default"),
    (column("B", "boolean", default="yes"), "invalid_definition", "/default"),
    (column("B", "date", default="tomorrow"), "invalid_definition", "/default"),
    (column("a"), "duplicate_column", "/name"),
    (column("A"), "duplicate_column", "/name"),
    (column("_id"), "system_column", "/name"),
    (column("sys_Id"), "system_column", "/name"),
    (column("Created_On", "date"), "system_column", "/name"),
    (column("created_on"), "system_column", "/name"),
    (column("UPDATED_BY"), "system_column", "/name"),
]

WRONG_INDEXES: list[tuple[Any, str, str]] = [
    ({"columns": [{"name": "A"}]}, "", "/name"),
    ({"name": None, "columns": [{"name": "A"}]}, "", "/name"),
    ({"name": "", "columns": [{"name": "A"}]}, "invalid_name", "/name"),
    ({"name": "by a", "columns": [{"name": "A"}]}, "invalid_name", "/name"),
    ({"name": "i" * 64, "columns": [{"name": "A"}]}, "invalid_name", "/name"),
    ({"name": "I", "columns": [{"name": "A"}]}, "invalid_definition", "/name"),
    ({"name": "j"}, "", "/columns"),
    ({"name": "j", "columns": None}, "", "/columns"),
    ({"name": "j", "columns": "A"}, "", "/columns"),
    ({"name": "j", "columns": []}, "invalid_definition", "/columns"),
    ({"name": "j", "columns": ["A"]}, "", "/columns/0"),
    ({"name": "j", "columns": [{}]}, "", "/columns/0/name"),
    ({"name": "j", "columns": [{"name": 5}]}, "", "/columns/0/name"),
    ({"name": "j", "columns": [{"name": "C"}]}, "invalid_definition", "/columns/0/name"),
    ({"name": "j", "columns": [{"name": "A"}, {"name": "a"}]}, "invalid_definition", "/columns/1/name"),
    ({"name": "j", "columns": [{"name": "A"}, {"name": "A"}]}, "duplicate_column", "/columns/1/name"),
    ({"name": "j", "columns": [{"name": "A", "order": "down"}]}, "invalid_definition", "/columns/0/order"),
    ({"name": "j", "columns": [{"name": "A", "order": "DESC"}]}, "invalid_definition", "/columns/0/order"),
    ({"name": "j", "columns": [{"name": "A", "order": 1}]}, "invalid_definition", "/columns/0/order"),
    ({"name": "j", "columns": [{"name": "A", "sort": "asc"}]}, "unknown_key", "/columns/0/sort"),
    ({"name": "j", "columns": [{"name": "A"}], "isUnique": "true"}, "invalid_definition", "/isUnique"),
    ({"name": "j", "columns": [{"name": "A"}], "unique": True}, "unknown_key", "/unique"),
]


def refused(shared: Workspace, definition: Any, code: str, pointer: str) -> dict[str, Any]:
    """The refusal of a definition, of which nothing was made. Without a code, any of a body's will do."""
    refusal = problem(shared.admin.post(f"{shared.path}/tables", json=definition), 400, code or None, pointer)
    assert refusal["code"] == code or refusal["code"] in (
        "invalid_body",
        "invalid_definition",
        "invalid_name",
    )
    assert good(shared.admin.get(f"{shared.path}/tables")) == {"tables": []}
    return refusal


@pytest.mark.parametrize(("definition", "code", "pointer"), WRONG_MEMBERS)
def test_wrong_members(shared: Workspace, definition: Any, code: str, pointer: str) -> None:
    refused(shared, definition, code, pointer)


@pytest.mark.parametrize(("wrong", "code", "pointer"), WRONG_COLUMNS)
def test_wrong_columns(shared: Workspace, wrong: Any, code: str, pointer: str) -> None:
    refused(shared, table("t", A, wrong), code, "/schemaDef/1" + pointer)


@pytest.mark.parametrize(("wrong", "code", "pointer"), WRONG_INDEXES)
def test_wrong_indexes(shared: Workspace, wrong: Any, code: str, pointer: str) -> None:
    refused(shared, table("t", A, indexes=(index("i", "A"), wrong)), code, "/indexes/1" + pointer)


@pytest.mark.parametrize("body", [b"[]", b'[{"name":"t"}]', b'"t"', b"5", b"null"])
def test_a_definition_is_an_object(shared: Workspace, body: bytes) -> None:
    problem(shared.admin.post(f"{shared.path}/tables", content=body), 400, "invalid_body")


def test_only_system_columns_are_no_table(shared: Workspace) -> None:
    only = table("t", {"name": "_id", "type": "string", "readOnly": True})
    refused(shared, only, "invalid_definition", "/schemaDef")


def test_too_many_columns(shared: Workspace) -> None:
    wide = table("t", *(column(f"C{number}") for number in range(401)))
    refused(shared, wide, "invalid_definition", "/schemaDef")


def test_too_many_indexes(shared: Workspace) -> None:
    many = table("t", A, indexes=tuple(index(f"i{number}", "A") for number in range(65)))
    refused(shared, many, "invalid_definition", "/indexes")


def test_too_many_columns_in_an_index(shared: Workspace) -> None:
    names = [f"C{number}" for number in range(17)]
    wide = table("t", *map(column, names), indexes=(index("i", *names),))
    refused(shared, wide, "invalid_definition", "/indexes/0/columns")


def test_a_default_too_long_for_its_index(shared: Workspace) -> None:
    definition = table("t", column("A", default="é" * 1301), indexes=(index("i", "A"),))
    refused(shared, definition, "invalid_definition", "/schemaDef/0/default")


def test_all_that_is_wrong_is_said_at_once(shared: Workspace) -> None:
    definition = table(
        "a b",
        column("x y"),
        column("B", "text"),
        column("C", "number", default="c"),
        indexes=(index("i", "D"),),
    )
    refusal = refused(shared, definition, "invalid_name", "/name")
    assert {
        "/name",
        "/schemaDef/0/name",
        "/schemaDef/1/type",
        "/schemaDef/2/default",
        "/indexes/0/columns/0/name",
    } <= set(pointers(refusal))


def test_at_most_a_hundred_are_said(shared: Workspace) -> None:
    refusal = refused(shared, table("t", *[column("x y")] * 300), "invalid_name", "/schemaDef/0/name")
    assert len(refusal["errors"]) == 100


def test_what_is_repeated_of_the_request_is_short_and_harmless(shared: Workspace) -> None:
    refusal = refused(shared, table("\r\n\x1b" * 5000, A), "invalid_name", "/name")
    assert len(refusal["detail"]) < 1000
    assert refusal["detail"].isprintable()
