"""Changes of a table and of a workspace that are refused whatever the rows are."""

from __future__ import annotations

from typing import Any

from support.definitions import column, index, table

A, B = column("A"), column("B", "number")

TABLE: list[tuple[dict[str, Any], dict[str, Any], tuple[int, str, str, str]]] = [
    (
        table("t", A),
        table("t", A, column("C", renamedFrom="D")),
        (400, "invalid_definition", "/schemaDef/1/renamedFrom", 'no column "D"'),
    ),
    (
        table("t", A),
        table("t", column("C", renamedFrom="A"), column("D", renamedFrom="a")),
        (
            400,
            "invalid_definition",
            "/schemaDef/1/renamedFrom",
            "Columns C and D cannot both be renamed from A",
        ),
    ),
    (
        table("t", A),
        table("t", column("_id", readOnly=True), column("C", renamedFrom="A"), A),
        (
            400,
            "invalid_definition",
            "/schemaDef/1/renamedFrom",
            "Columns C and A cannot both be renamed from A",
        ),
    ),
    (
        table("t", A),
        table("t", column("C", renamedFrom=["A"])),
        (400, "invalid_name", "/schemaDef/0/renamedFrom", "not a valid column name"),
    ),
    (
        table("t", A),
        table("t", column("A", "text")),
        (400, "invalid_definition", "/schemaDef/0/type", "Types are"),
    ),
    (table("one", A), table("other", A), (400, "invalid_definition", "/name", "does not match")),
    (
        table("one", A),
        table("one", A) | {"renamedFrom": "a b"},
        (400, "invalid_name", "/renamedFrom", "not a valid table name"),
    ),
    (table("one", A), table("one"), (400, "invalid_definition", "/schemaDef", "at least one column")),
    (
        table("one", A, indexes=(index("i", "A"),)),
        table("one", B, indexes=(index("i", "A"),)),
        (400, "invalid_definition", "/indexes/0/columns/0/name", "A"),
    ),
]
"""A table, what it cannot be made, and the status, code, pointer and a part of the message."""

VIEW: dict[str, Any] = {
    "name": "leads",
    "table": "teams",
    "joins": [{"table": "members", "on": [{"left": "teams.Lead", "operand": "=", "right": "members.Code"}]}],
    "columns": ["teams.Code", {"expr": "members.Site", "as": "Site"}],
}


def coded(name: str, *columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A table that others can refer to."""
    return table(name, column("Code"), *columns, indexes=(index("by_code", "Code", unique=True),)) | more


def _grant(**given: object) -> dict[str, Any]:
    return {"grants": [{"app": "nightly", "read": True, **given}]}


def _charts(*charts: dict[str, Any]) -> dict[str, Any]:
    return {"charts": [{"name": "Rows", "kind": "number"} | each for each in charts]}


WORKSPACE: list[tuple[dict[str, Any], int, str, str]] = [
    (
        {"tables": [coded("x"), table("y", column("a", "blob"), column("_b"))]},
        400,
        "invalid_definition",
        "/tables/1/schemaDef/0/type",
    ),
    ({"tables": [coded("x"), coded("X")]}, 409, "name_taken", "/tables/1/name"),
    ({"tables": [coded("x", renamedFrom="no name")]}, 400, "invalid_name", "/tables/0/renamedFrom"),
    ({"tables": [coded("leads")], "views": [VIEW]}, 409, "name_taken", "/views/0/name"),
    (_grant(app="nobody", table="people"), 404, "no_such_app", "/grants/0/app"),
    (_grant(table="pets"), 400, "invalid_definition", "/grants/0/table"),
    (_grant(), 400, "invalid_definition", "/grants/0"),
    (_grant(table="people", view="v"), 400, "invalid_definition", "/grants/0"),
    (
        {"grants": [{"app": "nightly", "table": "people"}, {"app": "Nightly", "table": "People"}]},
        400,
        "invalid_definition",
        "/grants/1",
    ),
    (_charts({}), 400, "invalid_definition", "/charts/0"),
    (_charts({"table": "people", "view": "v"}), 400, "invalid_definition", "/charts/0"),
    (_charts({"view": "people"}), 400, "invalid_definition", "/charts/0/view"),
    (_charts({"table": "a\x00"}), 400, "invalid_definition", "/charts/0/table"),
    (_charts({"table": "people", "name": " "}), 422, "invalid_value", "/charts/0/name"),
    (_charts({"table": "people", "kind": "donut"}), 400, "invalid_body", "/charts/0/kind"),
    (_charts({"table": "people", "shared": True}), 400, "unknown_key", "/charts/0/shared"),
    (
        _charts({"table": "people", "name": "STRASSE"}, {"table": "People", "name": " straße"}),
        409,
        "name_taken",
        "/charts/1/name",
    ),
    (
        _charts(*({"table": "people", "name": f"c{at}"} for at in range(102))),
        409,
        "too_many_charts",
        "/charts/100",
    ),
    (
        {"tables": [{"name": "x", "schemaDef": [], "colour": 1}]},
        400,
        "unknown_key",
        "/tables/0/colour",
    ),
]
"""The body of ``PUT .../schema`` for a workspace with tables ``people`` and ``teams`` and an app ``nightly``,
and the status, code and pointer of its refusal."""
