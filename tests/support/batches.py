"""Batches: operations in few words."""

from __future__ import annotations

from typing import Any

import httpx

from .bot import Bot

BATCH = "/api/public/batch"


def insert(table: str, data: Any, **more: Any) -> dict[str, Any]:
    return {"op": "insert", "table": table, "data": data, **more}


def bulk(table: str, *rows: Any) -> dict[str, Any]:
    return {"op": "bulk", "table": table, "data": list(rows)}


def update(table: str, query: Any, data: Any, **more: Any) -> dict[str, Any]:
    return {"op": "update", "table": table, "query": query, "data": data, **more}


def delete(table: str, query: Any, **more: Any) -> dict[str, Any]:
    return {"op": "delete", "table": table, "query": query, **more}


def query(table: str, **more: Any) -> dict[str, Any]:
    return {"op": "query", "table": table, **more}


def ref(pointer: str) -> dict[str, str]:
    """A reference to a value of an earlier result."""
    return {"$ref": pointer}


def run(bot: Bot, *operations: Any, more: Any = None, **kw: Any) -> httpx.Response:
    """Send a batch; ``more`` are further members of its body."""
    return bot.request("POST", BATCH, json={"operations": list(operations), **(more or {})}, **kw)
