"""Audit: ``rowkeep audit``, which lists the audit log."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_list
from rowkeep.client.commands import call

PAGE = 1000

FACTS = (
    fact("Time", "time"),
    fact("Actor", "who"),
    fact("Action", "action"),
    fact("Result", "result"),
    fact("Workspace", "workspace"),
    fact("Target", "target"),
    fact("Cause", "cause"),
    fact("Address", "address"),
)

Since = Annotated[str, typer.Option(metavar="TIME", help="Only entries from this time (RFC 3339) on.")]
Until = Annotated[str, typer.Option(metavar="TIME", help="Only entries before this time (RFC 3339).")]
ActorName = Annotated[
    str, typer.Option("--actor", metavar="ACTOR", help="Only entries of this actor: an id or a name.")
]
ActionName = Annotated[
    str,
    typer.Option(
        "--action", metavar="ACTION", help="Only entries of this action, such as user or user.create."
    ),
]
OfWorkspace = Annotated[
    str, typer.Option("--workspace", metavar="NAME", help="Only entries of this workspace.")
]
Limit = Annotated[int, typer.Option(min=1, metavar="NUMBER", help="The maximum number of entries.")]


def audit(
    since: Since = "",
    until: Until = "",
    actor: ActorName = "",
    action: ActionName = "",
    workspace: OfWorkspace = "",
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the audit log, the newest entry first."""
    given = {"since": since, "until": until, "actor": actor, "action": action, "workspace": workspace}
    parameters: dict[str, str | int] = {name: value for name, value in given.items() if value}
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        page = call("GET", "audit", parameters=parameters | {"limit": min(PAGE, limit - len(found))})
        found += page["entries"]
        if "nextCursor" not in page:
            break
        parameters["cursor"] = page["nextCursor"]
    if as_json:
        print_json({"entries": found})
    else:
        print_list([each | {"who": _shown(each["actor"])} for each in found], FACTS)


def _shown(actor: dict[str, str]) -> str:
    return " ".join(filter(None, (actor["kind"], actor.get("name") or actor.get("id"))))
