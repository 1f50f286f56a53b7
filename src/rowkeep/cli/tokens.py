"""Tokens: ``rowkeep token``, which signs a token of an app."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer

from rowkeep.client.app_keys import SINGLE_USE_SECONDS, signer_of

ClientIdOption = Annotated[str, typer.Option("--app", metavar="CLIENT_ID", help="The client id of the app.")]
ExpiresIn = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="SECONDS",
        help=f"How long the token is valid. By default, as long as the secret, or {SINGLE_USE_SECONDS} "
        "seconds if it is for one request.",
    ),
]
SingleUse = Annotated[
    bool, typer.Option("--single-use", help="Sign a token for one request, as an app with requireJti needs.")
]


def token(app: ClientIdOption, expires_in: ExpiresIn = None, single_use: SingleUse = False) -> None:
    """Sign a token (JWT) of an app, to be sent in the header `auth`.

    The app's secret is read from ROWKEEP_APP_SECRET or from the store, and so is what the app requires of its
    tokens: ROWKEEP_APP_AUDIENCE, ROWKEEP_APP_SINGLE_USE, ROWKEEP_APP_JWE_KEY.
    """
    signer = signer_of(app)
    if single_use:
        signer = msgspec.structs.replace(signer, single_use=True)
    claims = {} if expires_in is None else {"exp": int(time.time()) + expires_in}
    print(signer.token(**claims))
