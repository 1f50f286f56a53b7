"""Farewell: what the reader goes on with: addresses, a token, commands to paste."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

from rowkeep.cli.demo.stage import Stage


class Errand(NamedTuple):
    """One thing to do with curl."""

    title: str
    method: str
    path: str
    body: dict[str, Any]


ADA = {"First_Name": "Ada", "Last_Name": "Lovelace", "Gender": "female", "Number": 1815}
ERRANDS = (
    Errand("Insert a row", "POST", "", {"data": ADA}),
    Errand(
        "Find it",
        "POST",
        "/query?sys_limit=5",
        {
            "query": {"expressions": [{"field": "lastName", "operand": "starts with", "value": "Love"}]},
            "sort": [{"field": "Number", "order": "desc"}],
        },
    ),
    Errand(
        "Change it",
        "PUT",
        "",
        {
            "query": {"expressions": [{"field": "lastName", "operand": "=", "value": "Lovelace"}]},
            "data": {"Number": 1843},
        },
    ),
)


def farewell(stage: Stage, url: str, token: str, table: str) -> None:
    """Print it all, each command whole."""
    stage.act("Over to you")
    stage.say(f"Server     {url}")
    stage.say(f"API docs   {url}/docs")
    stage.say(f"App token  {token}")
    for errand in ERRANDS:
        stage.say(f"\n# {errand.title}\n{curl(errand, url, token, table)}")
    stage.say("")


def curl(errand: Errand, url: str, token: str, table: str) -> str:
    """The command; its JSON holds no single quotes, so that those of the shell can be around it."""
    # where a proxy stands in the environment, curl would ask it even for this machine
    direct = " --noproxy '*'" if "http" in getproxies() and not proxy_bypass("127.0.0.1") else ""
    return (
        f"curl -s{direct} -X {errand.method} '{url}/api/public/tables/{table}{errand.path}' \\\n"
        f"  -H 'auth: {token}' \\\n"
        f"  -H 'content-type: application/json' \\\n"
        f"  -d '{json.dumps(errand.body)}'"
    )
