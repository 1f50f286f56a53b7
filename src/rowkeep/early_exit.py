"""Early exit: what a signal does while a program loads its modules."""

from __future__ import annotations

import os
import signal


def exit_at_once(status: int, *signals: signal.Signals) -> None:
    """Let these signals end the process without a word, until they have other handlers. Those that were
    blocked arrive now; a signal that the parent of the process ignores stays ignored.

    Nothing has to be undone yet, and an exception in the middle of loading a module would be shown with a
    traceback, be ignored, or crash Python.
    """
    for each in signals:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, lambda *_: os._exit(status))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
