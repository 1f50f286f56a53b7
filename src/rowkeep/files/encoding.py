"""Encoding: finds the encoding of a text file by its first bytes, and reads the file as UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from rowkeep.files.records import FileRefused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer as Target

UTF8 = "utf-8"
PART_BYTES = 256 * 1024

MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks, longer ones before those that they start with."""

LIKELY = (
    "cp1252", "iso8859_15", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "cp932", "euc_jp", "gb18030", "big5", "euc_kr",
)  # fmt: skip
OTHER_SCRIPTS = ("cp1251", "cp1253", "cp1255", "cp1256", "koi8_r")
LATIN_SCRIPT = ("cp1252", "iso8859_15", "cp1250", "cp1254", "cp1257")
OLD = ("mac_roman", "cp850", "cp437")
"""Encodings in which real files are written, and those of old systems, which are tried last. Others must be
named."""

WESTERN = "cp1252"
LATIN = "latin_1"
NAMES = {"cp1252": "windows-1252", "latin_1": "iso-8859-1"}
"""The usual names of encodings that Python calls differently."""

GUESSED_BYTES = 64 * 1024
"""How much text the detector gets: lines with other characters than ASCII."""

MAX_CHAOS = 0.1
"""The noise up to which a text in a likely encoding is not looked at in others."""

CERTAIN = 0.3
"""How much a text must resemble a language, for its encoding to be preferred to windows-1252."""

OTHERS = re.compile(rb"[\x80-\xff]+")
IN_LATIN_WORD = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]+|[\x80-\xff]+(?=[A-Za-z])")

NOT_FOR_FILES = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)
"""Names that Python has for other texts than those of files: names of hosts, literals in programs."""

NOT_IN_1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


class Encoding(msgspec.Struct, frozen=True):
    """An encoding, by Python's name for it, and how it is known: by a mark, by the option, or by the text."""

    name: str
    has_mark: bool = False
    is_guess: bool = False

    @property
    def title(self) -> str:
        found = NAMES.get(self.name, self.name).replace("_", "-")
        return f"{found} with a byte order mark" if self.has_mark else found


def asked_encoding(name: str) -> str:
    """Python's name for an encoding. Raises LookupError if there is none."""
    found = codecs.lookup(name)
    if not found._is_text_encoding or found.name.replace("_", "-") in NOT_FOR_FILES:
        raise LookupError(name)
    return {"utf-8-sig": UTF8, "utf_8": UTF8, "iso8859-1": LATIN}.get(found.name, found.name)


def encoding_of(sample: bytes, asked: str | None = None, *, is_whole: bool = True) -> Encoding:
    """The encoding of a file that has, or starts with, these bytes. Raises FileRefused if it cannot be
    known."""
    for mark, name in MARKS:
        if sample.startswith(mark) and asked in (None, name):
            return Encoding(name, has_mark=True)
    if asked is not None:
        return Encoding(asked)
    if _is_utf8(sample, is_whole) and b"\x00" not in sample:
        return Encoding(UTF8)
    wide = _without_mark(sample)
    return Encoding(_narrow(sample) if wide is None else wide, is_guess=True)


def _is_utf8(sample: bytes, is_whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder(UTF8)().decode(sample, is_whole)
    except UnicodeDecodeError:
        return False
    return True


def _without_mark(sample: bytes) -> str | None:
    """UTF-16 without a mark: every second byte of ASCII is 0."""
    if b"\x00" not in sample:
        return None
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    least = len(sample) // 8
    if second > least and first * 4 < second:
        return "utf-16-le"
    if first > least and second * 4 < first:
        return "utf-16-be"
    raise FileRefused("It contains bytes 0, so it is not a text file. Use --format for another format.")


def _narrow(sample: bytes) -> str:
    """An encoding in which ASCII is one byte a character."""
    from charset_normalizer import from_bytes

    lines = [line for line in sample.splitlines(keepends=True) if not line.isascii()]
    text = b"".join(lines)[:GUESSED_BYTES]
    found = list(from_bytes(text, cp_isolation=list(LIKELY)))
    if not found or found[0].chaos > MAX_CHAOS:
        found = list(from_bytes(text, cp_isolation=[*LIKELY, *OLD]))
    if not found:
        raise FileRefused(
            "Its encoding is not UTF-8, and cannot be detected. Use --encoding, such as --encoding "
            "windows-1252."
        )
    western = LATIN if NOT_IN_1252.intersection(text) else WESTERN
    if found[0].encoding in OTHER_SCRIPTS and _is_latin(text):
        found = list(from_bytes(text, cp_isolation=[*LATIN_SCRIPT]))
        if not found:
            return western
    best = found[0]
    equal = {
        name
        for each in found
        if each is best or (each.chaos == best.chaos and best.coherence < CERTAIN)
        for name in (each.encoding, *each.could_be_from_charset)
    }
    if {WESTERN, "iso8859_15"} & equal:
        return western
    return str(best.encoding)


def _is_latin(text: bytes) -> bool:
    """Whether most characters other than ASCII are in words with letters of ASCII: no other script is."""
    in_words = sum(map(len, IN_LATIN_WORD.findall(text)))
    return in_words * 2 >= sum(map(len, OTHERS.findall(text)))


class AsUtf8(io.RawIOBase):
    """The text of a file in another encoding, as UTF-8 without a byte order mark. Reading raises
    FileRefused."""

    def __init__(self, file: BinaryIO, encoding: Encoding) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding.name)()
        self._read = 0
        self._rest = b""
        self._is_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, target: Target, /) -> int:
        view = memoryview(target)
        while not self._rest and not self._is_ended:
            self._rest = self._next()
        taken = self._rest[: len(view)]
        view[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)

    def _next(self) -> bytes:
        part = self._file.read(PART_BYTES)
        self._is_ended = not part
        try:
            text = self._decoder.decode(part, self._is_ended)
        except UnicodeDecodeError as error:
            raise FileRefused(
                f"The file is not in the encoding {self._encoding.title}: {error.reason} after about "
                f"{self._read + error.start:,} bytes. Use --encoding."
            ) from None
        except UnicodeError:
            # the decoders of utf-16 and utf-32 alone, at the start
            title = self._encoding.title
            raise FileRefused(
                f"The file is not in the encoding {title}: it does not start with a byte order mark. Use "
                f"--encoding {title}-le or {title}-be, or another encoding."
            ) from None
        text = text.removeprefix("\ufeff") if self._read == 0 else text
        self._read += len(part)
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise FileRefused(f"The file has half a surrogate pair: {error.reason}.") from None
