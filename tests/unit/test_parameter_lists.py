"""Lists of parameters: what is written as text has the parameters that a compiled list would have."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.sql.dialects import POSTGRES, SQLITE, Dialect
from rowkeep.sql.lists import Listed
from rowkeep.sql.statements import Template, template


def _bound(name: str) -> sa.BindParameter[int]:
    return sa.bindparam(name, type_=sa.BigInteger())


def _twice(dialect: Dialect) -> Template:
    """A statement with one list in two places, another list, and other parameters around them."""
    columns = sa.table("things", sa.column("a"), sa.column("b")).c
    one = columns.a.in_([Listed(sa.cast(_bound("w0"), sa.Text()), ("w0", "w1", "w2"))])
    other = columns.b.in_([Listed(_bound("w3"), ("w3", "w4"))])
    return template(
        sa.select(columns.a, one.label("x"))
        .where(columns.a > _bound("low"), one, other)
        .limit(_bound("limit"))
        .offset(_bound("offset")),
        dialect,
    )


def test_parameters_in_order() -> None:
    found = _twice(SQLITE)
    in_list = "CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT)"
    assert found.text.replace(" \n", " ").replace("\n", " ").replace("  ", " ") == (
        f"SELECT things.a, things.a IN ({in_list}) AS x FROM things "  # noqa: S608 - only compared
        f"WHERE things.a > ? AND things.a IN ({in_list}) AND things.b IN (?, ?) LIMIT ? OFFSET ?"
    )
    assert found.order == ("w0", "w1", "w2", "low", "w0", "w1", "w2", "w3", "w4", "limit", "offset")


def test_numbered_parameters() -> None:
    """The places are the numbers, and a list in two places has the same ones."""
    found = _twice(POSTGRES)
    number = {name: f"${at}" for at, name in enumerate(found.order, start=1)}
    assert sorted(found.order) == sorted({"w0", "w1", "w2", "w3", "w4", "low", "limit", "offset"})
    in_list = ", ".join(f"CAST({number[name]}::BIGINT AS TEXT)" for name in ("w0", "w1", "w2"))
    assert found.text.count(f"things.a IN ({in_list})") == 2
    assert f"things.b IN ({number['w3']}::BIGINT, {number['w4']}::BIGINT)" in found.text
    assert f"things.a > {number['low']}::BIGINT" in found.text


def test_a_statement_without_a_list_stays_as_it_is() -> None:
    found = template(
        sa.select(sa.literal_column("1")).limit(_bound("limit")).offset(_bound("offset")), SQLITE
    )
    assert found.order == ("limit", "offset")
