"""Observability: metrics of all workers together, timings, request ids, and the logs of requests."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import psutil
import pytest
from answers import problem
from prometheus_client.parser import text_string_to_metric_families

from support.bot import Bot
from support.engines import ON_SQLITE
from support.processes import PATIENT, free_port
from support.server import RowkeepServer
from support.workspace import PEOPLE, Workspace

PHASES = re.compile(r"auth;dur=\d+\.\d\d, plan;dur=\d+\.\d\d, db;dur=\d+\.\d\d, encode;dur=\d+\.\d\d")
EVERYONE = {"all": True}
NDJSON = "application/x-ndjson"


class Observed:
    """A server with two workers that shows everything, and a workspace there."""

    def __init__(self, server: RowkeepServer, metrics_port: int) -> None:
        self.server = server
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        self.workspace = Workspace(server, "observed")
        self.workspace.create_table(PEOPLE)
        self.bot = self.workspace.bot({"people": "rwd"})

    def metrics(self) -> dict[tuple[str, ...], float]:
        """The value of each sample, by its name and labels."""
        response = httpx.get(self.metrics_url, timeout=PATIENT, trust_env=False)
        assert response.status_code == 200, response.text
        return {
            (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
        }

    def log(self, event: str) -> list[dict[str, Any]]:
        lines = [line for line in self.server.log.read_text().splitlines() if line.startswith("{")]
        return [entry for entry in map(msgspec.json.decode, lines) if entry["event"] == event]


@pytest.fixture(scope="module")
def observed(new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    port = free_port()
    server = RowkeepServer(
        new_store(),
        tmp_path_factory.mktemp("observed"),
        workers=2,
        server_timing=True,
        access_log=True,
        slow_query_seconds=1e-9,
        metrics_port=port,
    )
    server.start()
    try:
        yield Observed(server, port)
    finally:
        server.stop()


def grown(observed: Observed, *samples: tuple[str, ...]) -> Callable[[], list[float]]:
    """What some samples have grown by since this was called."""
    before = observed.metrics()

    def since() -> list[float]:
        now = observed.metrics()
        return [now.get(sample, 0.0) - before.get(sample, 0.0) for sample in samples]

    return since


def rows_sample(operation: str) -> tuple[str, str]:
    return "rowkeep_rows_total", f"operation={operation}"


def requests_sample(method: str, route: str, status: int) -> tuple[str, ...]:
    return "rowkeep_http_requests_total", f"method={method}", f"route={route}", f"status={status}"


def every_kind(bot: Bot) -> list[httpx.Response]:
    """One response of each kind of request for rows."""
    lines = b'{"First_Name": "Edsger"}\n{"First_Name": "Barbara"}\n'
    batch = {"operations": [{"op": "insert", "table": "people", "data": {"First_Name": "Kurt"}}]}
    post, bulk = "POST", "/api/public/tables/people/bulk"
    return [
        bot.insert("people", {"First_Name": "Ada"}),
        bot.bulk("people", [{"First_Name": "Alan"}, {"First_Name": "Grace"}]),
        bot.query("people"),
        bot.request(post, "/api/public/tables/people/query", headers={"Accept": NDJSON}),
        bot.request(post, bulk, content=lines, headers={"Content-Type": NDJSON}),
        bot.request(post, f"{bulk}?mode=partial", content=lines, headers={"Content-Type": NDJSON}),
        bot.request(post, "/api/public/batch", json=batch),
        bot.update("people", EVERYONE, {"First_Name": "Grace"}),
        bot.delete("people", EVERYONE),
    ]


def test_every_kind_of_request_is_counted_and_timed(observed: Observed) -> None:
    query = requests_sample("POST", "/api/public/tables/{table}/query", 200)
    since = grown(observed, *map(rows_sample, ("inserted", "read", "updated", "deleted")), query)
    for response in every_kind(observed.bot):
        assert response.status_code == 200, response.text
        assert PHASES.fullmatch(response.headers["server-timing"]), (response.url, response.headers)
    # inserted: one, two, two and two by streams, one in a batch
    assert since() == [8, 6, 8, 8, 2]


@ON_SQLITE
def test_management_requests_are_timed_and_counted(observed: Observed) -> None:
    route = requests_sample("GET", "/api/v1/workspaces/{workspace}/tables", 200)
    since = grown(observed, route)
    response = observed.workspace.admin.get(f"{observed.workspace.path}/tables")
    assert response.status_code == 200, response.text
    assert PHASES.fullmatch(response.headers["server-timing"])
    assert since() == [1]


@ON_SQLITE
def test_refusals_are_counted_by_reason(observed: Observed) -> None:
    reasons = [("rowkeep_refusals_total", f"reason={reason}") for reason in ("token", "grant")]
    code = ("rowkeep_errors_total", "code=no_such_endpoint")
    since = grown(observed, *reasons, code)
    assert observed.bot.request("POST", "/api/public/batch", headers={"auth": "x"}).status_code == 401
    reader = observed.workspace.bot({"people": "r"})
    assert reader.insert("people", {"First_Name": "Ada"}).status_code == 403
    assert observed.bot.request("GET", "/api/public/nothing").status_code == 404
    assert since() == [1, 1, 1]


@ON_SQLITE
def test_metrics_need_a_token_except_on_their_own_port(observed: Observed) -> None:
    url = f"{observed.server.url}/metrics"
    problem(httpx.get(url, trust_env=False), 401, "unauthenticated")
    headers = {"Authorization": f"Bearer {observed.server.admin_token}"}
    response = httpx.get(url, headers=headers, trust_env=False)
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert "rowkeep_http_requests_total{" in response.text
    own = observed.metrics_url
    problem(httpx.get(own.replace("/metrics", "/healthz"), trust_env=False), 404, "no_such_endpoint")


@ON_SQLITE
def test_no_metric_has_a_name_of_users(observed: Observed) -> None:
    observed.bot.query("people")
    text = httpx.get(observed.metrics_url, trust_env=False).text
    assert "people" not in text
    assert "observed" not in text
    assert observed.bot.client_id not in text


@ON_SQLITE
def test_the_numbers_of_all_workers_survive_a_restart(observed: Observed) -> None:
    for _ in range(4):
        observed.bot.query("people")
    before = observed.metrics()
    starts = ("rowkeep_worker_starts_total",)
    process = psutil.Process(observed.server.process.pid)
    workers = process.children()
    assert len(workers) == 2
    assert len([key for key in before if key[0] == "rowkeep_open_files"]) == 2
    workers[0].kill()
    # the replacement starts after a second
    while (after := observed_metrics(observed)).get(starts, 0.0) < before[starts] + 1:
        time.sleep(0.02)
    counters = [key for key in before if key[0].endswith(("_total", "_count")) and "cpu" not in key[0]]
    assert counters
    assert [key for key in counters if after.get(key, 0.0) < before[key]] == []


def observed_metrics(observed: Observed) -> dict[tuple[str, ...], float]:
    """The metrics; empty if the worker that was asked is just being killed."""
    try:
        return observed.metrics()
    except httpx.TransportError:
        return {}


@ON_SQLITE
def test_the_access_log_has_no_values(observed: Observed) -> None:
    response = observed.bot.request(
        "POST", "/api/public/tables/people/query?sys_limit=7", headers={"X-Request-Id": "find-me-1"}
    )
    assert response.headers["x-request-id"] == "find-me-1"
    (entry,) = [each for each in observed.log("request") if each["request_id"] == "find-me-1"]
    assert entry["route"] == "/api/public/tables/{table}/query"
    assert entry["path"] == "/api/public/tables/people/query"
    assert (entry["method"], entry["status"], entry["app"]) == ("POST", 200, observed.bot.client_id)
    assert "sys_limit" not in str(entry)
    assert observed.bot.token() not in observed.server.log.read_text()


def test_head_is_counted_as_get_and_logged_as_itself(observed: Observed) -> None:
    counted = grown(observed, requests_sample("GET", "/api/public/tables", 200))
    response = observed.bot.request("HEAD", "/api/public/tables", headers={"X-Request-Id": "find-me-2"})
    assert response.status_code == 200
    assert counted() == [1]
    (entry,) = [each for each in observed.log("request") if each["request_id"] == "find-me-2"]
    assert (entry["method"], entry["route"]) == ("HEAD", "/api/public/tables")


def test_slow_queries_are_logged_with_their_plan_and_without_values(observed: Observed) -> None:
    secret = {"expressions": [{"field": "First_Name", "operand": "=", "value": "Secret-263"}]}
    for column in PEOPLE["schemaDef"]:
        # each of these statements differs, because entries of one statement are limited
        body = {"query": secret, "sort": [{"field": column["name"], "order": "asc"}]}
        assert observed.bot.query("people", body).status_code == 200
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        slow = [each for each in observed.log("slow query") if each["operation"] == "query"]
        if any(each["plan"] for each in slow):
            break
        time.sleep(0.02)
    planned = next(each for each in slow if each["plan"])
    assert planned["table"] == "people"
    assert planned["app"] == observed.bot.client_id
    assert planned["request_id"]
    assert "SELECT" in planned["statement"]
    assert planned["seconds"] > 0
    assert "Secret-263" not in observed.server.log.read_text()
    assert observed.bot.update("people", secret, {"First_Name": "Secret-264"}).status_code == 200
    written = [each for each in observed.log("slow query") if each["operation"] == "update"]
    assert "UPDATE" in written[-1]["statement"]
    assert "plan" not in written[-1]
    assert "Secret-264" not in observed.server.log.read_text()


@ON_SQLITE
def test_every_response_has_a_request_id(observed: Observed) -> None:
    client = observed.bot.client
    responses = [client.get(path) for path in ("/healthz", "/nothing", "/docs", "/a%2fb")]
    # refused by the connection itself
    responses.append(client.get("/" + "x" * 20_000))
    ids = {each.headers["x-request-id"] for each in responses}
    assert [each.status_code for each in responses] == [200, 404, 200, 404, 414]
    assert len(ids) == len(responses)


@ON_SQLITE
def test_timings_are_off_by_default(server: RowkeepServer) -> None:
    workspace = Workspace(server, "untimed")
    workspace.create_table(PEOPLE)
    for response in every_kind(workspace.bot({"people": "rwd"})):
        assert response.status_code == 200, response.text
        assert "server-timing" not in response.headers
