"""Directory: the demo's data, deleted at each start and locked by one demo at a time."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rowkeep.crypto.master_key import key_file
from rowkeep.errors.catalogue import SetupError
from rowkeep.logs import quiet_logs
from rowkeep.services.local_store import initialise_store
from rowkeep.settings import Settings

DIRECTORY = Path("demo-data")
LOCK = DIRECTORY / "demo.lock"
PLACE = Settings(database_url=f"sqlite:///{DIRECTORY}")
"""The environment is ignored: a demo must not change a store that is in use."""


@contextmanager
def emptied() -> Iterator[str]:
    """Create an empty store in ``./demo-data``; yields its admin token. Raises SetupError."""
    if DIRECTORY.exists() and not LOCK.exists():
        raise SetupError(f"./{DIRECTORY} exists, but is not a demo's directory. Move it first.")
    DIRECTORY.mkdir(exist_ok=True)
    with LOCK.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SetupError(f"Another demo is running in ./{DIRECTORY}. Stop it first.") from None
        _clear()
        quiet_logs(PLACE.log_level)
        first = asyncio.run(initialise_store(PLACE))
        if first is None:
            raise SetupError(f"./{DIRECTORY} could not be created again.")
        yield first.admin_token


def _clear() -> None:
    """Delete everything except the lock file, which is locked."""
    for path in DIRECTORY.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != LOCK:
            path.unlink()
    key_file(PLACE).unlink(missing_ok=True)
