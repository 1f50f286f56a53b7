"""Idempotency keys: a write that is sent twice under one key is done once (contract, section 7.1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from answers import good, problem, total

from support.bot import Bot
from support.engines import first_on_each
from support.workspace import PEOPLE, Workspace

TABLE = "/api/public/tables/people"
JANE = {"First_Name": "Jane", "Number": 263}
CLIENTS = 16

WRITES: dict[str, tuple[str, str, Any]] = {
    "insert": ("POST", "", {"data": JANE}),
    "insert of many": ("POST", "", {"data": [JANE, JANE]}),
    "bulk": ("POST", "/bulk", {"data": [JANE, JANE, JANE]}),
    "update": ("PUT", "", {"query": {"all": True}, "data": {"Number": 1}}),
    "delete": ("DELETE", "", {"query": {"all": True}}),
    "delete by POST": ("POST", "/delete", {"query": {"all": True}}),
}
ROWS_AFTER = {"insert": 3, "insert of many": 4, "bulk": 5, "update": 2, "delete": 0, "delete by POST": 0}


@pytest.fixture
def people(shared: Workspace, empty_people: Bot) -> Iterator[Bot]:
    """An app of the test's own, for the table of the module: keys belong to an app."""
    bot = shared.bot({"people": "rwd"})
    yield bot
    good(bot.delete("people", {"all": True}))


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, "Content-Type": "application/json", **more}


def is_replayed(response: httpx.Response) -> bool:
    assert response.headers.get("Idempotency-Replayed", "true") == "true"
    return "Idempotency-Replayed" in response.headers


def twice(send: Callable[[], httpx.Response]) -> httpx.Response:
    """The response to a write that is sent twice: the same each time."""
    first, second = send(), send()
    good(first)
    assert (is_replayed(first), is_replayed(second)) == (False, True)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["content-type"] == first.headers["content-type"]
    return second


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("minimal", [False, True])
def test_a_write_that_is_sent_twice_is_done_once(people: Bot, write: str, minimal: bool) -> None:
    good(people.bulk("people", [{"Number": 7}, {"Number": 8}]))
    method, path, body = WRITES[write]
    prefer = {"Prefer": "return=minimal"} if minimal else {}
    last = twice(lambda: people.request(method, TABLE + path, json=body, headers=keyed("k", **prefer)))
    assert total(people, "people") == ROWS_AFTER[write]
    assert last.headers.get("Preference-Applied") == (
        "return=minimal" if minimal and not write.startswith("delete") else None
    )


@pytest.mark.parametrize("write", WRITES)
def test_administrators_have_keys_of_their_own(workspace: Workspace, write: str) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    good(bot.bulk("people", [{"Number": 7}, {"Number": 8}]))
    method, path, body = WRITES[write]
    key = f"of both, {write}"
    rows = f"{workspace.path}/data/tables/people"
    twice(lambda: workspace.admin.request(method, rows + path, json=body, headers=keyed(key)))
    assert total(bot, "people") == ROWS_AFTER[write]
    # the same key of an app is another one
    assert not is_replayed(bot.request("POST", TABLE, json={"data": JANE}, headers=keyed(key)))


def test_another_request_under_the_key_is_refused(people: Bot) -> None:
    body = json.dumps({"data": JANE})
    good(people.request("POST", TABLE, content=body, headers=keyed("k")))
    others: list[tuple[str, str, str, dict[str, str]]] = [
        ("POST", TABLE, body + " ", {}),
        ("POST", TABLE, "\ufeff" + body, {}),
        ("POST", TABLE, body, {"Prefer": "return=minimal"}),
        ("POST", TABLE.replace("people", "People"), body, {}),
        ("POST", f"{TABLE}/bulk", json.dumps({"data": [JANE]}), {}),
        ("POST", f"{TABLE}/delete", json.dumps({"query": {"all": True}}), {}),
        ("DELETE", TABLE, json.dumps({"query": {"all": True}}), {}),
        ("PUT", TABLE, json.dumps({"query": {"all": True}, "data": {"Number": 1}}), {}),
        # refused for what it is, if the key were free
        ("POST", TABLE, "{", {}),
        ("POST", TABLE, json.dumps({"data": {"Unknown": 1}}), {}),
        ("POST", f"{TABLE}?a=1", body, {}),
    ]
    for method, path, content, headers in others:
        sent = people.request(method, path, content=content.encode(), headers=keyed("k", **headers))
        refusal = problem(sent, 422, "idempotency_key_reused")
        assert '"k"' in refusal["detail"]
    assert [row["Number"] for row in good(people.query("people"))["queryResult"]] == [263]


