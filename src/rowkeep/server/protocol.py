"""Protocol: uvicorn's HTTP on one connection, with limits on everything that a client can send or not
read."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from enum import IntEnum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from rowkeep.errors.catalogue import (
    Busy,
    HeadersTooLarge,
    MalformedRequest,
    ProcessingTimeout,
    RequestTimeout,
    RowkeepError,
    UriTooLong,
    excerpt,
    preview,
)
from rowkeep.http.header_fields import FIELDS, by_name
from rowkeep.http.responses import error_response
from rowkeep.metrics import CONNECTIONS
from rowkeep.server.connections import LINGER_SECONDS, Edge, queued_bytes
from rowkeep.server.exchange import Exchange
from rowkeep.server.forwarded import origin_of
from rowkeep.server.heads import END, Head

FORWARDED = frozenset((b"x-forwarded-for", b"x-forwarded-proto"))
SPECIAL = frozenset((b"host", b"expect", b"transfer-encoding", *FORWARDED))
"""Headers that the connection itself processes."""

UPGRADE_FIELDS = frozenset((b"upgrade", b"http2-settings"))
ABSOLUTE = re.compile(rb"[a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#@]*)", re.IGNORECASE)
"""The start of a request target in absolute form, such as ``http://host/path``."""

HOST = re.compile(rb"(?:[\w.~%!$&'()*+,;=-]*|\[[0-9A-Za-z.:%~_-]+\])(?::[0-9]*)?")
"""Matches the values of the header Host (RFC 9110, section 7.2)."""

CHUNK_ALLOWANCE = 16
"""The bytes of a chunk, apart from its content, that are not counted: its size and line ends."""


def _parsed_url(url: bytes, root_path: str) -> tuple[str, bytes, bytes]:
    """The path, the path as it was sent, and the query string of a request target. Any exception rejects the
    request."""
    parsed = httptools.parse_url(url)
    sent = parsed.path or b"/"  # a target in absolute form need not have a path
    path = sent.decode("ascii")
    shown = root_path + (unquote(path) if "%" in path else path)
    return shown, root_path.encode("ascii") + sent, parsed.query or b""


def _host_in(url: bytes) -> bytes | None:
    """The host of a request target in absolute form; None for one that is only a path."""
    found = ABSOLUTE.match(url)
    return None if found is None else found[1]


MAX_KNOWN_URL = 128
_known_url = lru_cache(1024)(_parsed_url)
"""The same for short targets: most requests have one of a few."""


class _Transport:
    """A transport that counts the written bytes, and closes only after the client had time to read the
    response. It has what uvicorn uses of a transport."""

    def __init__(self, transport: asyncio.Transport, protocol: Protocol) -> None:
        self._transport = transport
        self._protocol = protocol
        self.written_bytes = 0
        """The number of bytes written so far."""
        # no __getattr__: with one, each access to an attribute of this object takes longer
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        self.written_bytes += len(data)
        self._transport.write(data)

    def close(self) -> None:
        if self._protocol.is_being_sent_to:
            self._protocol.linger()
        else:
            self._transport.close()


class _Flow(FlowControl):
    """uvicorn's flow control, but reading stays paused while requests wait for the previous one."""

    def __init__(self, transport: asyncio.Transport, protocol: Protocol) -> None:
        super().__init__(transport)
        self._protocol = protocol

    def resume_reading(self) -> None:
        if self.read_paused and not self._protocol.pipeline and not self._protocol.is_half_closed:
            super().resume_reading()


