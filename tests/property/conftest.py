"""Fixtures of the property tests: an arena whose tables come and go with the examples."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path

import pytest
from arena import Arena
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.internal.charmap import charmap_file

from support.workspace import Workspace

UTF_8 = [[[0, 0xD7FF], [0xE000, sys.maxunicode]], []]
"""The characters that UTF-8 encodes, which are all but surrogates, and those that it decodes to others."""


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(pytestconfig: pytest.Config) -> None:
    """What Hypothesis stores is stored where pytest stores its own: to make its table of all characters takes
    each worker a second. To find out which of them UTF-8 encodes takes two more, so it is told."""
    cache = getattr(pytestconfig, "cache", None)  # there is none without pytest's plugin for it
    if cache is not None:
        set_hypothesis_home_dir(cache.mkdir("hypothesis"))
        _write(charmap_file("codec-v2-utf-8"))


def _write(table: Path) -> None:
    """Write this table as Hypothesis would, unless there is one."""
    if not table.exists():
        table.parent.mkdir(parents=True, exist_ok=True)
        own = table.with_suffix(f".{os.getpid()}")
        with gzip.open(own, "wt") as file:
            json.dump(UTF_8, file)
        own.replace(table)


@pytest.fixture
def arena(workspace: Workspace) -> Arena:
    return Arena(workspace)
