"""OpenAPI: the document that describes all endpoints, generated from the code."""

from rowkeep.http.openapi.document import describe

__all__ = ["describe"]
