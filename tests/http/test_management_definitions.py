"""Definitions that are wrong: every way is a 400 that points at the place."""

from __future__ import annotations

from typing import Any

from answers import good, pointers, problem
from definitions import column, index, table

from cases.definitions import A
from support.engines import first_on_each
from support.workspace import Workspace


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


@first_on_each(
    ("definition", "code", "pointer"),
    [
        ({"name": "t", "schemaDef": "A"}, "", "/schemaDef"),
        (table("a b", A), "invalid_name", "/name"),
        (table("t", {**A, "colour": 1}), "unknown_key", "/schemaDef/0/colour"),
        (table("t", A, column("B", "text")), "invalid_definition", "/schemaDef/1/type"),
        (table("t", A, column("B", "number", default="x")), "invalid_definition", "/schemaDef/1/default"),
        (table("t", A, column("a")), "duplicate_column", "/schemaDef/1/name"),
        (table("t", A, column("_id")), "system_column", "/schemaDef/1/name"),
        (table("t", A, indexes=(index("i", "C"),)), "invalid_definition", "/indexes/0/columns/0/name"),
        (table("t", *[column("x y")] * 300), "invalid_name", "/schemaDef/0/name"),
    ],
    ids=str,
)
def test_wrong_definitions(shared: Workspace, definition: Any, code: str, pointer: str) -> None:
    refused(shared, definition, code, pointer)


def test_a_definition_is_an_object(shared: Workspace) -> None:
    problem(shared.admin.post(f"{shared.path}/tables", content=b"[]"), 400, "invalid_body")


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
