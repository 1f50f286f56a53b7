"""Load: a load generator for HTTP/1.1 on persistent connections, with low overhead, in a separate process.

It reads a job (msgpack) from standard input and writes the outcome to standard output. Only the status and
length of responses are checked, so that mainly the server is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import uvloop

READ_SIZE = 65536
ROOT = Path(__file__).resolve().parent.parent


class Job(msgspec.Struct, frozen=True):
    """The requests to send. `requests` are complete messages, sent in turn over `connections`, one at a time
    on each.

    The job ends after `count` requests, or, if `count` is 0, after `seconds`.
    """

    host: str
    port: int
    requests: list[bytes]
    connections: int = 1
    count: int = 0
    seconds: float = 0.0


class Outcome(msgspec.Struct, frozen=True):
    """The result of a job: `requests` with a 2xx response in `seconds`; `answer` is the body of the last
    response."""

    requests: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float
    answer: bytes


class LoadError(Exception):
    """The server returned another status than 2xx, or an invalid response."""


class Load:
    """Distributes the requests of one job and collects the results."""

    def __init__(self, job: Job) -> None:
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.latencies: list[float] = []
        self.answer = b""
        self._requests = itertools.cycle(job.requests)
        self._left = job.count or sys.maxsize
        self._seconds = job.seconds if not job.count else float("inf")
        self._deadline = 0.0
        self._open = job.connections

    def begin(self) -> None:
        """Start the clock."""
        self._deadline = time.perf_counter() + self._seconds

    def next_request(self, now: float) -> bytes | None:
        """The next request to send, or None if the job is done."""
        if self._left == 0 or now >= self._deadline:
            return None
        self._left -= 1
        return next(self._requests)

    def idle(self) -> None:
        """A connection has no more requests to send."""
        self._open -= 1
        if self._open == 0 and not self.finished.done():
            self.finished.set_result(None)

    def fail(self, message: str) -> None:
        """Stop the job: its result would be wrong."""
        if not self.finished.done():
            self.finished.set_exception(LoadError(message))


class Connection(asyncio.Protocol):
    """One persistent connection: send a request, wait for the complete response, send the next one."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._missing = -1  # bytes of the body still to be received; below 0 in the head
        self._started = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's classes do not inherit from it

    def connection_lost(self, error: Exception | None) -> None:
        self._load.fail(f"The server closed a connection ({error}).")

    def send(self) -> None:
        """Send the next request, if there is one."""
        now = time.perf_counter()
        request = self._load.next_request(now)
        if request is None:
            self._load.idle()
            return
        self._started = now
        assert self._transport is not None
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._chunks.append(data)
        if self._missing >= 0:
            self._missing -= len(data)
        else:
            self._read_head()
        if self._missing == 0:
            self._missing = -1
            self._complete()

    def _read_head(self) -> None:
        data = b"".join(self._chunks)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return
        head = data[:end].lower()
        at = head.find(b"content-length:")
        if at < 0 or data[9:10] != b"2":
            self._load.fail(f"Not an answer that can be measured: {data[:800]!r}")
            return
        length = int(head[at + 15 :].split(b"\r\n", 1)[0])
        self._chunks = [data[end + 4 :]]
        self._missing = length - (len(data) - end - 4)

    def _complete(self) -> None:
        load = self._load
        load.latencies.append(time.perf_counter() - self._started)
        load.answer = (
            b"".join(self._chunks) if len(self._chunks) < 8 else b""
        )  # parts of a large response are not joined
        self._chunks = []
        self.send()


async def run(job: Job) -> Outcome:
    """Run a job. Raises LoadError if any response is not 2xx."""
    load = Load(job)
    loop = asyncio.get_running_loop()
    connections = []
    for _ in range(job.connections):
        _, connection = await loop.create_connection(lambda: Connection(load), job.host, job.port)
        connections.append(connection)
    cpu = time.process_time()
    started = time.perf_counter()
    load.begin()
    for connection in connections:
        connection.send()
    await load.finished
    seconds = time.perf_counter() - started
    latencies = sorted(load.latencies)
    return Outcome(
        requests=len(latencies),
        seconds=seconds,
        cpu_seconds=time.process_time() - cpu,
        p50_ms=latencies[len(latencies) // 2] * 1e3,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1e3,
        answer=load.answer,
    )


def drive(job: Job) -> Outcome:
    """Run a job in a separate process. Raises LoadError with the error output of that process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=msgspec.msgpack.encode(job),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise LoadError(done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1])
    return msgspec.msgpack.decode(done.stdout, type=Outcome)


def main() -> None:
    """Read a job, run it, and write the outcome."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    gc.disable()  # pauses of the client would count as time of the server
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(run(job))
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(msgspec.msgpack.encode(outcome))


if __name__ == "__main__":
    main()
