"""A stop that is requested while a server starts."""

from __future__ import annotations

import signal
import sys
import weakref
from collections.abc import Iterator

import pytest

from rowkeep.server.early_stop import EarlyStop

STOPS = [signal.SIGTERM, signal.SIGINT]


@pytest.fixture
def stop() -> Iterator[EarlyStop]:
    before = {number: signal.getsignal(number) for number in STOPS}
    installed = EarlyStop()
    installed.install()
    yield installed
    for number, handler in before.items():
        signal.signal(number, handler)


def test_nothing_happens_without_a_signal(stop: EarlyStop) -> None:
    stop.check()


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_ends_the_program(stop: EarlyStop, number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as ended:
        signal.raise_signal(number)
    assert ended.value.code == 0


@pytest.mark.parametrize("number", STOPS)
def test_a_signal_where_python_ignores_exceptions_ends_the_program_later(
    stop: EarlyStop, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    ignored = []
    monkeypatch.setattr(sys, "unraisablehook", lambda given: ignored.append(given.exc_type))
    thing = EarlyStop()
    reference = weakref.ref(thing, lambda _: signal.raise_signal(number))
    del thing
    assert (reference(), ignored) == (None, [SystemExit])
    with pytest.raises(SystemExit) as ended:
        stop.check()
    assert ended.value.code == 0
