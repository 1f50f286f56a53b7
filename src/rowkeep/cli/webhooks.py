"""Webhooks: ``rowkeep webhook``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson, Workspace
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list, change and delete webhooks, and see what they were sent.")


def _state(webhook: dict[str, Any]) -> str:
    if webhook["pausedOn"] is not None:
        return "paused"
    return "enabled" if webhook["enabled"] else "disabled"


OVERVIEW = (
    fact("Webhook", "id", whole=True),
    fact("URL", "url"),
    Fact("Tables", lambda webhook: ", ".join(webhook["tables"])),
    Fact("State", _state),
    fact("Waiting", "nPending"),
)
FACTS = (
    *OVERVIEW,
    Fact("Kinds", lambda webhook: ", ".join(webhook["kinds"])),
    fact("Paused", "pausedOn"),
    fact("Reason", "pausedReason"),
    fact("Created", "createdOn"),
    fact("Secret", "secret", whole=True),
)
DELIVERY = (
    fact("Delivery", "id", whole=True),
    fact("Type", "type"),
    fact("State", "state"),
    fact("Attempts", "attempts"),
    fact("Status", "status"),
    fact("Last attempt", "lastAttemptOn"),
    fact("Next attempt", "nextAttemptOn"),
    fact("Error", "error"),
)

WebhookId = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The id of the webhook (wh-…).")]
DeliveryId = Annotated[str, typer.Argument(metavar="DELIVERY", help="The id of the delivery (dl-…).")]
Url = Annotated[str, typer.Argument(metavar="URL", help="Where messages are sent: https:// or http://.")]
Tables = Annotated[
    list[str],
    typer.Option("--table", metavar="TABLE", help="A table whose changes are sent. Can be repeated."),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", metavar="KIND", help="insert, update or delete; all if not set. Can be repeated."),
]


def _print(webhook: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(webhook)
        return
    print_one(webhook, FACTS)
    if "secret" in webhook:
        print_line("The secret is not shown again.")


def _print_delivery(delivery: dict[str, Any], as_json: bool) -> None:
    print_json(delivery) if as_json else print_one(delivery, DELIVERY)


@commands.command()
def create(
    url: Url, table: Tables, kind: Kinds = None, workspace: Workspace = "main", as_json: AsJson = False
) -> None:
    """Create a webhook. Its secret is shown only once."""
    body: dict[str, Any] = {"url": url, "tables": table}
    body |= {"kinds": kind} if kind else {}
    _print(call("POST", "workspaces", workspace, "webhooks", body=body), as_json)


@commands.command("list")
def list_all(workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """List all webhooks of a workspace."""
    found = every("webhooks", "workspaces", workspace, "webhooks")
    print_json({"webhooks": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def show(webhook: WebhookId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show one webhook."""
    _print(call("GET", "workspaces", workspace, "webhooks", webhook), as_json)


@commands.command()
def change(
    webhook: WebhookId,
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="Where messages are sent from now on.")
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="TABLE", help="A table of the new list of tables. Can be repeated."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="A kind of the new list of kinds. Can be repeated."),
    ] = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Change the URL, the tables or the kinds of a webhook."""
    given = {"url": url, "tables": table, "kinds": kind}
    body = {name: value for name, value in given.items() if value}
    if not body:
        raise typer.BadParameter("use at least one option, such as --url or --table")
    _print(call("PATCH", "workspaces", workspace, "webhooks", webhook, body=body), as_json)


@commands.command()
def pause(webhook: WebhookId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Disable a webhook. Changes are sent when it is resumed, as far as their history reaches back."""
    body = {"enabled": False}
    _print(call("PATCH", "workspaces", workspace, "webhooks", webhook, body=body), as_json)


@commands.command()
def resume(webhook: WebhookId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Continue a webhook that was disabled, or that the server paused."""
    body = {"enabled": True, "resume": True}
    _print(call("PATCH", "workspaces", workspace, "webhooks", webhook, body=body), as_json)


@commands.command()
def rotate_secret(webhook: WebhookId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Create a new secret. Messages are signed with the former one, too, for a day."""
    _print(call("POST", "workspaces", workspace, "webhooks", webhook, "secret"), as_json)


@commands.command()
def delete(webhook: WebhookId, workspace: Workspace = "main") -> None:
    """Delete a webhook, and the messages that wait."""
    call("DELETE", "workspaces", workspace, "webhooks", webhook)
    print_line(f"Deleted webhook {webhook}.")


@commands.command("test")
def send_test(webhook: WebhookId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Send a test message, and show how it ended."""
    path = ("workspaces", workspace, "webhooks", webhook, "test")
    _print_delivery(call("POST", *path, patient=True), as_json)


@commands.command()
def deliveries(
    webhook: WebhookId,
    state: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Only messages in this state: pending, delivered or failed."),
    ] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1000, metavar="COUNT", help="The maximum number of messages.")
    ] = 20,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """List the messages of a webhook, the newest first."""
    parameters: dict[str, str | int] = {"limit": limit}
    parameters |= {"state": state} if state is not None else {}
    path = ("workspaces", workspace, "webhooks", webhook, "deliveries")
    found = call("GET", *path, parameters=parameters)
    print_json(found) if as_json else print_list(found["deliveries"], DELIVERY)


@commands.command()
def redeliver(
    webhook: WebhookId, delivery: DeliveryId, workspace: Workspace = "main", as_json: AsJson = False
) -> None:
    """Send a message again. One that waits is attempted at once in its turn."""
    path = ("workspaces", workspace, "webhooks", webhook, "deliveries", delivery, "redeliver")
    _print_delivery(call("POST", *path, patient=True), as_json)
