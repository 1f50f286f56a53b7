"""Reports: what workers of pytest-xdist do not send to the process that prints.

For each test they send six messages. Each one takes a fifth of a millisecond in both processes, and three are
only printed with ``-v``, or where a part of a test took long.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

STARTS_AND_ENDS = {"logstart", "logfinish"}
SHORTEST_SECONDS = 0.005
"""What ``--durations`` shows at least."""


def send_less(config: pytest.Config) -> None:
    """Let this process, if it is a worker, send only what the other one shows or counts."""
    if config.get_verbosity() >= 0 or config.getoption("xmlpath", None):
        return
    for plugin in config.pluginmanager.get_plugins():
        if type(plugin).__name__ == "WorkerInteractor":
            plugin.sendevent = _only_needed(plugin.sendevent)  # type: ignore[attr-defined]


def _only_needed(send: Callable[..., None]) -> Callable[..., None]:
    def send_needed(name: str, **parts: Any) -> None:
        if name == "testreport":
            report = parts["data"]
            if is_short(report):
                return
            report["keywords"] = {}  # nobody reads the names of a test and of all its marks there
        if name not in STARTS_AND_ENDS:
            send(name, **parts)

    return send_needed


def is_short(report: dict[str, Any]) -> bool:
    """Whether it says no more than that a setup or teardown was short and has passed."""
    return (
        report["when"] != "call"
        and report["outcome"] == "passed"
        and report["duration"] < SHORTEST_SECONDS
        and not report["sections"]
        and not report["user_properties"]
    )
