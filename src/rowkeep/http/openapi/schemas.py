"""Schemas: those of all types in the document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from rowkeep.codec.rows import encode
from rowkeep.http.openapi.batches import BATCH_PROPERTIES, batch_schemas
from rowkeep.http.openapi.bodies import refined
from rowkeep.http.openapi.filters import filter_schemas
from rowkeep.http.openapi.problems import error_table
from rowkeep.http.openapi.records import record_schemas
from rowkeep.http.openapi.views import view_schemas
from rowkeep.http.response_types import ref
from rowkeep.settings import Settings

REFERENCES: str = ref("{name}")["$ref"]


def schema_of(kind: Any) -> dict[str, Any]:
    """The schema of a type; for a Struct, a reference to its component."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return ref(kind.__name__)  # what msgspec gives, after it has described all that the Struct refers to
    (schema,), _ = msgspec.json.schema_components((kind,), ref_template=REFERENCES)
    return schema


def components_of(kinds: Iterable[Any], settings: Settings) -> dict[str, Any]:
    """The components for these types and all types that they refer to, and those that no type can
    describe."""
    _, made = msgspec.json.schema_components(kinds, ref_template=REFERENCES)
    made["ProblemDetails"]["description"] += f"\n\n{error_table()}"
    filters = filter_schemas(settings.max_filter_expressions)
    found = refined(made, BATCH_PROPERTIES) | filters | record_schemas() | view_schemas() | batch_schemas()
    for schema in found.values():
        _say_defaults(schema)
    return found


def _say_defaults(schema: dict[str, Any]) -> None:
    """Describe the defaults of properties in words: TypeScript generators treat a property with a ``default``
    as always present, and would require it in bodies."""
    for form in schema.get("anyOf", ()):
        _say_defaults(form)
    properties = schema.get("properties", {})
    for name, known in properties.items():
        if "default" in known:
            changed = {key: value for key, value in known.items() if key != "default"}
            if known["default"] not in ("", None):
                text = f"Default: `{encode(known['default']).decode()}`."
                changed["description"] = f"{known.get('description', '')} {text}".strip()
            properties[name] = changed
