"""The document: everything about the API that can be told before it is called."""

from __future__ import annotations

from typing import Any

from rowkeep import __version__
from rowkeep.http.openapi.operations import (
    ADMIN_DATA,
    DATA,
    MANAGEMENT,
    SERVER,
    Operation,
    all_operations,
    paths,
)
from rowkeep.http.openapi.parameters import security_schemes
from rowkeep.http.openapi.problems import problem_examples, shared_answers
from rowkeep.http.openapi.schemas import components_of
from rowkeep.http.response_types import Problem
from rowkeep.settings import Settings

DEFAULTS = Settings()

TAGS = (
    (DATA, "Apps insert, update, delete and query rows with tokens that they sign themselves."),
    (ADMIN_DATA, "The calls of the Data API for administrators, in any workspace."),
    (MANAGEMENT, "Administrators keep workspaces, tables, apps, grants and admin tokens."),
    (SERVER, "What anybody may ask."),
)


def describe(settings: Settings = DEFAULTS) -> dict[str, Any]:
    """The OpenAPI document of a server with these settings."""
    operations = all_operations(settings)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rowkeep",
            "version": __version__,
            "summary": "Self-hosted data tables for assistants, bots, process apps and agents.",
            "description": _introduction(settings),
            # for programs: no part of OpenAPI bounds the bytes of a body, or says how clocks are compared
            "x-max-body-bytes": settings.max_body_bytes,
            "x-token-leeway-seconds": settings.token_leeway_seconds,
        },
        "servers": [{"url": settings.root_path or "/"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS],
        "paths": paths(operations),
        "components": {
            "schemas": components_of(_types(operations), settings),
            "responses": shared_answers(),
            "examples": problem_examples(),
            "securitySchemes": security_schemes(),
        },
    }


def _types(operations: list[Operation]) -> list[Any]:
    bodies = [operation.body for operation in operations if operation.body is not None]
    return [Problem, *bodies, *(answer for operation in operations for answer in operation.answers)]


def _introduction(settings: Settings) -> str:
    return f"""\
A body is JSON in UTF-8 of at most {settings.max_body_bytes:,} bytes. One request is one transaction: all of
it or nothing, and on disk once it is answered. Unknown keys, columns and parameters are errors, never
ignored. Every answer that is not 2xx is a problem (RFC 9457) with a stable `code`.

Below, among the schemas: the operands of filters under *Comparison*, the types of columns under *Cell*, the
codes of errors under *Problem*.
"""
