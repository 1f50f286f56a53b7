"""Requests about webhooks: the bodies of their endpoints."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from rowkeep.model.webhooks import KINDS, MAX_TABLES, MAX_URL_LENGTH

Kind = Literal["insert", "update", "delete"]

Url = Annotated[
    str,
    Meta(
        description=f"Where messages are sent: an `https://` or `http://` URL of at most {MAX_URL_LENGTH:,} "
        "characters, without user and password."
    ),
]
TableNames = Annotated[
    list[str],
    Meta(
        description=f"The names of the tables whose changes are sent, 1 to {MAX_TABLES}. They need a history."
    ),
]
Kinds = Annotated[list[Kind], Meta(description="The kinds of changes that are sent, at least one.")]


class WebhookBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    url: Url
    tables: TableNames
    kinds: Kinds = msgspec.field(default_factory=lambda: list(KINDS))  # type: ignore[arg-type] # its values
    enabled: bool = True


class WebhookPatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    url: Url | UnsetType = UNSET
    tables: TableNames | UnsetType = UNSET
    kinds: Kinds | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    resume: Annotated[
        bool,
        Meta(
            description="Continue a webhook that the server paused, with the message that could not be "
            "delivered."
        ),
    ] = False
