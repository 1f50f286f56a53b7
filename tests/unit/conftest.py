"""What all unit tests need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import structlog

LOG_BEFORE = pytest.StashKey[dict[str, Any]]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Each test has the log as structlog has it by default: what a command set up in this process would leave
    lines out. (A fixture for each of thousands of tests takes longer than many of them.)"""
    item.stash[LOG_BEFORE] = structlog.get_config()
    structlog.reset_defaults()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    try:
        return (yield)
    finally:
        if LOG_BEFORE in item.stash:
            structlog.configure(**item.stash[LOG_BEFORE])
