"""Webhook deliveries: messages arrive in order, at least once, and only where they may, on both engines."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from installation import Installation, installed
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from rowkeep.errors.catalogue import (
    HistoryExpired,
    HistoryOff,
    NoSuchTable,
    RowkeepError,
    TooManyWebhooks,
)
from rowkeep.model.definitions.tables import TableBody
from rowkeep.model.ids import wall_clock
from rowkeep.model.management_requests import WorkspaceBody
from rowkeep.model.webhook_requests import WebhookBody, WebhookPatch
from rowkeep.services.key_rotation import DataRotation
from rowkeep.services.lists import ListRequest
from rowkeep.services.tables import Tables
from rowkeep.services.webhooks import sender
from rowkeep.services.webhooks.changes import ChangePage, EncodedChange
from rowkeep.services.webhooks.definitions import Webhooks, WebhookSending
from rowkeep.services.webhooks.sender import Sender
from rowkeep.services.webhooks.task import CLEANING_SECONDS, LEASE_SECONDS, WebhookTask
from rowkeep.services.workspaces import Workspaces
from support import receiver as answers
from support.receiver import Receiver, receiving

pytestmark = pytest.mark.anyio

NUMBERS = itertools.count(1)


class Recorded:
    """Changes that a test records, for each table; the cursor of a change is its number."""

    def __init__(self) -> None:
        self.changes: dict[str, list[str]] = {}
        self.expired: set[str] = set()
        self.names: dict[str, str] = {}
        self.off: set[str] = set()

    def add(self, table: str, count: int = 1, kind: str = "insert") -> None:
        self.changes.setdefault(table, []).extend([kind] * count)

    def _of(self, table_id: str) -> tuple[str, list[str]]:
        if table_id not in self.names:
            raise NoSuchTable("No such table.")
        if self.names[table_id] in self.off:
            raise HistoryOff("Table has no history.")
        return self.names[table_id], self.changes.setdefault(self.names[table_id], [])

    async def end(self, _opened: object, table_id: str) -> str:
        return str(len(self._of(table_id)[1]))

    async def after(self, _opened: object, table_id: str, cursor: str, limit: int) -> ChangePage:
        name, changes = self._of(table_id)
        if name in self.expired and cursor:
            raise HistoryExpired("gone")
        start = int(cursor or 0)
        page = [
            EncodedChange(kind, "2026-11-27T12:00:00.000Z", b'{"number":%d}' % number)
            for number, kind in enumerate(changes[start : start + limit], start + 1)
        ]
        return ChangePage(name, page, str(start + len(page)), start + limit < len(changes))

    async def ends(self, _opened: object, table_ids: list[str]) -> dict[str, str]:
        return {each: str(len(self.changes.get(self.names[each], ()))) for each in table_ids}


class Stage:
    """An installation with tables whose changes are recorded, a receiver, and the task of one process."""

    def __init__(self, store: Installation, receiver: Receiver) -> None:
        self.store = store
        self.space = f"hooks_{next(NUMBERS)}"
        self.receiver = receiver
        self.recorded = Recorded()
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.settings = msgspec.structs.replace(store.settings, webhook_allow_private=True)
        self.sender = Sender(self.settings)
        sending = WebhookSending(self.sender, self.recorded)
        self.webhooks = Webhooks(store.catalog, lambda: self.now, sending)
        self.task = self.process()

    def process(self) -> WebhookTask:
        """The task of another process."""
        return WebhookTask(self.store.catalog, self.settings, lambda: self.now, self.recorded)

    async def table(self, name: str) -> None:
        body = msgspec.convert({"name": name, "schemaDef": [{"name": "A", "type": "string"}]}, TableBody)
        made = await Tables(self.store.catalog).create(self.space, body)
        self.recorded.names[made.table.id] = name

    async def hook(self, path: str = "/hook", tables: tuple[str, ...] = ("t",), **more: Any) -> str:
        body = WebhookBody(url=self.receiver.url(path), tables=list(tables), **more)
        return (await self.webhooks.create(self.space, body)).defined.webhook.id

    async def deliver(self) -> None:
        """Let the task do what can be done now."""
        await self.task.run()
        await self.task.settle()

    async def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        await self.deliver()

    async def log(self, webhook: str, state: str | None = None) -> list[tuple[str, str, int, int | None]]:
        found = await self.webhooks.deliveries(self.space, webhook, state, ListRequest())
        return [(each.type, each.state.value, each.attempts, each.status) for each in found.items]

    def numbers(self, path: str = "/hook") -> list[int]:
        """The changes that have arrived at a path, in order."""
        return [each.message["data"]["number"] for each in self.receiver.on(path)]


@pytest.fixture(scope="module")
async def store(
    new_store: Callable[[], str], tmp_path_factory: pytest.TempPathFactory, anyio_backend: object
) -> AsyncIterator[Installation]:
    async with installed(new_store(), tmp_path_factory.mktemp("webhooks")) as store:
        yield store


@pytest.fixture
async def stage(store: Installation) -> AsyncIterator[Stage]:
    workspaces = Workspaces(store.catalog, wall_clock)
    async with receiving() as receiver:
        stage = Stage(store, receiver)
        await workspaces.create(WorkspaceBody(name=stage.space))
        await stage.table("t")
        yield stage
        await stage.task.stop()
        await stage.sender.close()
        await workspaces.delete(stage.space)


async def test_changes_are_delivered_in_order_and_signed(stage: Stage) -> None:
    stage.recorded.add("t", 3)
    body = WebhookBody(url=stage.receiver.url(), tables=["T"], kinds=["delete", "insert"])
    made = await stage.webhooks.create(stage.space, body)
    await stage.deliver()
    assert stage.receiver.requests == [], "only changes after the webhook"
    stage.recorded.add("t", 30)
    stage.recorded.add("t", 1, "update")
    stage.recorded.add("t", 15, "delete")
    await stage.deliver()
    assert stage.numbers() == [*range(4, 34), *range(35, 50)]
    first = stage.receiver.requests[0]
    assert first.message == {
        "type": "t.insert",
        "timestamp": "2026-11-27T12:00:00.000Z",
        "data": {"number": 4},
    }
    assert first.headers["content-type"] == "application/json"
    assert made.secret is not None
    assert Verifier(made.secret).verify(first.body, first.headers) == first.message
    with pytest.raises(WebhookVerificationError):
        Verifier(made.secret).verify(first.body + b" ", first.headers)
    assert len({each.id for each in stage.receiver.requests}) == 45
    webhook = made.defined.webhook.id
    assert (await stage.log(webhook))[0] == ("t.delete", "delivered", 1, 204)
    assert (await stage.webhooks.get(stage.space, webhook)).pending == 0
    await stage.deliver()
    assert len(stage.receiver.requests) == 45


async def test_both_secrets_are_valid_for_a_day(stage: Stage) -> None:
    made = await stage.webhooks.create(stage.space, WebhookBody(url=stage.receiver.url(), tables=["t"]))
    webhook = made.defined.webhook.id
    rotated = await stage.webhooks.rotate_secret(stage.space, webhook)
    assert made.secret
    assert rotated.secret
    assert made.secret != rotated.secret
    stage.recorded.add("t")
    await stage.deliver()
    received = stage.receiver.requests[0]
    for secret in (made.secret, rotated.secret):
        assert Verifier(secret).verify(received.body, received.headers)
    stage.now += timedelta(days=1)
    stage.recorded.add("t")
    await stage.deliver()
    # the library compares the time of the message with the clock of this machine
    signature = stage.receiver.requests[1].headers["webhook-signature"]
    assert len(signature.split()) == 1
    expected = sender.sign(
        stage.receiver.requests[1].id, stage.receiver.requests[1].body, [rotated.secret], stage.now
    )
    assert signature == expected


FAILURES = {
    "/500": (answers.FAILED, 500, "responded with status 500"),
    "/redirect": (
        b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n",
        302,
        "Redirects are not followed",
    ),
    "/nonsense": (answers.NONSENSE, None, "request failed"),
    "/closed": (answers.NOTHING, None, "request failed"),
    "/hang": (answers.HANG, None, "No complete response within"),
}


async def test_a_receiver_that_fails_gets_the_same_message_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_SECONDS", 0.5)
    hooks = {}
    for path, (answer, _, _) in FAILURES.items():
        stage.receiver.responses[path] = [answer, answers.OK]
        hooks[path] = await stage.hook(path)
    endless = await stage.hook("/endless")
    stage.receiver.responses["/endless"] = [answers.ENDLESS]
    stage.recorded.add("t", 2)
    await stage.deliver()
    assert stage.numbers("/endless") == [1, 2], "what is too long is not read"
    assert (await stage.log(endless))[0] == ("t.insert", "delivered", 1, 200)
    for path, (_, status, text) in FAILURES.items():
        assert stage.numbers(path) == [1], path
        waiting = (await stage.webhooks.deliveries(stage.space, hooks[path], "pending", ListRequest())).items
        assert [each.attempts for each in waiting] == [0, 1], path
        assert waiting[1].status == status, path
        assert text in str(waiting[1].error), path
    await stage.later(3)
    assert stage.numbers("/500") == [1]
    await stage.later(4)
    for path in FAILURES:
        assert stage.numbers(path) == [1, 1, 2], path
        first, second, _ = stage.receiver.on(path)
        assert (first.id, first.body) == (second.id, second.body), path
        assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 7
    assert stage.receiver.on("/other") == []


async def test_only_the_status_of_a_response_counts(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "ATTEMPT_SECONDS", 0.5)
    bodies = {"/cut": answers.CUT, "/waits": answers.WAITS, "/no-chunk": answers.NO_CHUNK}
    hooks = {path: await stage.hook(path) for path in bodies}
    gone = await stage.hook("/gone")
    stage.receiver.responses |= {path: [body] for path, body in bodies.items()}
    stage.receiver.responses["/gone"] = [answers.CUT_GONE]
    stage.recorded.add("t")
    await stage.deliver()
    for path, webhook in hooks.items():
        assert await stage.log(webhook) == [("t.insert", "delivered", 1, 200)], path
    assert "410" in str((await stage.webhooks.get(stage.space, gone)).webhook.paused_reason)


async def test_a_slow_receiver_holds_up_nobody_else(stage: Stage) -> None:
    await stage.table("u")
    await stage.hook("/hang", ("t",))
    await stage.hook("/good", ("t", "u"))
    stage.receiver.responses["/hang"] = [answers.HANG]
    stage.recorded.add("t", 5)
    await stage.task.run()
    await stage.receiver.wait_for(6)
    stage.recorded.add("u", 5)
    await stage.task.run()
    await stage.receiver.wait_for(11)
    assert stage.numbers("/hang") == [1]
    types = [each.message["type"] for each in stage.receiver.on("/good")]
    assert types == ["t.insert"] * 5 + ["u.insert"] * 5


async def test_a_webhook_is_paused_after_three_days_and_resumed(stage: Stage) -> None:
    webhook = await stage.hook()
    stage.receiver.responses["/hook"] = [answers.FAILED]
    stage.recorded.add("t", 2)
    await stage.deliver()
    for _ in range(10):
        await stage.later(12 * 3600)
        found = (await stage.webhooks.get(stage.space, webhook)).webhook
        if found.paused_on is not None:
            break
    began = int(stage.receiver.requests[0].headers["webhook-timestamp"])
    ended = int(stage.receiver.requests[-1].headers["webhook-timestamp"])
    assert 3 * 24 * 3600 <= ended - began <= 3 * 24 * 3600 + 12 * 3600
    assert found.paused_reason is not None
    assert found.paused_reason.startswith("A message could not be delivered for 3 days.")
    assert "status 500" in found.paused_reason
    assert len({(each.id, each.body) for each in stage.receiver.requests}) == 1
    count = len(stage.receiver.requests)
    await stage.later(24 * 3600)
    assert len(stage.receiver.requests) == count
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    resumed = await stage.webhooks.change(stage.space, webhook, WebhookPatch(resume=True))
    assert (resumed.webhook.paused_on, resumed.webhook.paused_reason) == (None, None)
    await stage.deliver()
    assert (await stage.webhooks.get(stage.space, webhook)).webhook.paused_on is None, "the time starts again"
    await stage.later(10)
    assert stage.numbers()[count:] == [1, 1, 2]


async def test_gone_retry_after_and_disabled(stage: Stage) -> None:
    gone, later, off = await stage.hook("/gone"), await stage.hook("/later"), await stage.hook("/off")
    await stage.webhooks.change(stage.space, off, WebhookPatch(enabled=False))
    stage.receiver.responses |= {"/gone": [answers.GONE], "/later": [answers.LATER, answers.OK]}
    stage.recorded.add("t")
    await stage.deliver()
    assert "410" in str((await stage.webhooks.get(stage.space, gone)).webhook.paused_reason)
    await stage.later(800)
    assert (stage.numbers("/later"), stage.numbers("/off")) == ([1], [])
    await stage.later(100)
    assert stage.numbers("/later") == [1, 1]
    # what has changed meanwhile is not lost
    await stage.webhooks.change(stage.space, off, WebhookPatch(enabled=True))
    await stage.deliver()
    assert stage.numbers("/off") == [1]
    assert (await stage.log(later, "delivered")) == [("t.insert", "delivered", 2, 204)]


async def test_history_that_is_gone_pauses_a_webhook(stage: Stage) -> None:
    webhook = await stage.hook()
    stage.recorded.add("t", 2)
    stage.recorded.expired.add("t")
    await stage.deliver()
    found = (await stage.webhooks.get(stage.space, webhook)).webhook
    assert "deleted before" in str(found.paused_reason)
    await stage.webhooks.change(stage.space, webhook, WebhookPatch(resume=True))
    stage.recorded.expired.clear()
    await stage.deliver()
    assert stage.numbers() == [1, 2]
    stage.recorded.off.add("t")
    stage.recorded.add("t")
    await stage.deliver()
    assert (await stage.webhooks.get(stage.space, webhook)).webhook.paused_reason == "Table has no history."
    with pytest.raises(HistoryOff):
        await stage.webhooks.change(stage.space, webhook, WebhookPatch(resume=True))


async def test_tables_can_be_changed_and_dropped(stage: Stage) -> None:
    await stage.table("u")
    webhook = await stage.hook()
    stage.receiver.responses["/hook"] = [answers.FAILED]
    stage.recorded.add("t", 3)
    stage.recorded.add("u", 3)
    await stage.deliver()
    changed = await stage.webhooks.change(stage.space, webhook, WebhookPatch(tables=["u"]))
    assert ([table.name for table in changed.tables], changed.pending) == (["u"], 0)
    stage.receiver.responses["/hook"] = [answers.OK]
    stage.recorded.add("u", 2)
    await stage.deliver()
    assert stage.numbers() == [1, 4, 5]
    await Tables(stage.store.catalog).drop(stage.space, "u")
    del stage.recorded.names[changed.tables[0].id]
    await stage.deliver()
    assert (await stage.webhooks.get(stage.space, webhook)).tables == []


async def test_nothing_is_lost_when_processes_are_killed(stage: Stage) -> None:
    """Each process is stopped at another request, before it has recorded its outcome, without releasing the
    lease."""
    await stage.hook()
    stage.recorded.add("t", 25)
    for process in range(5):
        task = stage.process()
        count = len(stage.receiver.requests)

        def kill(_received: object, at: int = count + 3 * process + 1, task: WebhookTask = task) -> None:
            if len(stage.receiver.requests) == at:
                for lane in task._running.values():
                    lane.cancel()

        stage.receiver.before = kill
        stage.now += timedelta(seconds=LEASE_SECONDS)
        await task.run()
        await task.settle()
        await task._stop_lanes()
    stage.receiver.before = lambda _received: None
    stage.now += timedelta(seconds=LEASE_SECONDS)
    await stage.deliver()
    messages: dict[int, tuple[str, bytes]] = {}
    numbers = stage.numbers()
    for received in stage.receiver.requests:
        number = received.message["data"]["number"]
        assert messages.setdefault(number, (received.id, received.body)) == (received.id, received.body)
    assert list(messages) == list(range(1, 26)), "each at least once, the first times in order"
    assert numbers == sorted(numbers), "a repeated one comes directly after the first"


async def test_one_process_delivers(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.services.webhooks.task.LOOK_SECONDS", 0)
    await stage.hook()
    other = stage.process()
    await stage.task.run()
    stage.recorded.add("t")
    await other.run()
    assert not other.is_held()
    assert stage.task.is_held()
    await stage.deliver()
    assert stage.numbers() == [1]
    await stage.task.stop()
    stage.recorded.add("t")
    await other.run()
    await other.settle()
    assert stage.numbers() == [1, 2]
    await other.stop()


async def test_a_clock_that_was_wrong_for_a_moment(stage: Stage) -> None:
    """Neither the lease of a process that was killed nor the next attempt is as late as it showed."""
    hook = await stage.hook()
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    stage.recorded.add("t")
    right = stage.now
    stage.now += timedelta(days=365)
    killed = stage.process()
    await killed.run()
    await killed.settle()
    assert (await stage.log(hook))[0] == ("t.insert", "pending", 1, 500)
    stage.now = right
    await stage.deliver()
    assert stage.task.is_held()
    assert stage.numbers() == [1, 1]
    await killed.stop()


async def test_redeliver_and_test_messages(stage: Stage) -> None:
    webhook = await stage.hook()
    stage.recorded.add("t")
    await stage.deliver()
    log = await stage.webhooks.deliveries(stage.space, webhook, None, ListRequest())
    again = await stage.webhooks.redeliver(stage.space, webhook, log.items[0].id)
    assert (again.state.value, again.attempts) == ("delivered", 2)
    first, second = stage.receiver.requests
    assert (first.id, first.body) == (second.id, second.body)
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    failed = await stage.webhooks.redeliver(stage.space, webhook, log.items[0].id)
    assert (failed.state.value, failed.status, failed.attempts) == ("delivered", 500, 3)
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    tested = await stage.webhooks.test(stage.space, webhook)
    assert (tested.type, tested.state.value, tested.status) == ("webhook.test", "failed", 500)
    assert stage.receiver.requests[-1].message["data"] == {"webhook": webhook}
    assert (await stage.webhooks.redeliver(stage.space, webhook, tested.id)).state.value == "delivered"
    # a message that waits is sent in its turn
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    stage.recorded.add("t")
    await stage.deliver()
    count = len(stage.receiver.requests)
    waiting = (await stage.webhooks.deliveries(stage.space, webhook, "pending", ListRequest())).items[0]
    assert (await stage.webhooks.redeliver(stage.space, webhook, waiting.id)).state.value == "pending"
    await stage.deliver()
    assert len(stage.receiver.requests) == count + 1
    for call in (
        stage.webhooks.redeliver(stage.space, webhook, "dl-0"),
        stage.webhooks.test(stage.space, "wh-0"),
    ):
        with pytest.raises(RowkeepError):
            await call


async def test_secrets_and_messages_get_the_new_data_key(stage: Stage) -> None:
    made = await stage.webhooks.create(stage.space, WebhookBody(url=stage.receiver.url(), tables=["t"]))
    webhook = made.defined.webhook.id
    await stage.webhooks.rotate_secret(stage.space, webhook)
    stage.receiver.responses["/hook"] = [answers.FAILED, answers.OK]
    stage.recorded.add("t", 60)
    await stage.deliver()
    opened = await stage.store.catalog.named(stage.space)
    before = opened.keys.newest
    assert (
        b"number"
        not in (await stage.webhooks.deliveries(stage.space, webhook, None, ListRequest())).items[0].body
    )
    async for _ in DataRotation(stage.store.catalog, opened).run():
        pass
    assert opened.keys.newest != before
    await stage.later(10)
    assert stage.numbers() == [1, *range(1, 61)]
    assert made.secret is not None
    first = stage.receiver.requests[0]
    assert Verifier(made.secret).verify(first.body, first.headers)


async def test_old_messages_are_deleted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, deleted = await stage.hook(), await stage.hook("/deleted")
    stage.recorded.add("t", 3)
    await stage.deliver()
    await stage.webhooks.delete(stage.space, deleted)
    stage.now += timedelta(days=6)
    await stage.task.stop()
    monkeypatch.setattr("rowkeep.services.webhooks.task.DELETED_AT_ONCE", 2)
    stage.task = stage.process()
    stage.recorded.add("t", 1)
    await stage.deliver()
    assert len(await stage.log(kept)) == 4
    opened = await stage.store.catalog.named(stage.space)
    assert not await opened.database.read(lambda: opened.scripts.deliveries.has_old(0)), "of deleted webhooks"
    stage.now += timedelta(days=1, seconds=1)
    stage.task._cleaned -= CLEANING_SECONDS
    await stage.deliver()
    assert len(await stage.log(kept)) == 1
    # a workspace without webhooks is not looked at any more
    await stage.webhooks.delete(stage.space, kept)
    stage.task._cleaned -= CLEANING_SECONDS
    await stage.deliver()
    catalog = stage.store.catalog
    assert await catalog.store.catalog.read(catalog.installation.workspaces_with_webhooks) == []


async def test_a_workspace_has_a_number_of_webhooks(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowkeep.storage.scripts.webhooks.MAX_WEBHOOKS", 2)
    for _ in range(2):
        await stage.hook(enabled=False)
    with pytest.raises(TooManyWebhooks):
        await stage.hook()
