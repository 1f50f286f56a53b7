"""Lists: the responses with one page of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rowkeep.services.lists import Listing

T = TypeVar("T")


def list_form(key: str, form: Callable[[T], Any]) -> Callable[[Listing[T]], dict[str, Any]]:
    """A function that creates the response of a page: its items under ``key``, each converted by ``form``."""

    def listing_form(listing: Listing[T]) -> dict[str, Any]:
        response: dict[str, Any] = {key: [form(each) for each in listing.items]}
        if listing.next_cursor is not None:
            response["nextCursor"] = listing.next_cursor
        return response

    return listing_form
