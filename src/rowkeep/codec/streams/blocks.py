"""Blocks: cuts a stream of bytes into parts of whole lines, so that only a small part is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rowkeep.errors.catalogue import LineTooLong, Problem

BLOCK_BYTES = 1024 * 1024
"""The usual size of a block: large enough that the steps for a block are cheap for each of its rows."""

BLOCK_LINES = 20_000
"""The usual maximum number of lines of a block, for very short lines."""

LEAST_BYTES = 1024

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole lines of a stream; ``line`` is the number of the first, from 1."""

    text: bytes
    line: int


class BlockCutter:
    """Cuts a stream between two lines; where a cell can contain line ends, between two records.

    A line end is the end of a record if an even number of ``quote`` comes before it (RFC 4180).
    """

    def __init__(
        self,
        max_line_bytes: int,
        quote: bytes | None = None,
        size: int = BLOCK_BYTES,
        max_lines: int = BLOCK_LINES,
    ) -> None:
        self._max_line_bytes = max_line_bytes
        self._max_lines = max_lines
        self._quote = quote
        self._size = self._wanted = size
        self._chunks: list[bytes] = []
        self._held = 0
        self._line = 1
        self._is_begun = False

    def feed(self, chunk: bytes) -> Iterator[Block]:
        """The blocks that are complete with this chunk. Raises LineTooLong."""
        self._chunks.append(chunk)
        self._held += len(chunk)
        while self._held >= self._wanted:
            text = self._joined()
            # a chunk can be much larger than a block
            end = self._cut(self._part(text))
            if end:
                self._keep(text[end:])
                self._wanted = self._size
                yield self._block(text[:end])
                continue
            self._keep(text)
            if self._wanted > self._max_line_bytes:
                raise line_too_long(self._line, self._max_line_bytes)
            self._wanted = min(2 * self._wanted, self._max_line_bytes + 1)

    def end(self) -> Iterator[Block]:
        """The rest of the stream. Raises LineTooLong."""
        text = self._joined()
        self._keep(b"")
        while text:
            part = self._part(text)
            end = len(text) if part == text else self._cut(part) or len(text)
            yield self._block(text[:end])
            text = text[end:]

    def _part(self, text: bytes) -> bytes:
        """What is searched for the end of a block."""
        part = text[: self._wanted]
        while len(part) > LEAST_BYTES and part.count(b"\n") > self._max_lines:
            part = part[: len(part) // 2]
        return part

    def _joined(self) -> bytes:
        text = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        if not self._is_begun and (len(text) >= len(BYTE_ORDER_MARK) or not text):
            self._is_begun = True
            text = text.removeprefix(BYTE_ORDER_MARK)
        return text

    def _keep(self, text: bytes) -> None:
        self._chunks = [text]
        self._held = len(text)

    def _block(self, text: bytes) -> Block:
        block = Block(text, self._line)
        self._line += text.count(b"\n")
        return block

    def _cut(self, text: bytes) -> int:
        """The position after the last line end at which a record ends; 0 if there is none."""
        at = text.rfind(b"\n")
        if self._quote is None or at < 0:
            return at + 1
        quotes = text.count(self._quote, 0, at)
        while quotes % 2:
            before = text.rfind(b"\n", 0, text.rfind(self._quote, 0, at))
            if before < 0:
                return 0
            quotes -= text.count(self._quote, before, at)
            at = before
        return at + 1


def line_too_long(line: int, max_line_bytes: int) -> LineTooLong:
    msg = (
        f"Line {line} is longer than {max_line_bytes} bytes (the setting max_row_bytes). If it is CSV, a "
        "closing quote may be missing."
    )
    return LineTooLong(msg, problems=[Problem(msg, LineTooLong.code, more={"line": line})])
