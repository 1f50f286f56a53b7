"""Expected definitions: changes that are made only if a definition still is as its author has read it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from rowkeep.codec.rows import encode
from rowkeep.errors.catalogue import DefinitionChanged
from rowkeep.model.definitions.tags import tag_of
from rowkeep.storage.contract import Script, Steps
from rowkeep.storage.scripts.state import WorkspaceState

T = TypeVar("T")


def check_tag(form: Any, tag: str, what: str) -> None:
    """Raises DefinitionChanged if this form has another tag."""
    if tag_of(encode(form)) != tag:
        raise DefinitionChanged(
            f"{what} was changed meanwhile. Nothing was changed now: read the definition again, and send the "
            "change with its ETag."
        )


def if_expected(
    tag: str | None, state: WorkspaceState, check: Callable[[str], Steps[None]], change: Script[T]
) -> Script[T]:
    """The change, which first checks a tag in the same transaction if it is given one. Like the change, it
    raises the version first, so that nobody else changes the definition meanwhile."""
    if tag is None:
        return change

    def checked() -> Steps[T]:
        yield from state.raise_version()
        yield from check(tag)
        return (yield from change())

    return checked
