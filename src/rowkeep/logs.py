"""Logs: JSON lines on standard error, one event each."""

from __future__ import annotations

import logging
import sys

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from rowkeep.request_context import add_request


def configure_logs(level: str) -> None:
    """Send the events of structlog and of all libraries to standard error, as JSON lines."""
    shared: list[structlog.types.Processor] = [
        structlog.processors.add_log_level,
        add_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        # without local variables, which may contain secrets
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    numeric = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(numeric),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
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
