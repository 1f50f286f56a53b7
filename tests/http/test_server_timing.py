"""Server-Timing: the phases of a request, where the setting asks for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from support.bot import Bot
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

PHASES = re.compile(r"auth;dur=\d+\.\d\d, plan;dur=\d+\.\d\d, db;dur=\d+\.\d\d, encode;dur=\d+\.\d\d")


@pytest.fixture
def timed(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    server = RowkeepServer(new_store(), tmp_path, server_timing=True)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def responses(bot: Bot) -> list[httpx.Response]:
    """One response of each kind of request for rows."""
    everyone = {"all": True}
    return [
        bot.insert("people", {"First_Name": "Ada"}),
        bot.bulk("people", [{"First_Name": "Alan"}]),
        bot.query("people"),
        bot.update("people", everyone, {"First_Name": "Grace"}),
        bot.delete("people", everyone),
    ]


def test_every_phase_is_shown(timed: RowkeepServer) -> None:
    workspace = Workspace(timed, "timed")
    workspace.create_table(PEOPLE)
    for response in responses(workspace.bot({"people": "rwd"})):
        assert response.status_code == 200, response.text
        assert PHASES.fullmatch(response.headers["server-timing"]), response.headers


def test_it_is_off_by_default(server: RowkeepServer) -> None:
    workspace = Workspace(server, "untimed")
    workspace.create_table(PEOPLE)
    for response in responses(workspace.bot({"people": "rwd"})):
        assert response.status_code == 200, response.text
        assert "server-timing" not in response.headers
