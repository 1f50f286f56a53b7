"""JSON bodies: decoded and checked by type, with our own error messages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, TypeVar

import msgspec
import msgspec.inspect

from rowkeep.codec.json_scan import has_more_values, is_deeper, marked_halves, repeated_key
from rowkeep.errors.catalogue import (
    InvalidBody,
    InvalidValue,
    MalformedJson,
    RepeatedKey,
    RowkeepError,
    UnknownKey,
    pointer,
    preview,
)
from rowkeep.model.names import near_names
from rowkeep.model.tables import simplified
from rowkeep.model.values.scalars import ExactDouble

Body = TypeVar("Body")

MAX_DEPTH = 100
"""The default of the setting max_json_depth: the maximum depth of arrays and objects."""

OWN_LEVELS = 6
"""The levels of a body that do not count: those outside a cell, a filter or the default of a column."""

MAX_VALUES = 600_000
"""The maximum number of values in a body that is decoded at once. A JSON value of 1 MiB has fewer."""

MAX_POINTED_KEY = 200
"""Longer keys are left out of pointers."""


def decode_body(
    body: bytes,
    decoder: msgspec.json.Decoder[Any],
    max_depth: int = MAX_DEPTH,
    *,
    marks_halves: bool = False,
) -> Any:
    """Decode a body and check it by its type. With ``marks_halves``, halves of surrogate pairs are marked, so
    that a later step can report their place.

    Raises MalformedJson, UnknownKey or InvalidBody, and RepeatedKey if an object has the same key twice.
    """
    most = max_depth + OWN_LEVELS
    size = len(body)
    body_type: Any = decoder.type
    is_flat = size <= most or (size <= SMALL_BYTES and body.count(b"[") + body.count(b"{") <= most)
    if is_flat and _shows_all_keys(body_type):
        if BACKSLASH not in body:
            # a usual body, in which only a key that came twice can still be found
            decoded = decode_unchecked(body, decoder)
            if has_all_keys(decoded, body):
                return decoded
    elif is_flat and has_distinct_keys(body):
        # a usual body, in which nothing else can be found
        return decode_unchecked(body, decoder)
    refuse_sprawling(body)
    refuse_deep(body, most)
    decoded = decode_unchecked(marked_halves(body) if marks_halves else body, decoder)
    refuse_repeated_keys(body)
    return decoded


def decode_unchecked(body: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """The same without checks of depth and repeated keys, which are left to the caller."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _refusal(str(error), decoder.type) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MalformedJson(complaint(error, body)) from None


def refuse_deep(body: bytes, most: int) -> None:
    """Raises MalformedJson if arrays and objects are nested deeper than ``most`` levels."""
    if is_deeper(body, most):
        raise MalformedJson(
            f"The body has arrays and objects nested deeper than {most} levels (the setting max_json_depth)."
        )


def refuse_sprawling(body: bytes) -> None:
    """Raises InvalidBody for more values than any request needs: decoded values use much more memory than
    their text."""
    if len(body) > MAX_VALUES and has_more_values(body, MAX_VALUES):
        raise InvalidBody(f"The body has too many values: at most {MAX_VALUES} are allowed.")


