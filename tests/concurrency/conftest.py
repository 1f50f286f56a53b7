"""Fixtures of the concurrency tests: one server process of a store, and two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from support.server import RowkeepServer


@pytest.fixture(scope="module", params=["one process", "two processes"])
def servers(request: pytest.FixtureRequest, server: RowkeepServer) -> Iterator[Sequence[RowkeepServer]]:
    """The servers that the clients are spread over; all have the same store."""
    if request.param == "one process":
        yield [server]
        return
    second = RowkeepServer(server.database_url, server.directory)
    try:
        second.start()
        yield [server, second]
    finally:
        second.stop()
