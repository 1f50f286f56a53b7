"""A Citus cluster that runs already, for tests: databases of their own on each of its nodes.

``ROWKEEP_TEST_CITUS`` names its nodes, the coordinator first: ``host:port,host:port,...``. The user, and a
password if one is needed, come from ``PGUSER`` and ``PGPASSWORD``; the coordinator must be able to log in at
the other nodes as this user.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote

import asyncpg

T = TypeVar("T")

VARIABLE = "ROWKEEP_TEST_CITUS"


class CitusCluster:
    """Makes databases in which each new schema goes to one of the nodes."""

    def __init__(self, addresses: str) -> None:
        self._nodes = [_address(each) for each in addresses.split(",")]
        self._made: list[str] = []

    def create_database(self) -> str:
        """The URL of a fresh, empty database, on the coordinator."""
        name = f"rowkeep_test_{os.getpid()}_{len(self._made) + 1}"
        self._made.append(name)
        _in_thread(lambda: self._create(name))
        return self._url(self._nodes[0], name)

    def stop(self) -> None:
        """Drop the databases, throwing out whoever is connected."""
        _in_thread(self._drop_all)

    async def _create(self, name: str) -> None:
        for node in self._nodes:
            await self._run(node, "postgres", f'CREATE DATABASE "{name}"')
            await self._run(node, name, "CREATE EXTENSION citus")
        (host, port), *others = self._nodes
        await self._run(self._nodes[0], name, "SELECT citus_set_coordinator_host($1, $2)", host, port)
        for node in others:
            await self._run(self._nodes[0], name, "SELECT citus_add_node($1, $2)", *node)
        switch = f'ALTER DATABASE "{name}" SET citus.enable_schema_based_sharding = on'
        await self._run(self._nodes[0], name, switch)

    async def _drop_all(self) -> None:
        for name in self._made:
            for node in self._nodes:
                await self._run(node, "postgres", f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _run(self, node: tuple[str, int], database: str, text: str, *values: object) -> None:
        connection = await asyncpg.connect(self._url(node, database))
        try:
            await connection.fetch(text, *values)
        finally:
            await connection.close()

    def _url(self, node: tuple[str, int], database: str) -> str:
        user, password = os.environ.get("PGUSER", "postgres"), os.environ.get("PGPASSWORD", "")
        login = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        host, port = node
        return f"postgresql://{login}@{host}:{port}/{database}"


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":")
    if not host or not port.isdigit():
        raise RuntimeError(f"{VARIABLE} is host:port,host:port,..., not {text!r}.")
    return host, int(port)


def _in_thread(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it in an event loop of its own, whether or not one runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(work())).result()
