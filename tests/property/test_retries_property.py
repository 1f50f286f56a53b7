"""Random operations of several clients at once, while the server is killed and started: with idempotency keys
each is done once, no change of a cell is lost, and what is stored agrees with what was answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from retrying import Kill, Progress, RetryingClient, together

from oracle.effort import examples
from support.bot import Bot
from support.expressions import all_of, comparison, where
from support.server import RowkeepServer
from support.workspace import Workspace, succeeded

CLIENTS = 4
STEPS = 6
SHARED = -1
SHARED_CODES = ("one", "two", "three")
COUNTED = -2
COUNTED_CODES = ("four", "five")
MAX_ROWS = 1000
NUMBERS = count(1)

KINDS = ("insert", "bulk", "taken", "set", "increase", "extend", "remove", "add", "add", "count")
"""What a client does: the last ones with rows that all clients share, the others with its own."""

Operation = tuple[str, int]
Record = dict[str, Any]

operations = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 9)), min_size=3, max_size=10)
kills = st.lists(
    st.tuples(st.integers(1, 25), st.sampled_from([0, 0.001, 0.003, 0.01])), min_size=1, max_size=2
)


def definition(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "schemaDef": [
            {"name": "Owner", "type": "integer", "isRequired": True},
            {"name": "Code", "type": "string", "isRequired": True},
            {"name": "Count", "type": "integer"},
            {"name": "Sum", "type": "decimal"},
            {"name": "Log", "type": "string"},
        ],
        "indexes": [
            {"name": "by_code", "isUnique": True, "columns": [{"name": "Code"}]},
            {"name": "by_owner", "columns": [{"name": "Owner"}]},
        ],
    }


class Client:
    """A client and its own rows, as the answers say they are."""

    def __init__(self, retrying: RetryingClient, number: int) -> None:
        self.retrying = retrying
        self.number = number
        self.rows: dict[str, Record] = {}
        self.added: dict[str, list[tuple[int, str]]] = {code: [] for code in SHARED_CODES}
        """What it added to each of the shared rows: a number, and a text."""
        self.counted: dict[str, list[tuple[int, str]]] = {code: [] for code in COUNTED_CODES}
        """The same for rows that the first client makes which counts in them."""
        self.made_counts: list[str] = []
        self._made = 0

    def run(self, work: list[Operation]) -> None:
        for kind, amount in work:
            getattr(self, kind)(amount)

    def insert(self, amount: int) -> None:
        record = self._done("POST", {"data": self._new_row(amount)})
        self.rows[record["Code"]] = record

    def bulk(self, amount: int) -> None:
        new = [self._new_row(at) for at in range(amount)]
        found = self._done("POST", {"data": new}, "/bulk")["records"]
        assert [record["Code"] for record in found] == [row["Code"] for row in new]
        self.rows |= {record["Code"]: record for record in found}

    def taken(self, amount: int) -> None:
        """Rows of which the last one is there already: all are refused."""
        if self.rows:
            code = sorted(self.rows)[amount % len(self.rows)]
            body = {"data": [self._new_row(amount), self._new_row(amount) | {"Code": code}]}
            response = self.retrying.ask("POST", body, "/bulk")
            assert (response.status_code, response.json()["code"]) == (409, "unique_violation")

    def set(self, amount: int) -> None:
        if self.rows:
            code = sorted(self.rows)[amount % len(self.rows)]
            self._update(where("Code", "=", code), {"Count": amount, "Sum": None}, [code])

    def increase(self, amount: int) -> None:
        self._update(where("Owner", "=", self.number), {"Count": {"$inc": amount}, "Sum": {"$inc": "0.5"}})

    def extend(self, amount: int) -> None:
        self._update(where("Owner", "=", self.number), {"Log": {"$append": f"{amount};"}})

    def remove(self, amount: int) -> None:
        if self.rows:
            code = sorted(self.rows)[amount % len(self.rows)]
            assert self._done("DELETE", {"query": where("Code", "=", code)}) == {"nDeleted": 1}
            del self.rows[code]

    def add(self, amount: int) -> None:
        """Add to one of the shared rows, or to all."""
        codes = SHARED_CODES if amount == 0 else (SHARED_CODES[amount % len(SHARED_CODES)],)
        mark = f"{self.number}.{len(self.retrying.sent)};"
        data = {"Count": {"$inc": amount}, "Sum": {"$inc": f"{amount}.25"}, "Log": {"$append": mark}}
        body = {
            "query": all_of(comparison("Owner", "=", SHARED), comparison("Code", "in", codes)),
            "data": data,
        }
        answer = self._done("PUT", body)
        assert answer["nModified"] == len(codes)
        assert all(record["Log"].endswith(mark) for record in answer["records"])
        for code in codes:
            self.added[code].append((amount, mark))

    def count(self, amount: int) -> None:
        """Add to a row that all clients share, whether it is stored or not."""
        code, mark = COUNTED_CODES[amount % len(COUNTED_CODES)], f"{self.number}.{len(self.retrying.sent)};"
        row = {"Owner": COUNTED, "Code": code, "Count": {"$inc": amount}, "Log": {"$append": mark}}
        answer = self._done("POST", {"data": row, "onConflict": {"columns": ["Code"], "action": "update"}})
        (record,), (outcome,) = answer["records"], answer["outcomes"]
        assert record["Log"].endswith(mark)
        assert (outcome == "inserted") == (record["Log"] == mark)
        self.counted[code].append((amount, mark))
        if outcome == "inserted":
            self.made_counts.append(code)

    def _update(self, query: Any, data: dict[str, Any], codes: list[str] | None = None) -> None:
        answer = self._done("PUT", {"query": query, "data": data})
        expected = [changed(self.rows[code], data) for code in (codes or self.rows)]
        found = {record["Code"]: record for record in answer["records"]}
        assert answer["nModified"] == len(expected)
        assert sorted(map(own, expected), key=str) == sorted(map(own, found.values()), key=str)
        self.rows |= found

    def _new_row(self, amount: int) -> dict[str, Any]:
        self._made += 1
        return {"Owner": self.number, "Code": f"{self.number}.{self._made}", "Count": amount}

    def _done(self, method: str, body: Any, call: str = "") -> Any:
        return succeeded(self.retrying.ask(method, body, call))


def own(record: Record) -> tuple[Any, ...]:
    return tuple(record[name] for name in ("Owner", "Code", "Count", "Sum", "Log"))


def changed(row: Record, data: dict[str, Any]) -> Record:
    """A row after an update."""
    cells = dict(row)
    for name, value in data.items():
        if not isinstance(value, dict):
            cells[name] = value
        elif "$append" in value:
            cells[name] = (row[name] or "") + value["$append"]
        elif name == "Sum":
            cells[name] = str(Decimal(row[name] or 0) + Decimal(value["$inc"]))
        else:
            cells[name] = (row[name] or 0) + value["$inc"]
    return cells


def assert_added(row: Record, added: list[tuple[int, str]]) -> None:
    """Each number and each text must have been added once."""
    marks = [f"{mark};" for mark in (row["Log"] or "").split(";")[:-1]]
    assert sorted(marks) == sorted(mark for _, mark in added)
    assert (row["Count"] or 0) == sum(amount for amount, _ in added)


class RetriesMachine(RuleBasedStateMachine):
    """Several clients of one table, and a server that is killed."""

    def __init__(self, server: RowkeepServer, workspace: Workspace, bot: Bot) -> None:
        super().__init__()
        self.server = server
        self.table = f"t{next(NUMBERS)}"
        workspace.create_table(definition(self.table))
        workspace.grant(bot.client_id, self.table, "rwd")
        self.bots = [Bot(server.url, bot.client_id, bot.secret) for _ in range(CLIENTS + 1)]
        self.reader = self.bots[0]
        self.progress = Progress()
        self.clients = [
            Client(RetryingClient(bot, self.table, str(number), self.progress), number)
            for number, bot in enumerate(self.bots[1:])
        ]

    def teardown(self) -> None:
        for bot in self.bots:
            bot.client.close()

    @initialize()
    def share(self) -> None:
        succeeded(self.reader.bulk(self.table, [{"Owner": SHARED, "Code": code} for code in SHARED_CODES]))

    @rule(work=st.tuples(*[operations] * CLIENTS), kills=kills)
    def work(self, work: tuple[list[Operation], ...], kills: list[Kill]) -> None:
        running = [partial(client.run, each) for client, each in zip(self.clients, work, strict=True)]
        together(self.server, self.progress, running, kills)

    @rule(kills=kills.map(lambda drawn: drawn[1:]))
    def compete(self, kills: list[Kill]) -> None:
        """All clients change a row in the state in which it was read: one of them does it."""
        (row,) = succeeded(self.reader.query(self.table, {"query": where("Code", "=", SHARED_CODES[0])}))[
            "queryResult"
        ]
        state = [comparison(name, "=", row[name]) for name in ("_id", "Updated_On")]

        def body(client: Client) -> dict[str, Any]:
            mark = f"c{client.number}.{len(client.retrying.sent)};"
            data = {"Count": (row["Count"] or 0) + 1, "Log": (row["Log"] or "") + mark}
            return {"query": all_of(*state), "data": data, "minAffected": 1}

        bodies = [body(client) for client in self.clients]
        asking = [
            partial(client.retrying.ask, "PUT", each)
            for client, each in zip(self.clients, bodies, strict=True)
        ]
        answers = together(self.server, self.progress, asking, kills)
        winners = [at for at, answer in enumerate(answers) if answer.status_code == 200]
        assert len(winners) == 1
        assert all(
            answer.json()["code"] == "affected_out_of_bounds"
            for at, answer in enumerate(answers)
            if at not in winners
        )
        mark = bodies[winners[0]]["data"]["Log"].removeprefix(row["Log"] or "")
        self.clients[winners[0]].added[SHARED_CODES[0]].append((1, mark))

    @rule(number=st.integers(0, CLIENTS - 1), place=st.integers(0, 100))
    def repeat(self, number: int, place: int) -> None:
        """A request that was done before gets the same answer, and changes nothing."""
        client = self.clients[number].retrying
        done = [each for each in client.sent if each.status == 200]
        if done:
            sent = done[place % len(done)]
            response = client.ask_again(sent)
            assert response.headers["Idempotency-Replayed"] == "true"
            assert response.content == sent.content

    @invariant()
    def stored_rows_are_those_of_the_answers(self) -> None:
        page = succeeded(self.reader.query(self.table, sys_limit=MAX_ROWS))
        stored = page["queryResult"]
        assert page["total"] == len(stored)
        for client in self.clients:
            mine = {row["Code"]: row for row in stored if row["Owner"] == client.number}
            assert mine == client.rows
        shared = [row for row in stored if row["Owner"] == SHARED]
        counted = [row for row in stored if row["Owner"] == COUNTED]
        common = len(shared) + len(counted)
        assert len(stored) == common + sum(len(client.rows) for client in self.clients)
        made = [code for client in self.clients for code in client.made_counts]
        assert sorted(made) == sorted(row["Code"] for row in counted)
        for row in counted:
            assert_added(row, [each for client in self.clients for each in client.counted[row["Code"]]])
        for row in shared:
            self._check_shared(row)

    def _check_shared(self, row: Record) -> None:
        added = [each for client in self.clients for each in client.added[row["Code"]]]
        assert_added(row, added)
        quarters = [amount for amount, mark in added if not mark.startswith("c")]
        expected = sum((Decimal(f"{amount}.25") for amount in quarters), Decimal(0))
        assert Decimal(row["Sum"] or 0) == expected


@pytest.fixture
def own_server(new_store: Callable[[], str], tmp_path: Path) -> Iterator[RowkeepServer]:
    """A server on a store of its own, which a test may kill."""
    server = RowkeepServer(new_store(), tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.mark.timeout(1800)
def test_repeated_requests_are_done_once(own_server: RowkeepServer, request: pytest.FixtureRequest) -> None:
    rounds = max(2, int(request.config.getoption("--crash-rounds")))
    workspace = Workspace(own_server, "retries")
    bot = workspace.bot(grants={})
    # kills come at other moments each time, so a failure cannot be made smaller
    usual = settings(examples(rounds + 1), stateful_step_count=STEPS, phases=(Phase.explicit, Phase.generate))
    run_state_machine_as_test(partial(RetriesMachine, own_server, workspace, bot), settings=usual)
