"""Turns: who may use a connection next.

Each workspace has a lane for its rows, with a limit of its own. All of them together leave a connection or
two free for definitions and the catalog. Where several lanes wait, they are served one after the other, so a
workspace with many requests does not delay the others.
"""

from __future__ import annotations

import asyncio
from collections import deque

from rowkeep.errors.catalogue import Busy
from rowkeep.metrics import add_pool_waiting, set_pool_used
from rowkeep.storage.postgres.batch_turns import BatchTurns


class ConnectionLane:
    """A queue for turns. At most ``limit`` of its turns are in use at a time, and it gets one only while
    fewer than ``ceiling`` turns of all lanes are in use. If it ``leaves_one``, it gets the last of these only
    while it uses none: so two lanes with long queries do not delay a third one.

    Who uses a turn calls :meth:`take_at_once`, if that fails :meth:`wait`, and in the end :meth:`give_back`.
    """

    def __init__(self, turns: ConnectionTurns, limit: int, ceiling: int, *, leaves_one: bool = False) -> None:
        self._turns = turns
        self._limit = limit
        self._ceiling = ceiling
        self._further_ceiling = ceiling - 1 if leaves_one else ceiling
        """The ceiling while it uses turns already."""
        self._used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.batches = BatchTurns()

    def is_free(self) -> bool:
        ceiling = self._further_ceiling if self._used else self._ceiling
        return self._used < self._limit and self._turns.used < ceiling

    def is_idle(self) -> bool:
        """Whether none of its turns is in use, and there is one."""
        return self._used == 0 and self.is_free()

    def take_at_once(self) -> bool:
        """Take a turn if there is one and nobody of this lane waits."""
        if self._waiting or not self.is_free():
            return False
        self._take()
        set_pool_used(self._turns.used)
        return True

    async def wait(self, seconds: float) -> None:
        """Wait for a turn and take it. Raises Busy after so many seconds."""
        loop = asyncio.get_running_loop()
        arrival: asyncio.Future[None] = loop.create_future()
        self._waiting.append(arrival)
        self._turns.waits(self, arrival, loop.time() + seconds)
        add_pool_waiting()
        try:
            await arrival
        except BaseException:
            if arrival.done() and not arrival.cancelled() and arrival.exception() is None:
                self.give_back()
            elif arrival in self._waiting:
                self._waiting.remove(arrival)
            raise
        finally:
            add_pool_waiting(-1.0)
            self._turns.waits_no_more(arrival)

    def give_back(self) -> None:
        turns = self._turns
        self._used -= 1
        turns.used -= 1
        if turns.waiting:
            turns.pass_on()
        set_pool_used(turns.used)

    def serve_next(self) -> bool:
        """Give a free turn to the first that still waits; gives whether others wait, too."""
        while self._waiting:
            arrival = self._waiting.popleft()
            if not arrival.done():
                self._take()
                arrival.set_result(None)
                break
        return bool(self._waiting)

    def has_waiting(self) -> bool:
        return bool(self._waiting)

    def _take(self) -> None:
        self._used += 1
        self._turns.used += 1


class ConnectionTurns:
    """The turns of one pool: as many as it has connections."""

    def __init__(self, size: int, workspace_limit: int) -> None:
        reserved = 0 if size == 1 else 1 if size < 5 else 2
        self._for_rows = size - reserved
        self._workspace_limit = min(workspace_limit, self._for_rows)
        self.used = 0
        self.waiting: list[ConnectionLane] = []
        """The lanes in which somebody waits, in the order in which they are served."""
        self._deadlines: dict[asyncio.Future[None], float] = {}
        """Until when each of those who wait does so, on the clock of the event loop."""
        self._timer: asyncio.TimerHandle | None = None
        self.catalog = ConnectionLane(self, size, size)
        self._for_definitions = size - 1 if reserved > 1 else size

    def new_workspace(self) -> ConnectionLane:
        """The lane for the rows of one workspace. If it may use all turns, there is no other workspace."""
        leaves_one = self._workspace_limit < self._for_rows
        return ConnectionLane(self, self._workspace_limit, self._for_rows, leaves_one=leaves_one)

    def new_definitions(self) -> ConnectionLane:
        """The lane for the definitions of one workspace. It has half as many turns as the one for its rows,
        so that a workspace whose database does not answer leaves some to others."""
        return ConnectionLane(self, max(1, self._workspace_limit // 2), self._for_definitions)

    def waits(self, lane: ConnectionLane, arrival: asyncio.Future[None], deadline: float) -> None:
        """Somebody waits in a lane. One timer, for the earliest deadline, serves all who wait: few ever wait
        so long, and a timer for each would cost more than the wait itself."""
        if lane not in self.waiting:
            self.waiting.append(lane)
        self._deadlines[arrival] = deadline
        if self._timer is None or deadline < self._timer.when():
            self._set_timer(deadline)

    def waits_no_more(self, arrival: asyncio.Future[None]) -> None:
        del self._deadlines[arrival]

    def _set_timer(self, deadline: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(deadline, self._refuse_late)

    def _refuse_late(self) -> None:
        """End the waits whose deadlines are over."""
        self._timer = None
        now = asyncio.get_running_loop().time()
        left = []
        for arrival, deadline in self._deadlines.items():
            if arrival.done():
                continue
            if deadline <= now:
                arrival.set_exception(Busy())
            else:
                left.append(deadline)
        if left:
            self._set_timer(min(left))

    def pass_on(self) -> None:
        """Give free turns to lanes that wait; a lane that got one goes to the end."""
        if len(self.waiting) == 1:
            lane = self.waiting[0]
            if not (lane.serve_next() if lane.is_free() else lane.has_waiting()):
                self.waiting.clear()
            return
        delayed, served = [], []
        for lane in self.waiting:
            if lane.is_free():
                if lane.serve_next():
                    served.append(lane)
            elif lane.has_waiting():
                delayed.append(lane)
        self.waiting = delayed + served
