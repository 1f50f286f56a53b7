"""Fixtures of the attacks: a server of the test's own, and what its memory and /healthz do meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from vitals import Vitals

from support.server import RowkeepServer, sqlite_url


@pytest.fixture
def scale(request: pytest.FixtureRequest) -> int:
    """How many times as large the attack is: 1 in `make test`, more in `make attack`."""
    return int(request.config.getoption("--attack-scale"))


@pytest.fixture
def launch(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RowkeepServer]]:
    """Starts a server with these settings on a fresh store of the backend; it is stopped after the test."""
    yield from launching(new_store, tmp_path_factory)


@pytest.fixture
def launch_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RowkeepServer]]:
    """The same for what is refused before it reaches a database."""
    yield from launching(lambda: sqlite_url(tmp_path_factory.mktemp("store") / "data"), tmp_path_factory)


def launching(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., RowkeepServer]]:
    with ExitStack() as stack:

        def start(**settings: object) -> RowkeepServer:
            server = RowkeepServer(new_store(), tmp_path_factory.mktemp("attacked"), **settings)
            server.start()
            stack.callback(server.kill)
            return server

        yield start


@pytest.fixture
def watch() -> Iterator[Callable[[RowkeepServer], Vitals]]:
    """Starts to watch a server; ends with the test at the latest."""
    with ExitStack() as stack:
        yield lambda server: stack.enter_context(Vitals(server))
