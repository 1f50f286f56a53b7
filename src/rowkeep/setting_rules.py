"""Setting rules: what the texts of some settings must be, beyond their types, and the errors for others."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import msgspec.inspect

from rowkeep.errors.catalogue import SetupError, preview
from rowkeep.rate_limits import parse_rate_limit

PREFIX = "ROWKEEP_"
"""Setting ``x`` is the variable ``ROWKEEP_X``."""

CREDENTIALS = re.compile(r"//.*@", re.DOTALL)
PASSWORD = re.compile(r"((?:password|passfile|sslpassword)=)[^&]*", re.IGNORECASE)

Network: TypeAlias = IPv4Network | IPv6Network

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origins(text: str) -> tuple[str, ...]:
    """The origins in `cors_origins`, in the format of browsers; ``("*",)`` for all, empty if it is not set.

    Raises SetupError for an invalid origin.
    """
    found = tuple(each.strip() for each in text.split(",")) if text else ()
    if "*" in found and len(found) > 1:
        raise SetupError(
            f"{PREFIX}CORS_ORIGINS must be * alone or a list of origins; got both in {preview(text)}."
        )
    return found if found == ("*",) else tuple(map(_origin, found))


def _origin(text: str, name: str = "CORS_ORIGINS") -> str:
    refused = SetupError(
        f"{PREFIX}{name}: {preview(text)} is not a valid origin. An origin is a scheme, a host and, if "
        "it is not the default, a port, such as https://app.example or http://localhost:3000, without path, "
        "trailing slash or wildcard."
    )
    scheme, separator, rest = text.lower().partition("://")
    try:
        port = urlsplit(f"//{rest}").port
    except ValueError:
        raise refused from None
    host = rest if port is None else rest.removesuffix(f":{port}")
    if not (separator and _SCHEME.fullmatch(scheme) and _HOST.fullmatch(host)):
        raise refused
    is_usual = port in (None, _DEFAULT_PORTS.get(scheme))  # browsers omit the default port
    return f"{scheme}://{host}" if is_usual else f"{scheme}://{host}:{port}"


_PREFIX_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
OWN_PATHS = ("api", "console", "docs", "healthz", "metrics", "openapi.json", "readyz")
"""The first parts of Rowkeep's own paths. A prefix with the same first part would be ambiguous."""


def _check_root_path(text: str) -> None:
    """Raises SetupError."""
    if not _PREFIX_PATH.fullmatch(text):
        raise SetupError(
            f"{PREFIX}ROOT_PATH: {preview(text)} is not a valid path prefix. It must start with a slash and "
            "not end with one, such as /rowkeep, and its parts can have only letters, digits and - . _ ~."
        )
    if text.split("/")[1] in OWN_PATHS:
        own = ", ".join(f"/{path}" for path in OWN_PATHS)
        raise SetupError(
            f"{PREFIX}ROOT_PATH: {preview(text)} starts with a path of Rowkeep itself. Use another prefix, "
            f"such as /rowkeep; it cannot start with {own}."
        )


MAX_FILE_BYTES = 64 * 1024


def content_of(path: str, name: str) -> str:
    """The value in the file that the setting ``name`` names, without white space around it. Raises
    SetupError."""
    variable = f"{PREFIX}{name.upper()}"
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode().strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is not valid UTF-8"
        raise SetupError(f"{variable}: The file {preview(path)} cannot be read: {reason}.") from None
    if not text or len(content) > MAX_FILE_BYTES:
        size = "empty" if not text else "larger than 64 KiB"
        raise SetupError(f"{variable}: The file {preview(path)} is {size}. It must contain only the value.")
    return text


LARGEST = 10**18
"""The largest whole number of a setting: limits are compared in databases, which count to 2^63."""


def check_size(name: str, value: object) -> None:
    """Raises SetupError for a number of the setting ``name`` that databases cannot compare with."""
    if isinstance(value, int) and value > LARGEST:
        raise SetupError(f"{PREFIX}{name.upper()} must be at most {LARGEST:,}; got {preview(value)}.")


def type_rule(kind: Any) -> str:
    """What a setting of this type must be, for the error about another value."""
    found = msgspec.inspect.type_info(kind)
    if isinstance(found, msgspec.inspect.Metadata):
        found = found.type
    if isinstance(found, msgspec.inspect.UnionType):  # with None, for a setting that may be missing
        found = next(each for each in found.types if not isinstance(each, msgspec.inspect.NoneType))
    if isinstance(found, msgspec.inspect.BoolType):
        return "true or false"
    if isinstance(found, msgspec.inspect.StrType):
        return _text_rule(found.pattern or "", found.min_length, found.max_length)
    assert isinstance(found, msgspec.inspect.IntType | msgspec.inspect.FloatType)  # noqa: S101 - all others
    what = "a whole number" if isinstance(found, msgspec.inspect.IntType) else "a number"
    bounds = (("more than", found.gt), ("at least", found.ge), ("at most", found.le))
    limits = " and ".join(
        f"{word} {bound:g}" if isinstance(bound, float) else f"{word} {bound}"
        for word, bound in bounds
        if bound is not None
    )
    return f"{what}, {limits}" if limits else what


