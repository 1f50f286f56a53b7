"""OpenAPI: the document that describes every call, made from the facts of the code."""

from rowkeep.http.openapi.document import describe

__all__ = ["describe"]
