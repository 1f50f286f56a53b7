"""A disk without space: what is written there fails as it should, and stops nothing else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest
import structlog

from rowkeep.errors.catalogue import StorageFull
from rowkeep.logs import configure_logs
from rowkeep.plan.rows.writes import InsertPlan
from rowkeep.services import staged_rows
from rowkeep.services.staged_rows import StagedPart, StagedRows
from rowkeep.services.stream_keys import StreamKeys

FULL = Path("/dev/full")
"""A device without space: each write to it fails."""


@pytest.fixture
def full() -> Iterator[IO[Any]]:
    stream = FULL.open("r+b", buffering=staged_rows.BUFFER_BYTES)
    yield stream
    with suppress(OSError):
        stream.close()


@pytest.fixture
def full_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = FULL.open("w")
    monkeypatch.setattr(sys, "stderr", stream)
    yield
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)
    with suppress(OSError):
        stream.close()


def test_rows_of_a_stream_that_fit_in_the_buffer(full: IO[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """They are written when they are read again, and once more when the file is closed."""
    monkeypatch.setattr(staged_rows, "temporary_file", lambda _: full)
    staged = StagedRows(None)
    staged.add(StagedPart(InsertPlan([("a",)], "writer"), range(1)))
    with pytest.raises(StorageFull):
        list(staged.plans())
    staged.close()
    assert full.closed


def test_keys_of_a_stream(full: IO[Any]) -> None:
    full.write(b"keys")
    StreamKeys(full).close()
    assert full.closed


def test_a_log_that_cannot_be_written(full_log: None) -> None:
    """The request that is logged must get its response."""
    configure_logs("info")
    structlog.get_logger().error("request failed", detail="x" * 100_000)
    logging.getLogger("library").error("x" * 100_000)
