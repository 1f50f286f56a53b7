"""Lanes: the messages of one webhook about one table, delivered one after the other.

A change becomes a message, which is stored, in the transaction that moves the cursor of its lane. It is sent
until the receiver accepts it. Nothing is lost whenever the process ends, and a message has the same id and
bytes in each attempt; one can arrive twice, if the process ends before it has recorded the first time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from enum import Enum, auto
from functools import partial
from random import uniform

import structlog

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import Busy, HistoryExpired, HistoryOff, NoSuchTable, StorageUnavailable
from rowkeep.metrics import WEBHOOK_ATTEMPTS, WEBHOOK_PAUSES
from rowkeep.model.audit import Outcome as AuditOutcome
from rowkeep.model.ids import Clock
from rowkeep.model.values.scalars import canonical_date
from rowkeep.model.webhooks import GIVE_UP_SECONDS, Delivery, Outcome, Webhook
from rowkeep.services.audit import AuditLog, process_actor
from rowkeep.services.webhooks.changes import ChangePage, ChangesSource
from rowkeep.services.webhooks.messages import body_of, deliveries_of
from rowkeep.services.webhooks.sender import Sender
from rowkeep.storage.contract import Script, StaleCatalog
from rowkeep.storage.scripts.deliveries import Retry

log = structlog.get_logger(__name__)

CHANGES_AT_ONCE = 20
"""How many changes become messages in one transaction. The next ones follow when these are delivered."""

FIRST_RETRY_SECONDS = 5
MAX_RETRY_SECONDS = 3600
SPREAD = 0.2
"""By what part of itself a wait is longer or shorter, at random."""
RECORD_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""The waits before an outcome is recorded again that the storage could not take."""


EXPIRED = (
    "Changes of a table were deleted before they were delivered: they were too old, or its history was "
    "turned off. Resume the webhook to continue with the oldest change that is recorded."
)
"""The reason of a pause."""


class Step(Enum):
    """When a lane continues: at once, when its table has changed again, or later."""

    MORE = auto()
    EMPTY = auto()
    STOPPED = auto()


