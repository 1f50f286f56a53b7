"""Plans of copies: names, definitions and references for tables of other databases, and what does not map."""

from __future__ import annotations

from typing import Any

import pytest

from rowkeep.errors.catalogue import SetupError
from rowkeep.model.foreign_tables import Family, ForeignColumn, ForeignIndex, ForeignReference, ForeignTable
from rowkeep.plan.foreign_tables.columns import column_body
from rowkeep.plan.foreign_tables.names import GivenNames, legal_name, read_given_names
from rowkeep.plan.foreign_tables.tables import CopyPlan, chosen_tables, plan_copy


def foreign(name: str, *columns: ForeignColumn | str, **rest: Any) -> ForeignTable:
    made = (each if isinstance(each, ForeignColumn) else integer(each) for each in columns)
    return ForeignTable(name=name, columns=tuple(made), **rest)


def integer(name: str, **rest: Any) -> ForeignColumn:
    return ForeignColumn(name=name, type="INTEGER", family=Family.INTEGER, **rest)


def notes(plan: CopyPlan) -> list[str]:
    return [note.line for note in plan.notes]


@pytest.mark.parametrize(
    ("name", "what", "legal"),
    [
        ("people", "table", "people"),
        ("Price/Earnings", "column", "Price_Earnings"),
        ("52 Week Low", "column", "column_52_Week_Low"),
        ("Wähler(innen)", "column", "Waehler_innen"),
        ("Łódź", "table", "odz"),
        ("日本", "table", "table"),
        ("", "column", "column"),
        ("_id", "column", "id"),
        ("sys_Id", "column", "sys_Id_2"),
        ("Created_On", "table", "Created_On"),
        ("x" * 70, "table", "x" * 63),
    ],
)
def test_names_become_legal(name: str, what: str, legal: str) -> None:
    assert legal_name(name, what, set()) == legal


def test_names_become_unique_without_regard_to_case() -> None:
    taken = {"a"}
    assert [legal_name(name, "column", taken) for name in ("A", "b", "B", "B_2", "x" * 63, "X" * 63)] == [
        "A_2", "b", "B_2", "B_2_2", "x" * 63, "X" * 61 + "_2",
    ]  # fmt: skip


def test_given_names_can_have_dots() -> None:
    tables = [foreign("a.b", "c.d"), foreign("a", "b.c.d")]
    given = read_given_names(["a.b=one", "a.b.c.d=two"], tables)
    assert given == GivenNames({"a.b": "one"}, {("a", "b.c.d"): "two"})
    for wrong in ("a", "a=", "a=1x", "none=x", "a.none=x"):
        with pytest.raises(SetupError):
            read_given_names([wrong], tables)


@pytest.mark.parametrize(
    ("family", "default", "found"),
    [
        (Family.TEXT, "'it''s'::character varying", "it's"),
        (Family.TEXT, "''::text", None),
        (Family.TEXT, "upper('a')", None),
        (Family.INTEGER, "(-1)", "-1"),
        (Family.INTEGER, "'5'::smallint", "5"),
        (Family.INTEGER, "'x'", None),
        (Family.BOOLEAN, "1", "true"),
        (Family.BOOLEAN, "false", "false"),
        (Family.DECIMAL, "1.50", "1.50"),
        (Family.MOMENT, "now()", None),
        (Family.DAY, "'2020-01-02'::date", "2020-01-02"),
        (Family.JSON, "'{}'::jsonb", None),
    ],
)
def test_constant_defaults_are_copied(family: Family, default: str, found: Any) -> None:
    column = ForeignColumn(name="a", type="x", family=family, default=default)
    body, said = column_body(column, "a", is_key=False, reference=None)
    assert body.default == found
    assert bool([each for each in said if "default" in each]) == (found is None)


def test_a_default_of_null_is_none() -> None:
    column = ForeignColumn(name="a", type="x", family=Family.TEXT, default="NULL::character varying")
    body, said = column_body(column, "a", is_key=False, reference=None)
    assert (body.default, said) == (None, [])


def test_keys_become_unique_indexes() -> None:
    table = foreign(
        "t",
        "id",
        "a",
        ForeignColumn(name="doc", type="JSON", family=Family.JSON),
        key=("id",),
        indexes=(
            ForeignIndex("again", ("id",), True),
            ForeignIndex("plain", ("id",), False),
            ForeignIndex(None, ("a",), True),
            ForeignIndex("docs", ("doc",), False),
            ForeignIndex("part", ("a",), False, obstacle="it is over some rows only"),
            ForeignIndex("down", ("a", "id"), False, frozenset({"a"})),
        ),
    )
    plan = plan_copy([table], GivenNames(), ())
    body = plan.tables[0].body
    assert isinstance(body.indexes, list)
    assert [
        (index.name, index.is_unique, [part.name for part in index.columns]) for index in body.indexes
    ] == [
        ("t_key", True, ["id"]),
        ("unique_a", True, ["a"]),
        ("down", False, ["a", "id"]),
    ]
    assert [part.order for part in body.indexes[2].columns] == ["desc", "asc"]
    assert [column.is_required for column in body.schema_def] == [True, False, False]
    assert notes(plan) == [
        "t: index docs is left out: a column of type json cannot be indexed.",
        "t: index part is left out: it is over some rows only.",
    ]


def test_references_that_do_not_map_are_reported() -> None:
    parent = foreign("p", "id", "x", ForeignColumn(name="t", type="TEXT", family=Family.TEXT), key=("id",))
    child = foreign(
        "c",
        *"abcdef",
        references=(
            ForeignReference(("a",), "p", ("id",), None, "ON DELETE CASCADE"),
            ForeignReference(("b",), "p", ("x",)),
            ForeignReference(("c", "d"), "p", ("id", "x")),
            ForeignReference(("d",), "none", ("id",)),
            ForeignReference(("e",), "p", ("t",)),
            ForeignReference(("f",), "p", ("id",)),
        ),
    )
    plan = plan_copy([parent, child], GivenNames({"p": "parents"}), (), {("c", "f")})
    columns = plan.tables[1].body.schema_def
    assert [column.reference for column in columns] == [{"table": "parents", "column": "id"}] + [None] * 5
    assert [line.partition("c: ")[2] for line in notes(plan)[1:]] == [
        "reference a to p: ON DELETE CASCADE is left out; Rowkeep refuses such changes.",
        "reference b to p is left out: p.x is not unique by itself.",
        "reference c, d to p is left out: it has several columns.",
        "reference d to none is left out: that table is not copied.",
        "reference e to p is left out: the columns have different types here.",
        "reference f to p is left out: --skip-reference.",
    ]


def test_what_cannot_be_planned() -> None:
    tables = [foreign("a", "x"), foreign("b", "x", "y")]
    assert chosen_tables(tables, ["b"]) == tables[1:]
    with pytest.raises(SetupError, match="It has: a, b"):
        chosen_tables(tables, ["c"])
    with pytest.raises(SetupError, match="--map a=NEW_NAME"):
        plan_copy(tables, GivenNames(), {"a"})
    with pytest.raises(SetupError, match="one name"):
        plan_copy(tables, GivenNames({}, {("b", "x"): "z", ("b", "y"): "Z"}), ())
    with pytest.raises(SetupError, match="401 columns"):
        plan_copy([foreign("wide", *(f"c{n}" for n in range(401)))], GivenNames(), ())
