"""Steps: what the demo does, in order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from rowkeep.client.transport import local_client, send
from rowkeep.demo.presenter import Stage
from rowkeep.demo.safe_writes import TABLES, show_safe_writes
from rowkeep.model.access import Algorithm
from rowkeep.services.tokens import sign_token

TABLE = "customers"
ROWS = 100_000
BULK = 10_000

DEFINITION = {
    "name": TABLE,
    "schemaDef": [
        {"name": "First_Name", "type": "string"},
        {"name": "Last_Name", "type": "string"},
        {"name": "Gender", "type": "string"},
        {"name": "Number", "type": "number"},
    ],
    "indexes": [
        {"name": "by_last_name", "columns": [{"name": "Last_Name"}]},
        {"name": "by_number", "columns": [{"name": "Number"}]},
    ],
}
JANE_DOE = {"First_Name": "Jane", "Last_Name": "Doe", "Gender": "female", "Number": 1}
BULK_SAMPLE = [
    {"First_Name": "Jane", "Last_Name": "Smith", "Gender": "female", "Number": 263},
    {"First_Name": "Mike", "Last_Name": "Mike", "Gender": "male", "Number": 234},
]
UPDATE_SAMPLE = {
    "query": {
        "expressions": [
            {"field": "firstName", "operand": "=", "value": "Jane"},
            {"field": "lastName", "operand": "=", "value": "Doe"},
        ],
        "operator": "and",
    },
    "data": {"First_Name": "Jane", "Last_Name": "Smith", "Number": 3453},
}
QUERY = {
    "query": {
        "expressions": [
            {"field": "Last_Name", "operand": "in", "value": ["Smith", "Doe"]},
            {"field": "Number", "operand": ">", "value": 200},
        ]
    },
    "sort": [{"field": "Number", "order": "desc"}],
    "fields": ["First_Name", "Last_Name", "Number"],
}
FIRST_NAMES = ("Ada", "Alan", "Barbara", "Edsger", "Grace", "John", "Katherine", "Linus", "Margaret")
LAST_NAMES = ("Chen", "Garcia", "Ivanova", "Kim", "Mwangi", "Novak", "Patel", "Rossi", "Sato", "Schmidt")
GENDERS = ("female", "male", "other")


def play(stage: Stage, url: str, admin_token: str) -> str:
    """Run all steps on the server at ``url``. Returns the app's token. Raises SetupError if a step fails."""
    admin_headers = {"Authorization": f"Bearer {admin_token}"}
    with local_client(url, admin_headers) as administrator:
        token = _set_up(stage, administrator)
    with local_client(url, {"auth": token}) as app:
        _use(stage, app)
        show_safe_writes(stage, app, TABLE)
        _load(stage, app)
    return token


def _set_up(stage: Stage, administrator: httpx.Client) -> str:
    """The steps of an administrator. Returns a token that the new app signs."""
    main = "/api/v1/workspaces/main"
    stage.act("Define a table, as an administrator")
    stage.exchange(administrator, "POST", f"{main}/tables", DEFINITION)
    for definition in TABLES:
        send(administrator, "POST", f"{main}/tables", json=definition)
    stage.act("Create an app with its own secret")
    app = stage.exchange(administrator, "POST", f"{main}/apps", {"name": "demo-bot"})
    stage.act("Grant it access to the table")
    rights = {"read": True, "write": True, "delete": True}
    stage.exchange(administrator, "PUT", f"{main}/tables/{TABLE}/grants/{app['clientId']}", rights)
    for definition in TABLES:
        path = f"{main}/tables/{definition['name']}/grants/{app['clientId']}"
        send(administrator, "PUT", path, json=rights)
    return sign_token(app["clientId"], app["clientSecret"], Algorithm(app["algorithm"]))


def _use(stage: Stage, app: httpx.Client) -> None:
    """The steps of the app, each request with its token in the header ``auth``."""
    rows = f"/api/public/tables/{TABLE}"
    stage.act("Insert a row as the app, with a token that it signs")
    stage.exchange(app, "POST", rows, {"data": JANE_DOE})
    stage.act("Insert several rows")
    stage.exchange(app, "POST", f"{rows}/bulk", {"data": BULK_SAMPLE})
    stage.act("Update by a filter, in which firstName matches First_Name")
    stage.exchange(app, "PUT", rows, UPDATE_SAMPLE)
    stage.act("Query some columns by a filter, sorted")
    stage.exchange(app, "POST", f"{rows}/query?sys_limit=5", QUERY, shown=3)


def _load(stage: Stage, app: httpx.Client) -> None:
    """Insert many rows, and print the rate; only the requests are timed, not the generation of rows."""
    stage.act(f"Insert {ROWS:,} rows, {BULK:,} per request")
    seconds = 0.0
    with stage.progress() as progress:
        task = progress.add_task("rows", total=ROWS, rate="")
        for start in range(0, ROWS, BULK):
            body = msgspec.json.encode({"data": list(_rows(start, BULK))})
            seconds += _timed_bulk(app, body)
            progress.update(task, completed=start + BULK, rate=f"{(start + BULK) / seconds:,.0f} rows/s")
    stage.say(f"{ROWS:,} rows in {seconds:.1f} s: {ROWS / seconds:,.0f} rows/s, each request durable on disk")


def _timed_bulk(app: httpx.Client, body: bytes) -> float:
    headers = {"Content-Type": "application/json", "Prefer": "return=minimal"}
    started = time.perf_counter()
    send(app, "POST", f"/api/public/tables/{TABLE}/bulk", content=body, headers=headers)
    return time.perf_counter() - started


def _rows(start: int, count: int) -> Iterator[dict[str, Any]]:
    """Generated rows, the same each time."""
    for number in range(start, start + count):
        yield {
            "First_Name": FIRST_NAMES[number % len(FIRST_NAMES)],
            "Last_Name": LAST_NAMES[number * 7 % len(LAST_NAMES)],
            "Gender": GENDERS[number % len(GENDERS)],
            "Number": number,
        }
