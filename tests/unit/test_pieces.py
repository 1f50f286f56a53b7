"""Expressions that are written as text: their parts, their place in statements, and their cache keys."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.sql.dialects import SQLITE
from rowkeep.sql.pieces import Pieces
from rowkeep.sql.statements import STATEMENTS, template

THINGS = sa.table("things", sa.column("a"), sa.column("b"))


def twice(text: str = "({0} || {1} || {0})") -> Pieces:
    return Pieces(text, sa.Text(), THINGS.c.a, sa.bindparam("b", "x"))


def test_parts_are_compiled_where_they_are() -> None:
    compiled = template(sa.select(twice().label("both")), SQLITE)
    assert compiled.text.replace("\n", "") == "SELECT (things.a || ? || things.a) AS both FROM things"
    assert compiled.order == ("b",)


def test_a_part_with_a_value_may_be_there_twice() -> None:
    both = Pieces("{0} || {0}", sa.Text(), sa.bindparam("b", "x"))
    assert template(sa.select(both), SQLITE).order == ("b", "b")


def test_it_is_a_column_of_another_statement() -> None:
    inner = sa.select(twice().label("both")).cte("inner_rows")
    assert (
        template(sa.select(inner.c.both), SQLITE)
        .text.replace("\n", "")
        .endswith("SELECT inner_rows.both FROM inner_rows")
    )


def test_other_texts_are_other_statements() -> None:
    texts = ("({0} || {1})", "({1} || {0})")
    found = [STATEMENTS.statement(sa.select(twice(text)), SQLITE).text for text in texts]
    assert "(things.a || ?)" in found[0]
    assert "(? || things.a)" in found[1]
    values = [
        STATEMENTS.statement(sa.select(Pieces("{0}", sa.Text(), sa.literal(value))), SQLITE).parameters
        for value in ("one", "two")
    ]
    assert values == [("one",), ("two",)]
