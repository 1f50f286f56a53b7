"""Document: the complete OpenAPI description of the API."""

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
from rowkeep.http.openapi.problems import problem_examples, shared_responses
from rowkeep.http.openapi.schemas import components_of
from rowkeep.http.response_types import ProblemDetails
from rowkeep.settings import Settings

DEFAULTS = Settings()

TAGS = (
    (DATA, "Insert, update, delete and query rows, as an app with a token that it signs."),
    (
        ADMIN_DATA,
        "The endpoints of the Data API for administrators, in any workspace, and for signed-in users.",
    ),
    (
        MANAGEMENT,
        "Manage workspaces, tables, views, apps, grants, users and admin tokens, with an admin token or as a "
        "signed-in user with the required rights.",
    ),
    (SERVER, "Endpoints that need no token."),
)


def describe(settings: Settings = DEFAULTS) -> dict[str, Any]:
    """The OpenAPI document of a server with these settings."""
    operations = all_operations(settings)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Rowkeep",
            "version": __version__,
            "summary": "A self-hosted data-table API for chatbots, assistants and AI agents.",
            "description": _introduction(settings),
            # for programs: OpenAPI has no field for the maximum size of a body, the tolerance for clock
            # differences, or the lifetime of idempotency keys
            "x-max-body-bytes": settings.max_body_bytes,
            "x-idempotency-hours": settings.idempotency_hours,
            "x-token-leeway-seconds": settings.token_leeway_seconds,
        },
        "servers": [{"url": settings.root_path or "/"}],
        "tags": [{"name": name, "description": description} for name, description in TAGS],
        "paths": paths(operations),
        "components": {
            "schemas": components_of(_types(operations), settings),
            "responses": shared_responses(),
            "examples": problem_examples(),
            "securitySchemes": security_schemes(),
        },
    }


def _types(operations: list[Operation]) -> list[Any]:
    bodies = [operation.body for operation in operations if operation.body is not None]
    return [ProblemDetails, *bodies, *(kind for operation in operations for kind in operation.responses)]


def _introduction(settings: Settings) -> str:
    return (
        f"A body is JSON in UTF-8 of at most {settings.max_body_bytes:,} bytes, which can be compressed "
        "(`Content-Encoding: gzip` or `zstd`). Each request "
        "is one transaction, which is on disk when the response is sent. Unknown keys, "
        "columns and parameters are errors, never ignored. Every response that is not 2xx is "
        "a problem (RFC 9457) with a stable `code`.\n\nSee the schemas below for the "
        "operands of filters (*Comparison*), the types of columns (*Cell*) and the error "
        "codes (*ProblemDetails*).\n"
    )
