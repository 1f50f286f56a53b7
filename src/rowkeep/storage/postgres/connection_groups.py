"""Connection groups: the connections of a process, ready for the next request.

They are not in a pool of the driver: it lends a proxy of each connection, which makes each call slower,
and starts one or two tasks each time that it lends one and takes it back.

If requests use more tables than a connection can hold prepared statements for, each connection serves one
group of tables. A request waits a moment for such a connection if no other request waits, because that costs
less than a statement that PostgreSQL must parse and plan; otherwise it uses another connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import asyncpg

from rowkeep.errors.catalogue import ShuttingDown, StorageUnavailable
from rowkeep.storage.postgres.connections import Connection
from rowkeep.storage.table_groups import TableGroups

WAIT_SECONDS = 0.002
DROP_SECONDS = 3.0
"""How long a connection may take to cancel what runs on it; then it is closed as it is."""

DRIVER_FAILURES = (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class ConnectionGroups:
    """At most ``size`` connections, which ``connect`` makes; no more than that may be asked for at a time."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._groups = TableGroups(size)
        self._free = list(reversed(range(size)))
        """The numbers of the connections that are yet to be made."""
        self._numbers: dict[Connection, int] = {}
        self._awaited: dict[int, asyncio.Future[Connection | None]] = {}
        """Who waits for a connection that is at home with a group."""
        self._drops: set[asyncio.Task[None]] = set()
        self._is_closing = False

    async def open(self) -> None:
        """Make the first connection. Raises what ``connect`` raises."""
        self._idle.append(await self._make())

    async def take(self, table_id: str | None) -> Connection:
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
            if not connection.is_closed():
                return connection
            self._end(connection)

    def take_at_once(self, table_id: str | None) -> Connection | None:
        """The same without a wait; None where :meth:`take` has to look further."""
        if table_id is not None:
            self._groups.of(table_id)  # a table that is new may make another group
            if self._groups.count > 1:
                return None
        if not self._idle:
            return None
        connection = self._idle.pop()
        if connection.is_closed():
            self._end(connection)
            return None
        return connection

    async def _rested(self, group: int) -> Connection | None:
        """The idle connection that suits one of several groups best; None if a new one does."""
        for at, connection in enumerate(self._idle):
            if self._home_of(connection) == group:
                return self._idle.pop(at)
        if self._free:
            return None
        if group not in self._awaited:
            arrived = await self._wait(group)
            if arrived is not None:
                return arrived
        # the first has been idle the longest
        return self._idle.pop(0) if self._idle else None

    def _home_of(self, connection: Connection) -> int:
        return self._numbers[connection] % self._groups.count

    async def _wait(self, group: int) -> Connection | None:
        """The next connection of a group that comes back; None if that takes too long."""
        loop = asyncio.get_running_loop()
        arrival: asyncio.Future[Connection | None] = loop.create_future()
        self._awaited[group] = arrival
        timer = loop.call_later(WAIT_SECONDS, self._give_up, group)
        try:
            return await arrival
        except BaseException:
            if self._awaited.get(group) is arrival:
                del self._awaited[group]
            elif arrival.done() and not arrival.cancelled():
                connection = arrival.result()
                if connection is not None:
                    self.put_back(connection)
            raise
        finally:
            timer.cancel()

    def _give_up(self, group: int) -> None:
        arrival = self._awaited.pop(group, None)
        if arrival is not None and not arrival.done():
            arrival.set_result(None)

    async def _make(self) -> Connection:
        number = self._free.pop()
        try:
            connection = await self._connect()
        except BaseException as error:
            self._free.append(number)
            if isinstance(error, TimeoutError):
                raise StorageUnavailable() from None
            raise
        self._numbers[connection] = number
        if self._is_closing:
            self._end(connection)
            raise ShuttingDown()
        return connection

    def put_back(self, connection: Connection) -> None:
        """Keep a connection for the next request; it must be as it was taken."""
        arrival = self._awaited.pop(self._home_of(connection), None) if self._awaited else None
        if arrival is None or arrival.done():
            self._idle.append(connection)
        else:
            arrival.set_result(connection)

    def drop(self, connection: Connection, then: Callable[[], None]) -> None:
        """Put a connection back, in whatever state it is. In the background, what still runs on it is
        cancelled and its transaction undone; ``then`` is called after that."""
        task = asyncio.get_running_loop().create_task(self._drop(connection))
        self._drops.add(task)
        task.add_done_callback(self._drops.discard)
        task.add_done_callback(lambda _: then())

    async def _drop(self, connection: Connection) -> None:
        is_usable = False
        if not connection.is_closed():
            # outside of a transaction, any statement: it waits until what runs is cancelled
            last = "ROLLBACK" if connection.is_in_transaction() else "SELECT 1"
            with suppress(asyncpg.PostgresError, *DRIVER_FAILURES):
                async with asyncio.timeout(DROP_SECONDS):
                    await connection.execute(last)
                    if connection.is_in_transaction():
                        # what was cancelled was BEGIN itself, and PostgreSQL had done it by then
                        await connection.execute("ROLLBACK")
                    is_usable = True
        if is_usable:
            self.put_back(connection)
        else:
            self._end(connection)

    def _end(self, connection: Connection) -> None:
        """Close a connection at once, in whatever state it is."""
        with suppress(asyncpg.InterfaceError):
            connection.terminate()
        number = self._numbers.pop(connection, None)
        if number is not None:
            self._free.append(number)

    async def close(self) -> None:
        """Close all connections: those that are idle in good order, after a moment for those that are on
        their way back."""
        self._is_closing = True
        if self._drops:
            await asyncio.wait(self._drops)
        idle, self._idle = self._idle, []
        with suppress(TimeoutError, asyncpg.PostgresError, *DRIVER_FAILURES):
            async with asyncio.timeout(DROP_SECONDS):
                await asyncio.gather(*(each.close() for each in idle))
        for connection in list(self._numbers):
            self._end(connection)
