"""Runs ``rowkeep`` as another user: ``python as_user.py UID ARGUMENT...``, which root alone can do.

The interpreter may lie where only root gets, so all that a command imports is imported before, by commands on
another store.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

from rowkeep.cli.main import main, run
from rowkeep.exit_status import end

REHEARSED = ("init", "app create bot", "app list", "table create t.json", "no command")


def rehearse() -> None:
    """Run commands of each kind on a store of their own."""
    before = dict(os.environ)
    out = StringIO()
    with tempfile.TemporaryDirectory() as directory, redirect_stdout(out), redirect_stderr(out):
        for name in [name for name in os.environ if name.startswith("ROWKEEP_")]:
            del os.environ[name]
        os.environ["ROWKEEP_DATABASE_URL"] = f"sqlite:///{directory}/data"
        Path(directory, "t.json").write_text('{"name": "t", "schemaDef": []}')
        for arguments in REHEARSED:
            end(partial(run, arguments.replace("t.json", f"{directory}/t.json").split()))
    os.environ.clear()
    os.environ.update(before)


def become(user: int) -> None:
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


if __name__ == "__main__":
    rehearse()
    become(int(sys.argv.pop(1)))
    main()
