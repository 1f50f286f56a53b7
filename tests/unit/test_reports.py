"""What workers report: all that is counted or shown, and nothing else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.reports import SHORTEST_SECONDS, send_less

USUAL = {"outcome": "passed", "duration": 0.001, "sections": [], "user_properties": [], "keywords": {"a": 1}}


class WorkerInteractor:
    def __init__(self) -> None:
        self.sent: list[str] = []

    def sendevent(self, name: str, **_parts: Any) -> None:
        self.sent.append(name)


def sent(name: str, verbosity: int = -1, xmlpath: str | None = None, **parts: Any) -> bool:
    worker = WorkerInteractor()
    config: Any = SimpleNamespace(
        get_verbosity=lambda: verbosity,
        getoption=lambda *_: xmlpath,
        pluginmanager=SimpleNamespace(get_plugins=lambda: {worker}),
    )
    send_less(config)
    worker.sendevent(name, **parts)
    return worker.sent == [name]


@pytest.mark.parametrize(
    ("parts", "is_sent"),
    [
        ({"when": "setup"}, False),
        ({"when": "teardown"}, False),
        ({"when": "call"}, True),
        ({"when": "setup", "duration": SHORTEST_SECONDS}, True),
        ({"when": "setup", "outcome": "failed"}, True),
        ({"when": "setup", "outcome": "skipped"}, True),
        ({"when": "teardown", "sections": [["Captured stdout", "a"]]}, True),
        ({"when": "teardown", "user_properties": [["a", 1]]}, True),
    ],
)
def test_reports(parts: dict[str, Any], is_sent: bool) -> None:
    assert sent("testreport", data=USUAL | parts) is is_sent
    assert sent("testreport", verbosity=0, data=USUAL | parts)
    assert sent("testreport", xmlpath="report.xml", data=USUAL | parts)


@pytest.mark.parametrize("name", ["logstart", "logfinish"])
def test_starts_and_ends(name: str) -> None:
    assert not sent(name, nodeid="a", location=("a", 1, "b"))
    assert sent(name, verbosity=0, nodeid="a", location=("a", 1, "b"))


def test_other_events() -> None:
    assert sent("runtest_protocol_complete", item_index=1, duration=0.1)
