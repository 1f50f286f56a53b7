"""Webhooks: their definitions, secrets and delivery logs, managed by administrators and managers."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec
from msgspec import UNSET, structs

from rowkeep.catalog.catalog import Catalog
from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.errors.catalogue import (
    Busy,
    HistoryExpired,
    InvalidBody,
    InvalidParameter,
    NoSuchTable,
    preview,
)
from rowkeep.model.ids import Clock
from rowkeep.model.tables import NAME, Table
from rowkeep.model.values.scalars import canonical_date
from rowkeep.model.webhook_requests import WebhookBody, WebhookPatch
from rowkeep.model.webhooks import (
    KINDS,
    MAX_TABLES,
    OVERLAP_SECONDS,
    SECRET_BYTES,
    SECRET_PREFIX,
    TEST_TYPE,
    Delivery,
    DeliveryState,
    Outcome,
    Webhook,
    secret_bound_to,
)
from rowkeep.services.lists import Listing, ListRequest
from rowkeep.services.webhooks.addresses import read_url
from rowkeep.services.webhooks.changes import ChangesSource
from rowkeep.services.webhooks.messages import body_of, new_delivery, test_body
from rowkeep.services.webhooks.sender import Sender
from rowkeep.storage.contract import Script, StaleCatalog, Steps
from rowkeep.storage.scripts.webhooks import DefinedWebhook

MAX_SENDING = 8
"""How many test messages and repeated ones a process sends at the same time."""

ATTEMPTS = 4
"""How often a change is planned again because tables were changed meanwhile."""

DELETED_AT_ONCE = 500


class WebhookWithSecret(msgspec.Struct, frozen=True):
    """A webhook, and its secret in plain text if it is new."""

    defined: DefinedWebhook
    secret: str | None = None


class WebhookSending(msgspec.Struct, frozen=True):
    """What all requests share that send messages."""

    sender: Sender
    source: ChangesSource
    slots: asyncio.Semaphore = msgspec.field(default_factory=lambda: asyncio.Semaphore(MAX_SENDING))


class Webhooks:
    """The webhooks of workspaces. Every method raises NoSuchWorkspace, and NoSuchWebhook where it names
    one."""

    def __init__(self, catalog: Catalog, clock: Clock, sending: WebhookSending) -> None:
        self._catalog = catalog
        self._clock = clock
        self._sender = sending.sender
        self._source = sending.source
        self._slots = sending.slots

    async def list(self, workspace: str, request: ListRequest) -> Listing[DefinedWebhook]:
        opened = await self._catalog.named(workspace)
        script = partial(opened.scripts.webhooks.page, request.after, request.limit + 1)
        return request.page(await opened.database.read(script), lambda each: each.webhook.id)

    async def get(self, workspace: str, webhook_id: str) -> DefinedWebhook:
        opened = await self._catalog.named(workspace)
        return await opened.database.read(partial(opened.scripts.webhooks.existing, webhook_id))

    async def create(self, workspace: str, body: WebhookBody) -> WebhookWithSecret:
        """The webhook with its secret, which is never shown again. It receives changes from now on. Raises
        InvalidUrl, InvalidBody, NoSuchTable, HistoryOff, TooManyWebhooks."""
        opened = await self._catalog.named(workspace)
        kinds = _checked_kinds(body.kinds)
        _check_count(body.tables)
        read_url(body.url)
        await self._cursors(opened, body.tables)
        # last, because a name server can be slow
        await self._sender.resolver.check(body.url)
        identity = f"wh-{self._new_id()}"
        secret = _new_secret()

        def made() -> Webhook:
            return Webhook(
                id=identity,
                url=body.url,
                kinds=kinds,
                enabled=body.enabled,
                created_on=canonical_date(self._clock()),
                secret=_sealed(opened, identity, secret),
            )

        # the catalog first: a record without webhooks is harmless, webhooks without a record are not found
        record = partial(self._catalog.installation.record_webhooks, opened.workspace)
        await self._catalog.store.catalog.write(record)
        for left in reversed(range(ATTEMPTS)):
            cursors = await self._cursors(opened, body.tables)
            try:
                await opened.write_with_keys(partial(_creation, opened, made, cursors))
                break
            except StaleCatalog:
                # a table was dropped meanwhile
                if not left:
                    raise
        # again: the task that found no webhook may have removed it just now
        await self._catalog.store.catalog.write(record)
        opened.renew()
        return WebhookWithSecret(await self.get(workspace, identity), secret)

    async def change(self, workspace: str, webhook_id: str, patch: WebhookPatch) -> DefinedWebhook:
        """Change the keys of the patch. Raises as create does."""
        opened = await self._catalog.named(workspace)
        if patch.url is not UNSET:
            read_url(patch.url)
        if patch.kinds is not UNSET:
            _checked_kinds(patch.kinds)
        if patch.tables is not UNSET:
            _check_count(patch.tables)
        if patch.url is not UNSET:
            await self.get(workspace, webhook_id)
            await self._sender.resolver.check(patch.url)
        for left in reversed(range(ATTEMPTS)):
            try:
                await self._change(opened, webhook_id, patch)
                break
            except StaleCatalog:
                if not left:
                    raise
                await self._catalog.renew(opened)
        opened.renew()
        return await self.get(workspace, webhook_id)

    async def _change(self, opened: OpenWorkspace, webhook_id: str, patch: WebhookPatch) -> None:
        scripts = opened.scripts.webhooks
        before = await opened.database.read(partial(scripts.existing, webhook_id))
        cursors: dict[str, str] = {}
        removed: Sequence[str] = ()
        if patch.tables is not UNSET:
            wanted = await self._cursors(opened, patch.tables)
            cursors = {each: cursor for each, cursor in wanted.items() if each not in before.cursors}
            removed = [each for each in before.cursors if each not in wanted]
        if patch.resume:
            cursors |= await self._valid_cursors(opened, before, removed)

        def changed(webhook: Webhook) -> Webhook:
            if patch.url is not UNSET:
                webhook = structs.replace(webhook, url=patch.url)
            if patch.kinds is not UNSET:
                webhook = structs.replace(webhook, kinds=_checked_kinds(patch.kinds))
            if patch.enabled is not UNSET:
                webhook = structs.replace(webhook, enabled=patch.enabled)
            if patch.resume:
                webhook = structs.replace(webhook, paused_on=None, paused_reason=None)
            return webhook

        def script(key: int) -> Steps[None]:
            yield from scripts.change(webhook_id, key, changed)
            yield from scripts.set_tables(webhook_id, cursors, removed)
            if patch.resume:
                yield from scripts.retry_now(webhook_id)

        await opened.write_with_keys(lambda: partial(script, opened.keys.newest))

    async def _valid_cursors(
        self, opened: OpenWorkspace, before: DefinedWebhook, removed: Sequence[str]
    ) -> dict[str, str]:
        """New cursors for the tables whose next changes were deleted because they were too old: the start
        of what is still recorded. Raises HistoryOff."""
        found = {}
        for table in before.tables:
            if table.id not in removed:
                try:
                    await self._source.after(opened, table.id, before.cursors[table.id], 1)
                except HistoryExpired:
                    found[table.id] = ""
        return found

    async def delete(self, workspace: str, webhook_id: str) -> None:
        """Delete the webhook and its messages."""
        opened = await self._catalog.named(workspace)
        await opened.database.write(partial(opened.scripts.webhooks.delete, webhook_id))
        opened.renew()

    async def rotate_secret(self, workspace: str, webhook_id: str) -> WebhookWithSecret:
        """Create a new secret. For a day, messages are signed with the former one, too."""
        opened = await self._catalog.named(workspace)
        secret = _new_secret()
        until = int(self._clock().timestamp()) + OVERLAP_SECONDS

        def rotated(webhook: Webhook) -> Webhook:
            return structs.replace(
                webhook,
                secret=_sealed(opened, webhook.id, secret),
                former_secret=webhook.secret,
                former_until=until,
            )

        change = opened.scripts.webhooks.change
        await opened.write_with_keys(lambda: partial(change, webhook_id, opened.keys.newest, rotated))
        opened.renew()
        return WebhookWithSecret(await self.get(workspace, webhook_id), secret)

    # deliveries

    async def deliveries(
        self, workspace: str, webhook_id: str, state: str | None, request: ListRequest
    ) -> Listing[Delivery]:
        """The messages of a webhook, the newest first. Raises InvalidParameter."""
        if state is not None and state not in list(DeliveryState):
            raise InvalidParameter(f"state must be {', '.join(DeliveryState)}; got {preview(state)}.")
        opened = await self._catalog.named(workspace)
        wanted = None if state is None else DeliveryState(state)
        page = opened.scripts.deliveries.page
        found = await opened.database.read(
            partial(page, webhook_id, wanted, request.after, request.limit + 1)
        )
        return request.page(found, lambda each: each.id)

    async def redeliver(self, workspace: str, webhook_id: str, delivery_id: str) -> Delivery:
        """Send a message again, with the same id and bytes; one that waits is attempted at once in its
        turn. Raises NoSuchDelivery, Busy."""
        opened = await self._catalog.named(workspace)
        scripts = opened.scripts.deliveries
        delivery = await opened.database.write(partial(scripts.retry, webhook_id, delivery_id))
        opened.renew()
        if delivery.state is DeliveryState.PENDING:
            return delivery
        webhook = (await self.get(workspace, webhook_id)).webhook
        outcome = await self._send(opened, webhook, delivery.id, await body_of(opened, delivery))
        on = canonical_date(self._clock())
        await opened.database.write(partial(scripts.sent_again, delivery, outcome, on))
        opened.renew()
        return await opened.database.read(partial(scripts.existing, webhook_id, delivery_id))

    async def test(self, workspace: str, webhook_id: str) -> Delivery:
        """Send a test message, once. Raises Busy."""
        opened = await self._catalog.named(workspace)
        webhook = (await self.get(workspace, webhook_id)).webhook
        on = canonical_date(self._clock())
        identity = f"dl-{self._new_id()}"
        body = test_body(webhook_id, on)
        outcome = await self._send(opened, webhook, identity, body)

        def tested() -> Delivery:
            delivery = new_delivery(opened, identity, webhook_id, "", TEST_TYPE, on, body)
            return structs.replace(
                delivery,
                state=DeliveryState.DELIVERED if outcome.is_delivered else DeliveryState.FAILED,
                attempts=1,
                last_attempt_on=on,
                status=outcome.status,
                error=outcome.error,
                duration_ms=outcome.duration_ms,
                finished=int(self._clock().timestamp()),
            )

        def store() -> Script[None]:
            return partial(opened.scripts.deliveries.store, tested())

        await opened.write_with_keys(store)
        opened.renew()
        return await opened.database.read(partial(opened.scripts.deliveries.existing, webhook_id, identity))

    async def _send(self, opened: OpenWorkspace, webhook: Webhook, message_id: str, body: bytes) -> Outcome:
        if self._slots.locked():
            raise Busy("Too many test messages are being sent. Try again in a moment.")
        moment = self._clock()
        async with self._slots:
            keys = await opened.webhook_secrets(webhook, int(moment.timestamp()))
            return await self._sender.send(webhook.url, message_id, body, keys, moment)

    # tables

    async def _cursors(self, opened: OpenWorkspace, names: Sequence[str]) -> dict[str, str]:
        """The ends of the changes of some tables, by their ids. Raises NoSuchTable, HistoryOff."""
        found: dict[str, str] = {}
        for at, name in enumerate(names):
            table = await self._table(opened, name, at)
            if table.id not in found:
                found[table.id] = await self._source.end(opened, table.id)
        return found

    async def _table(self, opened: OpenWorkspace, name: str, at: int) -> Table:
        table = None
        if NAME.fullmatch(name):
            _, table = await opened.database.read(partial(opened.scripts.tables.find, name))
        if table is None:
            raise NoSuchTable(f"No such table: {preview(name)}.", pointer=f"/tables/{at}")
        return table

    def _new_id(self) -> str:
        return next(self._catalog.store.ids.stamp(1).ids())


def _creation(opened: OpenWorkspace, made: Callable[[], Webhook], cursors: Mapping[str, str]) -> Script[None]:
    """The script that stores a webhook, under the present data key."""
    return partial(opened.scripts.webhooks.create, made(), cursors, opened.keys.newest)


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _sealed(opened: OpenWorkspace, webhook_id: str, secret: str) -> bytes:
    return opened.secrets.seal(secret.encode(), secret_bound_to(webhook_id))


def _checked_kinds(kinds: Sequence[str]) -> tuple[str, ...]:
    """The kinds in their usual order. Raises InvalidBody."""
    if not kinds:
        raise InvalidBody(
            f"kinds is empty. Name at least one of {', '.join(KINDS)}, or leave it out for all.",
            pointer="/kinds",
        )
    return tuple(each for each in KINDS if each in kinds)


def _check_count(tables: Sequence[str]) -> None:
    """Raises InvalidBody."""
    if not 1 <= len(tables) <= MAX_TABLES:
        raise InvalidBody(
            f"tables must have the names of 1 to {MAX_TABLES} tables; got {len(tables)}.", pointer="/tables"
        )
