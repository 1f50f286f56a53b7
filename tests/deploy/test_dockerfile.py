"""The Dockerfile follows the rules, and takes nothing of a work tree but sources."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dockerfile import Instruction, faults, last_stage, parse, variables
from pathspec import GitIgnoreSpec

from rowkeep.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()


def image() -> list[Instruction]:
    return last_stage(parse(TEXT))


def test_it_follows_the_rules() -> None:
    assert faults(TEXT) == []


@pytest.mark.parametrize(
    ("good", "bad", "fault"),
    [
        ("python:3.11.14-slim-bookworm", "python:latest", "python:latest: the image has no complete version"),
        ("USER 10001:10001", "USER rowkeep", "USER: must be"),
        ("USER 10001:10001", "USER 0:0", "USER: must be"),
        ("USER 10001:10001\n", "", "USER: must be"),
        ("COPY . .", "ADD . .", "ADD: use COPY"),
        ("RUN make wheel", "RUN curl x | sh", "RUN: sudo"),
        ("RUN make wheel", "RUN apt-get install make", "RUN: packages"),
        ("--constraint constraints.txt", "", "RUN: pip install without constraints"),
        ("ROWKEEP_PORT=8080", "ROWKEEP_MASTER_KEY=abc", "ENV: a secret"),
        ('["rowkeep"]', "rowkeep", "ENTRYPOINT: a shell"),
        ("HEALTHCHECK", "LABEL", "HEALTHCHECK: must be"),
        ("COPY --from=build /opt/rowkeep /opt/rowkeep", "COPY . /opt", "COPY: the image contains sources"),
    ],
)
def test_each_rule_finds_a_fault(good: str, bad: str, fault: str) -> None:
    assert good in TEXT
    (found,) = faults(TEXT.replace(good, bad))
    assert found.startswith(fault)


def test_the_settings_of_the_image_are_settings() -> None:
    given = {name: value for name, value in variables(image(), "ENV").items() if name.startswith("ROWKEEP_")}
    settings = Settings.from_environment(given)
    assert settings.database_url == "sqlite:////var/lib/rowkeep/data"
    assert settings.host == "0.0.0.0"  # noqa: S104 - inside a container


def test_only_the_volume_is_written_to() -> None:
    of = {each.name: each for each in image()}
    (volume,) = of["VOLUME"].words
    assert of["WORKDIR"].value == variables(image(), "ENV")["TMPDIR"] == volume


def test_both_stages_have_the_same_python() -> None:
    versions = re.findall(r"=python:(\d+\.\d+)\.\d+", TEXT.split("FROM")[0].split("\nARG", 1)[1])
    assert len(versions) == 2
    assert len(set(versions)) == 1
    assert f"Programming Language :: Python :: {versions[0]}" in (ROOT / "pyproject.toml").read_text()


def test_what_is_sent_to_the_build() -> None:
    ignored = GitIgnoreSpec.from_lines((ROOT / ".dockerignore").read_text().splitlines())
    needed = [
        "LICENSE", "Makefile", "README.md", "constraints.txt", "pyproject.toml", "console/package-lock.json",
        "console/.npmrc", "console/src/main.tsx", "src/rowkeep/__init__.py", "src/rowkeep/py.typed",
    ]  # fmt: skip
    private = [
        ".git/config", ".venv/bin/python", "rowkeep-data/catalog.db", "rowkeep.key", "secrets/master.key",
        "console/node_modules/x/index.js", "src/rowkeep/web/index.html", "src/a.key", "build/lib/x.py",
        "tests/conftest.py", "dist/old.whl", "src/rowkeep/__pycache__/x.pyc", "src/rowkeep.egg-info/PKG-INFO",
    ]  # fmt: skip
    assert [path for path in needed if ignored.match_file(path)] == []
    assert [path for path in private if not ignored.match_file(path)] == []