def test_a_refused_request_leaves_the_key_free(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE | {"indexes": [
        {"name": "by_number", "isUnique": True, "columns": [{"name": "Number"}]}
    ]})  # fmt: skip
    bot = workspace.bot({"people": "rwd"})
    good(bot.insert("people", {"Number": 1}))
    for data, status in (({"Number": "x"}, 422), ({"Number": 1}, 409), ([{"Number": 2}, {"Number": 2}], 409)):
        sent = bot.request("POST", TABLE, json={"data": data}, headers=keyed("k"))
        assert sent.status_code == status, sent.text
    update = {"query": {"all": True}, "data": {"Unknown": 1}}
    assert bot.request("PUT", TABLE, json=update, headers=keyed("k")).status_code == 400
    good(bot.insert("people", {"Number": 4}))
    update = {"query": {"all": True}, "data": {"Number": 5}}
    assert bot.request("PUT", TABLE, json=update, headers=keyed("k")).status_code == 409
    twice(lambda: bot.request("POST", TABLE, json={"data": {"Number": 3}}, headers=keyed("k")))
    assert total(bot, "people") == 3


@pytest.mark.parametrize("write", ["update", "delete", "delete by POST"])
def test_a_write_out_of_bounds_leaves_the_key_free(people: Bot, write: str) -> None:
    good(people.bulk("people", [{"Number": 7}, {"Number": 8}]))
    method, path, body = WRITES[write]

    def send(**bounds: int) -> httpx.Response:
        return people.request(method, TABLE + path, json=body | bounds, headers=keyed("k"))

    problem(send(maxAffected=1), 409, "affected_out_of_bounds")
    assert [row["Number"] for row in good(people.query("people"))["queryResult"]] == [7, 8]
    twice(lambda: send(maxAffected=2))
    assert total(people, "people") == ROWS_AFTER[write]


def test_token_and_grants_are_checked_again(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    app = workspace.app("bot")
    workspace.grant(app["clientId"], "people", "rwd")
    bot = Bot(workspace.server.url, app["clientId"], app["clientSecret"])

    def send(**headers: str) -> httpx.Response:
        return bot.request("POST", TABLE, json={"data": JANE}, headers=keyed("k", **headers))

    twice(send)
    problem(send(auth="no token"), 401, "unauthenticated")
    workspace.grant(app["clientId"], "people", "r")
    problem(send(), 403, "forbidden")
    workspace.grant(app["clientId"], "people", "w")
    assert is_replayed(send())
    workspace.drop_table("people")
    problem(send(), 404, "no_such_table")


def test_a_replay_does_not_depend_on_definitions_that_changed(workspace: Workspace) -> None:
    """The same request would be an error today."""
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})

    def send() -> httpx.Response:
        return bot.request("POST", TABLE, json={"data": JANE}, headers=keyed("k"))

    first = send()
    columns = [column for column in PEOPLE["schemaDef"] if column["name"] != "First_Name"]
    changed = PEOPLE | {"schemaDef": columns}
    good(workspace.admin.put(f"{workspace.path}/tables/people?allowDataLoss=true", json=changed))
    assert is_replayed(again := send())
    assert again.content == first.content
    assert total(bot, "people") == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("abc", '"abc"'), (r'"a\"b\\c"', 'a"b\\c'), ("a, b", '"a, b"'), ("a" * 255, f'"{"a" * 255}"')],
)
def test_bare_and_quoted_keys_are_the_same(people: Bot, one: str, other: str) -> None:
    body = {"data": JANE}
    good(people.request("POST", TABLE, json=body, headers=keyed(one)))
    assert is_replayed(people.request("POST", TABLE, json=body, headers=keyed(other)))


@first_on_each("key", ["", '""', '"', '"a', '"a"b"', '"a";q=1', "a" * 256, b"\xe9", b"a\tb", b'"\\a"'])
def test_keys_that_are_not_valid(empty_people: Bot, key: str | bytes) -> None:
    headers: list[tuple[str | bytes, str | bytes]] = [("Idempotency-Key", key)]
    headers.append(("auth", empty_people.token()))
    for method, path, body in WRITES.values():
        sent = empty_people.client.request(method, TABLE + path, json=body, headers=headers)
        refusal = problem(sent, 400, "invalid_parameter")
        assert "1 to 255 printable ASCII characters" in refusal["detail"]
    assert total(empty_people, "people") == 0


