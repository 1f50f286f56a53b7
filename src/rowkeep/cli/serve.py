"""``rowkeep serve`` and ``rowkeep init``: from an empty store or one that is there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

import msgspec

from rowkeep.cli.options import setting
from rowkeep.cli.output import print_line
from rowkeep.errors import SetupError
from rowkeep.settings import Settings

Host = Annotated[str | None, setting("host")]
Port = Annotated[int | None, setting("port")]
Workers = Annotated[int | None, setting("workers")]


def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve HTTP until told to stop (Ctrl-C, SIGTERM).

    An empty store is initialised first. All settings come from the environment; options win.
    """
    signal.signal(signal.SIGTERM, _stop)
    from rowkeep.cli.serving import listen, serve_here
    from rowkeep.cli.store import initialise_store, quiet_logs, warn_of_exposed_files
    from rowkeep.cli.workers import serve_with_workers
    from rowkeep.logs import configure_logs

    given = {"host": host or None, "port": port, "workers": workers}
    settings = Settings.from_environment(os.environ)
    settings = msgspec.structs.replace(settings, **{name: v for name, v in given.items() if v is not None})
    quiet_logs(settings)
    # the port first: where it cannot be had, no first token may be made and lost
    with listen(settings.host, settings.port) as sock:
        token = asyncio.run(initialise_store(settings))
        if token is not None:
            hand_over(token, settings)
        configure_logs(settings.log_level)
        warn_of_exposed_files(settings)
        shown_host = f"[{settings.host}]" if ":" in settings.host else settings.host
        print(f"Rowkeep serves http://{shown_host}:{sock.getsockname()[1]}", flush=True)
        if not (serve_with_workers if settings.workers > 1 else serve_here)(settings, sock):
            raise SetupError("The server could not start; the log above says why.")


def _stop(_signal: int, _frame: object) -> None:
    """Asked to stop before there is anything to end in order."""
    raise SystemExit(0)


def init() -> None:
    """Initialise an empty store: its tables, its master key, the first admin token.

    `rowkeep serve` does the same when it finds an empty store.
    """
    from rowkeep.cli.store import initialise_store, shell_settings

    settings = shell_settings()
    token = asyncio.run(initialise_store(settings))
    if token is None:
        print_line("The store was initialised before; nothing is changed.")
    else:
        hand_over(token, settings)


def hand_over(token: str, settings: Settings) -> None:
    """Give the first admin token to the terminal if there is one, else into a file.

    Under a service manager standard output is a log, and no secret may stand in a log.
    """
    if sys.stdout.isatty():
        print_line(f"The first admin token, shown this once: {token}")
    else:
        from rowkeep.cli.store import keep_token

        print(f"The first admin token is in {keep_token(token, settings)}", flush=True)
