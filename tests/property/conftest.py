"""Fixtures of the property tests: an arena whose tables come and go with the examples."""

from __future__ import annotations

import pytest
from arena import Arena
from hypothesis.configuration import set_hypothesis_home_dir

from support.workspace import Workspace


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(pytestconfig: pytest.Config) -> None:
    """What Hypothesis stores is stored where pytest stores its own: to make its table of all characters takes
    each worker a second."""
    cache = getattr(pytestconfig, "cache", None)  # there is none without pytest's plugin for it
    if cache is not None:
        set_hypothesis_home_dir(cache.mkdir("hypothesis"))


@pytest.fixture
def arena(workspace: Workspace) -> Arena:
    return Arena(workspace)
