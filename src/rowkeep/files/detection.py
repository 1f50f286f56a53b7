"""Detection: what is found out about a file by looking at its start, for the user to see."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from rowkeep.files.unfit import shown

DELIMITERS = (",", ";", "\t", "|")
"""Those that are detected, the most likely first."""

LOOKED_AT = 200
"""How many records decide on the delimiter."""

LEAST_SHARE = 0.5
"""A delimiter must give this share of the records as many cells as the header has."""

DECLARED = "sep="
"""The first line of some files: ``sep=;``."""


class Detected(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What was found out about a file. ``columns`` are the columns of the file that have another name in the
    table."""

    format: str
    compression: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_line: int | None = None
    columns: dict[str, str] = {}
    notes: list[str] = []

    @property
    def is_usual(self) -> bool:
        """Whether there is nothing to point out."""
        unusual = (self.compression, self.sheet, self.columns, self.notes)
        return (
            not any(unusual)
            and self.encoding in (None, "utf-8", "utf-8 with a byte order mark")
            and self.delimiter in (None, ",")
            and self.header_line in (None, 1)
        )

    @property
    def text(self) -> str:
        """One line for people."""
        parts = [self.format]
        parts += [each for each in (self.compression, self.encoding) if each]
        if self.delimiter is not None:
            parts.append(f"delimiter {shown(self.delimiter)}")
        if self.sheet is not None:
            parts.append(f"sheet {shown(self.sheet)}")
        if self.header_line is not None:
            parts.append(f"header in line {self.header_line}" if self.header_line else "no header")
        if self.columns:
            pairs = ", ".join(f"{shown(name)} as {column}" for name, column in self.columns.items())
            parts.append(f"columns {pairs}")
        return ", ".join([*parts, *self.notes])

    def as_json(self) -> Any:
        return msgspec.to_builtins(self)


def delimiter_of(
    text: str, quote: str, header_line: int, *, is_whole: bool, usual: str = DELIMITERS[0]
) -> str:
    """The delimiter of a CSV file that starts with this text: the one that divides most records as it divides
    the header. ``usual`` is that of its format; if it is not the comma, it is used if it divides the
    header."""
    if text.startswith(DECLARED) and text[len(DECLARED) + 1 : len(DECLARED) + 2] in ("\n", "\r"):
        return text[len(DECLARED)]
    best, best_score = usual, (LEAST_SHARE, 1)
    for delimiter in DELIMITERS:
        counts = list(islice(_counts(text, delimiter, quote, header_line), LOOKED_AT))
        if not is_whole and len(counts) > 1 and len(counts) < LOOKED_AT:
            counts.pop()  # it may be cut
        if not counts or counts[0] < 2:
            continue
        if delimiter == usual != DELIMITERS[0]:
            return usual
        score = (counts.count(counts[0]) / len(counts), counts[0])
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _counts(text: str, delimiter: str, quote: str, header_line: int) -> Iterator[int]:
    """The numbers of cells of the records, from the header on."""
    reader = csv.reader(
        io.StringIO(text, newline=""),  # other characters than line ends, such as U+000B, divide no lines
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
    )
    try:
        for record in reader:
            if record and reader.line_num >= header_line:
                yield len(record)
    except csv.Error:
        return