class Phase(IntEnum):
    """What a connection is receiving."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


NOTHING, HEAD, BODY = Phase.NOTHING, Phase.HEAD, Phase.BODY


class Protocol(HttpToolsProtocol):
    """One connection, with the limits of its :class:`Edge`."""

    cycle: Exchange
    pipeline: deque[tuple[Exchange, Any]]  # type: ignore[assignment] # uvicorn's, with Rowkeep's cycles
    _raw: asyncio.Transport
    url = b""
    _head_bytes = 0
    """The bytes of the head that is being received, without its headers."""
    _received_bytes = 0
    """The received bytes of that head, parsed or not, except those that arrived together with the end of the
    previous request."""
    _overhead_bytes = 0
    """The bytes of the current body that are not content (sizes and extensions of chunks, trailers)."""
    _discarded_bytes = 0
    _hosts = 0
    _is_upgrade = False
    _is_forwarded = False
    """Whether a proxy set headers about the sender of the request."""
    _has_coding = False
    """Whether the request has a Transfer-Encoding."""
    _head: Head | None = None
    """The last head, if it can be known when it arrives again."""
    _fault: RowkeepError | None = None
    _refusal: RowkeepError | None = None
    _half_closed_at = 0.0
    _sent_bytes = -1
    _sent_at = 0.0

    def __init__(self, edge: Edge, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.running: Exchange | None = None
        """The request that is being processed."""
        self.is_half_closed = False
        self.is_lingering = False
        self.since = 0.0
        """When the current wait began; 0 if something happened after the last sweep."""
        self._phase = NOTHING
        self._is_discarding = False
        self._edge = edge
        self._max_line = edge.settings.max_request_line_bytes
        self._max_head = edge.settings.max_header_bytes
        self._max_headers = edge.settings.max_header_count
        self._versions = {"version": self.asgi_version, "spec_version": "2.3"}

    # callbacks of asyncio

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        self._raw = transport
        CONNECTIONS.add(1)
        counting: Any = _Transport(transport, self)
        super().connection_made(counting)
        self.flow = _Flow(counting, self)
        if self._edge.is_stopping:
            transport.close()
        elif self._edge.admit(self, len(self.connections)):
            self._edge.waiting[self] = None
        else:
            self._refuse(Busy("The server has too many connections. Nothing was written; try again."))

    def connection_lost(self, exc: Exception | None) -> None:
        CONNECTIONS.add(-1)
        self._edge.forget(self)
        self.connections.discard(self)
        self.pipeline.clear()
        running = self.running
        if running is not None:
            running.disconnected = True
            running.wake()
            if running.is_interruptible:
                running.cancel(None)
        self.flow.resume_writing()
        if exc is None:
            self._raw.close()
        self.parser = None  # type: ignore[assignment] # as in uvicorn, to break a cycle

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn always closes
        """The client sends no more data. It may still read the response; this is assumed for a short time."""
        if self.running is None or self.is_lingering or (self._phase is BODY and self.cycle is self.running):
            return False
        self.is_half_closed = True
        return True

    def data_received(self, data: bytes) -> None:
        if self._is_discarding:
            self._discard(data)
            return
        begins = self._phase is NOTHING
        if begins and self.running is None:
            end = data.find(END) + len(END)
            known = self._edge.heads.known.get(data[:end])
            if known is not None and len(data) - end == known[1]:
                self._receive(known[0], data[end:])
                return
        if self._phase is BODY:
            self._overhead_bytes += len(data)
            self.since = 0.0
        else:
            self._received_bytes += len(data)
            if begins:
                self._phase = HEAD
                self.since = 0.0
        self._parse(data)
        if begins and self._phase is NOTHING and self._head is not None:
            self._edge.heads.add(data, self._head)
        # many small chunks must not increase the allowance for other overhead
        self._overhead_bytes = max(self._overhead_bytes, 0)
        if self._phase is HEAD:
            if self._received_bytes > self._max_head:
                self._refuse(self._head_too_large())
        elif self._phase is BODY and self._overhead_bytes > self._max_head:
            self._refuse(self._head_too_large())

    def _receive(self, head: Head, body: bytes) -> None:
        """A whole request with a known head has arrived while none was processed."""
        self._is_upgrade = self.expect_100_continue = False
        self.since = 0.0
        self._begin(head)
        self._phase = NOTHING
        exchange = self.cycle
        exchange.keep_alive = head.keeps_alive and not self._edge.is_stopping
        exchange.set_body(body)
        if len(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    # callbacks of the parser

    def on_message_begin(self) -> None:
        self._head = None
        self.url = b""
        self.headers = []
        self._phase = HEAD
        self._head_bytes = self._hosts = 0
        self._is_upgrade = self._is_forwarded = self._has_coding = self.expect_100_continue = False
        self.since = 0.0

    def on_url(self, url: bytes) -> None:
        self.url += url
        line = len(self.parser.get_method()) + len(self.url) + len(b"  HTTP/1.1")
        if line > self._max_line:
            raise self._refused(
                UriTooLong(
                    f"The request line is too long: at most {self._max_line} bytes are allowed (the setting "
                    "max_request_line_bytes)."
                )
            )
        self._head_bytes = line + 4  # the line ends of the request line and of the head

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._phase is BODY:
            return  # ignore trailers: they could not be distinguished from headers that a proxy has checked
        headers = self.headers
        headers.append((name.lower(), value))
        if len(headers) > self._max_headers:
            raise self._refused(self._head_too_large())

    def _read_headers(self) -> None:
        """Check the headers together, when the head is complete. Until then, the received bytes limit it."""
        size = self._head_bytes
        for name, value in self.headers:
            size += len(name) + len(value) + 4
            if name in SPECIAL:
                self._on_special(name, value)
        if size > self._max_head:
            raise self._refused(self._head_too_large())

    def _on_special(self, name: bytes, value: bytes) -> None:
        if name == b"host":
            self._hosts += 1
            if HOST.fullmatch(value) is None:
                raise self._refused(
                    MalformedRequest(
                        "The header Host must be a name or an address, with a port if needed; got "
                        f"{preview(value.decode('latin-1'))}."
                    )
                )
        elif name == b"expect":
            self.expect_100_continue = value.lower() == b"100-continue"
        elif name in FORWARDED:
            self._is_forwarded = True
        elif value.strip().lower() == b"chunked":
            self._has_coding = True
        else:
            raise self._refused(
                MalformedRequest(
                    f'Transfer-Encoding must be "chunked"; got {preview(value.decode("latin-1"))}.'
                )
            )

    def on_headers_complete(self) -> None:
        self._read_headers()
        parser = self.parser
        version = parser.get_http_version()
        if parser.should_upgrade():
            self._is_upgrade = True
            return
        if version != "1.1" or self._hosts != 1:
            self._check_head(version)
        url = self.url
        if not url.startswith(b"/"):
            self._take_host(url)
        path, raw_path, query = (_known_url if len(url) <= MAX_KNOWN_URL else _parsed_url)(
            url, self.root_path
        )
        head = Head(
            parser.get_method().decode("ascii"),
            path,
            raw_path,
            query,
            version,
            tuple(self.headers),
            by_name(self.headers),
            version == "1.1" and parser.should_keep_alive(),
            self._is_forwarded,
        )
        if head.keeps_alive and not self.expect_100_continue and not self._has_coding:
            self._head = head
        self._begin(head)

    def _take_host(self, url: bytes) -> None:
        """The host in a target in absolute form counts, and not the header (RFC 9112, section 3.2.2)."""
        host = _host_in(url)
        if host is not None:
            self.headers = [(name, host if name == b"host" else value) for name, value in self.headers]

    def _begin(self, head: Head) -> None:
        """The head of a request is complete: the request can be processed."""
        scope: Any = {
            "type": "http",
            "asgi": self._versions,
            "http_version": head.version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "headers": head.headers,
            "state": self.app_state.copy(),
            "method": head.method,
            "path": head.path,
            "raw_path": head.raw_path,
            "query_string": head.query,
            FIELDS: head.fields,
        }
        self.scope = scope
        if head.is_forwarded and self.client is not None:
            self._set_origin(head)
        self._phase = BODY
        self._overhead_bytes = 0
        exchange = self.cycle = Exchange(self, self._edge.error_app)
        exchange.keeps_alive = head.keeps_alive
        if self.running is None:
            self._edge.waiting.pop(self, None)
            self._start(exchange)
        else:
            self._enqueue(exchange)

    def _set_origin(self, head: Head) -> None:
        """Replace the address and the scheme of the connection by those of the client of a trusted proxy."""
        values: dict[bytes, list[str]] = {name: [] for name in FORWARDED}
        for name, value in head.headers:
            if name in values:
                values[name].append(value.decode("latin-1"))
        assert self.client is not None  # noqa: S101 - checked by the caller
        peer = self.client[0]
        address, scheme = origin_of(
            peer, values[b"x-forwarded-for"], values[b"x-forwarded-proto"], self._edge.trusted_proxies
        )
        if address != peer:
            self.scope["client"] = (address, 0)
        if scheme is not None:
            self.scope["scheme"] = scheme

    def on_body(self, body: bytes) -> None:
        self._overhead_bytes -= len(body)
        exchange = self.cycle
        if exchange.response_complete:
            return
        if exchange.add_to_body(body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()

    def on_chunk_header(self) -> None:
        self._overhead_bytes -= CHUNK_ALLOWANCE

    def on_message_complete(self) -> None:
        self._phase = NOTHING
        self._received_bytes = 0
        exchange = self.cycle
        if self._is_upgrade or exchange.response_complete:
            return
        if not exchange.response_started:
            exchange.keep_alive = exchange.keeps_alive and not self._edge.is_stopping
        exchange.end_body()

    # one request after the other

    def _start(self, exchange: Exchange) -> None:
        self.running = exchange
        exchange.task = self.loop.create_task(exchange.run_asgi(self.app))
        self.tasks.add(exchange.task)

    def _enqueue(self, exchange: Exchange) -> None:
        self.flow.pause_reading()
        self.pipeline.appendleft((exchange, self.app))
        if len(self.pipeline) > self._edge.settings.max_pipelined_requests:
            self._edge.warn("too many pipelined requests", client=self.client and self.client[0])
            self.abort()
            raise self._refused(Busy())

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        self.running = None
        self.since = 0.0
        if self.is_lingering or self._raw.is_closing():
            return
        if self.pipeline:
            self._start(self.pipeline.pop()[0])
        elif self._refusal is not None:
            self._refuse(self._refusal)
            return
        elif self.is_half_closed:
            self.transport.close()
            return
        else:
            self._edge.waiting[self] = None
        if self.flow.read_paused:
            self.flow.resume_reading()

    # error responses and closing

    def _refused(self, error: RowkeepError) -> RowkeepError:
        """Store the error, to be raised inside the parser, which would hide its type."""
        self._fault = error
        return error

    def _refuse(self, error: RowkeepError) -> None:
        """Send this error, after the responses to previous requests, and close. No more is read."""
        if self.is_lingering or self._raw.is_closing():
            return
        self._is_discarding = True
        running = self.running
        if running is not None:
            if self._phase is BODY and self.cycle is running:
                running.cancel(error)
                return
            self._refusal = error
            self.flow.pause_reading()
            if self._phase is BODY:
                self.pipeline.popleft()  # the newest request: its body will not arrive
            return
        answer = error_response(error)
        own = self._edge.error_app.refused(answer.status, self.client and self.client[0])
        fields = (*self.server_state.default_headers, *answer.fields(), *own, (b"connection", b"close"))
        head = b"".join(b"%b: %b\r\n" % field for field in fields)
        content = b"" if self._is_for_head else b"".join(answer.parts)
        self.transport.write(b"%b%b\r\n%b" % (STATUS_LINE[answer.status], head, content))
        self.linger()

    @property
    def _is_for_head(self) -> bool:
        """Whether the head that is being received is that of a HEAD request."""
        is_known = self._phase is HEAD and bool(self.url)
        return is_known and bool(self.parser.get_method() == b"HEAD")

    def _head_too_large(self) -> RowkeepError:
        return HeadersTooLarge(
            f"The headers are too large: at most {self._max_head} bytes and {self._max_headers} headers are "
            "allowed (the settings max_header_bytes and max_header_count), trailers and chunk extensions "
            "included."
        )

    @property
    def is_being_sent_to(self) -> bool:
        """Whether the client may still be sending data."""
        return (self._phase is not NOTHING or self._is_discarding) and not self.is_half_closed

    @property
    def is_all_sent(self) -> bool:
        return self._raw.get_write_buffer_size() == 0

    def linger(self) -> None:
        """Close the sending side; for a short time, discard what is still received."""
        if self.is_lingering or self._raw.is_closing():
            return
        self.is_lingering = self._is_discarding = True
        self.since = 0.0
        self._raw.write_eof()
        self.pipeline.clear()
        self.flow.resume_reading()
        self._edge.linger(self)

    def _discard(self, data: bytes) -> None:
        self._discarded_bytes += len(data)
        if self._discarded_bytes > self._edge.settings.max_body_bytes:
            self.abort()

    def abort(self) -> None:
        """Close at once, even with unsent data."""
        self._edge.forget(self)
        self.connections.discard(self)
        self._raw.abort()

    def shutdown(self) -> None:
        """The server is stopping: close the connection, or do so after the response to the running
        request."""
        if self.running is None:
            self._raw.close() if self.is_lingering else self.transport.close()
        else:
            self.running.keep_alive = False
            self.pipeline.clear()

    def cancel(self, error: RowkeepError) -> None:
        """Cancel the running request; its response is this error."""
        self.pipeline.clear()
        if self.running is not None:
            self.running.cancel(error)

    # parsing

    def _parse(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._parse_without_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError:
            self._refuse(self._fault or MalformedRequest("The request target is not a valid URL."))
        except httptools.HttpParserError as error:
            self._refuse(MalformedRequest(f"The request is not valid HTTP/1.1: {excerpt(str(error))}."))

    def _parse_without_upgrade(self, rest: bytes) -> None:
        """Parse a request for an upgrade to another protocol as a normal request, because a server may ignore
        the upgrade (RFC 9110, section 7.8). The parser would treat the body as data of the other protocol."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(MalformedRequest("CONNECT is not supported: this server is not a proxy."))
            return
        head = [b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            if name == b"connection":
                options = (option.strip() for option in value.lower().split(b","))
                left = b", ".join(option for option in options if option not in UPGRADE_FIELDS)
                head.append(b"connection: %b\r\n" % left)
            elif name not in UPGRADE_FIELDS:
                head.append(b"%b: %b\r\n" % (name, value))
        self.parser = httptools.HttpRequestParser(self)
        self._parse(b"".join((*head, b"\r\n", rest)))

    def _check_head(self, version: str) -> None:
        """Raises MalformedRequest."""
        if version not in ("1.0", "1.1"):
            raise self._refused(MalformedRequest(f"HTTP/{version} is not supported. Use HTTP/1.1."))
        if self._hosts != 1 and (self._hosts > 1 or version == "1.1"):
            raise self._refused(
                MalformedRequest(f"A request must have exactly one Host header; got {self._hosts}.")
            )
        if version == "1.0":
            # it would take a 100 for the response (RFC 9110, section 10.1.1)
            self.expect_100_continue = False
        if version == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            raise self._refused(
                MalformedRequest("Transfer-Encoding is not supported in HTTP/1.0. Send Content-Length.")
            )

    # time-outs

    def check(self, now: float) -> None:
        """Called by each sweep: end what has taken too long."""
        if not self.since:
            self.since = now
        waited = now - self.since
        unsent = self._raw.get_write_buffer_size()
        if self.is_lingering and not unsent and waited > LINGER_SECONDS:
            self.abort()
        elif unsent and self._is_stuck(unsent, now):
            self._edge.warn("client does not read", client=self.client and self.client[0])
            self.abort()
        elif self.running is not None:
            self._check_running(self.running, now, waited)
        elif unsent:
            self.since = now
        elif self._phase is HEAD and waited > self._edge.settings.header_timeout_seconds:
            self._refuse(
                RequestTimeout(
                    "The head of the request did not arrive in time (the setting header_timeout_seconds)."
                )
            )
        elif self._phase is NOTHING and waited > self._edge.settings.idle_timeout_seconds:
            self.transport.close()

    def _is_stuck(self, unsent: int, now: float) -> bool:
        """Whether the client has not read any of the sent data for too long."""
        sent: int = self.transport.written_bytes - unsent - queued_bytes(self._raw)  # type: ignore[attr-defined] # it is a _Transport
        if sent != self._sent_bytes:
            self._sent_bytes, self._sent_at = sent, now
        return now - self._sent_at > self._edge.settings.write_timeout_seconds

    def _check_running(self, running: Exchange, now: float, waited: float) -> None:
        if not running.began:
            running.began = now
        if self.is_half_closed and running.is_interruptible and not running.response_started:
            if not self._half_closed_at:
                self._half_closed_at = now
            elif now - self._half_closed_at >= self._edge.sweep_seconds:
                self.abort()  # the client is gone, or waits longer than allowed for a half-closed connection
                return
        if running.response_started or running.error is not None:
            return
        sends_body = self._phase is BODY and self.cycle is running
        if not sends_body or self.flow.read_paused or running.waiting_for_100_continue:
            self.since = now
        elif waited > self._edge.settings.body_timeout_seconds:
            self._refuse(
                RequestTimeout(
                    "The body of the request did not arrive in time (the setting body_timeout_seconds)."
                )
            )
            return
        limit = self._edge.settings.max_request_seconds
        is_late = now - running.began > limit and not running.is_unlimited
        if is_late and (sends_body or running.is_interruptible):
            running.cancel(
                ProcessingTimeout(
                    f"The request took longer than {limit:g} seconds (the setting max_request_seconds) "
                    "and was cancelled. If it is a write, check whether it was committed before you retry."
                )
            )