_ALTERNATIVES = re.compile(r"\^\(([a-z0-9|]+)\)\$")


def _text_rule(pattern: str, least: int | None, most: int | None) -> str:
    alternatives = _ALTERNATIVES.fullmatch(pattern)
    if alternatives is not None:
        return f"one of {alternatives[1].replace('|', ', ')}"
    bounds = (("at least", least), ("at most", most))
    limits = " and ".join(f"{word} {bound}" for word, bound in bounds if bound is not None)
    parts = (f"with {limits} characters" if limits else "", f"that matches {pattern}" if pattern else "")
    return " ".join(("a text", *filter(None, parts)))


def _check_public_url(text: str) -> None:
    """Raises SetupError."""
    if _origin(text, "PUBLIC_URL") != text or not text.startswith(("http://", "https://")):
        raise SetupError(
            f"{PREFIX}PUBLIC_URL must be an origin in lower case that starts with http:// or https://, such "
            f"as https://data.example; got {preview(text)}."
        )


def is_loopback(url: str) -> bool:
    """Whether a URL is that of a server on this machine."""
    return urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost")


def _check_issuer(text: str) -> None:
    """Raises SetupError."""
    is_safe = text.startswith("https://") or (text.startswith("http://") and is_loopback(text))
    if not is_safe or "?" in text or "#" in text:
        raise SetupError(
            f"{PREFIX}OPENID_ISSUER must be the https:// URL of the provider, without ? and #; got "
            f"{preview(text)}."
        )


def _check_rate_limit(text: str) -> None:
    """Raises SetupError."""
    try:
        parse_rate_limit(text)
    except ValueError as error:
        raise SetupError(f"{PREFIX}RATE_LIMIT {error}") from None


def without_secrets(url: str) -> str:
    """A URL without its user and passwords: everything between the scheme and the host, even if the URL is
    invalid, and the passwords of its query."""
    return CREDENTIALS.sub("//***@", PASSWORD.sub("\\1***", url))


def _check_rate_limit_storage(text: str) -> None:
    """Raises SetupError; the message does not show a password."""
    if text not in ("memory", "database") and not text.startswith(("redis://", "rediss://", "unix://")):
        raise SetupError(
            f"{PREFIX}RATE_LIMIT_STORAGE must be memory, database or a URL that starts with redis://, "
            f"rediss:// or unix://; got {preview(without_secrets(text))}."
        )


def networks(text: str) -> tuple[Network, ...]:
    """The addresses and networks in `trusted_proxies`; empty if it is not set or ``none``.

    Raises SetupError for another text.
    """
    found: list[Network] = []
    for each in text.split(",") if text and text != "none" else ():
        try:
            found.append(ip_network(each.strip()))
        except ValueError:
            raise SetupError(
                f"{PREFIX}TRUSTED_PROXIES: {preview(each.strip())} is not an address or a network, such as "
                "10.0.0.7, 10.0.0.0/8 or fd00::/8. Separate several with commas; none trusts nobody."
            ) from None
    return tuple(found)


CHECKS: dict[str, Callable[[str], object]] = {
    "cors_origins": origins,
    "root_path": _check_root_path,
    "public_url": _check_public_url,
    "openid_issuer": _check_issuer,
    "trusted_proxies": networks,
    "rate_limit": _check_rate_limit,
    "rate_limit_storage": _check_rate_limit_storage,
}
"""Checks of settings whose type does not check their format."""

SHELL_VARIABLES = {
    "ROWKEEP_URL": "the URL of a Rowkeep server, which the management commands and `rowkeep rows` then use",
    "ROWKEEP_ADMIN_TOKEN": "the admin token for that server",
    "ROWKEEP_APP_SECRET": "the app's secret for `rowkeep token` and `rowkeep rows` if they do not read the "
    "store, and for `rowkeep app create --client-id`",
    "ROWKEEP_APP_ALGORITHM": "the algorithm of that app, `HS256` or `HS512`. Needed only for an app on "
    "HS512 with an imported secret",
    "ROWKEEP_APP_AUDIENCE": "the `audience` of that app, if it has one",
    "ROWKEEP_APP_SINGLE_USE": "`true` for an app with `requireJti`: each token is for one request",
    "ROWKEEP_APP_JWE_KEY": "the `jweKey` of that app, if it has `requireJwe`",
}
"""Variables that only the shell commands read; they are not settings of the server."""
