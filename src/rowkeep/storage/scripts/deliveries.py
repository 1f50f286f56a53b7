"""Deliveries: scripts over the messages of the webhooks of one workspace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NoSuchDelivery, preview
from rowkeep.model.webhooks import Delivery, DeliveryState, Outcome, Webhook
from rowkeep.storage.contract import Row, StaleCatalog, Steps
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.webhooks import Webhooks

REENCRYPTED_AT_ONCE = 50


class Retry(msgspec.Struct, frozen=True):
    """When a message that was not accepted is sent again; if the server gives up, why and when."""

    first_attempt: int
    next_attempt: int
    paused_on: str | None = None
    paused_reason: str | None = None


class NextMessage(msgspec.Struct, frozen=True):
    """What a lane does next: its first message, if one waits, and the cursor after which more follow."""

    webhook: Webhook
    delivery: Delivery | None
    cursor: str | None


class Deliveries(WorkspaceSteps):
    """The scripts of one workspace. They do not change definitions, so they do not raise the version."""

    def __init__(self, state: WorkspaceState, webhooks: Webhooks) -> None:
        super().__init__(webhooks.dialect, webhooks.namespace)
        self._state = state
        self._webhooks = webhooks

    # the queue

    def next(self, webhook_id: str, table_id: str) -> Steps[NextMessage | None]:
        """What a lane does next; None if the webhook is not active."""
        webhook = yield from self._webhooks.find(webhook_id)
        if webhook is None or not webhook.is_active:
            return None
        deliveries, tables = self._system.webhook_deliveries, self._system.webhook_tables
        rows = yield from self._do(
            sa.select(*deliveries.c)
            .where(
                deliveries.c.webhook_id == webhook_id,
                deliveries.c.table_id == table_id,
                deliveries.c.state == DeliveryState.PENDING.value,
            )
            .order_by(deliveries.c.number)
            .limit(1)
        )
        lane = yield from self._do(
            sa.select(tables.c.cursor).where(tables.c.webhook_id == webhook_id, tables.c.table_id == table_id)
        )
        return NextMessage(webhook, delivery_of(rows[0]) if rows else None, lane[0][0] if lane else None)

    def add(
        self, webhook_id: str, table_id: str, before: str, after: str, messages: Sequence[Delivery], key: int
    ) -> Steps[bool]:
        """Move the cursor of a lane, together with the messages of the changes in between; whether it was
        there. ``key`` is the number of the data key that they are encrypted with. Raises StaleCatalog if
        that is no longer the newest one."""
        tables = self._system.webhook_tables
        moved = yield from self._do(
            sa.update(tables)
            .values(cursor=after, queued=tables.c.queued + len(messages))
            .where(
                tables.c.webhook_id == webhook_id,
                tables.c.table_id == table_id,
                tables.c.cursor == before,
            )
            .returning(tables.c.queued)
        )
        if not moved:
            return False
        if (yield from self._state.newest_key()) != key:
            raise StaleCatalog()
        first = int(moved[0][0]) - len(messages) + 1
        rows = [
            _values(msgspec.structs.replace(each, number=number))
            for number, each in enumerate(messages, start=first)
        ]
        if rows:
            yield from self._do(sa.insert(self._system.webhook_deliveries).values(rows))
        return True

    def delivered(self, delivery: Delivery, outcome: Outcome, on: str, now: int) -> Steps[bool]:
        """Record that the receiver has accepted a message; False if something else was recorded
        meanwhile."""
        return (
            yield from self._record(delivery, outcome, on, state=DeliveryState.DELIVERED.value, finished=now)
        )

    def failed(self, delivery: Delivery, outcome: Outcome, on: str, retry: Retry) -> Steps[bool]:
        """Record that an attempt has failed, and pause the webhook if the server gives up; whether it was
        paused by this."""
        recorded = yield from self._record(
            delivery,
            outcome,
            on,
            first_attempt=retry.first_attempt,
            next_attempt=retry.next_attempt,
        )
        if not recorded or retry.paused_on is None:
            return False
        return (
            yield from self._webhooks.pause(delivery.webhook_id, retry.paused_on, retry.paused_reason or "")
        )

    def _record(self, delivery: Delivery, outcome: Outcome, on: str, **values: Any) -> Steps[bool]:
        deliveries = self._system.webhook_deliveries
        rows = yield from self._do(
            sa.update(deliveries)
            .values(_result(delivery, outcome, on) | values)
            .where(
                deliveries.c.id == delivery.id,
                deliveries.c.attempts == delivery.attempts,
                deliveries.c.state == DeliveryState.PENDING.value,
            )
            .returning(deliveries.c.id)
        )
        return bool(rows)

    # the log

    def page(
        self, webhook_id: str, state: DeliveryState | None, before: str, limit: int
    ) -> Steps[list[Delivery]]:
        """Messages, the newest first, before the id ``before``. Raises NoSuchWebhook."""
        yield from self._webhooks.existing(webhook_id)
        deliveries = self._system.webhook_deliveries.c
        clause = sa.select(*deliveries).where(deliveries.webhook_id == webhook_id)
        if before:
            clause = clause.where(deliveries.id < before)
        if state is not None:
            clause = clause.where(deliveries.state == state.value)
        rows = yield from self._do(clause.order_by(deliveries.id.desc()).limit(limit))
        return [delivery_of(row) for row in rows]

    def existing(self, webhook_id: str, delivery_id: str) -> Steps[Delivery]:
        """Raises NoSuchWebhook, NoSuchDelivery."""
        yield from self._webhooks.existing(webhook_id)
        deliveries = self._system.webhook_deliveries.c
        rows = yield from self._do(
            sa.select(*deliveries).where(deliveries.id == delivery_id, deliveries.webhook_id == webhook_id)
        )
        if not rows:
            raise NoSuchDelivery(f"No such delivery: {preview(delivery_id)}.")
        return delivery_of(rows[0])

    def retry(self, webhook_id: str, delivery_id: str) -> Steps[Delivery]:
        """Attempt a message that waits at once, when it is the first of its table. Raises NoSuchWebhook,
        NoSuchDelivery."""
        yield from self._state.raise_version()
        deliveries = self._system.webhook_deliveries
        yield from self._do(
            sa.update(deliveries)
            .values(next_attempt=0)
            .where(
                deliveries.c.id == delivery_id,
                deliveries.c.webhook_id == webhook_id,
                deliveries.c.state == DeliveryState.PENDING.value,
            )
        )
        return (yield from self.existing(webhook_id, delivery_id))

    def sent_again(self, delivery: Delivery, outcome: Outcome, on: str) -> Steps[None]:
        """Record an attempt out of the order. What was delivered stays so if it failed."""
        yield from self._state.raise_version()
        deliveries = self._system.webhook_deliveries
        values = _result(delivery, outcome, on)
        if outcome.is_delivered:
            values["state"] = DeliveryState.DELIVERED.value
        yield from self._do(sa.update(deliveries).values(values).where(deliveries.c.id == delivery.id))

    def store(self, delivery: Delivery) -> Steps[None]:
        """Store a message that was sent already. Raises NoSuchWebhook, and StaleCatalog if its data key is
        no longer the newest one."""
        yield from self._state.raise_version()
        yield from self._webhooks.existing(delivery.webhook_id)
        if (yield from self._state.newest_key()) != delivery.data_key:
            raise StaleCatalog()
        yield from self._do(sa.insert(self._system.webhook_deliveries).values(_values(delivery)))

    # cleaning

    def has_old(self, before: int) -> Steps[bool]:
        """Whether there is something to delete: messages that ended before this time, or those of deleted
        webhooks."""
        rows = yield from self._do(self._old(before, 1))
        return bool(rows)

    def delete_old(self, before: int, limit: int) -> Steps[None]:
        """Delete some of them."""
        deliveries = self._system.webhook_deliveries
        yield from self._do(sa.delete(deliveries).where(deliveries.c.id.in_(self._old(before, limit))))

    def _old(self, before: int, limit: int) -> sa.Select[Any]:
        deliveries, webhooks = self._system.webhook_deliveries.c, self._system.webhooks.c
        is_orphan = deliveries.webhook_id.not_in(sa.select(webhooks.id))
        return sa.select(deliveries.id).where(sa.or_(deliveries.finished < before, is_orphan)).limit(limit)

    # keys

    def of_other_data_keys(self, number: int) -> Steps[list[Row]]:
        """Some messages that are encrypted under another data key than this: their ids and bodies."""
        deliveries = self._system.webhook_deliveries.c
        rows = yield from self._do(
            sa.select(deliveries.id, deliveries.body)
            .where(deliveries.data_key != number)
            .limit(REENCRYPTED_AT_ONCE)
        )
        return list(rows)

    def reencrypt(self, rows: list[Row], number: int, reencrypt: Callable[[Row], bytes]) -> Steps[None]:
        """Encrypt these messages again."""
        deliveries = self._system.webhook_deliveries
        for row in rows:
            yield from self._do(
                sa.update(deliveries)
                .values(body=reencrypt(row), data_key=number)
                .where(deliveries.c.id == row[0], deliveries.c.body == bytes(row[1]))
            )


def _result(delivery: Delivery, outcome: Outcome, on: str) -> dict[str, Any]:
    """The columns about the last attempt."""
    return {
        "attempts": delivery.attempts + 1,
        "last_attempt_on": on,
        "status": outcome.status,
        "error": outcome.error,
        "duration_ms": outcome.duration_ms,
    }


def delivery_of(row: Row) -> Delivery:
    values = dict(zip(Delivery.__struct_fields__, row, strict=True))
    return Delivery(**values | {"state": DeliveryState(values["state"]), "body": bytes(values["body"])})


def _values(delivery: Delivery) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.structs.asdict(delivery)
    return values | {"state": delivery.state.value}
