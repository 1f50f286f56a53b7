"""Timings: how long the phases of a request took, for the header ``Server-Timing`` (W3C Server Timing) and
for traces."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter

PHASES = ("auth", "plan", "db", "encode")
"""The phases of a request, in their order. A request of the management API reads its body in ``plan``, and
makes its changes in ``db``."""

MAX_SPANS = 64
"""How many phases of one request are listed one by one; a retry repeats them."""


class Timings:
    """The phases of one request, in milliseconds."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self._phases: dict[str, float] = {}
        self.spans: list[tuple[str, float, float]] = []
        """Each phase with its begin and end, on the clock of time.perf_counter."""

    def end(self, phase: str) -> None:
        """The phase ends now; it began when the phase before it ended. Times of a retry are added."""
        now = perf_counter()
        self._phases[phase] = self._phases.get(phase, 0.0) + (now - self._last) * 1000
        if len(self.spans) < MAX_SPANS:
            self.spans.append((phase, self._last, now))
        self._last = now

    def end_current(self) -> None:
        """The phase that is running ends now, because the response starts."""
        last = max((PHASES.index(phase) for phase in self._phases), default=-1)
        self.end(PHASES[min(last + 1, len(PHASES) - 1)])

    def header(self) -> bytes:
        """The value of ``Server-Timing``, such as ``auth;dur=0.08, plan;dur=0.05, db;dur=0.21``."""
        return ", ".join(f"{phase};dur={ms:.2f}" for phase, ms in self._phases.items()).encode()


_current: ContextVar[Timings | None] = ContextVar("timings", default=None)


def start_timings() -> Timings:
    """Measure the phases of the request that this task serves."""
    timings = Timings()
    _current.set(timings)
    return timings


def end_phase(phase: str) -> None:
    """A phase of the request ends now, if its phases are measured."""
    timings = _current.get()
    if timings is not None:
        timings.end(phase)
