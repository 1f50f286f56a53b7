"""The tree: nothing in it belongs to one machine or to one registry of packages."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache

import pytest
from source import ROOT, tree

REGISTRIES = [
    ("pypi", "org"),
    ("files", "pythonhosted", "org"),
    ("registry", "npmjs", "org"),
    ("deb", "debian", "org"),
]
"""In parts, for the name of none may stand in the tree, this file included."""

PATHS_OF_MACHINES = re.compile(
    r"/(?<![\w.}/]/)(?:home/(?!you\b)[\w{]|Users/\w|r[o]ot/|w[o]rk/|tmp/\w)"
    r"|:(?<=\b[A-Z]:)\\Users\\"
)
"""Directories of one person or one machine, in brackets where the pattern would find itself. The place of the
clone is not among them: it may be named like a path of the API, such as ``/data``. What comes before is asked
after the first character: so only few places have to be looked at."""


@cache
def texts() -> dict[str, str]:
    """Each file of the tree, by its path."""
    return {path.relative_to(ROOT).as_posix(): path.read_bytes().decode("utf-8", "ignore") for path in tree()}


def found(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in the tree: ``path:line: text``."""
    places = []
    for path, text in texts().items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            places.append(f"{path}:{line}: {match[0]}")
    return places


def configured_registries() -> set[str]:
    """The hosts that pip is configured with on this machine. Names without a dot may be any word, so they and
    addresses of the machine itself are left out."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    hosts = set(re.findall(r"https?://(?:[^/@\s'\"]*@)?([^/:\s'\"]+)", listed.stdout))
    return {host for host in hosts if "." in host and not host.startswith("127.")}


def test_no_registry_of_packages() -> None:
    hosts = {".".join(parts) for parts in REGISTRIES} | configured_registries()
    assert found(re.compile("|".join(map(re.escape, sorted(hosts))))) == []


def test_no_path_of_one_machine() -> None:
    assert found(PATHS_OF_MACHINES) == []


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("/home/you/shop", False),
        ("/api/v1/workspaces/main/data/people", False),
        ("/data/0/Number", False),
        ("{prefix}/shop/orders", False),
        ("see /ho" + "me/ada/rowkeep", True),
        ('"/tm' + 'p/rowkeep"', True),
        ("cd /ro" + "ot/rowkeep", True),
        ("C:" + r"\Users\ada", True),
    ],
)
def test_the_check_for_paths_would_notice(text: str, is_found: bool) -> None:
    assert bool(PATHS_OF_MACHINES.search(text)) is is_found


def test_no_generated_files() -> None:
    assert [path for path in tree() if path.suffix in (".pyc", ".db", ".key", ".log", ".db-wal")] == []


def test_no_test_is_left_out() -> None:
    ways = [r"pytest\.(?:mark\.)?s" + "kip", r"mark\.x" + "fail", r"pytest\.x" + "fail", r"import" + "orskip"]
    assert found(re.compile("|".join(ways))) == []
