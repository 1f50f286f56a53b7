"""Answers: the JSON of a response of the Data API, whose numbers with a fraction or exponent are as they were
sent: a json column can have numbers that no double is."""

from __future__ import annotations

from typing import Any

import msgspec


def decoded(content: bytes | msgspec.Raw) -> Any:
    """The value; numbers with a fraction or exponent are ``msgspec.Raw``."""
    return _decoder.decode(content)


def digits(number: str) -> msgspec.Raw:
    """A number of a JSON text as it is written there."""
    return msgspec.Raw(number.encode())


_decoder = msgspec.json.Decoder(float_hook=digits)
