"""Recorded: what a PostgreSQL of the tests has run, and the tables that it has, checked against the rules."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import asyncpg

from .postgres import PostgresServer
from .statement_rules import MUTABLE_FUNCTIONS, WITHOUT_KEY, broken_rules

T = TypeVar("T")
NO_KEY = "a table without a primary key"


def check(server: PostgresServer) -> dict[str, set[str]]:
    """The rules that are broken, with what breaks them."""
    mutable, without_key = _in_thread(lambda: _look(server))
    broken = broken_rules(server.log, mutable)
    return broken | ({NO_KEY: without_key} if without_key else {})


async def _look(server: PostgresServer) -> tuple[frozenset[str], set[str]]:
    mutable: set[str] = set()
    without_key: set[str] = set()
    for url in server.databases():
        connection = await asyncpg.connect(url)
        try:
            mutable |= {row[0] for row in await connection.fetch(MUTABLE_FUNCTIONS)}
            without_key |= {row[0] for row in await connection.fetch(WITHOUT_KEY)}
        finally:
            await connection.close()
    return frozenset(mutable), without_key


def _in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it in an event loop of its own, whether or not one runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
