"""Webhooks: receivers of the changes of tables, and the messages that are delivered to them."""

from __future__ import annotations

from enum import StrEnum

import msgspec

KINDS = ("insert", "update", "delete")
"""The kinds of changes that a webhook can receive."""

MAX_WEBHOOKS = 100
"""The maximum number of webhooks of a workspace."""
MAX_TABLES = 100
"""The maximum number of tables of a webhook."""
MAX_URL_LENGTH = 2000

SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what all secrets start with
OVERLAP_SECONDS = 24 * 3600
"""After a rotation, messages are signed with the former secret, too, for so long."""

GIVE_UP_SECONDS = 3 * 24 * 3600
"""A webhook is paused if a message could not be delivered for so long."""

TEST_TYPE = "webhook.test"
"""The type of test messages. Those of changes end with a kind."""


class Webhook(msgspec.Struct, frozen=True):
    """A receiver. Secrets are encrypted; ``former_secret`` is valid until ``former_until``, in seconds since
    1970. The server pauses a webhook, for a reason; a user disables it."""

    id: str
    url: str
    kinds: tuple[str, ...]
    enabled: bool
    created_on: str
    secret: bytes
    former_secret: bytes | None = None
    former_until: int = 0
    paused_on: str | None = None
    paused_reason: str | None = None

    @property
    def is_active(self) -> bool:
        return self.enabled and self.paused_on is None


class DeliveryState(StrEnum):
    """Whether a message waits for its next attempt, was accepted by the receiver, or is not sent again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(msgspec.Struct, frozen=True):
    """One message to one receiver. ``number`` is its place among those of its table; ``body`` is encrypted
    under the data key number ``data_key``. The table of a test message is empty."""

    id: str
    webhook_id: str
    table_id: str
    number: int
    type: str
    state: DeliveryState
    created_on: str
    data_key: int
    body: bytes
    attempts: int = 0
    first_attempt: int | None = None
    """In seconds since 1970, as the next one; None if there was none since the webhook was resumed."""
    next_attempt: int = 0
    last_attempt_on: str | None = None
    status: int | None = None
    error: str | None = None
    duration_ms: int | None = None
    finished: int | None = None
    """When it was delivered or failed, in seconds since 1970."""


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended: the status of the response, or the error without one."""

    is_delivered: bool
    status: int | None
    error: str | None
    duration_ms: int
    retry_after: int | None = None
    """The seconds that the receiver wants the server to wait."""

    @property
    def is_gone(self) -> bool:
        """Whether the receiver wants no messages any more."""
        return self.status == 410


def secret_bound_to(webhook_id: str) -> str:
    """What the secrets of a webhook are bound to: they cannot be decrypted as those of another one."""
    return f"{webhook_id}:webhook"
