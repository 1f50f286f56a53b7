"""Directory: the demo's data, deleted at each start and locked by one demo at a time."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from rowkeep.crypto.master_key import key_file
from rowkeep.errors.catalogue import SetupError
from rowkeep.logs import quiet_logs
from rowkeep.model.ids import wall_clock
from rowkeep.model.user_requests import UserBody
from rowkeep.model.users import OneTimeLink
from rowkeep.services.local_store import initialise_store, open_store
from rowkeep.services.passwords import Passwords
from rowkeep.services.sessions import Sessions
from rowkeep.services.users import Users
from rowkeep.settings import Settings

DIRECTORY = Path("demo-data")
EMAIL = "demo@example.com"
LOCK = DIRECTORY / "demo.lock"
PLACE = Settings(database_url=f"sqlite:///{DIRECTORY}")
"""The environment is ignored: a demo must not change a store that is in use."""


class DemoSecrets(NamedTuple):
    """The admin token of the demo, and the path of a page that signs its user in once."""

    admin_token: str
    sign_in_page: str


@contextmanager
def emptied() -> Iterator[DemoSecrets]:
    """Create an empty store in ``./demo-data`` with a user; yields its secrets. Raises SetupError."""
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
        yield DemoSecrets(first.admin_token, asyncio.run(_with_user()))


async def _with_user() -> str:
    """Create the user of the demo, an administrator. Returns the path of a page that signs the user in."""
    async with open_store(PLACE) as catalog:
        passwords = Passwords()
        user = await Users(catalog, passwords).create(UserBody(email=EMAIL, name="Demo", admin=True))
        sessions = Sessions(catalog, passwords, PLACE, wall_clock)
        return await sessions.new_link(OneTimeLink.SIGN_IN, user.id)


def _clear() -> None:
    """Delete everything except the lock file, which is locked."""
    for path in DIRECTORY.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != LOCK:
            path.unlink()
    key_file(PLACE).unlink(missing_ok=True)
