"""First token: how the first admin token of a store reaches the person who started the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rowkeep.crypto.master_key import key_file, owner_model
from rowkeep.errors.catalogue import SetupError
from rowkeep.private_files import create_private, make_private_directory
from rowkeep.settings import Settings


def hand_over(token: str, settings: Settings) -> None:
    """Print the first admin token if there is a terminal, otherwise write it to a file.

    Under a service manager, standard output is a log, and secrets must not be logged.
    """
    if sys.stdout.isatty():
        print(f"The first admin token (shown only once): {token}", flush=True)
    else:
        print(f"The first admin token is in {keep_token(token, settings)}", flush=True)


def token_file(settings: Settings) -> Path:
    """The path of the file with the first admin token, if there is no terminal."""
    return key_file(settings).with_suffix(".admin-token").resolve()


def keep_token(token: str, settings: Settings) -> Path:
    """Write the first admin token to a file that only its owner can read. Raises SetupError."""
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
