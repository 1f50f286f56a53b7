"""``rowkeep admin-token``: who may use the management API."""

from __future__ import annotations

from typing import Annotated

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list and revoke the tokens of administrators.")

OVERVIEW = (fact("Id", "id", whole=True), fact("Name", "name"), fact("Created", "createdOn"))
FACTS = (*OVERVIEW, fact("Token", "token"))

Name = Annotated[str, typer.Option(metavar="NAME", help="A name for people, to know it again.")]
TokenId = Annotated[str, typer.Argument(metavar="ID", help="The id of the token, as listed.")]


@commands.command()
def create(name: Name = "", as_json: AsJson = False) -> None:
    """Create an admin token; it is shown this once."""
    created = call("POST", "admin-tokens", body={"name": name})
    if as_json:
        print_json(created)
    else:
        print_one(created, FACTS)
        print_line("The token is not shown again.")


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all admin tokens, the oldest first."""
    found = every("adminTokens", "admin-tokens")
    print_json({"adminTokens": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def revoke(token_id: TokenId) -> None:
    """Revoke an admin token; it stops at once."""
    call("DELETE", "admin-tokens", token_id)
    print_line(f"Revoked admin token {token_id}.")
