"""The command ``rowkeep``, also as ``python -m rowkeep``."""

from __future__ import annotations

import signal
import sys

from rowkeep.early_exit import exit_at_once

INTERRUPTED = 130
"""As in ``exit_status``, which loads more."""


def main() -> None:
    """Load and run the command line of this process, and exit. Ctrl-C is quiet from the first moment; for a
    server, it is a stop."""
    before = signal.getsignal(signal.SIGINT)
    if sys.argv[1:2] == ["serve"]:
        exit_at_once(0, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        from rowkeep.cli.main import main as run_command_line
    else:
        exit_at_once(INTERRUPTED, signal.SIGINT)
        from rowkeep.cli.main import main as run_command_line

        signal.signal(signal.SIGINT, before)
    run_command_line()


if __name__ == "__main__":
    main()
