"""Limits of a server, as its OpenAPI document states them."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """The limits of a server: rows of a page, bytes of a body, and the time for which it knows an idempotency
    key."""

    page: int
    body_bytes: int
    key_seconds: int


class _Range(msgspec.Struct, frozen=True):
    maximum: int | None = None


class _Parameter(msgspec.Struct, frozen=True):
    name: str = ""
    range: _Range = msgspec.field(default=_Range(), name="schema")


class _Operation(msgspec.Struct, frozen=True):
    parameters: list[_Parameter]


class _Path(msgspec.Struct, frozen=True):
    post: _Operation


class _Paths(msgspec.Struct, frozen=True):
    query: _Path = msgspec.field(name="/api/public/tables/{table}/query")


class _Info(msgspec.Struct, frozen=True):
    max_body_bytes: int = msgspec.field(name="x-max-body-bytes")
    idempotency_hours: int = msgspec.field(name="x-idempotency-hours")


class _Document(msgspec.Struct, frozen=True):
    """The parts that are read. To read all of it would take a command longer than what it does."""

    info: _Info
    paths: _Paths


def described_limits(document: bytes) -> Limits:
    """The limits in an OpenAPI document. Raises ValueError if it does not state them."""
    read = msgspec.json.decode(document, type=_Document)
    for parameter in read.paths.query.post.parameters:
        if parameter.name == "sys_limit" and parameter.range.maximum is not None:
            return Limits(
                parameter.range.maximum, read.info.max_body_bytes, read.info.idempotency_hours * 3600
            )
    raise ValueError("sys_limit")
