"""Sys ids: the expressions that derive a ``sys_Id`` from an ``_id``. They are null for null."""

from __future__ import annotations

import sqlalchemy as sa

from rowkeep.sql.expressions import Expression
from rowkeep.sql.pieces import Pieces

JOINED = (
    "('sys-' || substr({0}, 1, 8) || '-' || substr({0}, 9, 4) || '-8' || substr({0}, 13, 3)"
    " || '-8' || substr({0}, 16, 3) || '-000000' || substr({0}, 19, 6))"
)
FORMATTED = (
    "(format('sys-%.8s-%.4s-8%.3s-8%.3s-000000', {0}, substr({0}, 9), substr({0}, 13), substr({0}, 16))"
    " || substr({0}, 19))"
)


def joined_sys_id(row_key: Expression) -> Expression:
    """In plain SQL."""
    return Pieces(JOINED, sa.Text(), row_key)


def formatted_sys_id(row_key: Expression) -> Expression:
    """By SQLite's function, in half the time. The rest of the key is joined to it, so that null stays
    null."""
    return Pieces(FORMATTED, sa.Text(), row_key)
