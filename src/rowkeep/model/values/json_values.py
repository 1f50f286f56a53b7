"""JSON values as cells: stored as the text of the request, so that numbers and the order of keys do not
change."""

from __future__ import annotations

import msgspec

from rowkeep.model.values.scalars import ExactDouble, Misfit

MAX_DOCUMENT_BYTES = 1024 * 1024

_decode = msgspec.json.Decoder(float_hook=float).decode


def read_document(value: object) -> str | None:
    """A JSON value as text; None for null. Raises Misfit.

    The value is raw JSON (:class:`msgspec.Raw`), or decoded if nothing is lost by that.
    """
    if not isinstance(value, msgspec.Raw):
        if value is None:
            raise Misfit("must be a JSON value")
        value = msgspec.Raw(msgspec.json.encode(value, enc_hook=_as_written))
    text = bytes(value)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise Misfit(f"must have at most {MAX_DOCUMENT_BYTES} bytes as JSON")
    try:
        decoded = _decode(text)
        return None if decoded is None else text.decode()
    except UnicodeDecodeError:
        raise Misfit("must be valid UTF-8") from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise Misfit(f"must be valid JSON ({error})") from None


def _as_written(value: object) -> object:
    assert isinstance(value, ExactDouble)  # noqa: S101 - JSON decodes to nothing else of ours
    return msgspec.Raw(value.text.encode())
