"""The browser of this suite: a named one first, then one of the system, then the one that was installed."""

from __future__ import annotations

import os
from pathlib import Path

import chromium
import pytest
from chromium import SOURCE, VARIABLE, Chromium, find_chromium


@pytest.fixture
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that says what is installed, on a system without a browser."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setattr(chromium, "READY", tmp_path / "ready")
    return tmp_path / "ready"


def test_nothing_is_installed(ready: Path) -> None:
    assert find_chromium() is None


def test_an_older_one_is_installed(ready: Path) -> None:
    ready.write_text("{}")
    assert find_chromium() is None


def test_one_is_installed(ready: Path) -> None:
    ready.write_text((SOURCE / "package-lock.json").read_text())
    found = find_chromium()
    assert found is not None
    assert found.environment["LD_LIBRARY_PATH"] == str(Path(found.path).parent / "al2023" / "lib")
    assert found.environment["PATH"] == os.environ["PATH"]


def test_one_of_the_system_is_preferred(ready: Path) -> None:
    ready.write_text((SOURCE / "package-lock.json").read_text())
    program = ready.with_name("google-chrome")
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert find_chromium() == Chromium(str(program))


def test_a_named_one_is_preferred(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready.with_name("chromium").touch(0o755)
    monkeypatch.setenv(VARIABLE, "/opt/other")
    assert find_chromium() == Chromium("/opt/other")


def test_one_that_does_not_start(ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "/nothing/here")
    with pytest.raises(SystemExit, match=f'"/nothing/here" does not start.*(?s:.)*set {VARIABLE}'):
        chromium.main()
