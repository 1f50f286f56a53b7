"""The tree: nothing in it belongs to one machine, to one registry of packages, or to one day."""

from __future__ import annotations

import re
import subprocess
import sys

from source import ROOT, tree

REGISTRIES = [
    ("pypi", "org"),
    ("files", "pythonhosted", "org"),
    ("registry", "npmjs", "org"),
    ("deb", "debian", "org"),
]
"""In parts, for the name of none may stand in the tree, this file included."""

COMMON = {"app", "bin", "boot", "builds", "dev", "etc", "home", "lib", "mnt", "opt", "proc"} | {
    "root", "run", "src", "srv", "sys", "tmp", "usr", "var", "Users", "private", "Volumes", "workspace",
}  # fmt: skip
"""Directories that many machines have at their top; naming one says nothing of this one."""


def found(pattern: re.Pattern[str]) -> list[str]:
    """Where a pattern stands in the tree: ``path:line: text``."""
    places = []
    for path in tree():
        text = path.read_bytes().decode("utf-8", "ignore")
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            places.append(f"{path.relative_to(ROOT)}:{line}: {match[0]}")
    return places


def configured_registries() -> set[str]:
    """The hosts that pip is set up with on this machine."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return set(re.findall(r"https?://(?:[^/@\s'\"]*@)?([^/:\s'\"]+)", listed.stdout))


def test_no_registry_of_packages() -> None:
    hosts = {".".join(parts) for parts in REGISTRIES} | configured_registries()
    assert found(re.compile("|".join(map(re.escape, sorted(hosts))))) == []


def test_no_path_of_this_machine() -> None:
    places = {str(ROOT)} | {f"/{ROOT.parts[1]}/" for _ in (1,) if ROOT.parts[1] not in COMMON}
    assert found(re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(places)))})")) == []


def test_no_generated_files() -> None:
    assert [path for path in tree() if path.suffix in (".pyc", ".db", ".key", ".log", ".db-wal")] == []


def test_nothing_is_left_for_later() -> None:
    words = ["TO" + "DO", "FIX" + "ME", "XX" + "X"]
    assert found(re.compile(rf"\b(?:{'|'.join(words)})\b")) == []


def test_no_test_is_left_out() -> None:
    ways = [r"pytest\.(?:mark\.)?s" + "kip", r"mark\.x" + "fail", r"pytest\.x" + "fail", r"import" + "orskip"]
    assert found(re.compile("|".join(ways))) == []
