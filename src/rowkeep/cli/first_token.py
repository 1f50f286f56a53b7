"""First token: how the first admin token of a store comes to who started it."""

from __future__ import annotations

import sys

from rowkeep.cli.store import keep_token
from rowkeep.settings import Settings


def hand_over(token: str, settings: Settings) -> None:
    """Give the first admin token to the terminal if there is one, else into a file.

    Under a service manager standard output is a log, and no secret may stand in a log.
    """
    if sys.stdout.isatty():
        print(f"The first admin token (shown only once): {token}", flush=True)
    else:
        print(f"The first admin token is in {keep_token(token, settings)}", flush=True)
