"""Insert envelope: what the body of an insert has besides its rows, and where its rows are.

The rows are not decoded here. The members can be in any order; those besides ``data`` are small.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from rowkeep.codec.json_bodies import decode_unchecked, refuse_repeated_keys
from rowkeep.codec.json_scan import STEP, WHITE, json_string, tokens
from rowkeep.errors.catalogue import InvalidBody, RepeatedKey, RowkeepError
from rowkeep.model.data_requests import DEFAULT_OPTIONS, Conflict, InsertMode, InsertOptions

TAIL_BYTES = 4096
"""The rows of a large body are found without decoding it if no more than this follows them."""


class LooseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The body of an insert, with its rows not yet decoded."""

    data: msgspec.Raw
    on_conflict: Conflict | UnsetType = UNSET
    mode: InsertMode | UnsetType = UNSET
    dry_run: bool = False

    @property
    def options(self) -> InsertOptions:
        return InsertOptions(self.on_conflict, self.mode, self.dry_run)


class Envelope(NamedTuple):
    """The positions of the JSON of ``data`` in a body, and the other members."""

    start: int
    end: int
    options: InsertOptions = DEFAULT_OPTIONS


_body_decoder = msgspec.json.Decoder(LooseBody)
_BLANK = rb"[ \t\n\r]{0,1000}+"
_STRING = rb'"[^"\\]{0,1000}+"'
_OPTION = (rb'"(?:onConflict|mode|dryRun)"_:_(?:true|false|STRING|\{(?:[^{}"\\]|STRING){0,1000}+\})').replace(
    b"STRING", _STRING
)
# before 3.11.5, Python can miss matches of a possessive quantifier around others (gh-106052)
_HEAD = re.compile(
    rb'_\{_(?:OPTION_,_){0,3}"data"_:_(?=\[)'.replace(b"OPTION", _OPTION).replace(b"_", _BLANK)
)
_TAIL = re.compile(rb"(?<=\])_(?:,_OPTION_){0,3}\}_\Z".replace(b"OPTION", _OPTION).replace(b"_", _BLANK))
_ONE_KEY = re.compile(rb'[ \t\n\r]*+\{[ \t\n\r]*+"(?:[^"\\]|\\.)*+"[ \t\n\r]*+:[ \t\n\r]*+')
_BLANKS = re.compile(rb"[ \t\n\r]*+")
_ONE_QUOTED = 2


def usual_envelope(body: bytes) -> Envelope | None:
    """The envelope of an array of rows, read without its rows; None if it is written in an unusual way. If
    the rows between its positions are not valid JSON, the body is not. Raises UnknownKey, InvalidBody,
    RepeatedKey."""
    head, tail = _HEAD.match(body), _TAIL.search(body, max(0, len(body) - TAIL_BYTES))
    if head is None or tail is None:
        return None
    start, end = head.end(), tail.start()
    if head[0].count(b'"') == _ONE_QUOTED and b'"' not in tail[0]:
        return Envelope(start, end)
    return Envelope(start, end, _options(b"%b[]%b" % (head[0], tail[0])))


def loose_envelope(body: bytes) -> Envelope:
    """The envelope of any body. Raises MalformedJson, UnknownKey, InvalidBody, RepeatedKey."""
    loose = decode_unchecked(body, _body_decoder)
    data = memoryview(loose.data)
    if bytes(data[:1]) not in (b"{", b"["):
        raise InvalidBody('"data" must be an object or an array of objects.', pointer="/data")
    end = _without_blanks(body, _without_blanks(body, len(body)) - 1)
    if _ONE_KEY.fullmatch(body, 0, end - data.nbytes):
        return Envelope(end - data.nbytes, end)
    start = _start_of_data(body)
    end = start + data.nbytes
    if not body.startswith(bytes(data), start):
        # the decoder used another one
        raise RepeatedKey('The body has the key "data" twice. Send each key once.', pointer="/data")
    return Envelope(start, end, _options(b"%b[]%b" % (body[:start], body[end:])))


def is_dry_run(body: bytes) -> bool:
    """Whether a body that was refused is that of a dry run, as far as it can be read."""
    if b'"dryRun"' not in body:
        return False
    try:
        return (usual_envelope(body) or loose_envelope(body)).options.dry_run
    except RowkeepError:
        return False


def _options(envelope: bytes) -> InsertOptions:
    """The members besides ``data`` of a body without its rows."""
    options: InsertOptions = decode_unchecked(envelope, _body_decoder).options
    refuse_repeated_keys(envelope)
    return options


def _start_of_data(body: bytes) -> int:
    """The position of the first value of ``data`` in a body that has one."""
    depth = start = 0
    for token in tokens(body):
        depth += STEP[token.first]
        if depth == 1 and token.is_key and json_string(body[token.start : token.end]) == "data":
            start = token.end
            break
    blanks = _BLANKS.match(body, start)
    return start if blanks is None else blanks.end()


def _without_blanks(body: bytes, end: int) -> int:
    """The position after the last character before ``end`` that is not a blank."""
    while end > 0:
        start = max(0, end - TAIL_BYTES)
        end = start + len(body[start:end].rstrip(WHITE))
        if end > start:
            break
    return end
