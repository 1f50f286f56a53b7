"""Admin tokens: ``rowkeep admin-token``."""

from __future__ import annotations

from typing import Annotated

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list and revoke admin tokens.")

OVERVIEW = (fact("Id", "id", whole=True), fact("Name", "name"), fact("Created", "createdOn"))
FACTS = (*OVERVIEW, fact("Token", "token"))

Name = Annotated[str, typer.Option(metavar="NAME", help="A label for the token.")]
TokenId = Annotated[str, typer.Argument(metavar="ID", help="The id of the token, as in the list.")]


@commands.command()
def create(name: Name = "", as_json: AsJson = False) -> None:
    """Create an admin token, which is shown only once."""
    created = call("POST", "admin-tokens", body={"name": name})
    if as_json:
        print_json(created)
    else:
        print_one(created, FACTS)
        print_line("The token is not shown again.")


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all admin tokens, oldest first."""
    found = every("adminTokens", "admin-tokens")
    print_json({"adminTokens": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def revoke(token_id: TokenId) -> None:
    """Revoke an admin token, with immediate effect."""
    call("DELETE", "admin-tokens", token_id)
    print_line(f"Revoked admin token {token_id}.")
