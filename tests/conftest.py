"""Fixtures that all suites share. A test that asks for one of them runs on both backends."""

from __future__ import annotations

# ruff: noqa: E402 - what follows loads Rowkeep
from support import line_marks

line_marks.install()

import asyncio
import functools
import gc
import inspect
import itertools
import os
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support import citus as citus_nodes
from support.bot import Bot
from support.citus import CitusCluster
from support.engines import ENGINES, is_wanted
from support.forks import FORKS
from support.postgres import PLACE, PostgresServer
from support.recorded import check
from support.reports import send_less
from support.server import RowkeepServer, sqlite_url
from support.workspace import PEOPLE, Workspace, empty_workspace

NUMBERS = itertools.count(1)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nothing that is collected becomes garbage: looking for some takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Files come in the order of ``testpaths``; pytest would move up those with tests on both backends. Their
    order is the same before that: each worker reads them in another one."""
    items[:] = filter(is_wanted, items)
    order = [config.rootpath / path for path in config.getini("testpaths")]

    @functools.cache
    def place(path: Path) -> tuple[int, str]:
        suite = next((at for at, each in enumerate(order) if path.is_relative_to(each)), len(order))
        return suite, str(path)

    items.sort(key=lambda item: place(item.path))
    yield
    items.sort(key=lambda item: place(item.path))
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            marker = item.get_closest_marker("timeout")
            usual = config.getoption("timeout") or config.getini("timeout")
            item.obj = limited(item.obj, float(marker.args[0] if marker else usual))


GARBAGE_THRESHOLDS = (50_000, 50, 100)
"""How often Python searches for cycles of garbage in a process of the tests. Tests create many objects and
few cycles: with Python's own thresholds, the searches take a tenth of the processor time."""


def pytest_collection_finish() -> None:
    """The collector of cycles leaves the thousands of tests alone from now on: looking at all of them takes
    half a second, whenever a test asks for a collection and now and then by itself."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def limited(
    test: Callable[..., Coroutine[Any, Any, None]], seconds: float
) -> Callable[..., Coroutine[Any, Any, None]]:
    """A test that fails if it waits longer than this. The signal of pytest-timeout does not end a wait on
    uvloop, which catches what the signal raises."""

    @functools.wraps(test)
    async def run(*arguments: object, **named: object) -> None:
        async with asyncio.timeout(seconds or None):
            await test(*arguments, **named)

    return run


MEMORY = Path("/dev/shm")  # noqa: S108 - pytest makes a directory there that is this user's own
MEMORY_BYTES = 3 * 2**30
"""How much must be free there: a whole run takes about half of it."""


def pytest_configure(config: pytest.Config) -> None:
    """Stores are in memory where the system has a file system for that: on a disk, tests wait for each
    commit and prove nothing more. ``--basetemp`` or PYTEST_DEBUG_TEMPROOT names another place."""
    _start_elsewhere(config)
    send_less(config)
    if config.getoption("basetemp") is None and PLACE not in os.environ and _has_memory():
        os.environ[PLACE] = str(MEMORY)


def _start_elsewhere(config: pytest.Config) -> None:
    """Each worker starts to read the files at another place: after a change, one compiles them and the others
    load what it wrote. In step, each would compile them all."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number = int(worker["workerid"].removeprefix("gw"))
        start = number * len(config.args) // worker["workercount"]
        config.args = config.args[start:] + config.args[:start]


def _has_memory() -> bool:
    if not os.access(MEMORY, os.W_OK):
        return False
    system = os.statvfs(MEMORY)
    return system.f_bavail * system.f_frsize >= MEMORY_BYTES and not system.f_flag & os.ST_NOEXEC


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--crash-rounds", type=int, default=1, help="how often the crash test kills the server")
    parser.addoption("--soak-minutes", type=float, default=0, help="how long a soak is; 0: one round")
    parser.addoption("--attack-scale", type=int, default=1, help="how many times as large the attacks are")


def pytest_sessionfinish() -> None:
    FORKS.close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL for tests in which no machine loses its power (fsync is off). In the end, all that was run
    there is checked against the rules."""
    server = PostgresServer(durable=False, recorded=True)
    yield server
    broken = check(server)
    server.stop()
    assert broken == {}


@pytest.fixture(scope="session")
def citus() -> Iterator[CitusCluster]:
    """The cluster that the environment names."""
    cluster = CitusCluster(os.environ[citus_nodes.VARIABLE])
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session", params=ENGINES)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of the backend that the test runs on."""
    return request.param


@pytest.fixture(scope="session")
def new_store(
    backend: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], str]:
    """Makes addresses of fresh, empty stores on this backend."""
    if backend == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        return postgres.create_database
    if backend == "citus":
        cluster: CitusCluster = request.getfixturevalue("citus")
        return cluster.create_database
    return lambda: sqlite_url(tmp_path_factory.mktemp("store") / "data")


@pytest.fixture(scope="session")
def server_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """A server that most tests share."""
    yield from serving(sqlite_url(tmp_path_factory.mktemp("store") / "data"), tmp_path_factory)


@pytest.fixture(scope="session")
def server_on_postgresql(
    postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RowkeepServer]:
    """The same on PostgreSQL."""
    yield from serving(postgres.create_database(), tmp_path_factory)


@pytest.fixture(scope="session")
def server_on_citus(citus: CitusCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    """The same on a Citus cluster."""
    yield from serving(citus.create_database(), tmp_path_factory)


def serving(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RowkeepServer]:
    server = RowkeepServer(url, tmp_path_factory.mktemp("server"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def server(backend: str, request: pytest.FixtureRequest) -> RowkeepServer:
    """One server for all tests on this backend. It outlives them: pytest would start it anew with each file,
    for each has tests on both."""
    return request.getfixturevalue(f"server_on_{backend}")


@pytest.fixture(scope="session")
def admin(server: RowkeepServer) -> Iterator[httpx.Client]:
    """A client of the management API."""
    with server.admin() as client:
        yield client


@pytest.fixture
def workspace(server: RowkeepServer, request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """A workspace with nothing in it, for the test alone. Other tests may have had it before, unless the test
    is marked with ``new_workspace``."""
    if request.node.get_closest_marker("new_workspace"):
        workspace = Workspace(server, f"new_{next(NUMBERS)}")
        yield workspace
        workspace.delete()
        return
    with empty_workspace(server, only_noted=is_http(request)) as workspace:
        yield workspace


def is_http(request: pytest.FixtureRequest) -> bool:
    """Whether it is a test over HTTP: these use no other clients than ``support.http_client`` for what they
    add to a workspace."""
    return "http" in request.path.parts


@pytest.fixture(scope="module")
def emptied(server: RowkeepServer, request: pytest.FixtureRequest) -> Iterator[Bot]:
    """What ``people`` gives to tests that do nothing but write and read rows: one for a module."""
    with empty_workspace(server, only_noted=is_http(request)) as workspace:
        workspace.create_table(PEOPLE)
        yield workspace.bot({"people": "rwd"})


@pytest.fixture
def people(request: pytest.FixtureRequest, server: RowkeepServer) -> Iterator[Bot]:
    """An app that may read, write and delete in a table ``people``, which is empty.

    For tests that also ask for ``workspace`` it is in there. Else it is emptied afterwards and used again.
    """
    if "workspace" in request.fixturenames:
        workspace: Workspace = request.getfixturevalue("workspace")
        workspace.create_table(PEOPLE)
        yield workspace.bot({"people": "rwd"})
        return
    bot: Bot = request.getfixturevalue("emptied")
    yield bot
    assert bot.delete("people", {"all": True}).status_code == 200
