"""First token: how the first admin token of a store comes to who started it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rowkeep.crypto.master_key import key_file, owner_model
from rowkeep.errors.catalogue import SetupError
from rowkeep.private_files import create_private, make_private_directory
from rowkeep.settings import Settings


def hand_over(token: str, settings: Settings) -> None:
    """Give the first admin token to the terminal if there is one, else into a file.

    Under a service manager standard output is a log, and no secret may stand in a log.
    """
    if sys.stdout.isatty():
        print(f"The first admin token (shown only once): {token}", flush=True)
    else:
        print(f"The first admin token is in {keep_token(token, settings)}", flush=True)


def token_file(settings: Settings) -> Path:
    """Where the first admin token is put where there is no terminal."""
    return key_file(settings).with_suffix(".admin-token").resolve()


def keep_token(token: str, settings: Settings) -> Path:
    """Write the first admin token into a file that its owner alone can read. Raises SetupError."""
    path = token_file(settings)
    try:
        make_private_directory(path.parent)
        path.unlink(missing_ok=True)
        with os.fdopen(create_private(path, owner_model(settings)), "w") as file:
            file.write(token + "\n")
    except OSError as error:
        raise SetupError(
            f"The first admin token cannot be written to {path} ({error.strerror}). To create "
            "another one, run rowkeep admin-token create."
        ) from None
    return path
