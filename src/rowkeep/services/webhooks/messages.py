"""Messages: what is sent to a receiver, and its encryption where it is stored."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rowkeep.catalog.workspace import OpenWorkspace
from rowkeep.crypto.ciphers import WrongKey
from rowkeep.model.webhooks import TEST_TYPE, Delivery, DeliveryState, Webhook
from rowkeep.services.webhooks.changes import ChangePage
from rowkeep.storage.contract import StaleCatalog


def message_body(kind: str, timestamp: str, data: bytes) -> bytes:
    """The JSON of a message. A retry sends the same bytes."""
    head = msgspec.json.encode({"type": kind, "timestamp": timestamp})
    return head[:-1] + b',"data":' + data + b"}"


def test_body(webhook_id: str, timestamp: str) -> bytes:
    return message_body(TEST_TYPE, timestamp, msgspec.json.encode({"webhook": webhook_id}))


def new_delivery(
    opened: OpenWorkspace, identity: str, webhook_id: str, table_id: str, kind: str, on: str, body: bytes
) -> Delivery:
    """A message that waits for its first attempt."""
    return Delivery(
        id=identity,
        webhook_id=webhook_id,
        table_id=table_id,
        number=0,
        type=kind,
        state=DeliveryState.PENDING,
        created_on=on,
        data_key=opened.messages.number,
        body=opened.messages.seal(body, identity),
    )


def deliveries_of(
    page: ChangePage, opened: OpenWorkspace, webhook: Webhook, table_id: str, ids: Iterable[str], on: str
) -> list[Delivery]:
    """The messages of the changes that a webhook receives; ``ids`` are new ones."""
    chosen = [each for each in page.changes if each.kind in webhook.kinds]
    return [
        new_delivery(
            opened,
            identity,
            webhook.id,
            table_id,
            f"{page.table}.{change.kind}",
            on,
            message_body(f"{page.table}.{change.kind}", change.on, change.data),
        )
        for identity, change in zip(ids, chosen, strict=False)
    ]


async def body_of(opened: OpenWorkspace, delivery: Delivery) -> bytes:
    """A message in plain text. Raises StaleCatalog if data keys were replaced meanwhile."""
    try:
        return opened.messages.open(delivery.body, delivery.id)
    except WrongKey:
        await opened.load_keys()
    try:
        return opened.messages.open(delivery.body, delivery.id)
    except WrongKey:
        raise StaleCatalog() from None
