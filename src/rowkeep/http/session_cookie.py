"""Session cookie: the cookie of a session, and the check that no page of another origin sends it."""

from __future__ import annotations

from starlette.types import Scope

from rowkeep.errors.catalogue import CrossOrigin, preview
from rowkeep.http.methods import READING
from rowkeep.http.request import Request

COOKIE = "rowkeep_session"
FLOW_COOKIE = "rowkeep_openid"
"""The cookie of a sign-in at an OpenID provider that was started."""


def cookie(request: Request, name: str) -> str | None:
    """The value of a cookie."""
    for part in (request.header(b"cookie") or "").replace(",", ";").split(";"):
        found, _, value = part.strip().partition("=")
        if found == name and value:
            return value
    return None


def session_token(request: Request) -> str | None:
    """The token of the session, if the request has one."""
    return cookie(request, COOKIE)


def check_origin(request: Request, scope: Scope, public_url: str, *, has_cookie: bool = True) -> None:
    """Check that a page of this origin sent the request, unless it only reads. Without a cookie, other
    programs than browsers may send it too. Raises CrossOrigin."""
    if scope["method"] in READING:
        return
    origin, site = request.header(b"origin"), request.header(b"sec-fetch-site")
    if origin is not None:
        host = (request.header(b"host") or "").lower()
        scheme, _, authority = origin.lower().partition("://")
        # with a proxy that does not send the scheme, the browser may use https
        schemes = ("https",) if scope.get("scheme") == "https" else ("http", "https")
        # without a public URL, an empty Origin is not the server's own
        is_public_url = public_url != "" and origin.lower() == public_url
        if not is_public_url and not (scheme in schemes and authority == host):
            raise CrossOrigin(
                f"The request comes from the origin {preview(origin)}, but the server is {preview(host)}. "
                "If a proxy changes the header Host or the scheme, set ROWKEEP_PUBLIC_URL."
            )
    elif (site is not None or has_cookie) and site not in ("same-origin", "none"):
        raise CrossOrigin(
            "A request with the cookie of a session must have the header Origin, or Sec-Fetch-Site: "
            f"same-origin; got {'neither' if site is None else preview(site)}."
        )


def is_secure(request: Request, scope: Scope, public_url: str) -> bool:
    """Whether the browser uses https. With a proxy in between, only the browser's own Origin says so."""
    origin = request.header(b"origin") or public_url
    return scope.get("scheme") == "https" or origin.startswith("https://")


def set_cookie(name: str, value: str, seconds: int, path: str, *, secure: bool) -> tuple[bytes, bytes]:
    """The header that sets a cookie; with an empty value, that deletes it."""
    parts = [f"{name}={value}", f"Path={path or '/'}", f"Max-Age={seconds}", "HttpOnly", "SameSite=Lax"]
    return b"set-cookie", "; ".join([*parts, "Secure"] if secure else parts).encode()
