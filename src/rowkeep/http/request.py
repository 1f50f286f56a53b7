"""Requests: headers, parameters and body of one request, each parsed only when it is needed."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from functools import lru_cache
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

from rowkeep.errors.catalogue import (
    BodyTooLarge,
    InvalidParameter,
    Unauthenticated,
    UnsupportedMediaType,
    preview,
)
from rowkeep.http.body_budget import SMALL_BYTES, BodyBudget
from rowkeep.http.header_fields import fields_of
from rowkeep.http.media_types import FILE_FORMATS, stream_form
from rowkeep.http.unpacking import STREAM_BOUND, Bound, content_coding, unpacked
from rowkeep.model.data_requests import RowRange
from rowkeep.plan.rows.select import ALL_ROWS
from rowkeep.services.streamed_queries import StreamForm

JSON = b"application/json"
LARGE_BYTES = 1024 * 1024
"""A longer body is joined in a thread."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
ESCAPED = re.compile(r'\\(["\\])')
"""A string of a structured field (RFC 9651, section 3.3.3), and what is escaped in it."""
IDEMPOTENCY_KEY = re.compile("[ -~]{1,255}")
DIGITS = re.compile(r"[0-9]{1,19}")
TAKES_NONE = "This endpoint takes none."
TOO_LARGE = re.compile(r"[0-9]{19,}")
"""What is a whole number, and larger than any parameter can be."""
MAX_OFFSET = 2**63 - 1

USUAL_ACCEPT = frozenset((b"*/*", b"application/json"))
"""What most clients send: JSON."""

KEPT_PAGES = 1024
MAX_CACHED_QUERY = 64
"""Clients request the same few pages again and again: a short query string is parsed only once."""


class Disconnected(Exception):
    """The client closed the connection before the request was complete."""


