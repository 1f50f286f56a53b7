"""Function turns: only one thread at a time runs statements that call functions written in Python.

Python runs one thread at a time anyway, and the event loop waits for its turn: with 16 queries that ignore
case, for up to a second. So these queries wait here instead, first come, first served. Each runs for a short
time and then goes to the end of the queue.

A turn only sets an order and protects nothing. If the thread that has the turn does not return, because
SQLite is busy with something else, the next thread takes the turn.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

TURN_SECONDS = 0.02
LOOK_SECONDS = 0.05
"""How often a waiting thread checks whether it must stop, and whether it missed its turn."""


class _Waiting:
    """A waiting thread, and what it runs."""

    def __init__(self, who: object) -> None:
        self.who = who
        self.is_called = threading.Event()


class FunctionTurns:
    """The queue of one process. ``who`` is what a thread runs: its connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queue: deque[_Waiting] = deque()
        self._who: object = None
        self._until = 0.0

    def take(self, who: object, check: Callable[[], None]) -> None:
        """Continue, or wait for the turn of ``who``. While it waits, it calls ``check``, which may raise."""
        if self._who is who and (not self._queue or time.monotonic() < self._until):
            return
        with self._lock:
            has_turn = self._who is None or self._who is who
            if not self._queue and (has_turn or self._is_over()):
                self._pass_to(who)
                return
            waiting = _Waiting(who)
            self._queue.append(waiting)
            if has_turn:
                self._call_next()
        try:
            while not waiting.is_called.wait(LOOK_SECONDS):
                check()
                with self._lock:
                    if self._is_over():
                        self._call_next()
        except BaseException:
            self._leave_queue(waiting)
            raise

    def give(self, who: object) -> None:
        """The statements of ``who`` have ended."""
        if self._who is who:
            with self._lock:
                if self._who is who:
                    self._call_next()

    def _is_over(self) -> bool:
        return time.monotonic() > self._until + TURN_SECONDS

    def _pass_to(self, who: object) -> None:
        self._who = who
        self._until = time.monotonic() + TURN_SECONDS

    def _call_next(self) -> None:
        if not self._queue:
            self._pass_to(None)
            return
        waiting = self._queue.popleft()
        self._pass_to(waiting.who)
        waiting.is_called.set()

    def _leave_queue(self, waiting: _Waiting) -> None:
        with self._lock:
            if waiting in self._queue:
                self._queue.remove(waiting)
            elif self._who is waiting.who:
                self._call_next()


TURNS = FunctionTurns()
"""The queue of this process, like Python's lock."""
