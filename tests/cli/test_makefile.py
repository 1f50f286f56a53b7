"""The Makefile: what it says where Python is too old or missing, and its list of targets."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

OLD = f"""#!/bin/sh
# a Python that takes itself for an old one
exec {sys.executable} -c 'import sys; sys.version_info = (3, 9, 2); exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A directory in which nothing is installed yet."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(directory: Path, *arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    # what is set for the make that runs the tests is not set for this one
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "PYTHON"
    }
    if path is not None:
        environment["PATH"] = path + os.pathsep + environment["PATH"]
    command = ["make", *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("way", ["PYTHON", "PATH"])
def test_an_old_python(clone: Path, way: str) -> None:
    old = clone / "bin" / "python3"
    old.parent.mkdir()
    old.write_text(OLD)
    old.chmod(0o755)
    given = (f"PYTHON={old}",) if way == "PYTHON" else ()
    done = make(clone, "demo", *given, path=str(old.parent) if way == "PATH" else None)
    assert done.returncode != 0
    assert "Python 3.11 or later is needed (found 3.9); set PYTHON=" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv").exists()


def test_no_python(clone: Path) -> None:
    done = make(clone, "test", "PYTHON=no-such-python")
    assert done.returncode != 0
    assert "Python 3.11 or later is needed (found no no-such-python); set PYTHON=" in done.stderr


def test_help_lists_every_target(clone: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    for arguments in (["help"], []):
        done = make(clone, *arguments)
        assert done.returncode == 0, done.stderr
        listed = {line.split()[1]: line.split()[2:] for line in done.stdout.splitlines()}
        assert listed.keys() == set(phony.split())
        assert all(listed.values())
