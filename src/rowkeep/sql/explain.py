"""Explain: the statements that show the database's plan of a query, and the plan without values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rowkeep.plan.rows.select import SelectPlan
from rowkeep.sql.binding import select_values, stream_values
from rowkeep.sql.pages import Pages
from rowkeep.sql.statements import Statement, Template

MAX_TEXT = 4_000
"""The maximum length of the text of a statement or a plan in a log."""

_STRING = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"(?<![\w.$\"])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_ESTIMATES = re.compile(r"  \(cost=[^)]*\)$", re.MULTILINE)


def page_statement(sql: Pages, plan: SelectPlan) -> Statement:
    """The statement of a page; of a lookup, that for any page, which is the slower one."""
    return sql.any_page(plan).page.bind(select_values(plan, sql.constants))


def stream_statement(sql: Pages, plan: SelectPlan) -> Statement:
    """The statement of a streamed query."""
    return sql.stream(plan.shape, plan.is_limited).rows.bind(stream_values(plan, sql.constants))


def explaining(sql: Pages, statement: Statement) -> Statement:
    """The statement that shows how the database runs another one, without running it."""
    return Statement(f"{sql.dialect.explain} {statement.text}", statement.parameters)


def shown_plan(rows: Sequence[Sequence[Any]]) -> str:
    """The plan in the rows of such a statement. PostgreSQL shows the values of conditions, which are replaced
    by ``?``, and estimates, which are left out."""
    # a value can contain the end of a line
    text = "\n".join(str(row[-1]) for row in rows)
    text = _NUMBER.sub("?", _STRING.sub("?", _ESTIMATES.sub("", text)))
    return shortened(text)


def shortened(text: str) -> str:
    """The start of a text that is too long for a log."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def template_texts(statements: msgspec.Struct | Template) -> str:
    """The texts of some statements of a write."""
    if isinstance(statements, Template):
        return shortened(statements.text)
    parts = (getattr(statements, name) for name in statements.__struct_fields__)
    return shortened("; ".join(part.text for part in parts if isinstance(part, Template)))
