"""Tokens: ``rowkeep token``, which signs a token of an app."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from rowkeep.client.app_keys import signing_key_of

ClientIdOption = Annotated[str, typer.Option("--app", metavar="CLIENT_ID", help="The client id of the app.")]
ExpiresIn = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="SECONDS", help="How long the token is valid. By default, as long as the secret."
    ),
]


def token(app: ClientIdOption, expires_in: ExpiresIn = None) -> None:
    """Sign a token (JWT) of an app, to be sent in the header `auth`.

    The app's secret is read from ROWKEEP_APP_SECRET or from the store.
    """
    from rowkeep.services.tokens import sign_token

    key, algorithm = signing_key_of(app)
    claims = {} if expires_in is None else {"exp": int(time.time()) + expires_in}
    print(sign_token(app, key, algorithm, **claims))