class Request:
    """One HTTP request. Services receive decoded requests."""

    # class attributes, because most requests do not change them
    row_id = ""
    """The name of a row in the path."""
    ignores_key = False
    """Whether the request is a dry run, which has no idempotency key."""
    _unpacked_size = 0
    _digest: hashlib._Hash | None = None
    """Of a stream with an idempotency key, as far as it was read."""

    def __init__(self, scope: Scope, receive: Receive, budget: BodyBudget) -> None:
        self._scope = scope
        self._receive = receive
        self._budget = budget
        # what each request reads is set here: Python looks for attributes of a class much longer
        self._held_bytes = 0
        self._size = 0
        self._is_complete = False
        self._body: bytes | None = None
        self._had_mark = False
        self._headers = fields_of(scope)

    @property
    def is_head(self) -> bool:
        """Whether only the headers of the response are wanted."""
        return bool(self._scope["method"] == "HEAD")

    @property
    def address(self) -> str:
        """The address of the client."""
        return str((self._scope.get("client") or ("",))[0])

    def header(self, name: bytes) -> str | None:
        """The value of a header; several headers of the same name are joined as in RFC 9110 (section 5.3)."""
        value = self._headers.get(name)
        return None if value is None else value.decode("latin-1")

    @property
    def minimal(self) -> bool:
        """Whether the request has ``Prefer: return=minimal`` (RFC 7240)."""
        sent = self._headers.get(b"prefer")
        if sent is None:
            return False
        preferences = [
            preference.partition(";")[0].strip().lower().replace(" ", "")
            for preference in sent.decode("latin-1").split(",")
        ]
        return next((preference for preference in preferences if preference.startswith("return=")), "") in (
            "return=minimal",
            'return="minimal"',
        )

    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer``. Raises Unauthenticated for another scheme."""
        authorization = self.header(b"authorization")
        if authorization is None:
            return None
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("not a bearer token")
        return token.strip()

    def token(self) -> str:
        """The token of ``auth`` or ``Authorization``; both are allowed only if they are equal. Raises
        Unauthenticated."""
        auth = self._headers.get(b"auth")
        bearer = self.bearer() if b"authorization" in self._headers else None
        token = bearer if auth is None else auth.decode("latin-1").strip()
        if not token:
            raise Unauthenticated("no token")
        if bearer is not None and bearer != token:
            raise Unauthenticated("two different tokens")
        return token

    def parameters(self, *known: str, or_others: bool = False) -> dict[str, str]:
        """The query parameters. Raises InvalidParameter for an unknown one, unless there can be others, and
        for a duplicate one."""
        return _parameters(self._scope["query_string"], known, or_others)

    def no_parameters(self, instead: str = TAKES_NONE) -> None:
        """Raises InvalidParameter, which says what to do ``instead``."""
        if self._scope["query_string"]:
            _parameters(self._scope["query_string"], (), takes=instead)

    def page(self) -> RowRange:
        query: bytes = self._scope["query_string"]
        return _cached_page(query) if len(query) <= MAX_CACHED_QUERY else _page(query)

    def all_rows(self) -> RowRange:
        """The same for a stream, which has no limit unless one is given."""
        return _page(self._scope["query_string"], ALL_ROWS)

    def stream_form(self) -> StreamForm | None:
        """The format in which the client wants a stream; None if it wants JSON."""
        accept = self._headers.get(b"accept")
        return None if accept is None or accept in USUAL_ACCEPT else stream_form(accept.decode("latin-1"))

    def file_format(self) -> str | None:
        """The format of a file that the client wants, if it is one that is made as a whole."""
        accept = self._headers.get(b"accept")
        return None if accept is None else FILE_FORMATS.get(accept.decode("latin-1"))

    async def body(self) -> bytes:
        if self._body is None:
            headers = self._headers
            length = headers.get(b"content-length", b"")
            if headers.get(b"content-type") != JSON and length.strip(b"0"):
                self._check_content_type()
            coding = self.content_coding() if b"content-encoding" in headers else None
            if coding is None:
                body = await self._next_chunk()
                if not self._is_complete:
                    body = await self._with_rest(body)
            else:
                body = await self._unpacked(coding)
            if body and not length:
                # sent in chunks: the media type of an empty body does not matter
                self._check_content_type()
            self._body = body.removeprefix(BYTE_ORDER_MARK)
            self._had_mark = len(self._body) < len(body)
        return self._body

    @property
    def has_idempotency_key(self) -> bool:
        return b"idempotency-key" in self._headers

    def no_idempotency_key(self) -> None:
        """Raises InvalidParameter for ``Idempotency-Key``, because a client that sends it depends on it."""
        if b"idempotency-key" in self._headers:
            raise InvalidParameter(
                "The header Idempotency-Key is supported only for inserts, updates, deletes, batches and "
                "undos of the Data API. Nothing was done; send the request without it."
            )

    def idempotency_key(self) -> str:
        """The key, bare or quoted. Raises InvalidParameter."""
        if sum(name == b"idempotency-key" for name, _ in self._scope["headers"]) > 1:
            raise InvalidParameter("The header Idempotency-Key was sent twice. Send it once.")
        sent = self._headers[b"idempotency-key"].decode("latin-1").strip()
        key = sent
        if sent.startswith('"'):
            quoted = QUOTED.fullmatch(sent)
            key = "" if quoted is None else ESCAPED.sub(r"\1", quoted[1])
        if not IDEMPOTENCY_KEY.fullmatch(key):
            raise InvalidParameter(
                "The header Idempotency-Key must be 1 to 255 printable ASCII characters, bare or in double "
                f"quotes; got {preview(sent)}."
            )
        return key

    def stream(self) -> AsyncIterator[bytes]:
        """The body of a stream as it arrives, of any size. Its fingerprint is calculated meanwhile, if it has
        an idempotency key.

        Raises UnsupportedMediaType; the iterator raises Disconnected, and for a compressed body BodyTooLarge
        and InvalidCompression.
        """
        coding = self.content_coding()
        if self.has_idempotency_key:
            self._digest = self._head_digest()
        received = self._rest_of_stream()
        return received if coding is None else unpacked(received, coding, STREAM_BOUND)

    async def _rest_of_stream(self) -> AsyncIterator[bytes]:
        while not self._is_complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected()
            chunk: bytes = message.get("body", b"")
            self._size += len(chunk)
            self._is_complete = not message.get("more_body", False)
            if self._digest is not None:
                self._digest.update(chunk)
            if chunk:
                yield chunk

    async def fingerprint(self) -> bytes:
        """The SHA-256 of what makes this request the same as another one. The rest of a stream is read."""
        if self._digest is not None:
            async for _ in self._rest_of_stream():
                pass
            return self._digest.digest()
        body = await self.body()
        digest = self._head_digest()
        if self._had_mark:
            digest.update(BYTE_ORDER_MARK)
        if len(body) > LARGE_BYTES:
            # Python's lock is free meanwhile
            await asyncio.get_running_loop().run_in_executor(None, digest.update, body)
        else:
            digest.update(body)
        return digest.digest()

    def _head_digest(self) -> hashlib._Hash:
        """The digest of everything before the body."""
        scope = self._scope
        digest = hashlib.sha256()
        prefer = self._headers.get(b"prefer", b"")
        for part in (scope["method"].encode(), scope["path"].encode(), scope["query_string"], prefer):
            digest.update(b"%d:" % len(part) + part)
        return digest

    @property
    def received_bytes(self) -> int:
        """The size of the body, as far as it was read; that of a compressed one when it is unpacked."""
        return self._unpacked_size or self._size

    def _check_content_type(self) -> None:
        content_type = self.header(b"content-type")
        if content_type is not None:
            media_type, _, parameter = content_type.lower().partition(";")
            charset = parameter.strip().replace('"', "")
            if media_type.strip() != "application/json" or charset not in (
                "",
                "charset=utf-8",
                "charset=utf8",
            ):
                is_bulk = self._scope["path"].endswith("/bulk")
                streams = ", or application/x-ndjson or text/csv for a stream of rows" if is_bulk else ""
                raise UnsupportedMediaType(
                    f"Content-Type must be application/json in UTF-8{streams}; got {preview(content_type)}."
                )

    def content_coding(self) -> str | None:
        """How the body is compressed; None if it is not. Raises UnsupportedMediaType."""
        value = self._headers.get(b"content-encoding")
        return None if value is None else content_coding(value.decode("latin-1"))

    async def _with_rest(self, first: bytes) -> bytes:
        """The body after its first chunk."""
        return await _joined_bytes([first, *[each async for each in self.chunks()]], self._size)

    async def _unpacked(self, coding: str) -> bytes:
        """A compressed body, unpacked; it is counted as such."""
        bound = Bound(max_bytes=self._budget.max_body_bytes)
        pieces: list[bytes] = []
        async for piece in unpacked(self.chunks(), coding, bound):
            pieces.append(piece)
            self._unpacked_size += len(piece)
            await self._count()
        return await _joined_bytes(pieces, self._unpacked_size)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The rest of the body as it arrives, without what was read before. It can be read only once; use
        :meth:`body` to read it again.

        Raises BodyTooLarge, Busy, Disconnected.
        """
        while not self._is_complete:
            yield await self._next_chunk()

    async def _next_chunk(self) -> bytes:
        if self._size == 0 and len(self._headers.get(b"content-length", b"")) >= self._budget.max_digits:
            self._check_length()
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Disconnected()
        chunk: bytes = message.get("body", b"")
        self._size += len(chunk)
        if self._size > self._budget.max_body_bytes:
            raise self._too_large()
        if self._size > SMALL_BYTES:
            await self._count()
        self._is_complete = not message.get("more_body", False)
        return chunk

    async def _count(self) -> None:
        """Count what is held in memory. Raises Busy."""
        held = self._size + self._unpacked_size
        if held <= SMALL_BYTES:
            return
        grown, self._held_bytes = held - self._held_bytes, held
        if not self._budget.take(grown, self):
            await self._budget.wait(self)

    def _check_length(self) -> None:
        length = self._headers[b"content-length"].decode("latin-1")
        if DIGITS.fullmatch(length) and int(length) > self._budget.max_body_bytes:
            raise self._too_large()

    def release(self) -> None:
        """The request has ended: its body is no longer counted."""
        if self._held_bytes:
            self._budget.give_back(self._held_bytes, self)
            self._held_bytes = 0

    def _too_large(self) -> BodyTooLarge:
        allowed = self._budget.max_body_bytes
        return BodyTooLarge(
            f"The body is too large: at most {allowed} bytes are allowed (the setting max_body_bytes)."
        )


