"""Clients that repeat a request under its key until it is answered, whatever happens to the server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from support.bot import Bot
from support.server import RowkeepServer

T = TypeVar("T")

PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.02
IN_PROGRESS = "idempotency_in_progress"


@dataclass(frozen=True)
class Sent:
    """A request that was answered, and its answer."""

    method: str
    call: str
    body: Any
    key: str
    status: int
    content: bytes
    tries: int


class Progress:
    """How many requests all clients have sent, for others to wait for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sent = 0
        self._running = 0

    def count(self) -> None:
        with self._changed:
            self._sent += 1
            self._changed.notify_all()

    def wait(self, requests: int) -> None:
        """Wait until so many more requests are sent, or no client runs."""
        with self._changed:
            until = self._sent + requests
            self._changed.wait_for(lambda: self._sent >= until or not self._running)

    def run(self, work: Callable[[], T]) -> T:
        """Run what a client does; :meth:`begin` was called for it."""
        try:
            return work()
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def begin(self, clients: int) -> None:
        with self._changed:
            self._running += clients


@dataclass
class RetryingClient:
    """One client of one table. Each of its requests has a key of its own."""

    bot: Bot
    table: str
    name: str
    progress: Progress
    sent: list[Sent] = field(default_factory=list)

    def ask(self, method: str, body: Any, call: str = "") -> httpx.Response:
        """The answer to a new request, repeated until there is one."""
        key = f"{self.table}.{self.name}.{len(self.sent)}"
        response, tries = self._answered(method, call, body, key)
        self.sent.append(Sent(method, call, body, key, response.status_code, response.content, tries))
        return response

    def ask_again(self, sent: Sent) -> httpx.Response:
        """The answer to a request that was answered before."""
        return self._answered(sent.method, sent.call, sent.body, sent.key)[0]

    def _answered(self, method: str, call: str, body: Any, key: str) -> tuple[httpx.Response, int]:
        path, headers = f"/api/public/tables/{self.table}{call}", {"Idempotency-Key": key}
        until, tries = time.monotonic() + PATIENCE_SECONDS, 0
        while True:
            assert time.monotonic() < until, f"no answer to {method} {path}"
            tries += 1
            self.progress.count()
            try:
                response = self.bot.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            waits = response.status_code == 503 or (
                response.status_code == 409 and response.json()["code"] == IN_PROGRESS
            )
            if not waits:
                return response, tries
            assert response.headers["Retry-After"].isdigit()
            time.sleep(PAUSE_SECONDS)


Kill = tuple[int, float]
"""After how many requests the server is killed, and how many seconds later."""


def together(
    server: RowkeepServer, progress: Progress, work: Sequence[Callable[[], T]], kills: Sequence[Kill]
) -> list[T]:
    """The results of all functions, which run at once while the server is killed and started again."""
    progress.begin(len(work))
    with ThreadPoolExecutor(len(work)) as pool:
        running = [pool.submit(progress.run, each) for each in work]
        for requests, delay in kills:
            progress.wait(requests)
            time.sleep(delay)
            server.kill()
            server.start()
        return [each.result() for each in running]
