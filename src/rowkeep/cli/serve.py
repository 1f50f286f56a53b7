"""Serve: ``rowkeep serve`` and ``rowkeep init``."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Annotated

from rowkeep.cli.options import setting
from rowkeep.server.supervisor import STOP_SIGNALS
from rowkeep.setting_rules import PREFIX
from rowkeep.settings import Settings

Host = Annotated[str | None, setting("host")]
Port = Annotated[int | None, setting("port")]
Workers = Annotated[int | None, setting("workers")]


def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Run the server until Ctrl-C, SIGTERM or SIGHUP.

    Initialises the store if it is empty. All settings come from the environment; options override them.
    """
    given = {"host": host or None, "port": port, "workers": workers}
    options = {PREFIX + name.upper(): str(value) for name, value in given.items() if value is not None}
    environment = {**os.environ, **options}
    for each in (os.environ, environment):
        # an invalid variable is an error even if an option overrides it
        Settings.from_environment(each)
    # this process is replaced by the server, which does not need the modules of the command line; signals
    # wait until it can handle them
    sys.stdout.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    os.execve(sys.executable, [sys.executable, "-P", "-m", "rowkeep.server"], environment)  # noqa: S606 - Rowkeep's own command


def init() -> None:
    """Initialise an empty store: system tables, master key, first admin token, link for the
    first user.

    `rowkeep serve` does the same if the store is empty.
    """
    from rowkeep.server.first_token import hand_over
    from rowkeep.services.local_store import initialise_store, shell_settings

    settings = shell_settings()
    first = asyncio.run(initialise_store(settings))
    if first is None:
        print("The store is already initialised; nothing was changed.")
    else:
        hand_over(first, settings, f"http://{settings.host}:{settings.port}")
