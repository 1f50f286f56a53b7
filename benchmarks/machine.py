"""Machine: a description of the machine that was measured, one fact per line."""

from __future__ import annotations

import datetime
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from rowkeep import __version__


def describe(engines: list[str]) -> list[str]:
    """Date, processor, and the versions of everything that affects the results."""
    libraries = ", ".join(
        f"{name} {version(name)}" for name in ("uvicorn", "uvloop", "httptools", "msgspec", "apsw", "asyncpg")
    )
    return [
        f"{datetime.datetime.now(datetime.UTC).date().isoformat()}, Rowkeep {__version__}",
        f"{os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.machine()}",
        f"{platform.python_implementation()} {platform.python_version()}, {', '.join(engines)}",
        libraries,
    ]


def _processor() -> str:
    try:
        found = re.search(
            r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE
        )
    except FileNotFoundError:
        found = None
    return found.group(1) if found else platform.processor() or "processor unknown"
