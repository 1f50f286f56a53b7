"""TLS: the certificate of the server, which is loaded again when its files change."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TypeAlias

import structlog

from rowkeep.errors.catalogue import SetupError
from rowkeep.settings import Settings

log = structlog.get_logger(__name__)

CHECK_SECONDS = 1.0
"""How often it is checked whether the files have changed."""

Version: TypeAlias = tuple[tuple[int, int, int], ...] | None


class TlsFiles:
    """The files with the certificate and the key, and the context of all connections. New connections use the
    new certificate; open ones are not interrupted."""

    def __init__(self, certificate: str, key: str) -> None:
        """Raises SetupError."""
        self._certificate, self._key = certificate, key
        self._version = self._current_version()
        self._next_check = 0.0
        self.context = _new_context()
        _load(self.context, certificate, key)

    def check(self, now: float) -> None:
        """Load the files again if they have changed. Errors are logged, and the former certificate is used
        until the files change again."""
        if now < self._next_check:
            return
        self._next_check = now + CHECK_SECONDS
        version = self._current_version()
        if version == self._version:
            return
        self._version = version
        try:
            # into another context first: an error must not leave half of a pair in the one that is in use
            _load(_new_context(), self._certificate, self._key)
            _load(self.context, self._certificate, self._key)
        except SetupError as error:
            log.error("TLS certificate not loaded", error=str(error), action="use the former one")
        else:
            log.info("TLS certificate loaded", file=self._certificate)

    def _current_version(self) -> Version:
        """What changes when a file is written or replaced; None while one is missing."""
        try:
            found = [Path(each).stat() for each in (self._certificate, self._key)]
        except OSError:
            return None
        return tuple((each.st_mtime_ns, each.st_ino, each.st_size) for each in found)


def tls_files(settings: Settings) -> TlsFiles | None:
    """The files in the settings; None if the server does not serve TLS itself. Raises SetupError."""
    if not settings.tls_certificate_file:
        return None
    return TlsFiles(settings.tls_certificate_file, settings.tls_key_file or settings.tls_certificate_file)


def _new_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Raises SetupError."""
    for name, path in (("TLS_CERTIFICATE_FILE", certificate), ("TLS_KEY_FILE", key)):
        try:
            Path(path).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise SetupError(f"The file {path} of ROWKEEP_{name} cannot be read: {reason}.") from None
    try:
        # without a password, OpenSSL would ask for one on the terminal
        context.load_cert_chain(certificate, key, password=lambda: "")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or str(error)
        raise SetupError(
            f"The TLS certificate {certificate} with the key {key} cannot be used: {_meaning(reason)}. Both "
            "must be PEM files, the first with the whole chain, and the key must fit and have no password."
        ) from None


def _meaning(reason: str) -> str:
    return {
        "KEY_VALUES_MISMATCH": "the key belongs to another certificate",
        "PEM_LIB": "a file has no certificate or key, or the key has a password",
        "NO_START_LINE": "a file has no certificate or key",
        "BAD_DECRYPT": "the key has a password",
        "BAD_PASSWORD_READ": "the key has a password",
    }.get(reason, reason.replace("_", " ").lower())
