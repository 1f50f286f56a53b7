"""The HTTP client of the tests: httpx's, with a short way for usual requests.

httpx makes a request in 0.3 ms of processor time, which is what many a request costs the server. A usual one
(no stream, redirects, hooks or timeout) is written to a socket here and its response read by
httptools, in a tenth of that. All others are httpx's own.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections import Counter
from collections.abc import Callable
from http.cookiejar import Cookie
from typing import Any

import httptools
import httpx

from .processes import PATIENT

USUAL_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
USUAL_PARTS = frozenset({"json", "content", "params", "headers"})
UNUSUAL_HEADERS = frozenset({"host", "content-length", "transfer-encoding", "expect", "connection"})
PLAIN_PATH = re.compile(r"(/(?!\.)[\w.~-]*)+", re.ASCII)
"""Paths in which httpx would change nothing."""

DEFAULT = httpx.USE_CLIENT_DEFAULT
"""What ``get``, ``post`` and the like give for all that their callers left open."""

SHORT_BYTES = 1 << 16
"""Bodies up to this size are sent together with the headers."""

NOTED = re.compile("tables|views|schema|webhooks|files|members|users|openid|apps")
"""What is in the paths of requests that can add something to a workspace."""

LIST_OF_APPS = re.compile(r"/workspaces/(\w+)/apps$")

BEFORE_LISTS_OF_APPS: dict[str, Callable[[], None]] = {}
"""By workspace: what deletes the apps of former tests before a test looks at all apps."""

CHANGES: Counter[str] = Counter()
"""How many requests that can change something had each of these in their path: a workspace needs no look for
what nothing can have added."""

ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
"""As httpx encodes JSON."""


class Client(httpx.Client):
    """A client without limits of time that verifies no certificates; ``settings`` are those of httpx."""

    def __init__(self, **settings: Any) -> None:
        self._sockets = Sockets()
        super().__init__(**{"timeout": PATIENT, "trust_env": False, **settings}, transport=self._sockets)

    def request(self, method: str, url: httpx.URL | str, **parts: Any) -> httpx.Response:
        """Send a request; ``parts`` are those of httpx."""
        given = {name: part for name, part in parts.items() if part is not None and part is not DEFAULT}
        headers = httpx.Headers(given.get("headers"))
        if not (self._is_usual() and method in USUAL_METHODS and is_usual(url, given, headers)):
            return super().request(method, url, **parts)
        note(method, url)
        path = self.base_url.raw_path.rstrip(b"/") + str(url).encode()
        if given.get("params"):
            path += b"?" + str(httpx.QueryParams(given["params"])).encode()
        body, own = encoded(method, given)
        if self.cookies:
            own += self._cookie_header(path)
        lines = merged(headers, own, self.headers)
        head = b"%s %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (method.encode(), path, self.base_url.netloc, lines)
        response = self._sockets.send(
            (self.base_url.host, self.base_url.port or 80),
            head,
            body,
            lambda: self.build_request(method, url, **given),
        )
        if "set-cookie" in response.headers:
            self.cookies.extract_cookies(response)
        return response

    def build_request(self, method: str, url: httpx.URL | str, **parts: Any) -> httpx.Request:
        """httpx calls this for all that is not sent by ``request``, such as streams."""
        note(method, url)
        return super().build_request(method, url, **parts)

    def _cookie_header(self, path: bytes) -> list[tuple[bytes, bytes]]:
        """The cookies for this path: a client has those of one server, of which none ends during a test."""
        there = path.partition(b"?")[0].decode()
        pairs = [f"{each.name}={each.value}" for each in self.cookies.jar if fits(each, there)]
        return [(b"Cookie", "; ".join(pairs).encode())] if pairs else []

    def _is_usual(self) -> bool:
        return self.base_url.scheme == "http" and not (
            self.is_closed
            or self.auth
            or self.follow_redirects
            or self.params
            or any(self.event_hooks.values())
        )


class Sockets(httpx.BaseTransport):
    """Connections to servers, which are used again. Requests that are not usual have others, of httpx."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], list[socket.socket]] = {}
        self._of_httpx: httpx.HTTPTransport | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self._of_httpx is None:  # which takes as long as ten usual requests
            self._of_httpx = httpx.HTTPTransport(verify=False, trust_env=False)
        return self._of_httpx.handle_request(request)

    def send(
        self, address: tuple[str, int], head: bytes, body: bytes, request: Callable[[], httpx.Request]
    ) -> httpx.Response:
        """Send a whole request and read the whole response."""
        connection = self._connection(address, request)
        received = Received()
        try:
            with contextlib.suppress(OSError):  # a server may respond before it has read all, and close
                if len(body) <= SHORT_BYTES:
                    connection.sendall(head + body)
                else:
                    connection.sendall(head)
                    connection.sendall(body)
            received.read(connection)
        except httpx.TransportError as error:
            connection.close()
            error.request = request()
            raise
        except BaseException:
            connection.close()
            raise
        if received.can_continue:
            self._idle.setdefault(address, []).append(connection)
        else:
            connection.close()
        return received.response(request)

    def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
        if self._of_httpx is not None:
            self._of_httpx.close()

    def _connection(self, address: tuple[str, int], request: Callable[[], httpx.Request]) -> socket.socket:
        """A connection that is open and idle, or a new one."""
        idle = self._idle.get(address, [])
        while idle:
            with contextlib.suppress(IndexError):  # another thread took it
                connection = idle.pop()
                if is_open(connection):
                    return connection
                connection.close()
        try:
            connection = socket.create_connection(address)
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request()) from error
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


