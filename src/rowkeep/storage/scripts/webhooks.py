"""Webhooks: scripts over the webhooks of one workspace and their tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from rowkeep.errors.catalogue import NoSuchWebhook, TooManyWebhooks, preview
from rowkeep.model.tables import Table
from rowkeep.model.webhooks import MAX_WEBHOOKS, DeliveryState, Webhook
from rowkeep.storage.contract import Row, StaleCatalog, Steps
from rowkeep.storage.scripts.state import WorkspaceState
from rowkeep.storage.scripts.steps import WorkspaceSteps
from rowkeep.storage.scripts.stored_definitions import StoredDefinitions

Reencrypt = Callable[[Webhook], Webhook]


class DefinedWebhook(msgspec.Struct, frozen=True):
    """A webhook, its tables with their cursors, and how many messages wait."""

    webhook: Webhook
    tables: Sequence[Table]
    cursors: Mapping[str, str]
    """By the ids of the tables."""
    pending: int


class Lane(msgspec.Struct, frozen=True):
    """The messages of one webhook about one table, which are delivered in order. ``cursor`` is None if no
    more are added; the first of ``pending`` messages is sent at ``due``, in seconds since 1970."""

    webhook_id: str
    table_id: str
    cursor: str | None
    pending: int
    due: int


class Webhooks(WorkspaceSteps):
    """The scripts of one workspace. Scripts that change a definition raise the version first, as those of
    apps do."""

    def __init__(self, state: WorkspaceState, stored: StoredDefinitions) -> None:
        super().__init__(stored.dialect, stored.namespace)
        self._state = state
        self._stored = stored

    # reading

    def page(self, after: str, limit: int | None) -> Steps[list[DefinedWebhook]]:
        """Webhooks in the order of their ids, after one id."""
        webhooks = self._system.webhooks
        rows = yield from self._do(
            sa.select(*webhooks.c).where(webhooks.c.id > after).order_by(webhooks.c.id).limit(limit)
        )
        return (yield from self._defined([webhook_of(row) for row in rows]))

    def existing(self, webhook_id: str) -> Steps[DefinedWebhook]:
        """Raises NoSuchWebhook."""
        found = yield from self.find(webhook_id)
        if found is None:
            raise NoSuchWebhook(f"No such webhook: {preview(webhook_id)}.")
        return (yield from self._defined([found]))[0]

    def find(self, webhook_id: str) -> Steps[Webhook | None]:
        webhooks = self._system.webhooks
        rows = yield from self._do(sa.select(*webhooks.c).where(webhooks.c.id == webhook_id))
        return webhook_of(rows[0]) if rows else None

    def _defined(self, found: Sequence[Webhook]) -> Steps[list[DefinedWebhook]]:
        if not found:
            return []
        ids = [each.id for each in found]
        lanes = self._system.webhook_tables.c
        rows = yield from self._do(
            sa.select(lanes.webhook_id, lanes.table_id, lanes.cursor).where(lanes.webhook_id.in_(ids))
        )
        tables = yield from self._stored.tables_by("id", {row[1] for row in rows})
        deliveries = self._system.webhook_deliveries.c
        counted = yield from self._do(
            sa.select(deliveries.webhook_id, sa.func.count())
            .where(deliveries.webhook_id.in_(ids), deliveries.state == DeliveryState.PENDING.value)
            .group_by(deliveries.webhook_id)
        )
        pending = {row[0]: int(row[1]) for row in counted}
        return [
            DefinedWebhook(
                each,
                sorted(
                    (tables[row[1]] for row in rows if row[0] == each.id and row[1] in tables),
                    key=lambda table: table.name.casefold(),
                ),
                {row[1]: row[2] for row in rows if row[0] == each.id},
                pending.get(each.id, 0),
            )
            for each in found
        ]

    def lanes(self) -> Steps[list[Lane]]:
        """The lanes of all webhooks that are enabled and not paused."""
        webhooks, tables = self._system.webhooks.c, self._system.webhook_tables.c
        active = yield from self._do(
            sa.select(webhooks.id).where(webhooks.enabled, webhooks.paused_on.is_(None))
        )
        ids = {row[0] for row in active}
        if not ids:
            return []
        rows = yield from self._do(sa.select(tables.webhook_id, tables.table_id, tables.cursor))
        cursors: dict[tuple[str, str], str] = {(row[0], row[1]): row[2] for row in rows}
        deliveries = self._system.webhook_deliveries.c
        counted = yield from self._do(
            # only the first message of a lane has been attempted
            sa.select(
                deliveries.webhook_id,
                deliveries.table_id,
                sa.func.count(),
                sa.func.max(deliveries.next_attempt),
            )
            .where(deliveries.state == DeliveryState.PENDING.value)
            .group_by(deliveries.webhook_id, deliveries.table_id)
        )
        pending = {(row[0], row[1]): (int(row[2]), int(row[3])) for row in counted}
        return [
            Lane(*key, cursors.get(key), *pending.get(key, (0, 0)))
            for key in sorted({*cursors, *pending})
            if key[0] in ids
        ]

    def is_used(self) -> Steps[bool]:
        """Whether there is a webhook."""
        return bool((yield from self._do(sa.select(self._system.webhooks.c.id).limit(1))))

    # changing

    def create(self, webhook: Webhook, cursors: Mapping[str, str], key: int) -> Steps[None]:
        """Store a webhook whose secret is encrypted under the data key number ``key``. Raises
        TooManyWebhooks, and StaleCatalog if that is no longer the newest key."""
        yield from self._state.raise_version()
        yield from self._check_key(key)
        webhooks = self._system.webhooks
        count = yield from self._do(sa.select(sa.func.count()).select_from(webhooks))
        if count[0][0] >= MAX_WEBHOOKS:
            raise TooManyWebhooks(
                f"A workspace has at most {MAX_WEBHOOKS} webhooks. Delete one that is not needed first."
            )
        yield from self._do(sa.insert(webhooks).values(_values(webhook)))
        yield from self._add_tables(webhook.id, cursors)

    def _check_key(self, key: int) -> Steps[None]:
        if (yield from self._state.newest_key()) != key:
            raise StaleCatalog()

    def _add_tables(self, webhook_id: str, cursors: Mapping[str, str]) -> Steps[None]:
        """Add tables by id. Raises StaleCatalog for one that was dropped meanwhile."""
        there = yield from self._stored.tables_by("id", set(cursors))
        if len(there) < len(cursors):
            raise StaleCatalog()
        rows = [
            {"webhook_id": webhook_id, "table_id": table_id, "cursor": cursor, "queued": 0}
            for table_id, cursor in cursors.items()
        ]
        if rows:
            yield from self._do(sa.insert(self._system.webhook_tables).values(rows))

    def change(self, webhook_id: str, key: int, change: Callable[[Webhook], Webhook]) -> Steps[None]:
        """Replace a webhook by the result of ``change``. Raises NoSuchWebhook, and StaleCatalog as create
        does."""
        yield from self._state.raise_version()
        yield from self._check_key(key)
        before = yield from self.existing(webhook_id)
        yield from self._store(change(before.webhook))

    def _store(self, webhook: Webhook) -> Steps[None]:
        webhooks = self._system.webhooks
        yield from self._do(sa.update(webhooks).values(_values(webhook)).where(webhooks.c.id == webhook.id))

    def set_tables(self, webhook_id: str, cursors: Mapping[str, str], removed: Sequence[str]) -> Steps[None]:
        """Add tables with their cursors, and remove others with their messages that wait. A cursor of a
        table that the webhook has replaces the present one."""
        tables, deliveries = self._system.webhook_tables, self._system.webhook_deliveries
        known = yield from self._do(sa.select(tables.c.table_id).where(tables.c.webhook_id == webhook_id))
        for table_id in {row[0] for row in known} & set(cursors):
            yield from self._do(
                sa.update(tables)
                .values(cursor=cursors[table_id])
                .where(tables.c.webhook_id == webhook_id, tables.c.table_id == table_id)
            )
        new = {each: cursor for each, cursor in cursors.items() if each not in {row[0] for row in known}}
        yield from self._add_tables(webhook_id, new)
        yield from self._do(
            sa.delete(tables).where(tables.c.webhook_id == webhook_id, tables.c.table_id.in_(removed))
        )
        yield from self._do(
            sa.delete(deliveries).where(
                deliveries.c.webhook_id == webhook_id,
                deliveries.c.table_id.in_(removed),
                deliveries.c.state == DeliveryState.PENDING.value,
            )
        )

    def retry_now(self, webhook_id: str) -> Steps[None]:
        """Attempt the messages that wait at once, and count the time to deliver them again."""
        deliveries = self._system.webhook_deliveries
        yield from self._do(
            sa.update(deliveries)
            .values(first_attempt=None, next_attempt=0)
            .where(deliveries.c.webhook_id == webhook_id, deliveries.c.state == DeliveryState.PENDING.value)
        )

    def delete(self, webhook_id: str) -> Steps[None]:
        """Delete a webhook. Its messages are deleted afterwards, in small transactions. Raises
        NoSuchWebhook."""
        yield from self._state.raise_version()
        yield from self.existing(webhook_id)
        webhooks, tables = self._system.webhooks, self._system.webhook_tables
        yield from self._do(sa.delete(tables).where(tables.c.webhook_id == webhook_id))
        yield from self._do(sa.delete(webhooks).where(webhooks.c.id == webhook_id))

    def pause(self, webhook_id: str, on: str, reason: str) -> Steps[bool]:
        """Pause a webhook; whether it was active."""
        webhooks = self._system.webhooks
        rows = yield from self._do(
            sa.update(webhooks)
            .values(paused_on=on, paused_reason=reason)
            .where(webhooks.c.id == webhook_id, webhooks.c.enabled, webhooks.c.paused_on.is_(None))
            .returning(webhooks.c.id)
        )
        return bool(rows)

    def reencrypt(self, reencrypt: Reencrypt) -> Steps[None]:
        """Encrypt the secrets of all webhooks with the new key. Messages that are being added are waited
        for: they can be under the former key."""
        yield from self._state.raise_version()
        tables = self._system.webhook_tables
        yield from self._do(sa.update(tables).values(queued=tables.c.queued))
        for each in (yield from self.page("", None)):
            yield from self._store(reencrypt(each.webhook))


def webhook_of(row: Row) -> Webhook:
    identity, url, kinds, enabled, created_on, secret, former, until, paused_on, reason = row
    return Webhook(
        id=identity,
        url=url,
        kinds=tuple(msgspec.json.decode(kinds)),
        enabled=bool(enabled),
        created_on=created_on,
        secret=bytes(secret),
        former_secret=None if former is None else bytes(former),
        former_until=int(until),
        paused_on=paused_on,
        paused_reason=reason,
    )


def _values(webhook: Webhook) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.structs.asdict(webhook)
    return values | {"kinds": msgspec.json.encode(webhook.kinds).decode()}
