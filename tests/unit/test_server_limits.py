"""The limits that a command reads from the OpenAPI document of its server."""

from __future__ import annotations

import msgspec
import pytest

from rowkeep.client.server_limits import Limits, described_limits
from rowkeep.http.openapi import describe
from rowkeep.settings import Settings


def test_the_limits_of_a_server() -> None:
    settings = Settings(max_page_size=7, max_body_bytes=5000, idempotency_hours=3)
    assert described_limits(msgspec.json.encode(describe(settings))) == Limits(7, 5000, 3 * 3600)


@pytest.mark.parametrize(
    "document",
    [
        b"<html>",
        b"{}",
        b'{"info": {"x-max-body-bytes": 1, "x-idempotency-hours": 1}, "paths": {}}',
        b'{"info": {"x-max-body-bytes": 1, "x-idempotency-hours": 1}, '
        b'"paths": {"/api/public/tables/{table}/query": {"post": {"parameters": [{"name": "sys_limit"}]}}}}',
    ],
)
def test_documents_that_do_not_state_them(document: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec's are among them
        described_limits(document)
