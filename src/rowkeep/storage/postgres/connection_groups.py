"""Connection groups: connections of the driver's pool, ready for the next request.

The pool starts one or two tasks each time that it lends a connection and takes it back. So a connection is
returned to it only after an error.

If requests use more tables than a connection can hold prepared statements for, each connection serves one
group of tables. A request waits a moment for such a connection if no other request waits, because that costs
less than a statement that PostgreSQL must parse and plan; otherwise it uses another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import asyncpg

from rowkeep.errors.catalogue import StorageUnavailable
from rowkeep.storage.table_groups import TableGroups

WAIT_SECONDS = 0.002
DROP_SECONDS = 3.0
"""How long a connection may take to cancel what runs on it; then it is closed as it is."""

DRIVER_FAILURES = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class ConnectionGroups:
    """The connections of a pool that makes at most ``size``; no more than that may be asked for at a time."""

    def __init__(self, pool: asyncpg.Pool, size: int, timeout_seconds: float) -> None:
        self._pool = pool
        self._timeout = timeout_seconds
        self._idle: list[Any] = []
        self._groups = TableGroups(size)
        self._free = list(reversed(range(size)))
        """The numbers of the connections that are yet to be made."""
        self._numbers: dict[Any, int] = {}
        self._awaited: dict[int, asyncio.Future[Any]] = {}
        """Who waits for a connection that is at home with a group."""
        self._drops: set[asyncio.Task[None]] = set()

    async def take(self, table_id: str | None) -> Any:
        """A connection for a request to this table or view, or, for None, to anything else."""
        groups = self._groups
        group = None if table_id is None else groups.of(table_id)
        while True:
            if group is None or groups.count == 1:
                connection = self._idle.pop() if self._idle else None
            else:
                connection = await self._rested(group)
            if connection is None:
                try:
                    return await self._make()
                except asyncpg.TooManyConnectionsError:
                    # others have all that PostgreSQL gives; one that is at home elsewhere will do
                    if not self._idle:
                        raise
                    connection = self._idle.pop(0)
            if not _is_lost(connection):
                return connection
            await self._drop(connection)

    async def _rested(self, group: int) -> Any:
        """The idle connection that suits one of several groups best; None if a new one does."""
        for at, connection in enumerate(self._idle):
            if self._home_of(connection) == group:
                return self._idle.pop(at)
        if self._free:
            return None
        if group not in self._awaited:
            connection = await self._wait(group)
            if connection is not None:
                return connection
        # the first has been idle the longest
        return self._idle.pop(0) if self._idle else None

    def _home_of(self, connection: Any) -> int:
        return self._numbers[connection] % self._groups.count

    async def _wait(self, group: int) -> Any:
        """The next connection of a group that comes back; None if that takes too long."""
        loop = asyncio.get_running_loop()
        arrival: asyncio.Future[Any] = loop.create_future()
        self._awaited[group] = arrival
        timer = loop.call_later(WAIT_SECONDS, self._give_up, group)
        try:
            return await arrival
        except BaseException:
            if self._awaited.get(group) is arrival:
                del self._awaited[group]
            elif arrival.done() and not arrival.cancelled() and arrival.result() is not None:
                self.put_back(arrival.result())
            raise
        finally:
            timer.cancel()

    def _give_up(self, group: int) -> None:
        arrival = self._awaited.pop(group, None)
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def _make(self) -> Any:
        number = self._free.pop()
        try:
            connection = await self._pool.acquire(timeout=self._timeout)
        except BaseException as error:
            self._free.append(number)
            if isinstance(error, TimeoutError):
                raise StorageUnavailable() from None
            raise
        self._numbers[connection] = number
        return connection

    def put_back(self, connection: Any) -> None:
        """Keep a connection for the next request; it must be as it was taken."""
        arrival = self._awaited.pop(self._home_of(connection), None) if self._awaited else None
        if arrival is None or arrival.done():
            self._idle.append(connection)
        else:
            arrival.set_result(connection)

    def drop(self, connection: Any, then: Callable[[], None]) -> None:
        """Give a connection back to the pool, in whatever state it is. In the background, what still runs
        on it is cancelled and its transaction undone; ``then`` is called after that."""
        task = asyncio.get_running_loop().create_task(self._drop(connection))
        self._drops.add(task)
        task.add_done_callback(self._drops.discard)
        task.add_done_callback(lambda _: then())

    async def _drop(self, connection: Any) -> None:
        try:
            async with asyncio.timeout(DROP_SECONDS):
                if connection.is_in_transaction():
                    await connection.execute("ROLLBACK")
                await self._pool.release(connection, timeout=DROP_SECONDS)
        except (asyncpg.PostgresError, *DRIVER_FAILURES):
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
        finally:
            self._free.append(self._numbers.pop(connection))

    async def close(self) -> None:
        """Close all connections that are not in use, and wait a moment for those that are on their way
        back."""
        if self._drops:
            await asyncio.wait(self._drops)
        for connection in self._idle:
            with suppress(asyncpg.InterfaceError):
                await self._pool.release(connection, timeout=DROP_SECONDS)
        self._idle.clear()
        try:
            async with asyncio.timeout(DROP_SECONDS):
                await self._pool.close()
        except (TimeoutError, asyncpg.PostgresError, *DRIVER_FAILURES):
            self._pool.terminate()


def _is_lost(connection: Any) -> bool:
    """Whether a connection has ended while it was idle; the pool has taken it back then, unasked."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True