async def _joined_bytes(chunks: list[bytes], size: int) -> bytes:
    if size <= LARGE_BYTES:
        return b"".join(chunks)
    # the interpreter lock is released while the chunks are copied
    return await asyncio.get_running_loop().run_in_executor(None, b"".join, chunks)


def _parameters(
    query: bytes, known: tuple[str, ...], or_others: bool = False, takes: str = TAKES_NONE
) -> dict[str, str]:
    found: dict[str, str] = {}
    if not query:
        return found
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name not in known:
            if or_others:
                continue
            if known:
                takes = f"This endpoint takes {' and '.join(known)}."
            raise InvalidParameter(f"Unknown query parameter {preview(name)}. {takes}")
        if name in found:
            raise InvalidParameter(f"Query parameter {name} is given twice. Send it once.")
        found[name] = value
    return found


def _page(query: bytes, usual_limit: int = 10) -> RowRange:
    given = _parameters(query, ("sys_limit", "sys_offset"))
    limit = whole_number(given, "sys_limit", 1)
    offset = whole_number(given, "sys_offset", 0)
    return RowRange(usual_limit if limit is None else limit, offset)


_cached_page = lru_cache(KEPT_PAGES)(_page)


def flag(given: dict[str, str], name: str) -> bool:
    """A parameter that is true or false; false if it is missing. Raises InvalidParameter."""
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise InvalidParameter(f"{name} must be true or false; got {preview(text)}.")
    return text == "true"


def whole_number(given: dict[str, str], name: str, least: int, most: int = MAX_OFFSET) -> int | None:
    """A parameter that is a whole number; None if it is missing. Raises InvalidParameter."""
    text = given.get(name)
    if text is None:
        return None
    if not DIGITS.fullmatch(text) or not least <= int(text) <= most:
        is_open = most == MAX_OFFSET and not TOO_LARGE.fullmatch(text)
        rule = f"of {least} or more" if is_open else f"from {least} to {most}"
        raise InvalidParameter(f"{name} must be a whole number {rule}; got {preview(text)}.")
    return int(text)
