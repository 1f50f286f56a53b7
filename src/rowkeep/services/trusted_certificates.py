"""Trusted certificates: those that receivers of messages and the OpenID Connect provider are trusted by."""

from __future__ import annotations

import os
import ssl
from functools import cache

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""The variables that name certificates to trust in place of the usual ones."""


def trusted_certificates() -> ssl.SSLContext:
    """What verifies certificates. It is made once for each value of the variables: to read some 150
    certificates takes as long as a hundred requests, and nothing else runs meanwhile."""
    return _read(*map(os.environ.get, VARIABLES))


@cache
def _read(*_named: str | None) -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
