"""Next steps: variables and commands for the reader to paste into a shell, and the URL of the API docs."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.request import getproxies, proxy_bypass

from rowkeep.demo.presenter import Stage


class CurlRequest(NamedTuple):
    """One curl command."""

    title: str
    method: str
    path: str
    body: dict[str, Any]


ADA = {"First_Name": "Ada", "Last_Name": "Lovelace", "Gender": "female", "Number": 1815}
REQUESTS = (
    CurlRequest("Insert a row", "POST", "", {"data": ADA}),
    CurlRequest(
        "Query it",
        "POST",
        "/query?sys_limit=5",
        {
            "query": {"expressions": [{"field": "lastName", "operand": "starts with", "value": "Love"}]},
            "sort": [{"field": "Number", "order": "desc"}],
        },
    ),
    CurlRequest(
        "Update it",
        "PUT",
        "",
        {
            "query": {"expressions": [{"field": "lastName", "operand": "=", "value": "Lovelace"}]},
            "data": {"Number": 1843},
        },
    ),
)


def show_next_steps(stage: Stage, url: str, token: str, admin_token: str, table: str) -> None:
    """Print variables to paste into a shell, then commands that use them."""
    stage.act("Try it yourself")
    stage.say(f"export URL={url} TOKEN={token}")
    stage.say(f"export ADMIN_TOKEN={admin_token}")
    for request in REQUESTS:
        stage.say(f"\n# {request.title}\n{curl(request, table)}")
    stage.say(f"\n# List the tables, as an administrator\n{curl_tables()}")
    stage.say(f"\nAPI docs: {url}/docs\n")


def curl(request: CurlRequest, table: str) -> str:
    """The command. Its JSON has no single quotes, so that it can be in single quotes in the shell."""
    return (
        f'{_curl()} -X {request.method} "$URL/api/public/tables/{table}{request.path}" \\\n'
        f'  -H "auth: $TOKEN" \\\n'
        f"  -H 'content-type: application/json' \\\n"
        f"  -d '{json.dumps(request.body)}'"
    )


def curl_tables() -> str:
    return f'{_curl()} "$URL/api/v1/workspaces/main/tables" -H "Authorization: Bearer $ADMIN_TOKEN"'


def _curl() -> str:
    # curl would use a proxy from the environment even for this machine
    return "curl -s --noproxy '*'" if "http" in getproxies() and not proxy_bypass("127.0.0.1") else "curl -s"
