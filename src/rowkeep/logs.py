"""Logs: JSON lines on standard error, one event each."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from rowkeep.request_context import add_request


class _Output:
    """A stream for the log. What cannot be written to it, on a full disk or to a program that has ended, is
    lost: no request must fail for it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def configure_logs(level: str) -> None:
    """Send the events of structlog and of all libraries to standard error, as JSON lines."""
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        add_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # without local variables, which may contain secrets
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    output = cast("TextIO", _Output(sys.stderr))
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(output),
    )
    handler = logging.StreamHandler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(),
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(numeric, logging.WARNING) if numeric > logging.DEBUG else numeric)


def quiet_logs(level: str) -> None:
    """For commands other than the server: log nothing, except at the level ``debug``."""
    configure_logs("debug" if level == "debug" else "critical")
