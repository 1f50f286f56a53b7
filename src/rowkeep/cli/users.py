"""Users: ``rowkeep user``."""

from __future__ import annotations

import os
from typing import Annotated, Any
from urllib.parse import urljoin

import typer

from rowkeep.cli.options import AsJson
from rowkeep.cli.output import fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every

commands = typer.Typer(help="Create, list, disable and reset users, who sign in at /console.")

OVERVIEW = (
    fact("Id", "id", whole=True),
    fact("E-mail", "email"),
    fact("Name", "name"),
    fact("Admin", "admin"),
    fact("Disabled", "disabled"),
    fact("Created", "createdOn"),
)

User = Annotated[str, typer.Argument(metavar="USER", help="The id or the e-mail address of the user.")]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The e-mail address.")]
Name = Annotated[str, typer.Option(metavar="NAME", help="The name. By default, the address up to the @.")]
Admin = Annotated[bool, typer.Option("--admin", help="Give the user the rights of an administrator.")]


@commands.command()
def create(email: Email, name: Name = "", admin: Admin = False, as_json: AsJson = False) -> None:
    """Create a user, and print a one-time link to set a password."""
    body = {"email": email, "name": name or email.partition("@")[0], "admin": admin}
    created = _with_url(call("POST", "users", body=body))
    if as_json:
        print_json(created)
    else:
        print_one(created, OVERVIEW)
        _print_link(created["link"])


@commands.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all users, oldest first."""
    found = every("users", "users")
    print_json({"users": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def disable(user: User) -> None:
    """Disable a user, who is signed out at once."""
    changed = call("PATCH", "users", user, body={"disabled": True})
    print_line(f"Disabled user {changed['email']}.")


@commands.command()
def enable(user: User) -> None:
    """Enable a disabled user, who can sign in again."""
    changed = call("PATCH", "users", user, body={"disabled": False})
    print_line(f"Enabled user {changed['email']}.")


@commands.command()
def reset(user: User, as_json: AsJson = False) -> None:
    """Sign a user out everywhere, and print a one-time link to set a password."""
    made = _with_url(call("POST", "users", user, "reset"))
    print_json(made) if as_json else _print_link(made["link"])


def _print_link(link: str) -> None:
    print_line(f"Link to set a password, once within a day: {link}")


def _with_url(answer: dict[str, Any]) -> dict[str, Any]:
    """The response with a complete link, if the server does not know its own URL."""
    link: str = answer["link"]
    if not link.startswith("/"):
        return answer
    url = os.environ.get("ROWKEEP_URL")
    if not url:
        from rowkeep.services.local_store import shell_settings

        settings = shell_settings()
        url = f"http://{settings.host}:{settings.port}"
    return answer | {"link": urljoin(url, link)}
