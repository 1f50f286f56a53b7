"""Gateway: a proxy between a client and a server, on a real socket, that can lose, delay and reject
requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

import httpx

from .processes import PATIENT

HOP_BY_HOP = {
    "connection",
    "transfer-encoding",
    "content-length",
    "date",
    "server",
    "keep-alive",
    "content-encoding",
}

Handler = Callable[["Gateway", BaseHTTPRequestHandler, bytes], "httpx.Response | None"]
"""Handles a request: returns a response, or None to close the connection without one."""


class Gateway:
    """Forwards requests. ``handlers`` has the function for each request to one of the ``calls`` (the ends of
    its path) in turn; later ones are forwarded like all other requests. ``bulks`` counts them."""

    def __init__(self, server_url: str, handlers: list[Handler], calls: tuple[str, ...] = ("/bulk",)) -> None:
        self.server_url = server_url
        self.handlers = handlers
        self.calls = calls
        self.bulks = 0
        self._client = httpx.Client(timeout=PATIENT, trust_env=False, verify=False)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._late: list[threading.Thread] = []

    def __enter__(self) -> Gateway:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wait_for_late()
        self._server.shutdown()
        self._server.server_close()
        self._client.close()

    def pass_on(self, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        own = {"host", "transfer-encoding"}  # the whole body is sent with its length
        headers = {name: value for name, value in request.headers.items() if name.lower() not in own}
        return self._client.request(
            request.command, self.server_url + request.path, content=body, headers=headers
        )

    def later(self, when: Callable[[], object], request: BaseHTTPRequestHandler, body: bytes) -> None:
        """Forward a request after its client is gone, and ``when`` returns."""

        def wait_and_pass_on() -> None:
            when()
            self.pass_on(request, body)

        self._late.append(threading.Thread(target=wait_and_pass_on))
        self._late[-1].start()

    def wait_for_late(self) -> None:
        """Wait for the responses to all that is forwarded later."""
        for thread in self._late:
            thread.join()

    def _answer(self, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response | None:
        if not request.path.endswith(self.calls):
            return self.pass_on(request, body)
        self.bulks += 1
        handler = self.handlers.pop(0) if self.handlers else pass_on
        return handler(self, request, body)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass(self) -> None:
                body = self._body()
                answer = gateway._answer(self, body)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status_code)
                for name, value in answer.headers.items():
                    if name.lower() not in HOP_BY_HOP:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def _body(self) -> bytes:
                if self.headers.get("transfer-encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("content-length", 0)))
                parts = []
                while size := int(self.rfile.readline(), 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)

            do_GET = do_POST = do_PUT = _pass  # noqa: N815 - the names that http.server uses

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def pass_on(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response | None:
    return gateway.pass_on(request, body)


def lose_request(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> None:
    """The request never reaches the server."""


def lose_answer(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> None:
    """The request is executed, but the response is lost."""
    gateway.pass_on(request, body)


def late_but_before() -> list[Handler]:
    """The connection is closed at once without a response. The request reaches the server later, but before
    the same one that is sent again."""

    def first(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> None:
        gateway.later(lambda: None, request, body)

    def second(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        gateway.wait_for_late()
        return gateway.pass_on(request, body)

    return [first, second]


def late_and_after() -> list[Handler]:
    """The same, but the one that is sent again is executed first."""
    is_done = threading.Event()

    def first(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> None:
        gateway.later(is_done.wait, request, body)

    def second(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        response = gateway.pass_on(request, body)
        is_done.set()
        return response

    return [first, second]


def refuse(status: int, **headers: str) -> Handler:
    """The gateway responds itself, and the request never reaches the server."""

    def handler(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        return httpx.Response(status, text="no", headers=headers)

    return handler


def at_most(most_bytes: int) -> Handler:
    """The request is forwarded unless it is larger than this."""

    def handler(gateway: Gateway, request: BaseHTTPRequestHandler, body: bytes) -> httpx.Response:
        return gateway.pass_on(request, body) if len(body) <= most_bytes else httpx.Response(413, text="no")

    return handler
