"""Answers: what a good one and a refusal look like, checked the same way in every test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx

from support.batches import query as operation
from support.batches import run
from support.bot import Bot

SYSTEM_COLUMNS = ("Updated_On", "Created_On", "Updated_By", "Created_By", "sys_Id", "_id")
"""In the order in which every record ends with them (contract, section 2)."""

ROW_ID = re.compile(r"[0-9a-f]{24}")
MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SYS_ID = re.compile(f"sys-{UUID}")
WRITER = re.compile(f"st-{UUID}")

LEAKS = ("Traceback", 'File "', "SELECT ", "INSERT INTO", "UPDATE ", "asyncpg", "apsw", "sqlite3", "psycopg")
"""No answer shows SQL, a stack or a path (contract, section 6)."""


def good(response: httpx.Response) -> Any:
    """The JSON of an answer that must be 200."""
    assert response.status_code == 200, f"{response.status_code}: {response.text[:2000]}"
    assert response.headers["content-type"].split(";")[0] == "application/json"
    return response.json()


def records(response: httpx.Response) -> list[dict[str, Any]]:
    """The records of a bulk or an update that must have worked."""
    answer = good(response)
    assert isinstance(answer["records"], list)
    return answer["records"]


def rows(response: httpx.Response) -> list[dict[str, Any]]:
    """The rows of a query that must have worked."""
    answer = good(response)
    assert isinstance(answer["queryResult"], list)
    return answer["queryResult"]


def found(bot: Bot, table: str, query: Any, column: str) -> list[Any]:
    """One column of all rows (to 1,000) that a filter finds, in ``_id`` order."""
    body = {"query": query, "fields": [column]}
    return [row[column] for row in rows(bot.query(table, body, sys_limit=1000))]


def found_by_each(bot: Bot, table: str, queries: Sequence[Any], column: str) -> list[list[Any]]:
    """The same of each filter: the first in a request of its own, the others in one batch, which plans and
    runs them alike at a third of the cost."""
    first, *others = queries
    wanted = [operation(table, query=each, fields=[column], limit=1000) for each in others]
    pages = good(run(bot, *wanted))["results"]
    return [found(bot, table, first, column), *([row[column] for row in rows_of(page)] for page in pages)]


def rows_of(page: Any) -> list[dict[str, Any]]:
    """The rows of a page that has them all."""
    assert page["hasMore"] is False
    rows: list[dict[str, Any]] = page["queryResult"]
    return rows


def total(bot: Bot, table: str, query: Any = None) -> int:
    """How many rows a filter finds; all rows without one."""
    answer = good(bot.query(table, {} if query is None else {"query": query}))
    return answer["total"]


def problem(
    response: httpx.Response,
    status: int | tuple[int, ...],
    code: str | None = None,
    pointer: str | None = None,
) -> dict[str, Any]:
    """The body of a refusal, after checks of its shape (contract, section 6).

    ``code`` and ``pointer`` are those of the first error, where the contract is clear on them.
    """
    statuses = status if isinstance(status, tuple) else (status,)
    assert response.status_code in statuses, f"{response.status_code}: {response.text[:2000]}"
    assert response.headers["content-type"].split(";")[0] == "application/problem+json"
    body = response.json()
    assert {"type", "title", "status", "code", "detail", "errors"} <= body.keys()
    assert body["status"] == response.status_code
    assert body["type"] == "urn:rowkeep:error:" + body["code"].replace("_", "-")
    assert body["detail"] == body["errors"][0]["msg"]
    assert body["code"] == body["errors"][0]["code"]
    assert 1 <= len(body["errors"]) <= 100
    assert not [leak for leak in LEAKS if leak in response.text]
    if code is not None:
        assert body["code"] == code, body
    if pointer is not None:
        assert body["errors"][0].get("pointer") == pointer, body
    return body


def pointers(refusal: dict[str, Any]) -> list[str | None]:
    """Where each error of a refusal points."""
    return [error.get("pointer") for error in refusal["errors"]]
