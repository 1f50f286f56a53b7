"""Header fields: the headers of a request by name, read once for all that look for some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.types import Scope

FIELDS = "rowkeep.fields"
"""The key of the headers by name in a scope. A server that knows them need not have them read again."""


def fields_of(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers of a request by name."""
    fields: Mapping[bytes, bytes] | None = scope.get(FIELDS)
    if fields is None:
        fields = scope[FIELDS] = by_name(scope["headers"])
    return fields


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[bytes, bytes]:
    """Headers by name; several of the same name are joined as in RFC 9110 (section 5.3)."""
    fields: dict[bytes, bytes] = {}
    for name, value in headers:
        known = fields.get(name)
        fields[name] = value if known is None else known + b", " + value
    return fields
