"""Early stop: a request to stop that arrives before anything must be shut down in order."""

from __future__ import annotations

import signal
from typing import NoReturn

from rowkeep.server.supervisor import STOP_SIGNALS, stop_signals


class EarlyStop:
    """The exception of its signal ends the program, unless Python ignores it, as in callbacks of weak
    references."""

    def __init__(self) -> None:
        self._is_requested = False

    def install(self) -> None:
        """Handle the signals, also those that were blocked, until another handler is set."""
        for each in stop_signals():
            signal.signal(each, self._stop)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def check(self) -> None:
        """End the program if the exception was ignored."""
        if self._is_requested:
            self._raise()

    def _stop(self, _number: int, _frame: object) -> None:
        self._is_requested = True
        self._raise()

    def _raise(self) -> NoReturn:
        raise SystemExit(0)
