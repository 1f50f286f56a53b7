"""Exposed files: warnings about keys and data that other users of this machine can read."""

from __future__ import annotations

import structlog

from rowkeep.crypto.master_key import data_directory, former_key_file, key_file
from rowkeep.private_files import exposed
from rowkeep.server.first_token import link_file, token_file
from rowkeep.settings import Settings

log = structlog.get_logger(__name__)

SHOWN = 5


def warn_of_exposed_files(settings: Settings) -> None:
    """Log which files with the key and the data other users of this machine can read."""
    keys = [key_file(settings), former_key_file(settings)]
    for path, mode in exposed([*keys, token_file(settings), link_file(settings)]):
        log.warning("file is readable by other users", path=str(path), mode=mode, action="chmod 600")
    directory = data_directory(settings)
    if directory is None:
        return
    # other users cannot open files in a directory that they cannot access
    for path, mode in exposed([directory]):
        log.warning("directory is readable by other users", path=str(path), mode=mode, action="chmod 700")
        inside = list(exposed([*directory.glob("*.db*"), *directory.glob("workspaces/*.db*")]))
        if inside:
            log.warning(
                "files are readable by other users",
                count=len(inside),
                paths=[str(path) for path, _ in inside[:SHOWN]],
                action="chmod 600",
            )
