"""Webhooks: the errors of requests for webhooks."""

from __future__ import annotations

from rowkeep.errors.base import RowkeepError


class NoSuchWebhook(RowkeepError):
    """The workspace has no webhook with this id."""

    code, status, title = "no_such_webhook", 404, "No such webhook"


class NoSuchDelivery(RowkeepError):
    """The webhook has no delivery with this id, or it was deleted because it is too old."""

    code, status, title = "no_such_delivery", 404, "No such delivery"


class TooManyWebhooks(RowkeepError):
    """The workspace has as many webhooks as it can have."""

    code, status, title = "too_many_webhooks", 409, "Too many webhooks"


class InvalidUrl(RowkeepError):
    """Rowkeep sends no messages to this URL: it is malformed, or its host has an address that is not
    public, and the setting webhook_allow_private is off."""

    code, status, title = "invalid_url", 422, "Invalid URL"
