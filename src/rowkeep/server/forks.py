"""Forks: child processes that share the memory of modules that were loaded before the fork.

Things that cannot be shared must not exist when a process forks: threads, an event loop, connections.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from rowkeep.server.supervisor import HELD_BACK, stop_signals


def fork(run: Callable[[], int]) -> int:
    """Start a process that calls ``run`` and exits with the returned status. Returns its process id.

    Signals are blocked meanwhile, and delivered when both processes are ready: in the child they have their
    default effect.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        child = os.fork()
        if child == 0:
            _run(run)
        return child
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run(run: Callable[[], int]) -> None:
    """Run the child until it exits. It never returns to the code of its parent."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for each in (*stop_signals(), signal.SIGCHLD):
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        status = run()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:  # the child must not unwind the frames of its parent
        traceback.print_exc()
    finally:
        os._exit(status)