class Lanes:
    """What all lanes of a process share. ``is_held`` says whether it is still the one that delivers."""

    def __init__(
        self,
        catalog: Catalog,
        source: ChangesSource,
        sender: Sender,
        audit: AuditLog,
        clock: Clock,
        is_held: Callable[[], bool],
    ) -> None:
        self._catalog = catalog
        self._source = source
        self._sender = sender
        self._audit = audit
        self._clock = clock
        self._is_held = is_held

    async def run(
        self, opened: OpenWorkspace, webhook_id: str, table_id: str, turn: AbstractAsyncContextManager[None]
    ) -> bool:
        """Deliver what a lane has, until an attempt fails or there is no more; True in the second case.
        Each step needs a turn, so that the memory of all lanes is bounded. Raises what the storage raises."""
        while self._is_held():
            async with turn:
                if not self._is_held():
                    return False
                step = await self._step(opened, webhook_id, table_id)
            if step is not Step.MORE:
                return step is Step.EMPTY
        return False

    async def _step(self, opened: OpenWorkspace, webhook_id: str, table_id: str) -> Step:
        """Deliver one message, or make messages of the next changes."""
        found = await opened.database.read(partial(opened.scripts.deliveries.next, webhook_id, table_id))
        if found is None:
            return Step.STOPPED
        if found.delivery is not None:
            if not is_due(found.delivery.next_attempt, self._clock().timestamp()):
                return Step.STOPPED
            outcome = await self._attempt(opened, found.webhook, found.delivery)
            return Step.MORE if outcome.is_delivered else Step.STOPPED
        if found.cursor is None:
            return Step.EMPTY
        page = await self._next_changes(opened, found.webhook, table_id, found.cursor)
        if page is None:
            return Step.STOPPED
        if page.next_cursor != found.cursor:
            await self._queue(opened, found.webhook, table_id, found.cursor, page)
        return Step.MORE if page.changes or page.has_more else Step.EMPTY

    # from changes to messages

    async def _next_changes(
        self, opened: OpenWorkspace, webhook: Webhook, table_id: str, cursor: str
    ) -> ChangePage | None:
        """The next changes of a table; None if there can be none."""
        try:
            return await self._source.after(opened, table_id, cursor, CHANGES_AT_ONCE)
        except NoSuchTable:
            return None
        except HistoryOff as error:
            await self._pause(opened, webhook.id, error.msg)
        except HistoryExpired:
            await self._pause(opened, webhook.id, EXPIRED)
        return None

    async def _queue(
        self, opened: OpenWorkspace, webhook: Webhook, table_id: str, cursor: str, page: ChangePage
    ) -> None:
        """Make messages of some changes."""
        stamp = self._catalog.store.ids.stamp(len(page.changes) or 1)
        ids = (f"dl-{each}" for each in stamp.ids())
        on = canonical_date(self._clock())
        messages = deliveries_of(page, opened, webhook, table_id, ids, on)
        add = opened.scripts.deliveries.add
        key = opened.messages.number
        try:
            await opened.database.write(
                partial(add, webhook.id, table_id, cursor, page.next_cursor, messages, key)
            )
        except StaleCatalog:
            # the data key was replaced
            await opened.load_keys()

    # from messages to the receiver

    async def _attempt(self, opened: OpenWorkspace, webhook: Webhook, delivery: Delivery) -> Outcome:
        moment = self._clock()
        secrets = await opened.webhook_secrets(webhook, int(moment.timestamp()))
        body = await body_of(opened, delivery)
        outcome = await self._sender.send(webhook.url, delivery.id, body, secrets, moment)
        WEBHOOK_ATTEMPTS["delivered" if outcome.is_delivered else "failed"].add()
        on, now = canonical_date(moment), int(self._clock().timestamp())
        deliveries = opened.scripts.deliveries
        if outcome.is_delivered:
            await _record(opened, partial(deliveries.delivered, delivery, outcome, on, now))
            return outcome
        retry = self._retry(delivery, outcome, int(moment.timestamp()), now)
        if await _record(opened, partial(deliveries.failed, delivery, outcome, on, retry)):
            await self._report_pause(opened, webhook.id, retry.paused_reason or "")
        return outcome

    def _retry(self, delivery: Delivery, outcome: Outcome, began: int, now: int) -> Retry:
        first = began if delivery.first_attempt is None else delivery.first_attempt
        reason = give_up_reason(outcome, now - first)
        if reason is not None:
            return Retry(first, now, canonical_date(self._clock()), reason)
        return Retry(first, now + retry_seconds(now - first, outcome.retry_after))

    # pauses

    async def _pause(self, opened: OpenWorkspace, webhook_id: str, reason: str) -> None:
        on = canonical_date(self._clock())
        pause = partial(opened.scripts.webhooks.pause, webhook_id, on, reason)
        if await opened.database.write(pause):
            await self._report_pause(opened, webhook_id, reason)

    async def _report_pause(self, opened: OpenWorkspace, webhook_id: str, reason: str) -> None:
        WEBHOOK_PAUSES.add()
        workspace = opened.workspace.name
        log.warning("webhook paused", workspace=workspace, webhook=webhook_id, reason=reason)
        await self._audit.record_done(
            self._audit.entry(
                process_actor(),
                "webhook.pause",
                result=AuditOutcome.SUCCESS,
                workspace=workspace,
                target=f"webhook {webhook_id}",
                details={"reason": reason},
            )
        )


async def _record(opened: OpenWorkspace, script: Script[bool]) -> bool:
    """Record an outcome, also if the storage is busy for a moment: else the message would be sent again."""
    for seconds in RECORD_SECONDS:
        try:
            return await opened.database.write(script)
        except (Busy, StorageUnavailable):
            await asyncio.sleep(seconds)
    return await opened.database.write(script)


def retry_seconds(elapsed: int, retry_after: int | None) -> int:
    """How long to wait if so much time has passed since the first attempt: as long again, from 5 seconds up
    to an hour, a fifth more or less, so that not all webhooks come back to a receiver at once; not beyond
    the time to give up."""
    seconds = min(max(elapsed, FIRST_RETRY_SECONDS), MAX_RETRY_SECONDS)
    wait = max(1, round(seconds * uniform(1 - SPREAD, 1 + SPREAD)), retry_after or 0)  # noqa: S311 - no secret
    return min(wait, max(1, GIVE_UP_SECONDS - elapsed))


def is_due(next_attempt: int, now: float) -> bool:
    """Whether a message can be sent now. One that would wait for longer than any was stored while the clock
    was wrong."""
    return not now < next_attempt <= now + MAX_RETRY_SECONDS * (1 + SPREAD)


def give_up_reason(outcome: Outcome, elapsed: int) -> str | None:
    """Why the server stops sending to a receiver; None if it continues."""
    if outcome.is_gone:
        return "The receiver responded with status 410 (Gone): it wants no more messages."
    if elapsed >= GIVE_UP_SECONDS:
        days = timedelta(seconds=GIVE_UP_SECONDS).days
        return f"A message could not be delivered for {days} days. {outcome.error or ''}".strip()
    return None