class Received:
    """What the parser reads of a response. After it, the connection ``can_continue`` or must be closed."""

    def __init__(self) -> None:
        self.can_continue = False
        self._headers: list[tuple[bytes, bytes]] = []
        self._parts: list[bytes] = []
        self._reason = b""
        self._has_headers = False
        self._is_complete = False
        self._parser = httptools.HttpResponseParser(self)

    def read(self, connection: socket.socket) -> None:
        """Read to the end of the response. Raises httpx.TransportError if there is none."""
        while not self._is_complete:
            try:
                content = connection.recv(SHORT_BYTES)
            except OSError as error:
                raise httpx.ReadError(str(error)) from error
            if not content:
                return self._end()
            try:
                self._parser.feed_data(content)
            except httptools.HttpParserError as error:
                raise httpx.RemoteProtocolError(str(error)) from error
        return None

    def response(self, request: Callable[[], httpx.Request]) -> httpx.Response:
        version = f"HTTP/{self._parser.get_http_version()}".encode()
        response = _Response(
            self._parser.get_status_code(),
            headers=self._headers,
            stream=httpx.ByteStream(b"".join(self._parts)),
            extensions={"http_version": version, "reason_phrase": self._reason},
        )
        response.make_request = request
        response.read()
        return response

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        self._has_headers = True

    def on_body(self, part: bytes) -> None:
        self._parts.append(part)

    def on_message_complete(self) -> None:
        self._is_complete = True
        self.can_continue = self._parser.should_keep_alive()

    def _end(self) -> None:
        """The connection was closed, which may be how a response without a length ends."""
        names = {name.lower() for name, _ in self._headers}
        if not self._has_headers or names & {b"content-length", b"transfer-encoding"}:
            raise httpx.RemoteProtocolError("The server closed the connection before the end of a response.")


class _Response(httpx.Response):
    """A response whose request is made when something asks for it, such as the message of a failure."""

    make_request: Callable[[], httpx.Request]

    @property
    def request(self) -> httpx.Request:
        if self._request is None:
            self._request = self.make_request()
        return self._request

    def raise_for_status(self) -> httpx.Response:
        """httpx reads the attribute, not the property."""
        self._request = self.request
        return super().raise_for_status()


def fits(cookie: Cookie, path: str) -> bool:
    """Whether a cookie is sent to this path without TLS."""
    return path.startswith(cookie.path) and not cookie.secure


def note(method: str, url: httpx.URL | str) -> None:
    """Count a request in ``CHANGES``, or prepare the workspace for a list of its apps."""
    if method != "GET":
        CHANGES.update(NOTED.findall(str(url)))
    elif BEFORE_LISTS_OF_APPS and (found := LIST_OF_APPS.search(str(url).partition("?")[0])):
        delete = BEFORE_LISTS_OF_APPS.pop(found[1], None)
        if delete is not None:
            delete()


def is_open(connection: socket.socket) -> bool:
    """Whether the server has not closed this idle connection."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_usual(url: httpx.URL | str, parts: dict[str, Any], headers: httpx.Headers) -> bool:
    """Whether httpx need not send this."""
    return (
        parts.keys() <= USUAL_PARTS
        and isinstance(url, str)
        and PLAIN_PATH.fullmatch(url) is not None
        and isinstance(parts.get("content", b""), bytes | str)
        and not (headers.keys() & UNUSUAL_HEADERS)
    )


def encoded(method: str, parts: dict[str, Any]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The body of a request, and its headers."""
    headers: list[tuple[bytes, bytes]] = []
    body = parts.get("content", b"")
    if isinstance(body, str):
        body = body.encode()
    if "content" not in parts and "json" in parts:
        body = ENCODER.encode(parts["json"]).encode()
        headers.append((b"Content-Type", b"application/json"))
    if body or method in {"POST", "PUT", "PATCH"}:
        headers.append((b"Content-Length", str(len(body)).encode()))
    return body, headers


def merged(given: httpx.Headers, own: list[tuple[bytes, bytes]], usual: httpx.Headers) -> bytes:
    """The lines of all headers: of the request, of its body and of its client, each unless one before it has
    that name."""
    lines = given.raw
    names = {name.lower() for name, _ in lines}
    lines += [each for each in own if each[0].lower() not in names]
    lines += [each for each in usual.raw if each[0].lower() not in names]
    return b"".join(b"%s: %s\r\n" % each for each in lines)