def test_a_key_that_is_sent_twice(empty_people: Bot) -> None:
    """A proxy may send one of the two with the repeated request."""
    headers = [("auth", empty_people.token()), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    sent = empty_people.client.request("POST", TABLE, json={"data": JANE}, headers=headers)
    assert problem(sent, 400, "invalid_parameter")["detail"].endswith("was sent twice. Send it once.")
    assert total(empty_people, "people") == 0


def test_what_does_not_write_refuses_keys(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    bot = workspace.bot({"people": "rwd"})
    for method, path in (("POST", f"{TABLE}/query"), ("GET", "/api/public/tables")):
        refusal = problem(bot.request(method, path, headers=keyed("k")), 400, "invalid_parameter")
        assert "inserts, updates, deletes, batches and undos" in refusal["detail"]
    tables = f"{workspace.path}/tables"
    problem(workspace.admin.post(tables, json=PEOPLE, headers=keyed("k")), 400, "invalid_parameter")


def test_large_responses_are_stored_as_counts(people: Bot) -> None:
    rows = [{"First_Name": "x" * 1000} for _ in range(900)]  # the records take more than they were sent as

    def insert() -> httpx.Response:
        return people.request("POST", f"{TABLE}/bulk", json={"data": rows}, headers=keyed("k"))

    assert len(good(insert())["records"]) == 900
    assert is_replayed(again := insert())
    assert good(again) == {"nInserted": 900}

    larger = [{"First_Name": "x" * 1000} for _ in range(1200)]
    large = {"json": {"data": larger}, "headers": keyed("l")}
    assert len(good(people.request("POST", f"{TABLE}/bulk", **large))["records"]) == 1200
    assert good(people.request("POST", f"{TABLE}/bulk", **large)) == {"nInserted": 1200}

    update = {"json": {"query": {"all": True}, "data": {"Number": 1}}, "headers": keyed("m")}
    assert len(good(people.request("PUT", TABLE, **update))["records"]) == 2100
    assert good(people.request("PUT", TABLE, **update)) == {"nModified": 2100}
    assert total(people, "people") == 2100


@pytest.mark.parametrize("write", WRITES)
def test_many_clients_at_once_write_once(people: Bot, write: str) -> None:
    good(people.bulk("people", [{"Number": 7}, {"Number": 8}]))
    method, path, body = WRITES[write]
    with ThreadPoolExecutor(CLIENTS) as pool:
        sent = [
            pool.submit(people.request, method, TABLE + path, json=body, headers=keyed("k"))
            for _ in range(CLIENTS)
        ]
        responses = [each.result() for each in sent]
    assert {(each.status_code, each.content) for each in responses} == {(200, responses[0].content)}
    assert sum(not is_replayed(each) for each in responses) == 1
    assert total(people, "people") == ROWS_AFTER[write]


def test_keys_among_others(people: Bot) -> None:
    """Inserts with a key of their own, with one that another has, and without: each is done as often as it is
    asked for."""
    keys = [*(f"own {at}" for at in range(20)), *["shared"] * 20, *[None] * 20]

    def send(key: str | None) -> httpx.Response:
        headers = {} if key is None else keyed(key)
        return people.request("POST", TABLE, json={"data": JANE}, headers=headers)

    with ThreadPoolExecutor(CLIENTS) as pool:
        responses = [each.result() for each in [pool.submit(send, key) for key in keys]]
    assert {each.status_code for each in responses} == {200}
    assert len({good(each)["_id"] for each in responses}) == 41
    assert total(people, "people") == 41


def test_keys_go_with_their_app(workspace: Workspace) -> None:
    workspace.create_table(PEOPLE)
    app = workspace.app("bot")
    workspace.grant(app["clientId"], "people", "rwd")
    bot = Bot(workspace.server.url, app["clientId"], app["clientSecret"])
    twice(lambda: bot.request("POST", TABLE, json={"data": JANE}, headers=keyed("k")))
    apps = f"{workspace.path}/apps"
    assert workspace.admin.delete(f"{apps}/{app['clientId']}").status_code == 204
    brought = {"name": "again", "clientId": app["clientId"], "clientSecret": app["clientSecret"]}
    assert workspace.admin.post(apps, json=brought).status_code == 201
    workspace.grant(app["clientId"], "people", "rwd")
    again = bot.request("POST", TABLE, json={"data": JANE}, headers=keyed("k"))
    good(again)
    assert not is_replayed(again)
