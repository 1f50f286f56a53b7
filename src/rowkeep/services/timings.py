"""Timings: how long the phases of a request took, for the header ``Server-Timing`` (W3C Server Timing)."""

from __future__ import annotations

from contextvars import ContextVar
from time import perf_counter


class Timings:
    """The phases of one request: ``auth``, ``plan``, ``db`` and ``encode``, in milliseconds."""

    def __init__(self) -> None:
        self._last = perf_counter()
        self._phases: dict[str, float] = {}

    def end(self, phase: str) -> None:
        """The phase ends now; it began when the phase before it ended. Times of a retry are added."""
        now = perf_counter()
        self._phases[phase] = self._phases.get(phase, 0.0) + (now - self._last) * 1000
        self._last = now

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
