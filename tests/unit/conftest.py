"""Fixtures of the unit tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def every_log_line() -> Iterator[None]:
    """The log as structlog has it by default: what a command set up in this process would leave lines out."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)
