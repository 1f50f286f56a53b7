"""The API against its own description: no 5xx, and no answer that ``/openapi.json`` does not describe.

Each generated request goes to a server on each backend: to generate it takes longer than to send it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from targets import DATA_PREFIX, OWNER, Targets, aimed, fresh

from oracle.effort import ROUNDS, examples
from support.postgres import PostgresServer
from support.server import RowkeepServer, sqlite_url

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TOKEN_HEADERS = {"auth", "Authorization"}
MODES = list(GenerationMode)
DRAWN = 1
"""Random requests to each operation."""

COVERING = 4 * ROUNDS
"""Requests to each operation that go through its parameters and body one by one, at most."""


@schemathesis.serializer("application/x-ndjson", "text/csv")
def lines(_context: schemathesis.SerializationContext, value: Any) -> bytes:
    """A stream of rows, which the description has as text."""
    return (value if isinstance(value, str) else str(value)).encode(errors="replace")


Servers = dict[str, Targets]
"""By backend."""


@pytest.fixture(scope="module")
def servers(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Servers of this test's own, for it makes and deletes what it likes."""
    urls = {
        "sqlite": sqlite_url(tmp_path_factory.mktemp("store") / "data"),
        "postgresql": postgres.create_database(),
    }
    with ExitStack() as stack:
        started = {}
        for backend, url in urls.items():
            server = RowkeepServer(url, tmp_path_factory.mktemp("described"))
            stack.callback(server.stop)
            server.start()
            started[backend] = Targets.on(server)
        yield started


def operations(schema: BaseSchema) -> list[APIOperation]:
    """All that the document describes; what deletes comes last, the deepest first, views before tables.
    A whole schema takes away what it does not have."""
    found = [result.ok() for result in schema.get_all_operations()]

    def place(each: APIOperation) -> tuple[bool, bool, bool, int, bool, str]:
        # an administrator's rows come after changes of their table, which they might not fit
        rows = "/data/" in each.path
        deletes = each.method.upper() == "DELETE" or (each.method.upper() == "PUT" and "/schema" in each.path)
        depth = -each.path.count("/")
        return deletes and not rows, rows, deletes, depth, "/tables/" in each.path, each.path

    return sorted(found, key=place)


class Exchange:
    """Sends the cases of one operation and holds the answers against the description."""

    def __init__(self, servers: Servers, operation: APIOperation, session: requests.Session) -> None:
        self.operation = operation
        self.statuses: dict[str, set[int]] = {backend: set() for backend in servers}
        self._paths = {backend: each.path_of(operation.path) for backend, each in servers.items()}
        self.path = next(iter(self._paths.values()))
        self._servers = servers
        self._session = session

    def send(self, case: Case, *, authenticated: bool = True) -> None:
        generated = dict(case.path_parameters or {})
        for backend, targets in self._servers.items():
            if generated:
                case.path_parameters = self._path_on(backend, generated)
            case.body = targets.body_for(self.operation.path, case.body)
            headers = dict(targets.headers_of(self.operation.path)) if authenticated else {}
            response = case.call(targets.url, session=self._session, headers=headers)
            self.statuses[backend].add(response.status_code)
            case.validate_response(response, checks=CHECKS, headers=headers)

    def _path_on(self, backend: str, generated: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a path, of which those that name what is there have other ids on each server."""
        known, own = self.path, self._paths[backend]
        return {
            name: own[name] if name in known and value == known[name] else value
            for name, value in generated.items()
        }

    def _kept(self, body: dict[str, Any]) -> dict[str, Any]:
        """A generated definition with the name that stands in the path."""
        kind = self.operation.path.rpartition("{")[2].removesuffix("}")
        is_good = self.operation.method.upper() == "PUT" and isinstance(body.get("name"), str)
        return {key: value for key, value in body.items() if key != "renamedFrom"} | (
            {"name": self.path.get(kind, "")} if is_good else {}
        )

    def _aimed(self, case: Case, turn: int) -> Case:
        """The case with columns and names that are of use, and without tokens that are made up."""
        for header in TOKEN_HEADERS & set(case.headers):
            del case.headers[header]
        if case.query and "wait" in case.query:
            # most would wait for nothing
            del case.query["wait"]
        if isinstance(case.body, dict):
            of_data = self.operation.path.startswith(DATA_PREFIX)
            made = fresh if self.operation.method.upper() == "POST" else self._kept
            case.body = aimed(case.body, turn) if of_data else made(case.body)
            if self.operation.path.endswith("/owner"):
                case.body["user"] = OWNER
        return case

    def send_described_cases(self) -> None:
        """The bodies that stand in the description as examples."""
        content = self.operation.definition.raw.get("requestBody", {}).get("content", {})
        for media_type, body in content.items():
            for example in body.get("examples", {}).values():
                case = self.operation.Case(
                    path_parameters=dict(self.path), body=example["value"], media_type=media_type
                )
                self.send(self._aimed(case, 1))

    def send_covering_cases(self) -> None:
        schema = self.operation.schema
        generation = schema.config.generation_for(operation=self.operation)
        cases = schema.iter_coverage_cases(
            self.operation, generation_modes=MODES, generation_config=generation
        )
        self.send(self._aimed(next(cases), 1), authenticated=False)
        for case in islice(cases, COVERING):
            # They go through what the parameters may be one by one, with a table that there is not; the
            # paths of drawn cases are as wild as can be, so that these can all have a real one.
            case.path_parameters = dict(self.path) if case.path_parameters else case.path_parameters
            self.send(self._aimed(case, 1))

    def send_drawn_cases(self) -> None:
        there = [self.operation.as_strategy(mode, path_parameters=self.path) for mode in MODES]
        anywhere = [self.operation.as_strategy(mode) for mode in MODES]

        @examples(DRAWN)
        @given(case=st.one_of(*there, *there, *anywhere), turn=st.sampled_from([1, 2, 3, 0]))
        def send_each(case: Case, turn: int) -> None:
            self.send(self._aimed(case, turn) if turn else case)

        send_each()


def test_every_answer_is_as_described(servers: Servers, subtests: pytest.Subtests) -> None:
    described_by = next(iter(servers.values())).url
    schema = schemathesis.openapi.from_url(f"{described_by}/openapi.json", config=schemathesis.Config())
    described = operations(schema)
    assert described
    schema.config.seed = 1
    with requests.Session() as session:
        session.trust_env = False
        for operation in described:
            exchange = Exchange(servers, operation, session)
            with subtests.test(operation=operation.label, cases="described"):
                exchange.send_described_cases()
            with subtests.test(operation=operation.label, cases="covering"):
                exchange.send_covering_cases()
            with subtests.test(operation=operation.label, cases="drawn"):
                exchange.send_drawn_cases()
            with subtests.test(operation=operation.label, cases="all"):
                # calls of sessions need a cookie, or the secret of a link
                needs_session = operation.path.startswith("/api/v1/session")
                # an import that has ended deletes its file, and before it there is nothing to cancel
                needs_import = "/files/{file}/" in operation.path and not operation.path.endswith("/import")
                for statuses in () if needs_session or needs_import else exchange.statuses.values():
                    # else the requests would be refused at the door, and all of this would show nothing
                    assert statuses & {200, 201, 202, 204}
                    assert 401 in statuses or not operation.path.startswith("/api/")
