"""Fixtures of the HTTP suite: workspaces that a whole module shares, for tests that only add rows or read."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from definitions import TYPED

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace


@pytest.fixture(scope="module")
def shared(server: RowkeepServer) -> Iterator[Workspace]:
    """A workspace for one module, whose tests leave each other's rows alone."""
    workspace = Workspace(server, f"shared_{uuid4().hex[:12]}")
    yield workspace
    workspace.delete()


@pytest.fixture(scope="module")
def typed(shared: Workspace) -> Bot:
    """An app that may read, write and delete in a table with a column of each type, shared by the module."""
    shared.create_table(TYPED)
    return shared.bot({"typed": "rwd"})


@pytest.fixture(scope="module")
def empty_people(shared: Workspace) -> Bot:
    """Like ``people``, but shared by the module: for requests that are refused, so that it stays empty."""
    shared.create_table(PEOPLE)
    return shared.bot({"people": "rwd"})
