"""First token: how the first admin token of a store, and the link for its first user, reach the person who
started the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rowkeep.crypto.master_key import default_key_file, key_file, owner_model
from rowkeep.errors.catalogue import SetupError
from rowkeep.model.users import OneTimeLink
from rowkeep.private_files import create_private, make_private_directory
from rowkeep.services.initialise import FirstSecrets
from rowkeep.services.sessions import page_of
from rowkeep.settings import Settings


def hand_over(first: FirstSecrets, settings: Settings, url: str) -> None:
    """Print the first admin token and the link if there is a terminal, otherwise write them to files.

    Under a service manager, standard output is a log, and secrets must not be logged. ``url`` is that of the
    server.
    """
    link = page_of(OneTimeLink.FIRST, first.link, settings, settings.public_url or url)
    if sys.stdout.isatty():
        print(f"The first admin token (shown only once): {first.admin_token}", flush=True)
        print(f"To create the first user, open (once): {link}", flush=True)
    else:
        token_path = _store(
            first.admin_token, token_file(settings), settings, "admin token", NEW_ADMINISTRATOR
        )
        print(f"The first admin token is in {token_path}", flush=True)
        link_path = _store(link, link_file(settings), settings, "link", NEW_USER)
        print(f"The link to create the first user is in {link_path}", flush=True)


NEW_ADMINISTRATOR = "To create another one, run rowkeep admin-token create."
NEW_USER = "To create a user without it, run rowkeep user create."


def token_file(settings: Settings) -> Path:
    """The path of the file with the first admin token, if there is no terminal."""
    return _next_to_the_key(settings).with_suffix(".admin-token").resolve()


def link_file(settings: Settings) -> Path:
    """The path of the file with the link for the first user, if there is no terminal."""
    return _next_to_the_key(settings).with_suffix(".first-user").resolve()


def _next_to_the_key(settings: Settings) -> Path:
    """The path of the key file, or where it is by default if that directory is read-only, such as that of the
    secrets of a container."""
    path = key_file(settings)
    if path.parent.exists() and not os.access(path.parent, os.W_OK):
        return default_key_file(settings)
    return path


def _store(secret: str, path: Path, settings: Settings, what: str, otherwise: str) -> Path:
    """Write a secret to a file that only its owner can read. Raises SetupError."""
    try:
        make_private_directory(path.parent)
        path.unlink(missing_ok=True)
        descriptor = create_private(path, owner_model(settings))
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secret + "\n")
        except OSError:
            # of a full disk: an empty file would look like one with the secret
            path.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SetupError(
            f"The first {what} cannot be written to {path} ({error.strerror}). {otherwise}"
        ) from None
    return path
