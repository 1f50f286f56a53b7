"""Apps: ``rowkeep app``."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer

from rowkeep.cli.options import AsJson, ClientId, Workspace, read_file
from rowkeep.cli.output import Fact, fact, print_json, print_line, print_list, print_one
from rowkeep.client.commands import call, every
from rowkeep.errors.catalogue import SetupError
from rowkeep.model.access import Algorithm

commands = typer.Typer(help="Create, list, change and delete apps.")

STATE = Fact("State", lambda app: "enabled" if app["enabled"] else "disabled")
OVERVIEW = (
    fact("App", "name"),
    fact("Client id", "clientId", whole=True),
    fact("Algorithm", "algorithm"),
    STATE,
)
LIMIT = Fact("Max. rows", lambda app: app["maxAffected"])
ALL_ROWS = Fact("All rows", lambda app: None if app["allowAll"] else "not allowed")
RATE = fact("Rates", "rateLimit")
JTI = Fact("Token use", lambda app: "once (jti required)" if app["requireJti"] else None)
JWE = Fact("Encrypted", lambda app: "required (JWE)" if app["requireJwe"] else None)
TOKENS = (JTI, fact("Audience", "audience"), JWE)
SECRETS = (fact("Secret", "clientSecret"), fact("JWE key", "jweKey"))
FACTS = (*OVERVIEW, LIMIT, ALL_ROWS, RATE, *TOKENS, fact("Created", "createdOn"), *SECRETS)
SHOWN_ONCE = {
    "clientSecret": "The secret is not shown again.",
    "jweKey": "The JWE key is not shown again.",
}

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the app, unique in the workspace.")]
Signing = Annotated[Algorithm, typer.Option(help="The algorithm with which the app signs its tokens.")]
PublicKey = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="The file with the RSA public key (PEM) of an app that uses RS256 or RS512; - for "
        "standard input.",
    ),
]
MaxAffected = Annotated[
    int | None,
    typer.Option(
        min=0, metavar="ROWS", help="The maximum number of rows that one update or delete may affect."
    ),
]
AllowAll = Annotated[
    bool | None,
    typer.Option(
        "--allow-all/--no-allow-all",
        help="Whether updates and deletes of all rows are allowed.",
        show_default=False,
    ),
]


RateLimit = Annotated[
    str | None,
    typer.Option(
        metavar="LIMIT",
        help='How many requests are allowed to each table, such as "600/minute;18000/hour"; "none" for any '
        'number, "" for the setting rate_limit.',
    ),
]
RequireJti = Annotated[
    bool | None,
    typer.Option(
        "--require-jti/--no-require-jti",
        help="Whether each token is valid for only one request.",
        show_default=False,
    ),
]
Audience = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help='What must be in "aud" of tokens; "" for anything.'),
]
RequireJwe = Annotated[
    bool | None,
    typer.Option(
        "--require-jwe/--no-require-jwe",
        help="Whether tokens must be encrypted. The JWE key is shown only once.",
        show_default=False,
    ),
]


def _given(**members: Any) -> dict[str, Any]:
    """The members of a body whose options were used."""
    return {name: value for name, value in members.items() if value is not None}


def _print(app: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(app)
        return
    print_one(app, FACTS)
    for name, line in SHOWN_ONCE.items():
        if name in app:
            print_line(line)


def _read_key(path: str) -> str:
    try:
        return read_file(path).decode("ascii")
    except UnicodeDecodeError:
        raise SetupError(f"The file {path} is not a key in PEM format.") from None


def _imported_secret(path: str | None) -> str:
    """The secret of an imported app. Raises SetupError, BadParameter."""
    secret = os.environ.get("ROWKEEP_APP_SECRET")
    if path is not None:
        try:
            return read_file(path).decode("ascii").rstrip("\r\n")
        except UnicodeDecodeError:
            raise SetupError(
                f"The file {path} is not a valid secret: it has characters that are not ASCII."
            ) from None
    if secret:
        return secret
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "the app's secret is missing. Use --client-secret-file or set ROWKEEP_APP_SECRET.",
            param_hint="--client-id",
        )
    return str(typer.prompt("Client secret", hide_input=True, err=True))


@commands.command()
def create(
    name: Name,
    algorithm: Signing = Algorithm.HS256,
    public_key: PublicKey = None,
    client_id: Annotated[
        str | None,
        typer.Option(
            metavar="CLIENT_ID",
            help="The client id of an existing app of another system, to import the app with its "
            "secret. The secret is read from --client-secret-file or ROWKEEP_APP_SECRET, or "
            "asked for.",
        ),
    ] = None,
    client_secret_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The file with the secret of the imported app; - for standard input."
        ),
    ] = None,
    max_affected: MaxAffected = None,
    allow_all: AllowAll = None,
    rate_limit: RateLimit = None,
    require_jti: RequireJti = None,
    audience: Audience = None,
    require_jwe: RequireJwe = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Create an app. Its secret is shown only once.

    No option takes the secret itself, because it would stay in the history of the shell.
    """
    body = {"name": name, "algorithm": algorithm.value}
    body |= _given(
        maxAffected=max_affected,
        allowAll=allow_all,
        rateLimit=rate_limit,
        requireJti=require_jti,
        audience=audience,
        requireJwe=require_jwe,
    )
    if public_key is None and not algorithm.secret_bytes:
        raise typer.BadParameter(
            f"an app with algorithm {algorithm.value} needs a public key.", param_hint="--public-key"
        )
    if public_key is not None:
        body["publicKey"] = _read_key(public_key)
    if client_id is None and client_secret_file is not None:
        raise typer.BadParameter("it can only be used with --client-id.", param_hint="--client-secret-file")
    if client_id is not None:
        body |= {"clientId": client_id, "clientSecret": _imported_secret(client_secret_file)}
    made = call("POST", "workspaces", workspace, "apps", body=body)
    if client_id is not None and not as_json:
        # the secret is already known to the user
        del made["clientSecret"]
    _print(made, as_json)


