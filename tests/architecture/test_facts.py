"""Facts that stand in two places and must be one: versions, dependencies, codes of errors."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml
from source import ROOT, modules

import rowkeep
from rowkeep.errors.catalogue import all_errors


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def package_of(requirement: str) -> str:
    return re.split(r"[ >=<;\[]", requirement)[0]


def test_the_newest_change_is_of_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == rowkeep.__version__


def test_every_dependency_has_its_reason() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    told = set(re.findall(r"^\| `([\w.-]+)` \| \S", architecture, re.MULTILINE))
    assert {package_of(requirement) for requirement in project()["dependencies"]} - told == set()


def test_every_dependency_is_pinned() -> None:
    constraints = (ROOT / "constraints.txt").read_text("utf-8").lower()
    pinned = set(re.findall(r"^([\w.-]+)==", constraints, re.MULTILINE))
    assert {package_of(requirement) for requirement in project()["dependencies"]} - pinned == set()


IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "backports.zstd": "from backports import zstd",
    "charset-normalizer": "charset_normalizer",
    "prometheus-client": "prometheus_client",
    "python-calamine": "python_calamine",
    "sse-starlette": "sse_starlette",
    "swagger-ui-py": "swagger_ui",
}
USED_BY_OTHERS = {"httptools", "uvloop"}
"""What uvicorn takes by itself where it is installed."""


def test_every_dependency_is_used() -> None:
    text = "\n".join(module.text for module in modules())
    names = {package_of(requirement) for requirement in project()["dependencies"]} - USED_BY_OTHERS
    assert {name for name in names if IMPORTED_AS.get(name, name) not in text} == set()


def test_the_licence_is_declared() -> None:
    assert project()["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text("utf-8").startswith("MIT License\n")


def test_hooks_are_a_part_of_the_check() -> None:
    """Each hook is a line of ``make check``, run by a program of .venv: nothing is downloaded."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    assert [each["repo"] for each in hooks["repos"]] == ["local"]
    checked = re.findall(r"^\t\$\(BIN\)/(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    entries = [hook["entry"] for each in hooks["repos"] for hook in each["hooks"]]
    assert [entry for entry in entries if entry.removeprefix(".venv/bin/") not in checked] == []


def test_codes_of_errors_are_unique() -> None:
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []


def test_every_error_has_a_status_a_title_and_a_meaning() -> None:
    assert [error for error in all_errors() if not 400 <= error.status <= 599] == []
    assert [error for error in all_errors() if not (error.title and (error.__doc__ or "").strip())] == []
