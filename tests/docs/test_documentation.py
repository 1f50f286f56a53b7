"""The docs are whole: everything that there is has its place in them, and every link leads somewhere."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import typer

import rowkeep
from rowkeep.cli.main import build
from rowkeep.errors.catalogue import all_errors
from rowkeep.http.cors import REQUEST_HEADERS, RESPONSE_HEADERS
from rowkeep.http.data import DATA_ENDPOINTS
from rowkeep.http.management.api import ENDPOINTS, PREFIX
from rowkeep.model.column_types import COLUMN_TYPES
from rowkeep.model.filters import OPERATORS
from rowkeep.model.tables import SYSTEM_COLUMNS
from rowkeep.setting_rules import SHELL_VARIABLES
from rowkeep.settings import Settings
from support.forks import CODE, FORKS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))]

DECISIONS = DOCS / "decisions"
LINKED = [
    *PAGES,
    *DECISIONS.glob("*.md"),
    *(DOCS / "contributing").glob("*.md"),
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "examples/README.md", "tests/README.md")),
]

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
SHOWN_AS_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every command of the shell, as it is typed."""
    group = typer.main.get_command(build())
    found = []
    for name, command in group.commands.items():
        parts = getattr(command, "commands", None)
        found += [f"rowkeep {name}"] if parts is None else [f"rowkeep {name} {part}" for part in parts]
    return found


EVERYTHING = {
    "settings.md": [*(f"ROWKEEP_{name.upper()}" for name in Settings.__struct_fields__), *SHELL_VARIABLES],
    "errors.md": [kind.code for kind in all_errors()],
    "filters.md": list(OPERATORS),
    "security.md": [*REQUEST_HEADERS, *RESPONSE_HEADERS],
    "types.md": [*COLUMN_TYPES, *(column.name for column in SYSTEM_COLUMNS)],
    "cli.md": commands(),
    "data-api.md": [f"{call.method} {call.path}" for call in DATA_ENDPOINTS],
    "management-api.md": [
        *(f"{call.method} {call.path}" for call in ENDPOINTS),
        *(f"{call.method} {call.admin_path.removeprefix(PREFIX)}" for call in DATA_ENDPOINTS),
        *(f"GET {path}" for path in ("/healthz", "/readyz", "/openapi.json", "/docs")),
    ],
}
"""What there is, and the page that tells of it."""


@pytest.mark.parametrize("name", EVERYTHING)
def test_everything_is_documented(name: str) -> None:
    told = (DOCS / name).read_text()
    assert [thing for thing in EVERYTHING[name] if not re.search(f"`{re.escape(thing)}[` ]", told)] == []


COG = "import sys; from cogapp import Cog; sys.exit(Cog().main(sys.argv))"


def test_generated_parts_are_what_the_code_says() -> None:
    arguments = ["--check", "-PUI", ".", *map(str, PAGES)]
    checked = FORKS.run(CODE, [COG, *arguments], env=os.environ, cwd=ROOT)
    assert checked.returncode == 0, f"run `make docs`:\n{(checked.stdout + checked.stderr).decode()}"


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(SHOWN_AS_CODE.sub("", page.read_text())):
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{page.name} links to {target}"
        if anchor:
            assert anchor in anchors(there), f"{page.name} links to {target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    source = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", source, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {target for target, _ in LINK.findall((ROOT / "README.md").read_text())}
    assert {f"docs/{page.name}" for page in DOCS.glob("*.md")} <= linked


def test_architecture_names_what_there_is() -> None:
    named = re.findall(r"`([a-z_/]+\.py)`", (DOCS / "architecture.md").read_text())
    assert named
    assert [path for path in named if not (ROOT / "src" / "rowkeep" / path).exists()] == []


def test_every_decision_is_listed() -> None:
    files = {path.name for path in DECISIONS.glob("*.md")} - {"README.md"}
    assert [name for name in files if not re.fullmatch(r"\d{4}-\d\d-\d\d-[a-z-]+\.md", name)] == []
    assert {target for target, _ in LINK.findall((DECISIONS / "README.md").read_text())} == files


def test_changelog_tells_of_this_version() -> None:
    assert f"\n## {rowkeep.__version__}\n" in (ROOT / "CHANGELOG.md").read_text()