@commands.command("list")
def list_all(workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """List all apps of a workspace."""
    found = every("apps", "workspaces", workspace, "apps")
    print_json({"apps": found}) if as_json else print_list(found, OVERVIEW)


@commands.command()
def get(client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Show one app."""
    _print(call("GET", "workspaces", workspace, "apps", client_id), as_json)


@commands.command()
def change(
    client_id: ClientId,
    max_affected: MaxAffected = None,
    no_max_affected: Annotated[
        bool, typer.Option("--no-max-affected", help="Remove the maximum number of rows.")
    ] = False,
    allow_all: AllowAll = None,
    rate_limit: RateLimit = None,
    require_jti: RequireJti = None,
    audience: Audience = None,
    require_jwe: RequireJwe = None,
    workspace: Workspace = "main",
    as_json: AsJson = False,
) -> None:
    """Change the limits of an app and what its tokens need, from its next request on."""
    if no_max_affected and max_affected is not None:
        raise typer.BadParameter("it cannot be used with --max-affected.", param_hint="--no-max-affected")
    body = _given(
        maxAffected=max_affected,
        allowAll=allow_all,
        rateLimit=rate_limit,
        requireJti=require_jti,
        audience=audience,
        requireJwe=require_jwe,
    )
    body |= {"maxAffected": None} if no_max_affected else {}
    if not body:
        raise typer.BadParameter("use at least one option, such as --max-affected or --rate-limit")
    _print(call("PATCH", "workspaces", workspace, "apps", client_id, body=body), as_json)


@commands.command()
def rotate_secret(client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Replace the secret of an app, with immediate effect."""
    _print(call("POST", "workspaces", workspace, "apps", client_id, "secret"), as_json)


@commands.command()
def rotate_jwe_key(client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Replace the JWE key of an app, with immediate effect."""
    _print(call("POST", "workspaces", workspace, "apps", client_id, "jwe-key"), as_json)


@commands.command()
def disable(client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Disable an app: its requests are rejected until it is enabled again."""
    _enable(client_id, workspace, as_json, enabled=False)


@commands.command()
def enable(client_id: ClientId, workspace: Workspace = "main", as_json: AsJson = False) -> None:
    """Enable a disabled app."""
    _enable(client_id, workspace, as_json, enabled=True)


def _enable(client_id: str, workspace: str, as_json: bool, *, enabled: bool) -> None:
    _print(call("PATCH", "workspaces", workspace, "apps", client_id, body={"enabled": enabled}), as_json)


@commands.command()
def delete(client_id: ClientId, workspace: Workspace = "main") -> None:
    """Delete an app and its grants. The rows that it wrote stay."""
    call("DELETE", "workspaces", workspace, "apps", client_id)
    print_line(f"Deleted app {client_id}.")
