"""Children: processes forked from this one, which share with it what was loaded before.

Nothing that must not be shared may be there when a process forks: no thread, no event loop, no connection.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
HELD_BACK = {*STOP_SIGNALS, signal.SIGCHLD}


def fork(run: Callable[[], int]) -> int:
    """Start a process that does ``run`` and ends with the status it gives; its process id.

    Signals that come meanwhile are delivered when both sides are ready for them: in the child they do what
    they do by default.
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
    """The whole life of a child. It never returns to what its parent was doing."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for each in HELD_BACK:
            signal.signal(each, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
        status = run()
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:  # the parent's frames are not for the child to unwind
        traceback.print_exc()
    finally:
        os._exit(status)
