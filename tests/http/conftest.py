"""Fixtures of the HTTP suite: workspaces that a module shares, for tests that only write and read rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from definitions import TYPED, Made

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace, empty_workspace


@pytest.fixture(scope="module")
def shared(server: RowkeepServer) -> Iterator[Workspace]:
    """A workspace for one module, whose tests leave each other's rows alone."""
    with empty_workspace(server, only_noted=True) as workspace:
        yield workspace


@pytest.fixture(scope="module")
def all_at_once(server: RowkeepServer) -> Iterator[Callable[[Sequence[dict[str, Any]]], Bot]]:
    """Makes tables with one request, and an app that may do everything with them: for tests of which each has
    one of the tables for itself. They have a workspace of their own."""
    with ExitStack() as workspaces:

        def make(definitions: Sequence[dict[str, Any]]) -> Bot:
            return workspaces.enter_context(empty_workspace(server, only_noted=True)).bot_with(definitions)

        yield make


@pytest.fixture(scope="module")
def typed(shared: Workspace) -> Bot:
    """An app that may read, write and delete in a table with a column of each type, shared by the module."""
    shared.create_table(TYPED)
    return shared.bot({"typed": "rwd"})


@pytest.fixture(scope="module")
def empty_people(shared: Workspace) -> Bot:
    """Like ``people``, but shared by the module: for requests that are refused, so that it stays empty, and
    for apps of single tests, which leave it empty."""
    shared.create_table(PEOPLE)
    return shared.bot({"people": "rwd"})


@pytest.fixture(scope="module")
def made_before(server: RowkeepServer) -> Iterator[Callable[[tuple[dict[str, Any], ...]], Bot]]:
    """Makes such tables once for a module, each group in a workspace of its own."""
    made: list[tuple[tuple[dict[str, Any], ...], Bot]] = []
    with ExitStack() as workspaces:

        def make(definitions: tuple[dict[str, Any], ...]) -> Bot:
            for known, bot in made:
                if known == definitions:
                    return bot
            bot = workspaces.enter_context(empty_workspace(server, only_noted=True)).bot_with(definitions)
            made.append((definitions, bot))
            return bot

        yield make


@pytest.fixture
def made(request: pytest.FixtureRequest, server: RowkeepServer) -> Iterator[Made]:
    """For tests that do nothing but write and read rows: the tables are emptied afterwards and used again, by
    the same app, so each idempotency key is used in one test. For tests that also ask for ``workspace`` they
    are made in there. A table comes after those that it refers to."""
    used: list[tuple[Bot, list[str]]] = []

    def make(*definitions: dict[str, Any]) -> Bot:
        if "workspace" in request.fixturenames:
            workspace: Workspace = request.getfixturevalue("workspace")
            return _with_tables(workspace, definitions)
        make_once = request.getfixturevalue("made_before")
        bot: Bot = make_once(definitions)
        used.append((bot, [each["name"] for each in definitions]))
        return bot

    yield make
    for bot, names in used:
        for name in reversed(names):
            response = bot.delete(name, {"all": True})
            assert response.status_code == 200, response.text


def _with_tables(workspace: Workspace, definitions: tuple[dict[str, Any], ...]) -> Bot:
    for definition in definitions:
        workspace.create_table(definition)
    return workspace.bot({each["name"]: "rwd" for each in definitions})
