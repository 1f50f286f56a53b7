"""Fixtures of the property tests: an arena whose tables come and go with the examples."""

from __future__ import annotations

import pytest
from arena import Arena
from hypothesis.configuration import set_hypothesis_home_dir

from support.workspace import Workspace


@pytest.fixture(scope="session", autouse=True)
def hypothesis_home(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What Hypothesis keeps between runs stays out of the source tree."""
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))


@pytest.fixture
def arena(workspace: Workspace) -> Arena:
    return Arena(workspace)