def refuse_other_encodings(body: bytes) -> None:
    """Check that raw JSON, which is decoded later, is UTF-8."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise MalformedJson(complaint(error, body)) from None


# messages about JSON that cannot be decoded

OUT_OF_RANGE = "out of range"
"""The end of msgspec's message for a number that Python does not read: of thousands of digits, or beyond a
double."""
_SYNTAX = re.compile(r"JSON is malformed: (.*) \(byte ([0-9]+)\)")


def complaint(error: Exception, text: bytes, what: str = "The body") -> str:
    """The message for a JSON text that a decoder refused."""
    if isinstance(error, UnicodeDecodeError):
        return f"{what} is not valid UTF-8."
    if isinstance(error, RecursionError):
        return f"{what} has arrays and objects nested too deeply (the setting max_json_depth)."
    if not text.strip():
        return f"{what} is empty. Send JSON."
    if has_half_surrogates(text):
        return f"{what} has a string with half a surrogate pair (such as \\ud800), which is not a character."
    if str(error).endswith(OUT_OF_RANGE):
        return f"{what} has a number that is too large."
    syntax = _SYNTAX.fullmatch(str(error))
    if syntax is None:
        return f"{what} is not valid JSON: unexpected end."
    at = int(syntax[2])
    got = f", got {preview(text[at : at + 1].decode('latin-1'))}" if at < len(text) else ""
    return f"{what} is not valid JSON: {syntax[1]} at byte {at}{got}."


def has_half_surrogates(text: bytes) -> bool:
    """Whether a refused text is valid JSON except for halves of surrogate pairs."""
    if b"\\u" not in text:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


# messages about JSON that does not match the type

_JSON_TYPES = {
    "object": "an object",
    "array": "an array",
    "str": "a string",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_MISMATCH = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")
_BEYOND = re.compile(r"Expected `int` (>=|<=) (-?[0-9]+)")
_OF_FILTER = re.compile(".*/value(/[0-9]+)?")
"""Where a filter has the values for a column."""
_IN_QUERY = ("expressions", "operator", "all", "not", "field", "operand", "value")
_IN_CONFLICT = ("columns", "action")
_IN_URL = {"sys_limit": "sys_limit", "sys_offset": "sys_offset", "limit": "sys_limit", "offset": "sys_offset"}


IN_DATA = ' Put columns inside "data".'


def _refusal(message: str, body_type: Any) -> RowkeepError:
    """The error for a message of msgspec, with its path as a pointer."""
    what, _, path = message.rpartition(" - at `$") if " - at `$" in message else (message, "", "")
    where = _pointer_of_path(path.rstrip("`"))
    if what.startswith("Object contains unknown field `"):
        key = what.removeprefix("Object contains unknown field `").removesuffix("`")
        hint = _hint(key, where, body_type)
        return UnknownKey(f"Unknown key {preview(key)} in the body.{hint}", pointer=where + pointer(key))
    if what.startswith("Object missing required field `"):
        key = what.removeprefix("Object missing required field `").removesuffix("`")
        example = ' Send {"data": {"First_Name": "Jane"}}.' if key == "data" else ""
        return InvalidBody(f"Missing key {preview(key)} in the body.{example}", pointer=where + pointer(key))
    place = preview(_place(where)) if where else "The body"
    if what.endswith(OUT_OF_RANGE):
        kind = InvalidValue if _OF_FILTER.fullmatch(where) else InvalidBody
        return kind(f"{place} has a number that is too large.", pointer=where)
    if what.startswith("Invalid enum value "):
        value = what.removeprefix("Invalid enum value ").removeprefix("'").removesuffix("'")
        choices = _choices(body_type, where.split("/")[1:])
        rule = f"must be one of {', '.join(map(preview, choices))}" if choices else "has an invalid value"
        return InvalidBody(f"{place} {rule}; got {preview(value)}.", pointer=where)
    beyond = _BEYOND.fullmatch(what)
    if beyond:
        rule = f"at {'least' if beyond[1] == '>=' else 'most'} {beyond[2]}"
        return InvalidBody(f"{place} must be a whole number, {rule}.", pointer=where)
    mismatch = _MISMATCH.fullmatch(what)
    if mismatch:
        wanted = " or ".join(dict.fromkeys(_JSON_TYPES.get(name, name) for name in mismatch[1].split(" | ")))
        got = _JSON_TYPES.get(mismatch[2], mismatch[2])
        if "float" not in mismatch[1]:
            wanted = wanted.replace("a number", "a whole number")
            got = "a number with a decimal point or an exponent" if mismatch[2] == "float" else got
        return InvalidBody(f"{place} must be {wanted}; got {got}.", pointer=where)
    return InvalidBody(f"{place} is invalid: {what.replace('`', '')}.", pointer=where)


def _kinds_at(body_type: Any, path: list[str]) -> list[msgspec.inspect.Type]:
    """The types of what can be at this path."""
    found = [_type_info(body_type)]
    for token in path:
        found = [part for each in found for part in _parts(each, token)]
    return [kind for each in found for kind in _alternatives(each)]


_type_info = cache(msgspec.inspect.type_info)


def _members_at(body_type: Any, where: str) -> dict[str, str]:
    """The keys that the object at this place can have, by what makes them similar to others."""
    kinds = _kinds_at(body_type, where.split("/")[1:])
    structs = (kind for kind in kinds if isinstance(kind, msgspec.inspect.StructType))
    return {simplified(field.encode_name): field.encode_name for struct in structs for field in struct.fields}


def _hint(key: str, where: str, body_type: Any) -> str:
    """Sentences that say what to do with an unknown key: write it in another way, or put it elsewhere."""
    members = _members_at(body_type, where)
    same = members.get(simplified(key))
    if same is not None:
        return f" Did you mean {preview(same)}?"
    place = _right_place(key, where, getattr(body_type, "__struct_fields__", ()))
    near = [] if place else near_names(simplified(key), members)
    if near:
        return f" Did you mean {' or '.join(preview(members[name]) for name in near)}?"
    if place and place != IN_DATA:
        return place
    return f"{place} The keys here are {', '.join(members.values())}." if members else place


def _choices(body_type: Any, path: list[str]) -> list[object]:
    """The values that are allowed at this path, if it is an enum or a literal."""
    kinds = _kinds_at(body_type, path)
    enums = [
        member.value for kind in kinds if isinstance(kind, msgspec.inspect.EnumType) for member in kind.cls
    ]
    return enums + [
        value for kind in kinds if isinstance(kind, msgspec.inspect.LiteralType) for value in kind.values
    ]


def _alternatives(kind: msgspec.inspect.Type) -> Iterable[msgspec.inspect.Type]:
    if isinstance(kind, msgspec.inspect.Metadata):
        return _alternatives(kind.type)
    if isinstance(kind, msgspec.inspect.UnionType):
        return (part for each in kind.types for part in _alternatives(each))
    return (kind,)


def _parts(kind: msgspec.inspect.Type, token: str) -> Iterable[msgspec.inspect.Type]:
    """The types of a member of an object, or of the items of an array."""
    for each in _alternatives(kind):
        if isinstance(each, msgspec.inspect.StructType):
            yield from (field.type for field in each.fields if field.encode_name == token)
        elif isinstance(each, msgspec.inspect.ListType):
            yield each.item_type


def _right_place(key: str, where: str, members: tuple[str, ...]) -> str:
    """A sentence that says where a misplaced key of the Data API belongs."""
    if "query" not in members and "data" not in members:
        return ""
    if key in _IN_URL and "min_affected" not in members:
        right = _IN_URL[key]
        return f' Put it in the URL of a query: "?{right}=10".'
    if where == "" and key in _IN_QUERY and "query" in members:
        return ' Put it inside "query".'
    if where == "" and key in _IN_CONFLICT and "on_conflict" in members:
        return ' Put it inside "onConflict".'
    if where == "" and "data" in members:
        return IN_DATA
    if where.startswith("/query") and key in members:
        return ' Put it next to "query", not inside it.'
    return ""


def _place(where: str) -> str:
    """The name of what is wrong: the key, or for an item of an array its path, such as ``fields[0]``."""
    keys = where.split("/")[1:]
    if not keys[-1].isdecimal():
        return keys[-1]
    return "".join(f"[{key}]" if key.isdecimal() else f".{key}" for key in keys).removeprefix(".")


def _pointer_of_path(path: str) -> str:
    return path.replace("[...]", "").replace(".", "/").replace("[", "/").replace("]", "")


def body_decoder(body_type: type[Body]) -> msgspec.json.Decoder[Body]:
    """A decoder whose untyped floats keep their text and can be infinite, where msgspec would fail, so that
    the reader of the cell can report which one is too large."""
    return msgspec.json.Decoder(body_type, float_hook=ExactDouble)


# repeated keys: decoders silently use the last one

SMALL_BYTES = 1024
BACKSLASH = ord("\\")
"""As a number: to look for bytes in bytes, Python first tries to read them as one, and handles an error."""
LARGE_BYTES = 2 * 1024 * 1024
WHITE_BEFORE_COLON = (b" :", b"\t:", b"\n:", b"\r:")


def has_keys(body: bytes, count: int) -> bool:
    """Whether a JSON text certainly has this many keys; a string can look like a key."""
    return body.count(b'":') == count and not any(map(body.__contains__, WHITE_BEFORE_COLON))


def has_distinct_keys(text: bytes) -> bool:
    """Whether certainly all keys in a JSON text are different, those of different objects too, which costs a
    fourth of the search by a decoder."""
    if not text.isascii() or text.find(b"\\") >= 0:
        return False
    parts = text.split(b'":')
    del parts[-1]
    # if every colon follows a quote, each of these parts ends with a key
    keys = {part[part.rfind(b'"') :] for part in parts}
    return len(keys) == len(parts) == text.count(b":")


_encoder = msgspec.json.Encoder(enc_hook=float)  # an ExactDouble as any other double


def has_all_keys(decoded: object, text: bytes) -> bool:
    """Whether certainly no key of a JSON text came twice in an object. A decoder uses the last one only, so
    what it returns would have fewer colons. The text must have no escapes, in which colons can hide, and its
    type must be one that :func:`_shows_all_keys`."""
    try:
        encoded = _encoder.encode(decoded)
    except OverflowError:
        return False  # a whole number that only Python can have
    return encoded == text or encoded.count(b":") == text.count(b":")


@cache
def _shows_all_keys(body_type: Any) -> bool:
    """Whether what is decoded by this type has each member that was sent, decoded too, and no other when it
    is encoded."""
    kinds: list[Any] = [_type_info(body_type)]
    structs = set()
    while kinds:
        kind = kinds.pop()
        if isinstance(kind, msgspec.inspect.StructType):
            adds_defaults = not kind.cls.__struct_config__.omit_defaults
            if adds_defaults and any(field.default is not msgspec.NODEFAULT for field in kind.fields):
                return False
            if kind.cls not in structs:
                structs.add(kind.cls)
                kinds += [field.type for field in kind.fields]
        elif isinstance(kind, msgspec.inspect.UnionType):
            kinds += kind.types
        elif isinstance(kind, msgspec.inspect.ListType):
            kinds.append(kind.item_type)
        elif not isinstance(kind, _WITHOUT_PARTS):
            return False
    return True


_WITHOUT_PARTS = (
    msgspec.inspect.AnyType,
    msgspec.inspect.BoolType,
    msgspec.inspect.FloatType,
    msgspec.inspect.IntType,
    msgspec.inspect.LiteralType,
    msgspec.inspect.NoneType,
    msgspec.inspect.StrType,
)


class _Repeated(Exception):
    """An object has the same key twice."""


def _once_each(pairs: list[tuple[str, object]]) -> None:
    if len(dict(pairs)) < len(pairs):
        raise _Repeated


# integers as doubles: their values are not used, and Python limits the digits of an int
_keys_decoder = json.JSONDecoder(object_pairs_hook=_once_each, parse_int=float, strict=False)


def refuse_repeated_keys(text: bytes, where: str = "", first: int = 0) -> None:
    """Raises RepeatedKey if an object in a JSON text has the same key twice. ``where`` is the pointer to the
    text; ``first`` is the number of its first item if it is a part of an array."""
    if len(text) <= SMALL_BYTES and has_distinct_keys(text):
        return
    if len(text) > LARGE_BYTES:
        # in Python, so that other threads can run in between
        if repeated_key(text) is not None:
            raise _repetition(text, where, first)
        return
    try:
        _keys_decoder.decode(text.decode())
    except _Repeated:
        raise _repetition(text, where, first) from None
    except UnicodeDecodeError as error:
        raise MalformedJson(complaint(error, text)) from None
    except (ValueError, RecursionError) as error:
        # parts without a type can still be invalid
        raise MalformedJson(f"The body is not valid JSON: {error}.") from None


def _repetition(text: bytes, where: str, first: int) -> RepeatedKey:
    place = repeated_key(text)
    if place is None:
        return RepeatedKey("An object has the same key twice. Send each key once.", pointer=where)
    key = pointer(place.key) if len(place.key) <= MAX_POINTED_KEY else ""
    outermost, *rest = place.tokens or ("",)
    tokens = (outermost + first, *rest) if isinstance(outermost, int) else place.tokens
    return RepeatedKey(
        f"An object has the key {preview(place.key)} twice. Send each key once.",
        pointer=f"{where}{pointer(*tokens)}{key}",
    )
