"""Webhooks and their deliveries: their endpoints, with the types and samples of what these return."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta

from rowkeep.errors import catalogue as errors
from rowkeep.http.management.endpoint import Endpoint, Text
from rowkeep.http.management.lists import list_form
from rowkeep.http.management.workspaces import WORKSPACE
from rowkeep.http.response_types import Count, Moment, Name, NextCursor, ResponseBody
from rowkeep.http.sample_values import WHEN
from rowkeep.model.users import Need
from rowkeep.model.values.scalars import canonical_date
from rowkeep.model.webhook_requests import Kind, WebhookBody, WebhookPatch
from rowkeep.model.webhooks import Delivery, DeliveryState
from rowkeep.services.webhooks.definitions import WebhookWithSecret
from rowkeep.storage.scripts.webhooks import DefinedWebhook

WebhookId = Annotated[str, Meta(pattern="^wh-[0-9a-f]{24}$")]
DeliveryId = Annotated[str, Meta(pattern="^dl-[0-9a-f]{24}$", description="The `webhook-id` of the message.")]


class WebhookResponse(ResponseBody):
    id: WebhookId
    url: str
    tables: list[Name]
    kinds: list[Kind]
    enabled: bool
    paused_on: Annotated[
        Moment | None, Meta(description="When the server stopped to send messages; null if it did not.")
    ]
    paused_reason: Annotated[str | None, Meta(description="Why; `resume` continues.")]
    n_pending: Annotated[Count, Meta(description="The number of messages that wait.")]
    created_on: Moment


class ChangedWebhookResponse(WebhookResponse):
    """A webhook with its new secret."""

    secret: Annotated[
        str,
        Meta(
            pattern="^whsec_[A-Za-z0-9+/]+=*$",
            description="The secret that messages are signed with. Shown only in this response.",
        ),
    ]


class WebhooksResponse(ResponseBody):
    webhooks: list[WebhookResponse]
    next_cursor: NextCursor = UNSET


class DeliveryResponse(ResponseBody):
    """A message to a webhook, and its last attempt."""

    id: DeliveryId
    type: Annotated[str, Meta(description="Such as `people.update`, or `webhook.test`.")]
    state: Literal["pending", "delivered", "failed"]
    created_on: Moment
    attempts: Count
    last_attempt_on: Moment | None
    next_attempt_on: Annotated[
        Moment | None,
        Meta(description="When a message that waits is sent again, at the earliest; null if it is not."),
    ]
    status: Annotated[int | None, Meta(description="The status of the last response.")]
    error: Annotated[str | None, Meta(description="Why the last attempt failed.")]
    duration_ms: Count | None


class DeliveriesResponse(ResponseBody):
    deliveries: list[DeliveryResponse]
    next_cursor: NextCursor = UNSET


_ID = "wh-5e7ef67172034b39ac000006"
WEBHOOK_SAMPLE = {
    "id": _ID,
    "url": "https://hooks.example/rows",
    "tables": ["people"],
    "kinds": ["insert", "update", "delete"],
    "enabled": True,
    "pausedOn": None,
    "pausedReason": None,
    "nPending": 0,
    "createdOn": WHEN,
}
_NEW_SAMPLE = WEBHOOK_SAMPLE | {"secret": "whsec_XpGSmDDH1Sp5RImsD8mdbvSVHpKqAUlYSxaKXNMe8zs="}
DELIVERY_SAMPLE = {
    "id": "dl-5e7ef67172034b39ac000007",
    "type": "people.update",
    "state": "delivered",
    "createdOn": WHEN,
    "attempts": 1,
    "lastAttemptOn": WHEN,
    "status": 204,
    "error": None,
    "durationMs": 87,
    "nextAttemptOn": None,
}


def webhook_form(defined: DefinedWebhook) -> dict[str, Any]:
    """The JSON of a webhook, without its secret."""
    webhook = defined.webhook
    return {
        "id": webhook.id,
        "url": webhook.url,
        "tables": [table.name for table in defined.tables],
        "kinds": webhook.kinds,
        "enabled": webhook.enabled,
        "pausedOn": webhook.paused_on,
        "pausedReason": webhook.paused_reason,
        "nPending": defined.pending,
        "createdOn": webhook.created_on,
    }


def new_webhook_form(changed: WebhookWithSecret) -> dict[str, Any]:
    """The JSON of a webhook with its new secret."""
    return webhook_form(changed.defined) | {"secret": changed.secret}


def delivery_form(delivery: Delivery) -> dict[str, Any]:
    """The JSON of a delivery."""
    is_waiting = delivery.state is DeliveryState.PENDING and delivery.next_attempt > 0
    return {
        "id": delivery.id,
        "type": delivery.type,
        "state": delivery.state.value,
        "createdOn": delivery.created_on,
        "attempts": delivery.attempts,
        "lastAttemptOn": delivery.last_attempt_on,
        "status": delivery.status,
        "error": delivery.error,
        "durationMs": delivery.duration_ms,
        "nextAttemptOn": _moment(delivery.next_attempt) if is_waiting else None,
    }


def _moment(seconds: int) -> str:
    return canonical_date(datetime.fromtimestamp(seconds, UTC))


_WEBHOOK = f"{WORKSPACE}/webhooks/{{webhook}}"
_DELIVERY = f"{_WEBHOOK}/deliveries/{{delivery}}"
_no_webhook = (errors.NoSuchWorkspace, errors.NoSuchWebhook)
_invalid = (errors.InvalidUrl, errors.InvalidBody, errors.NoSuchTable, errors.HistoryOff)

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        method="GET",
        path=f"{WORKSPACE}/webhooks",
        name="listWebhooks",
        summary="List the webhooks of a workspace",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.list(request.path["workspace"], request.list),
        form=list_form("webhooks", webhook_form),
        response=WebhooksResponse,
        is_list=True,
        errors=(errors.NoSuchWorkspace,),
        response_samples={"Webhooks": {"webhooks": [WEBHOOK_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path=f"{WORKSPACE}/webhooks",
        name="createWebhook",
        action="webhook.create",
        summary="Create a webhook; its secret is shown only in this response",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.create(request.path["workspace"], request.body),
        body=WebhookBody,
        form=new_webhook_form,
        response=ChangedWebhookResponse,
        status=201,
        errors=(errors.NoSuchWorkspace, *_invalid, errors.TooManyWebhooks),
        request_samples={
            "All changes": {"url": "https://hooks.example/rows", "tables": ["people"]},
            "New rows": {"url": "https://hooks.example/new", "tables": ["people"], "kinds": ["insert"]},
        },
        response_samples={"A webhook": _NEW_SAMPLE},
    ),
    Endpoint(
        method="GET",
        path=_WEBHOOK,
        name="getWebhook",
        summary="Get a webhook",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.get(
            request.path["workspace"], request.path["webhook"]
        ),
        form=webhook_form,
        response=WebhookResponse,
        errors=_no_webhook,
        response_samples={"A webhook": WEBHOOK_SAMPLE},
    ),
    Endpoint(
        method="PATCH",
        path=_WEBHOOK,
        name="changeWebhook",
        action="webhook.change",
        summary="Change, enable or disable a webhook, or resume one that was paused",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.change(
            request.path["workspace"], request.path["webhook"], request.body
        ),
        body=WebhookPatch,
        form=webhook_form,
        response=WebhookResponse,
        errors=(*_no_webhook, *_invalid),
        request_samples={
            "Another receiver": {"url": "https://hooks.example/v2/rows"},
            "Other tables": {"tables": ["people", "orders"]},
            "Disable": {"enabled": False},
            "Resume": {"resume": True},
        },
        response_samples={"A webhook": WEBHOOK_SAMPLE | {"enabled": False}},
    ),
    Endpoint(
        method="DELETE",
        path=_WEBHOOK,
        name="deleteWebhook",
        action="webhook.delete",
        summary="Delete a webhook and its messages",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.delete(
            request.path["workspace"], request.path["webhook"]
        ),
        status=204,
        errors=_no_webhook,
    ),
    Endpoint(
        method="POST",
        path=f"{_WEBHOOK}/secret",
        name="rotateWebhookSecret",
        action="webhook.secret.rotate",
        summary="Create a new secret; the former one is valid for another day",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.rotate_secret(
            request.path["workspace"], request.path["webhook"]
        ),
        form=new_webhook_form,
        response=ChangedWebhookResponse,
        errors=_no_webhook,
        response_samples={"A webhook": _NEW_SAMPLE},
    ),
    Endpoint(
        method="POST",
        path=f"{_WEBHOOK}/test",
        name="testWebhook",
        action="webhook.test",
        summary="Send a test message, once; the response says how it ended",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.test(
            request.path["workspace"], request.path["webhook"]
        ),
        form=delivery_form,
        response=DeliveryResponse,
        errors=_no_webhook,
        response_samples={"A delivery": DELIVERY_SAMPLE | {"type": "webhook.test"}},
    ),
    Endpoint(
        method="GET",
        path=f"{_WEBHOOK}/deliveries",
        name="listDeliveries",
        summary="List the messages of a webhook, the newest first",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.deliveries(
            request.path["workspace"], request.path["webhook"], request.texts["state"], request.list
        ),
        form=list_form("deliveries", delivery_form),
        response=DeliveriesResponse,
        is_list=True,
        texts=(
            Text(
                "state",
                "Only messages in this state.",
                {"type": "string", "enum": [each.value for each in DeliveryState]},
            ),
        ),
        errors=_no_webhook,
        response_samples={"Deliveries": {"deliveries": [DELIVERY_SAMPLE]}},
    ),
    Endpoint(
        method="POST",
        path=f"{_DELIVERY}/redeliver",
        name="redeliver",
        action="webhook.redeliver",
        summary="Send a message again; one that waits is attempted at once in its turn",
        need=Need.MANAGER,
        call=lambda services, request: services.webhooks.redeliver(
            request.path["workspace"], request.path["webhook"], request.path["delivery"]
        ),
        form=delivery_form,
        response=DeliveryResponse,
        errors=(*_no_webhook, errors.NoSuchDelivery),
        response_samples={"A delivery": DELIVERY_SAMPLE | {"attempts": 2}},
    ),
)
