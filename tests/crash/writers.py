"""Clients that write without pause, each a thread with batches of its own, and keep book of all answers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import httpx
from ledger import Absent, Batch, Present, State

from support.bot import Bot

LARGEST_BULK = 200
MOST_BATCHES = 20
"""With more of its own, a writer deletes more than it adds: what is read back stays of a size."""
PATIENCE = 1_200
"""How many refusals in a row a writer takes before it says that the server does not recover."""
PAUSE_SECONDS = 0.05
"""How long it waits after each; Retry-After counts in whole seconds, which only makes the test slower."""

Operation = tuple[Batch, State, Callable[[], httpx.Response]]


class Tally:
    """Counts what all writers have seen together, and lets others wait for it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.acknowledged = 0
        self.refused = 0
        self.read = 0
        self.ended = 0

    def count(self, *, acknowledged: int = 0, refused: int = 0, read: int = 0, ended: int = 0) -> None:
        """Add to the counts."""
        with self._changed:
            self.acknowledged += acknowledged
            self.refused += refused
            self.read += read
            self.ended += ended
            self._changed.notify_all()

    def wait(self, *, acknowledged: int = 0, refused: int = 0, read: int = 0) -> None:
        """Wait until so many more have been seen, or a writer has ended, after which it would be in vain."""
        with self._changed:
            acknowledged, refused = self.acknowledged + acknowledged, self.refused + refused
            read += self.read
            self._changed.wait_for(
                lambda: (
                    self.ended
                    or (self.acknowledged >= acknowledged and self.refused >= refused and self.read >= read)
                )
            )


class Writer:
    """Writes until the connection breaks or it is told to stop; `failure`: what it should not have seen."""

    pause_seconds = 0.0
    """After each request that succeeded."""

    def __init__(self, bot: Bot, batches: dict[int, Batch], tally: Tally, draw: random.Random) -> None:
        """`batches` are this writer's own, and go on from round to round; it adds to them."""
        self.bot, self._batches, self.tally, self.draw = bot, batches, tally, draw
        self.stopped = threading.Event()
        self._thread = threading.Thread(target=self.run)
        self.failure: str | None = None
        self.broken = False

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def join(self) -> None:
        """Wait until it has ended."""
        self._thread.join()

    def stop(self) -> None:
        """End after the request that is under way."""
        self.stopped.set()

    def run(self) -> None:
        refusals = 0
        try:
            while not self.stopped.is_set() and self.failure is None:
                response = self.write_once()
                if response.status_code == 200:
                    self.tally.count(acknowledged=1)
                    refusals = 0
                    self.stopped.wait(self.pause_seconds)
                    continue
                self.failure = fault_of_refusal(response)
                self.tally.count(refused=1)
                refusals += 1
                if refusals > PATIENCE:
                    self.failure = f"refused {refusals} times in a row: {response.text[:300]}"
                self.stopped.wait(PAUSE_SECONDS)
        except httpx.TransportError:
            self.broken = True
        finally:
            self.tally.count(ended=1)

    def write_once(self) -> httpx.Response:
        batch, state, send = self.next_operation()
        self._batches[batch.number] = batch
        batch.pending = state
        response = send()
        if response.status_code == 200:
            batch.acknowledge(self.confirmed(batch, state, response.json()))
        return response

    def next_operation(self) -> Operation:
        settled = [
            batch
            for batch in self._batches.values()
            if batch.pending is None and isinstance(batch.state, Present)
        ]
        if not settled or self.draw.random() < 0.6:
            if len(settled) < MOST_BATCHES:
                return self._insert() if self.draw.random() < 0.6 else self._bulk()
            return self._delete(self.draw.choice(settled))
        batch = self.draw.choice(settled)
        return self._update(batch) if self.draw.random() < 0.7 else self._delete(batch)

    def _insert(self) -> Operation:
        batch, rows = self.new_batch(1)
        return batch, Present(1, rows[0]["Value"]), lambda: self.bot.insert("ledger", rows[0])

    def _bulk(self) -> Operation:
        batch, rows = self.new_batch(self.draw.randint(2, LARGEST_BULK))
        return batch, Present(len(rows), rows[0]["Value"]), lambda: self.bot.bulk("ledger", rows)

    def _update(self, batch: Batch) -> Operation:
        assert isinstance(batch.state, Present)
        value = self.draw.randrange(2**53)
        state = Present(batch.state.size, value)
        return batch, state, lambda: self.bot.update("ledger", _whole(batch), {"Value": value})

    def _delete(self, batch: Batch) -> Operation:
        return batch, Absent(), lambda: self.bot.delete("ledger", _whole(batch))

    def new_batch(self, size: int) -> tuple[Batch, list[dict[str, Any]]]:
        number = self.draw.randrange(2**53)
        value = self.draw.randrange(2**53)
        note = "n" * self.draw.randrange(200)
        rows = [{"Batch": number, "Position": at, "Value": value, "Note": note} for at in range(size)]
        return Batch(number), rows

    def confirmed(self, batch: Batch, state: State, answer: Any) -> State:
        """The state with what the answer says about it; an answer that does not fit is a failure."""
        if isinstance(state, Absent):
            assert isinstance(batch.state, Present)
            if answer != {"nDeleted": batch.state.size}:
                self.failure = f"deleting {batch.state.size} rows answered {answer}"
            return state
        records = answer.get("records", [answer])
        confirmed = Present(state.size, state.value, records)
        complaint = confirmed.complaint(records)
        if complaint or answer.get("nModified", state.size) != state.size:
            self.failure = f"answer to batch {batch.number}: {complaint or answer['nModified']}"
        return confirmed


def _whole(batch: Batch) -> dict[str, Any]:
    return {"expressions": [{"field": "Batch", "operand": "=", "value": batch.number}]}


def fault_of_refusal(response: httpx.Response) -> str | None:
    """What is wrong with an answer that is not 200: while the store is away, all but 503 with Retry-After."""
    if response.status_code == 503 and response.headers.get("Retry-After", "").isdigit():
        return None
    return f"{response.status_code} {dict(response.headers)} {response.text[:500]}"
