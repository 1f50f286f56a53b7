"""Clients of a soak: writers that continue after anything, streams in and out, and readers that never see a
part of a request."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from typing import Any

import httpx
from ledger import LEDGER_TABLE, Batch, Present, Record, State
from writers import PATIENCE, PAUSE_SECONDS, Operation, Tally, Writer, fault_of_refusal

from support.bot import Bot

PATH = "/api/public/tables/ledger"
NDJSON = "application/x-ndjson"

SOAK_TABLE: dict[str, Any] = {
    **LEDGER_TABLE,
    "schemaDef": [
        *LEDGER_TABLE["schemaDef"][:-1],
        # a rotation of the data key has something to do
        {"name": "Note", "type": "string", "isEncrypted": True},
    ],
}


SHORT_PAUSE_SECONDS = 0.25
"""Between the requests of a client of a short soak, which would otherwise take all time of the commands."""


class SteadyWriter(Writer):
    """A writer that continues when its connection breaks. It does not touch a batch again whose request got
    no response, until the table has been compared."""

    def run(self) -> None:
        refusals = 0
        try:
            while not self.stopped.is_set() and self.failure is None:
                refusals = self._try_once(refusals)
        except BaseException as error:
            self.failure = repr(error)
            raise
        finally:
            self.tally.count(ended=1)

    def _try_once(self, refusals: int) -> int:
        """Make one request; returns how many were refused in a row."""
        try:
            response = self.write_once()
        except httpx.TransportError:
            self.stopped.wait(PAUSE_SECONDS)
            return refusals
        if response.status_code == 200:
            self.tally.count(acknowledged=1)
            self.stopped.wait(self.pause_seconds)
            return 0
        self.failure = fault_of_refusal(response)
        if refusals == PATIENCE:
            self.failure = f"refused {refusals} times in a row: {response.text[:300]}"
        self.tally.count(refused=1)
        self.stopped.wait(PAUSE_SECONDS)
        return refusals + 1

    def next_operation(self) -> Operation:
        return self._stream() if self.draw.random() < 0.1 else super().next_operation()

    def new_batch(self, size: int) -> tuple[Batch, list[dict[str, Any]]]:
        batch, rows = super().new_batch(size)
        # a reader must know how many there are
        return batch, [row | {"Note": f"{size} {row['Note']}"} for row in rows]

    def confirmed(self, batch: Batch, state: State, answer: Any) -> State:
        if isinstance(state, Present) and "nInserted" in answer:
            if answer["nInserted"] != state.size:
                self.failure = f"answer to batch {batch.number}: {answer}"
            return state
        return super().confirmed(batch, state, answer)

    def _stream(self) -> Operation:
        batch, rows = self.new_batch(self.draw.randint(2, 400))
        body = "".join(json.dumps(row) + "\n" for row in rows).encode()
        headers = {"content-type": NDJSON}
        state = Present(len(rows), rows[0]["Value"])
        return (
            batch,
            state,
            lambda: self.bot.request("POST", f"{PATH}/bulk", content=body, headers=headers),
        )


class Reader:
    """Streams the whole table out, again and again: each batch must be whole, whatever is written or killed
    meanwhile."""

    pause_seconds = 0.0

    def __init__(self, bot: Bot, tally: Tally) -> None:
        self._bot, self._tally = bot, tally
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.failure: str | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set() and self.failure is None:
                self._read_once()
        except BaseException as error:
            self.failure = repr(error)
            raise
        finally:
            self._tally.count(ended=1)

    def _read_once(self) -> None:
        try:
            response = self._bot.request("POST", f"{PATH}/query", json={}, headers={"Accept": NDJSON})
        except httpx.TransportError:
            self._stopped.wait(PAUSE_SECONDS)
            return
        if response.status_code == 200:
            self.failure = parts([json.loads(line) for line in response.text.splitlines()])
            self._tally.count(read=1)
            self._stopped.wait(self.pause_seconds)
        else:
            self.failure = fault_of_refusal(response)
            self._stopped.wait(PAUSE_SECONDS)


def parts(records: list[Record]) -> str | None:
    """What shows a request of which only a part was seen; None if nothing does."""
    found: dict[int, list[Record]] = defaultdict(list)
    for record in records:
        found[record["Batch"]].append(record)
    for number, rows in found.items():
        positions = sorted(row["Position"] for row in rows)
        values = {row["Value"] for row in rows}
        size = int(rows[0]["Note"].split()[0])
        if positions != list(range(size)) or len(values) > 1:
            return f"a reader saw a part of batch {number}: {len(rows)} of {size} rows, {len(values)} values"
    return None


def abandoned(batches: list[Batch]) -> int:
    """How many batches wait for a comparison, because their last request got no response."""
    return sum(batch.pending is not None for batch in batches)
