"""Bodies: JSON bodies decoded and checked by their types, and what is wrong with them in our own words."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from rowkeep.errors import (
    DuplicateColumn,
    InvalidBody,
    InvalidValue,
    MalformedJson,
    RowkeepError,
    UnknownKey,
    pointer,
    quoted,
)
from rowkeep.model.cells import Spelled

Body = TypeVar("Body")


def decode_body(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """A body decoded and checked by its type; MalformedJson, UnknownKey or InvalidBody if it is not so."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(complaint(error)) from None


def refuse_other_encodings(body: bytes) -> None:
    """What is left as raw JSON is decoded later; that it is UTF-8 is seen here."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson(complaint(error)) from None


def complaint(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "The body is not UTF-8."
    if isinstance(error, RecursionError):
        return "The body is nested too deep."
    return f"The body is not JSON: {error}."


def _refusal(message: str) -> RowkeepError:
    """msgspec's message turned into ours: its path into a pointer, unknown fields into their own code."""
    what, _, path = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    where = _pointer_of_path(path.rstrip("`"))
    if what.startswith("Object contains unknown field `"):
        key = what.removeprefix("Object contains unknown field `").rstrip("`")
        return UnknownKey(f"The body has an unknown key {quoted(key)}.", pointer=where + pointer(key))
    if what.startswith("Object missing required field `"):
        key = what.removeprefix("Object missing required field `").rstrip("`")
        return InvalidBody(f"The body lacks the key {key}.", pointer=where + pointer(key))
    if what.endswith("out of range"):
        return InvalidValue("The body has a number that is too large.", pointer=where)
    if what.startswith("Invalid enum value "):
        key, value = where.rpartition("/")[2], what.removeprefix("Invalid enum value ").strip("'")
        return InvalidBody(f"{key} does not take the value {quoted(value)}.", pointer=where)
    return InvalidBody(f"{quoted(what.replace('`', ''))}.", pointer=where)


def _pointer_of_path(path: str) -> str:
    return path.replace("[...]", "").replace(".", "/").replace("[", "/").replace("]", "")


def body_decoder(body_type: type[Body]) -> msgspec.json.Decoder[Body]:
    """A decoder whose untyped floats remember how they were written, and know infinity where msgspec gives
    up, so that the cell's reader can say which cell is too large."""
    return msgspec.json.Decoder(body_type, float_hook=Spelled)


WHITE_BEFORE_COLON = (b" :", b"\t:", b"\n:", b"\r:")


def has_keys(body: bytes, count: int) -> bool:
    """Whether it is plain that a JSON text has this many keys; a string may look like one."""
    return body.count(b'":') == count and not any(map(body.__contains__, WHITE_BEFORE_COLON))


def refuse_repeated_keys(body: bytes) -> None:
    """Raises DuplicateColumn if an object has one key twice; most decoders would take the last."""
    with suppress(ValueError, RecursionError):
        json.loads(body, object_pairs_hook=_once_each)


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateColumn(f"The key {quoted(key)} stands twice in one object.")
        found[key] = value
    return found
