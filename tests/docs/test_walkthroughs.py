"""The walk-throughs of docs/contributing: their edits still fit, touch the files that they list, and work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edits import Edit, EditError, edits_of
from new_things import CHECKS

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "contributing"

MAX_FILES = 4
"""Outside tests, and not counting generated pages. If a page needs more, change the design instead."""

ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
GENERATED = "written by `make docs`"


def listed(name: str) -> dict[str, str]:
    """The files that a page lists, and what it says of each."""
    section = (PAGES / f"{name}.md").read_text("utf-8").partition("\n## Files\n")[2].partition("\n## ")[0]
    return dict(ROW.findall(section))


def test_every_page_is_tried() -> None:
    assert {page.stem for page in PAGES.glob("*.md")} == {*CHECKS, "README"}


@pytest.mark.parametrize("name", CHECKS)
def test_page_lists_the_files_that_it_touches(name: str) -> None:
    files = listed(name)
    edited = list(dict.fromkeys(edit.path for edit in edits_of(PAGES / f"{name}.md")))
    assert [path for path, change in files.items() if change != GENERATED] == edited
    assert len([path for path in edited if not path.startswith("tests/")]) <= MAX_FILES
    assert any(path.startswith("tests/") for path in edited)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the edits touch, and of what runs it. One for all pages, whose bytecode they share."""
    root = tmp_path_factory.mktemp("copy")
    for folder in ("src", "docs", "tests"):
        shutil.copytree(ROOT / folder, root / folder)
    for file in ("pyproject.toml", "README.md", "CHANGELOG.md"):
        shutil.copy2(ROOT / file, root)
    return root


@contextmanager
def edited(copy: Path, edits: list[Edit]) -> Iterator[None]:
    """The copy with these edits, which are taken back afterwards."""
    try:
        for edit in edits:
            edit.apply(copy)
        yield
    finally:
        pages = {page.relative_to(ROOT).as_posix() for page in (ROOT / "docs").glob("*.md")}
        for path in pages | {edit.path for edit in edits}:
            if (ROOT / path).exists():
                shutil.copy2(ROOT / path, copy / path)
            else:
                (copy / path).unlink(missing_ok=True)


TESTS = {
    "column-type": ("tests/unit/test_column_types.py", "tests/property/test_oracle.py"),
    "operator": ("tests/property/test_oracle.py",),
}
"""Tests that the pages change, and that need no server."""


@pytest.mark.parametrize("name", CHECKS)
def test_page_adds_what_it_says(name: str, copy: Path) -> None:
    edits = edits_of(PAGES / f"{name}.md")
    with edited(copy, edits):
        before = {page: page.read_bytes() for page in (copy / "docs").glob("*.md")}
        run(copy, "tests/docs/new_things.py", name, *TESTS.get(name, ()))
        written = {f"docs/{page.name}" for page, text in before.items() if page.read_bytes() != text}
        generated = {path for path, change in listed(name).items() if change == GENERATED}
        assert written - {edit.path for edit in edits} == generated
        files = sorted({edit.path for edit in edits if edit.path.endswith(".py")})
        run(copy, "-m", "ruff", "check", "--no-cache", *files)
        run(copy, "-m", "ruff", "format", "--check", "--no-cache", *files)


def run(directory: Path, *arguments: str) -> None:
    """Run Python on the copy; it must succeed."""
    outer = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ROWKEEP_") and name != "PYTHONDONTWRITEBYTECODE"
    }
    path = os.pathsep.join((str(directory / "src"), str(directory)))
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env=outer | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


BEFORE = "one = 1\n\ntwo = 2\nthree = 3\n"


def tried(tmp_path: Path, block: str) -> str:
    """The file ``a.py`` after the edits of a page with this diff."""
    page = tmp_path / "page.md"
    page.write_text(f"A page\n\n```diff\n{block}```\n")
    (tmp_path / "a.py").write_text(BEFORE)
    for edit in edits_of(page):
        edit.apply(tmp_path)
    return (tmp_path / "a.py").read_text()


def test_an_edit_changes_its_place_alone(tmp_path: Path) -> None:
    assert tried(tmp_path, "--- a.py\n one = 1\n+new = 0\n\n-two = 2\n@@\n three = 3\n+four = 4\n") == (
        "one = 1\nnew = 0\n\nthree = 3\nfour = 4\n"
    )


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("--- a.py\n 1\n+new = 0\n", r"^page.md:3: .* must be in a.py once; they are there 0 times"),
        ("--- b.py\n one = 1\n+new = 0\n", r"^page.md:3: b.py does not exist"),
        ("+++ a.py\n+one = 1\n", r"^page.md:3: a.py exists"),
        ("--- a.py\n+new = 0\n", r"^page.md:3: a new file has only lines with \+"),
        ("--- a.py\nonly = 1\n", r"^page.md:3: every line of a diff starts with a space"),
        ("one = 1\n", r"^page.md:3: a diff starts with"),
    ],
)
def test_an_edit_that_does_not_fit_says_where(tmp_path: Path, block: str, message: str) -> None:
    with pytest.raises(EditError, match=message):
        tried(tmp_path, block)


def test_a_place_that_occurs_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "twice.py").write_text("one = 1\none = 1\n")
    with pytest.raises(EditError, match="they are there 2 times"):
        Edit("twice.py", "one = 1\n", "one = 2\n", "page.md:3").apply(tmp_path)
