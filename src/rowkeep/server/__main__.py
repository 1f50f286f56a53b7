"""Server program: ``python -m rowkeep.server``, with all settings from the environment.

``rowkeep serve`` is replaced by this program, which does not load the modules of the command line and so uses
a tenth less memory.
"""

# ruff: noqa: E402 - what follows loads structlog
from __future__ import annotations

import sys

from rowkeep.early_exit import exit_at_once
from rowkeep.server.early_stop import EarlyStop
from rowkeep.server.supervisor import HELD_BACK, REPLACES, STOP_SIGNALS

if __name__ == "__main__" and sys.argv[1:2] != [REPLACES]:
    exit_at_once(0, *STOP_SIGNALS)  # first, because loading the other modules takes most of a start

# what libraries load where it is installed: structlog rich, to show errors on a terminal, though the log of a
# server is JSON lines; structlog and SQLAlchemy greenlet, which a server does not use, and with it libstdc++
for _unused in ("rich", "greenlet"):
    sys.modules.setdefault(_unused, None)  # type: ignore[arg-type] # the import system takes it as missing

import asyncio
import os
import signal
from contextlib import ExitStack
from functools import partial

import msgspec

from rowkeep.errors.catalogue import SetupError
from rowkeep.exit_status import end
from rowkeep.logs import configure_logs, quiet_logs
from rowkeep.server.exposed_files import warn_of_exposed_files
from rowkeep.server.first_token import hand_over
from rowkeep.server.memory_arenas import share_one_arena
from rowkeep.server.process import listen, load_all, serve_here
from rowkeep.server.tls import tls_files
from rowkeep.server.workers import SPREADS, replacement_status, serve_with_workers, worker_count
from rowkeep.services.audit import record_start
from rowkeep.services.local_store import initialise_store
from rowkeep.settings import Settings


def run(settings: Settings, stop: EarlyStop) -> None:
    """Initialise the store if it is empty, and serve until a stop is requested. Raises SetupError."""
    quiet_logs(settings.log_level)
    workers = worker_count(settings)
    settings = msgspec.structs.replace(settings, workers=workers)
    # files that cannot be used must not stop each worker one after the other
    tls = tls_files(settings)
    # open the port first: if that fails, no first token must be created and lost
    with (
        listen(settings.host, settings.port, shares=workers > 1 and SPREADS) as sock,
        ExitStack() as others,
    ):
        shared = []
        if settings.metrics_port:
            shared.append(others.enter_context(listen(settings.metrics_host, settings.metrics_port)))
        first = asyncio.run(initialise_store(settings, partial(record_start, settings)))
        shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
        url = f"{'http' if tls is None else 'https'}://{shown_host}:{sock.getsockname()[1]}"
        if first is not None:
            hand_over(first, settings, url)
        configure_logs(settings.log_level)
        warn_of_exposed_files(settings)
        print(f"Rowkeep is listening on {url}", flush=True)
        if workers > 1:
            # the supervisor takes these signals, also those that arrive before
            signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
            stop.check()
            load_all()
            serve_with_workers(settings, workers, sock, shared)
        stop.check()
        if not serve_here(settings, [sock, *shared]):
            raise SetupError("The server could not start. See the log above.")


def main() -> None:
    """Run the server, or the replacement of a worker, and exit the process."""
    share_one_arena()
    if sys.argv[1:2] == [REPLACES]:
        sys.exit(replacement_status(sys.argv[2]))
    stop = EarlyStop()
    stop.install()
    sys.exit(end(lambda: run(Settings.from_environment(os.environ), stop)))


if __name__ == "__main__":
    main()
